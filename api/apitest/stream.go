package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// stream judges the body of a stream as it is read.
type stream struct {
	io.ReadCloser
	x      *exchange
	item   node
	report func(error)

	buffer []byte
	frame  [][]byte // the fields of an event that has not ended
	events bool     // server-sent events; otherwise one action a line
	retry  int      // how often retry was sent
	last   int64    // the last id
	failed bool     // one complaint is enough
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.buffer = append(s.buffer, p[:n]...)
	for !s.failed {
		line, rest, whole := bytes.Cut(s.buffer, []byte("\n"))
		if !whole {
			break
		}
		s.buffer = rest
		s.fail(s.line(line))
	}
	if err == io.EOF && !s.failed {
		s.fail(s.end())
	}
	return n, err
}

func (s *stream) fail(err error) {
	if err != nil {
		s.failed = true
		s.report(fmt.Errorf("stream: %w", err))
	}
}

// end judges a stream that the server has closed.
func (s *stream) end() error {
	if len(s.buffer) > 0 || len(s.frame) > 0 {
		return fmt.Errorf("ended in the middle of an event: %.200q", append(bytes.Join(s.frame, []byte("\n")), s.buffer...))
	}
	if s.events && s.retry != 1 {
		return fmt.Errorf("retry was sent %d times, want once", s.retry)
	}
	return nil
}

func (s *stream) line(line []byte) error {
	if !s.events {
		if len(line) == 0 {
			if !s.x.req.URL.Query().Has("keepalive") {
				return fmt.Errorf("an empty line that was not asked for")
			}
			return nil
		}
		_, err := s.action(line)
		return err
	}
	if len(line) > 0 {
		if line[0] != ':' {
			s.frame = append(s.frame, line)
		}
		return nil
	}
	frame := s.frame
	s.frame = nil
	return s.event(frame)
}

// event judges the fields of one server-sent event.
func (s *stream) event(fields [][]byte) error {
	var id, data string
	for _, field := range fields {
		name, value, ok := strings.Cut(string(field), ": ")
		switch {
		case ok && name == "id" && id == "":
			id = value
		case ok && name == "data" && data == "":
			data = value
		case ok && name == "retry" && value == "3000" && s.retry == 0 && s.last == 0:
			s.retry++
		default:
			return fmt.Errorf("unexpected field %.200q", field)
		}
	}
	if s.retry == 0 && len(fields) > 0 {
		return fmt.Errorf("the first event has no retry")
	}
	if data == "" {
		if id != "" && s.last != 0 {
			return fmt.Errorf("an id without data: %q, which only a greeting without actions may have", id)
		}
		return nil
	}
	had, err := s.action([]byte(data))
	if err != nil {
		return err
	}
	if id != had {
		return fmt.Errorf("the event's id is %q, the action's %q", id, had)
	}
	return nil
}

// action judges one action and returns its id, "" in the public view.
func (s *stream) action(text []byte) (string, error) {
	value, err := parse(text)
	if err != nil {
		return "", err
	}
	if err := s.x.view(s.item, value); err != nil {
		return "", fmt.Errorf("%.200s: %w", text, err)
	}
	number, ok := value.(map[string]any)["id"].(json.Number)
	if !ok {
		return "", nil
	}
	id, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil {
		return "", err
	}
	if id <= s.last {
		return "", fmt.Errorf("id %d after %d", id, s.last)
	}
	s.last = id
	return number.String(), nil
}
