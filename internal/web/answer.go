package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// Answer is a body that may be sent many times, with the headers that depend on
// it made once. It must not be changed.
type Answer struct {
	body        []byte
	contentType []string
	length      []string
	etag        []string
}

// NewAnswer makes an answer whose strong entity tag is a hash of the body.
func NewAnswer(contentType string, body []byte) *Answer {
	sum := sha256.Sum256(body)
	return &Answer{
		body:        body,
		contentType: []string{contentType},
		length:      []string{strconv.Itoa(len(body))},
		etag:        []string{`"` + hex.EncodeToString(sum[:12]) + `"`},
	}
}

// Bytes returns the body, which the caller must not change.
func (a *Answer) Bytes() []byte { return a.body }

var noCache = []string{"no-cache"}

// Serve sends the answer with status 200, or 304 if the client has it already.
// It may be stored but must be asked for anew each time.
func (a *Answer) Serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Etag"] = a.etag
	h["Cache-Control"] = noCache
	if match := r.Header["If-None-Match"]; match != nil && Matches(match, a.etag[0]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = a.contentType
	h["Content-Length"] = a.length
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(a.body)
	}
}

// Matches says whether the values of If-None-Match name the entity tag, by the
// weak comparison of RFC 9110, section 13.1.2.
func Matches(ifNoneMatch []string, etag string) bool {
	for _, line := range ifNoneMatch {
		for candidate := range strings.SplitSeq(line, ",") {
			candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
			if candidate == etag || candidate == "*" {
				return true
			}
		}
	}
	return false
}
