package web

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Problem answers with e as a problem document (RFC 9457): type, title, status,
// detail, and member where one member is at fault.
func Problem(w http.ResponseWriter, e *Error) {
	body, _ := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Member string `json:"member,omitempty"`
	}{"about:blank", http.StatusText(e.Status), e.Status, e.Detail, e.Field})
	h := w.Header()
	for name, values := range e.Header {
		h[name] = values
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.Status)
	w.Write(body)
}

// Preflight answers what a browser asks before a request of another origin.
func Preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, PUT")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID, If-None-Match")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}
