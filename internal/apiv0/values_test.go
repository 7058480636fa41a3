package apiv0_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

// object is a JSON object whose numbers are kept as they were written.
type object map[string]any

func parse(t testing.TB, text string) object {
	t.Helper()
	var o object
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return o
}

// actions reads {"actions":[…]}.
func actions(t testing.TB, text string) (list []object) {
	t.Helper()
	o := parse(t, text)
	elements, ok := o["actions"].([]any)
	if !ok || len(o) != 1 {
		t.Fatalf("not a list of actions: %s", text)
	}
	for _, e := range elements {
		list = append(list, e.(map[string]any))
	}
	return list
}

// ids are the ids of a list of actions, for comparing: "[3 4 5]".
func ids(t testing.TB, text string) string {
	t.Helper()
	list := []any{}
	for _, a := range actions(t, text) {
		list = append(list, a["id"])
	}
	return fmt.Sprint(list)
}

// members are an object's members in the order of the text, for comparing.
func members(t testing.TB, text string) (names []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func wantEqual(t testing.TB, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
