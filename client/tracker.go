package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Tracker speaks to one person's tracker. Its fields must not be changed while
// it is in use; its methods may be called by several goroutines. A refusal is an
// *Error.
type Tracker struct {
	BaseURL string // such as "https://stint.example", without /api
	Token   string // of scope write for everything that changes something

	// HTTP sends the requests; nil means http.DefaultClient.
	HTTP *http.Client
}

// Answer is what the tracker answers, as it was sent.
type Answer struct {
	Data     json.RawMessage
	Warnings []string // what the server ignored or replaced
}

// tries is how often a request is sent that may be repeated.
const tries = 3

const sessionsPath = "/api/v2/sessions.php"

// Call sends a request to any path of the tracker, such as
// "/api/v2/sessions.php". A body that is not nil is sent as JSON. A POST carries
// an Idempotency-Key: key, or if that is empty a new one; so if the connection is
// lost before the answer is there, it is sent again, as a GET is, and happens
// once.
func (t *Tracker) Call(ctx context.Context, method, path string, query url.Values, body any, key string) (Answer, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return Answer{}, err
		}
	}
	if key == "" {
		key = rand.Text()
	}
	again := method == http.MethodGet || method == http.MethodPost
	for n := 1; ; n++ {
		answer, err := t.try(ctx, method, path, query, text, key)
		if err == nil || !again || n == tries || !lost(err) || ctx.Err() != nil {
			return answer, err
		}
		select {
		case <-time.After(time.Duration(n) * firstWait):
		case <-ctx.Done():
		}
	}
}

// lost says whether the connection broke after it had been there: the request
// may have been heard.
func lost(err error) bool {
	var refused *Error
	var op *net.OpError
	return !errors.As(err, &refused) && !(errors.As(err, &op) && op.Op == "dial") && !errors.As(err, new(unreadable))
}

// unreadable is an answer that is none of the tracker's.
type unreadable struct{ error }

func (t *Tracker) try(ctx context.Context, method, path string, query url.Values, body []byte, key string) (Answer, error) {
	target := strings.TrimRight(t.BaseURL, "/") + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return Answer{}, unreadable{err}
	}
	req.Header.Set("Authorization", "Bearer "+t.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPost {
		req.Header.Set("Idempotency-Key", key)
	}
	sender := t.HTTP
	if sender == nil {
		sender = http.DefaultClient
	}
	res, err := sender.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return Answer{}, problem(res)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, err
	}
	var envelope struct {
		OK   bool
		Data json.RawMessage
		Meta struct{ Warnings []string }
	}
	if err := json.Unmarshal(text, &envelope); err != nil {
		return Answer{}, unreadable{fmt.Errorf("the answer can't be read: %w", err)}
	}
	if !envelope.OK || envelope.Data == nil {
		return Answer{}, unreadable{errors.New("the answer is none of the tracker's")}
	}
	return Answer{Data: envelope.Data, Warnings: envelope.Meta.Warnings}, nil
}

// into sends a request and decodes the data of the answer.
func (t *Tracker) into(ctx context.Context, method string, query url.Values, body any, key string, result any) error {
	answer, err := t.Call(ctx, method, sessionsPath, query, body, key)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer.Data, result); err != nil {
		return fmt.Errorf("the answer can't be read: %w", err)
	}
	return nil
}

func withID(id int64) url.Values { return url.Values{"id": {strconv.FormatInt(id, 10)}} }
