// Package web is what every HTTP surface shares: the access log, request ids,
// addresses behind proxies, strict JSON objects, cacheable answers and the
// limit on failed logins. It knows no route and no domain.
package web

import (
	"fmt"
	"net/http"
)

// Error is an answer that is not a success. A surface turns it into its own
// wire shape.
type Error struct {
	Status int         // HTTP status code
	Code   string      // a stable word for programs; "" where the status says it all
	Field  string      // the member or parameter at fault; "" if none is
	Detail string      // a sentence for a person: what was wrong and what is allowed
	Header http.Header // what the answer carries beside it, such as Allow; may be nil
}

func (e *Error) Error() string {
	return fmt.Sprintf("%d %s", e.Status, e.Detail)
}

// BadRequest is a 400 about one member or parameter, or about the whole request
// if field is "".
func BadRequest(field, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "validation", Field: field, Detail: fmt.Sprintf(format, args...)}
}

// MethodNotAllowed is a 405 that names the allowed methods, such as "GET, HEAD".
func MethodNotAllowed(allow string) *Error {
	return &Error{
		Status: http.StatusMethodNotAllowed,
		Code:   "method_not_allowed",
		Detail: "This path takes " + allow + ".",
		Header: http.Header{"Allow": {allow}},
	}
}
