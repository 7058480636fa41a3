package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// bodyTimeout is how long a client may take to send a body.
const bodyTimeout = 20 * time.Second

// maxDepth is how deeply a member may be nested.
const maxDepth = 32

// Object is a JSON object whose members have not been interpreted yet.
type Object map[string]jsontext.Value

// ReadBody reads a request's body of at most limit bytes. A longer one is 413,
// one that takes more than 20 seconds is 408, one that breaks off is 400.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	// Deadlines are not to be had everywhere; the limit holds in any case. A
	// refused body keeps its deadline: net/http reads on before it lets the
	// connection go.
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &Error{Status: http.StatusRequestTimeout, Code: "timeout",
			Header: http.Header{"Connection": {"close"}},
			Detail: fmt.Sprintf("The body did not arrive whole within %d seconds.", int(bodyTimeout.Seconds()))}
	}
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Code: "validation",
			Header: http.Header{"Connection": {"close"}},
			Detail: "The body did not arrive whole; its length or its chunks are wrong."}
	}
	if int64(len(body)) > limit {
		return nil, tooLarge(limit)
	}
	control.SetReadDeadline(time.Time{})
	return body, nil
}

func tooLarge(limit int64) *Error {
	return &Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large",
		Header: http.Header{"Connection": {"close"}},
		Detail: fmt.Sprintf("The body is too large; at most %d bytes are allowed.", limit)}
}

// ParseObject reads exactly one JSON object. Refused with a 400 are malformed
// JSON, any other value, duplicate members, invalid UTF-8, unpaired surrogates
// (RFC 7493, Internet JSON), members nested more than 32 levels deep, and anything
// after the object.
func ParseObject(body []byte) (Object, error) {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if d.PeekKind() != '{' {
		if _, err := d.ReadValue(); err != nil {
			return nil, notJSON(err)
		}
		return nil, BadRequest("", "The body must be one JSON object.")
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, notJSON(err)
	}
	o := Object{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, notJSON(err)
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, notJSON(err)
		}
		if tooDeep(value) {
			return nil, BadRequest("", "A member is nested too deeply; at most %d levels are allowed.", maxDepth)
		}
		o[key] = value.Clone()
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, BadRequest("", "The body must be one JSON object with nothing after it.")
	}
	return o, nil
}

// tooDeep says whether a value has more than maxDepth levels of arrays and
// objects.
func tooDeep(v jsontext.Value) bool {
	if len(v) <= 2*maxDepth {
		return false
	}
	for d := jsontext.NewDecoder(bytes.NewReader(v)); ; {
		if _, err := d.ReadToken(); err != nil {
			return false
		}
		if d.StackDepth() > maxDepth {
			return true
		}
	}
}

func notJSON(err error) *Error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		name := syntax.JSONPointer.LastToken()
		if len(name) > 64 {
			name = "with the long name"
		}
		return BadRequest("", "The member %s stands twice in an object; each may stand once.", name)
	case errors.As(err, &syntax):
		return BadRequest("", "The body is not well-formed JSON in UTF-8 (%v at byte %d); it must be one JSON object.", syntax.Err, syntax.ByteOffset)
	default:
		return BadRequest("", "The body is not well-formed JSON; it must be one JSON object.")
	}
}

// Has says whether the member is there and not null.
func (o Object) Has(name string) bool {
	v, ok := o[name]
	return ok && v.Kind() != 'n'
}

// Text returns a member that is a JSON string.
func (o Object) Text(name string) (text string, isString bool) {
	v := o[name]
	if v.Kind() != '"' {
		return "", false
	}
	b, err := jsontext.AppendUnquote(nil, v)
	return string(b), err == nil
}
