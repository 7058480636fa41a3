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

func wantEqual(t testing.TB, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
