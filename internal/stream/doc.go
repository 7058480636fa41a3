// Package stream sends one stream of events to many readers over HTTP.
//
// A Log holds the newest events, each encoded once, in a shared append-only
// buffer. A reader is a connection and the id of the last event it was given,
// nothing else: no goroutine, no channel, no buffer. One worker a processor
// takes each of its readers and writes everything from there to the head with
// one system call that does not wait; the more events wait, the more one
// write carries.
//
// A reader whose socket is full gets a goroutine that waits, until it has
// caught up; what has left the Log's window meanwhile is read with Replay,
// from the truth. So nobody slow holds anybody up, and nothing is lost or sent
// twice: the position is an id, and only whole frames are started.
//
// Connections that can't be taken over (TLS, HTTP/2, pipes) are served by
// their own goroutine from the same Log.
package stream
