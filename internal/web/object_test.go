package web_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"stint/internal/web"
)

func TestParseObject(t *testing.T) {
	deep := `{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`
	tooDeep := `{"a":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`
	for _, c := range []struct {
		name, body string
		members    int // -1: refused
	}{
		{"no member", `{}`, 0},
		{"white space around", " \r\n\t{ \"a\" : 1 } \n", 1},
		{"all kinds of values", `{"a":1,"b":"x","c":null,"d":[1,{}],"e":{"f":true}}`, 5},
		{"the same name in two objects", `{"a":1,"b":{"a":2}}`, 2},
		{"names that differ in case", `{"a":1,"A":2}`, 2},
		{"an empty name", `{"":1}`, 1},
		{"an escaped name", `{"\u0061":1}`, 1},
		{"a pair of surrogates", `{"a":"\ud83d\ude00"}`, 1},
		{"huge number", `{"a":` + strings.Repeat("9", 1000) + `}`, 1},
		{"nested 32 deep", deep, 1},

		{"nothing", ``, -1},
		{"white space only", "  \n", -1},
		{"array", `[]`, -1},
		{"array of objects", `[{"a":1}]`, -1},
		{"string", `"a"`, -1},
		{"number", `1`, -1},
		{"null", `null`, -1},
		{"true", `true`, -1},
		{"NaN", `NaN`, -1},
		{"NaN as a value", `{"a":NaN}`, -1},
		{"Infinity", `{"a":Infinity}`, -1},
		{"two objects", `{"a":1}{"a":1}`, -1},
		{"something after it", `{"a":1}x`, -1},
		{"a comma after it", `{"a":1},`, -1},
		{"cut in a name", `{"a`, -1},
		{"cut in a value", `{"a":"x`, -1},
		{"cut after a value", `{"a":1`, -1},
		{"cut after a comma", `{"a":1,`, -1},
		{"trailing comma", `{"a":1,}`, -1},
		{"no comma", `{"a":1 "b":2}`, -1},
		{"no value", `{"a":}`, -1},
		{"a name without quotes", `{a:1}`, -1},
		{"single quotes", `{'a':1}`, -1},
		{"a comment", `{"a":1/**/}`, -1},
		{"leading zero", `{"a":01}`, -1},
		{"plus sign", `{"a":+1}`, -1},
		{"hexadecimal", `{"a":0x10}`, -1},
		{"twice the same name", `{"a":1,"a":1}`, -1},
		{"the same name, escaped", `{"a":1,"\u0061":1}`, -1},
		{"twice the same name, nested", `{"a":{"b":1,"b":2}}`, -1},
		{"twice the same name, in an array", `{"a":[{"b":1,"b":2}]}`, -1},
		{"invalid UTF-8 in a value", "{\"a\":\"\xff\"}", -1},
		{"invalid UTF-8 in a name", "{\"\xff\":1}", -1},
		{"invalid UTF-8, nested", "{\"a\":[\"\xc3\x28\"]}", -1},
		{"overlong UTF-8", "{\"a\":\"\xc0\x80\"}", -1},
		{"a lone surrogate", `{"a":"\ud800"}`, -1},
		{"a lone low surrogate, nested", `{"a":["\udc00"]}`, -1},
		{"a lone surrogate in a name", `{"\ud800":1}`, -1},
		{"a control character", "{\"a\":\"\x01\"}", -1},
		{"a line break in a string", "{\"a\":\"\n\"}", -1},
		{"NUL", "{\"a\":\"\x00\"}", -1},
		{"NUL after it", "{\"a\":1}\x00", -1},
		{"byte order mark", "\ufeff{}", -1},
		{"UTF-16", "{\x00}\x00", -1},
		{"a form", "type=status&user=Hans", -1},
		{"nested 33 deep", tooDeep, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := web.ParseObject([]byte(c.body))
			if c.members >= 0 {
				if err != nil || len(o) != c.members {
					t.Errorf("got %d members, %v; want %d", len(o), err, c.members)
				}
				return
			}
			var refused *web.Error
			if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || refused.Detail == "" || o != nil {
				t.Errorf("got %v, %v; want a 400 that says why", o, err)
			}
		})
	}
}

func TestObjectMembers(t *testing.T) {
	o, err := web.ParseObject([]byte(`{"text":"a\u0062\n","empty":"","null":null,"number":1,"false":false,"object":{"text":"x"},"\u006eame":"y"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		member   string
		has      bool
		text     string
		isString bool
	}{
		{"text", true, "ab\n", true},
		{"empty", true, "", true},
		{"null", false, "", false},
		{"number", true, "", false},
		{"false", true, "", false},
		{"object", true, "", false},
		{"name", true, "y", true},
		{"absent", false, "", false},
		{"Text", false, "", false},
	} {
		t.Run(c.member, func(t *testing.T) {
			if got := o.Has(c.member); got != c.has {
				t.Errorf("Has: %v", got)
			}
			if text, isString := o.Text(c.member); text != c.text || isString != c.isString {
				t.Errorf("Text: %q, %v", text, isString)
			}
		})
	}
}

func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{
		`{"type":"status","user":"Hans","status":"public","note":"hi"}`,
		`{"type":"announcement","aid":1,"from":"now","to":1e3,"public":true,"url":null}`,
		`{"a":{"b":[1,2,{"c":"\ud83d\ude00"}]},"d":-0.5e-7}`, `{"a":1,"a":1}`, "{\"a\":\"\xff\"}", `[]`, `{`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := web.ParseObject(body)
		if err != nil {
			var refused *web.Error
			if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || !utf8.ValidString(refused.Detail) {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		var reference map[string]any
		if err := json.Unmarshal(body, &reference); err != nil || len(reference) != len(o) {
			t.Fatalf("%q: got %d members, encoding/json %d, %v", body, len(o), len(reference), err)
		}
		for name := range o {
			want, isString := reference[name].(string)
			if text, ok := o.Text(name); ok != isString || text != want {
				t.Fatalf("%q: member %q is %q, %v; want %q, %v", body, name, text, ok, want, isString)
			}
			if o.Has(name) != (reference[name] != nil) {
				t.Fatalf("%q: Has(%q) is %v", body, name, o.Has(name))
			}
		}
	})
}
