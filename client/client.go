// Package client speaks to a Stint server: a Client the club-status API, version
// 0, a Tracker the tracker API, version 2.
//
// It needs nothing but the standard library. A Client without a password sees
// the public view.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client speaks to one club. Its fields must not be changed while it is in
// use; its methods may be called by several goroutines.
type Client struct {
	BaseURL  string // such as "https://club.example", without /api
	Password string // a club password; "" for the public view

	// HTTP sends the requests; nil means http.DefaultClient. A Timeout set there
	// would also end streams: bound requests by their context instead.
	HTTP *http.Client
}

// Error is an answer that refuses a request.
type Error struct {
	Status     int           // HTTP status code
	Title      string        // the status in words
	Detail     string        // what was wrong and what is allowed; "" if the answer did not say
	Member     string        // the member or parameter at fault; "" if none is
	RetryAfter time.Duration // how long to wait before trying again; 0 if the answer did not say

	// Of the tracker only:
	Code    string    // a stable word such as "overlap"
	RetryAt time.Time // when the same request may succeed; zero if the answer did not say
	Session int64     // the session that is in the way; 0 if none is
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%d %s", e.Status, e.Title)
	}
	return fmt.Sprintf("%d %s: %s", e.Status, e.Title, e.Detail)
}

// Temporary reports whether the same request may succeed later.
func (e *Error) Temporary() bool {
	return e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
}

// maxProblem is how many bytes of an error's body are read.
const maxProblem = 64 << 10

// do sends a request and returns an answer with status 200, or an *Error. The
// body of the answer must be closed.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, body any, header http.Header) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	if query == nil {
		query = url.Values{}
	}
	if c.Password == "" {
		query.Set("public", "") // also where the server would ask everybody for a password
	}
	target := strings.TrimRight(c.BaseURL, "/") + "/api/v0" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Password != "" {
		req.SetBasicAuth("", c.Password)
	}
	sender := c.HTTP
	if sender == nil {
		sender = http.DefaultClient
	}
	res, err := sender.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, problem(res)
	}
	return res, nil
}

// problem reads the refusal in res, which may come from a proxy and say
// nothing.
func problem(res *http.Response) *Error {
	e := &Error{}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	var p struct {
		Title, Detail, Member string // RFC 9457
		Error                 struct {
			Code, Message, Field string
			RetryAt              time.Time `json:"retry_at"`
			Session              int64
		}
	}
	if json.Unmarshal(body, &p) == nil {
		e.Title, e.Detail, e.Member = p.Title, p.Detail, p.Member
		if p.Error.Code != "" {
			e.Code, e.Detail, e.Member = p.Error.Code, p.Error.Message, p.Error.Field
			e.RetryAt, e.Session = p.Error.RetryAt, p.Error.Session
		}
	}
	e.Status = res.StatusCode
	if e.Title == "" {
		e.Title = http.StatusText(e.Status)
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}

// call sends a request and decodes the answer into result.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, body, result any) error {
	res, err := c.do(ctx, method, path, query, body, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(result); err != nil {
		return fmt.Errorf("the answer can't be read: %w", err)
	}
	io.Copy(io.Discard, io.LimitReader(res.Body, maxProblem)) // so that the connection can be used again
	return nil
}
