//go:build linux

package main

var trackerRows []row
