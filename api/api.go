// Package api holds the contract of Stint's HTTP interface: what every path
// takes and what it answers. The tests hold the server to it (package apitest),
// and the server shows it to its users as the documentation page.
package api

import _ "embed"

// Document is the contract, an OpenAPI 3.1 document in YAML. It must not be
// changed.
//
//go:embed openapi.yaml
var Document []byte
