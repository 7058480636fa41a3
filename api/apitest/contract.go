package apitest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/oasdiff/yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"stint/api"
)

const documentURL = "https://stint.invalid/openapi.json"

// contract is the document, with its schemas compiled as they are asked for.
type contract struct {
	root     node
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // by JSON pointer
}

// load reads the document once per process.
var load = sync.OnceValues(func() (*contract, error) {
	text, err := yaml.YAMLToJSON(api.Document)
	if err != nil {
		return nil, err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource(documentURL, value); err != nil {
		return nil, err
	}
	return &contract{root: node{value: value, root: value}, compiler: compiler, schemas: map[string]*jsonschema.Schema{}}, nil
})

// schema returns the compiled schema at n.
func (c *contract) schema(n node) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.schemas[n.pointer]; s != nil {
		return s, nil
	}
	s, err := c.compiler.Compile(documentURL + "#" + n.pointer)
	if err != nil {
		return nil, err
	}
	c.schemas[n.pointer] = s
	return s, nil
}

// path returns the path item that stands for a URL path: one without
// parameters before one with.
func (c *contract) path(path string) (template string, item node, ok bool) {
	paths := c.root.get("paths")
	for _, template := range slices.Sorted(maps.Keys(paths.members())) {
		if fits(template, path) && (!ok || !strings.Contains(template, "{")) {
			return template, paths.get(template), true
		}
	}
	return "", node{}, false
}

func fits(template, path string) bool {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, have, func(w, h string) bool {
		return w == h || h != "" && strings.HasPrefix(w, "{") && strings.HasSuffix(w, "}")
	})
}

// allowed returns the methods of a path item, sorted, HEAD beside GET.
func allowed(item node) []string {
	var methods []string
	for _, m := range []string{http.MethodDelete, http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodPut} {
		if item.get(strings.ToLower(m)).exists() {
			methods = append(methods, m)
		}
	}
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return methods
}

// node is a place in the document.
type node struct {
	root    any
	value   any
	pointer string // JSON pointer, percent-encoded for use in a URL fragment
}

func (n node) exists() bool { return n.value != nil }

func (n node) members() map[string]any {
	m, _ := n.value.(map[string]any)
	return m
}

// get returns the member called key, and what it refers to if it is a
// reference. Where there is none the result does not exist.
func (n node) get(key string) node {
	child := n.raw(key)
	for {
		ref, ok := child.members()["$ref"].(string)
		if !ok || len(child.members()) > 1 {
			return child
		}
		child = node{root: n.root, value: n.root}
		for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			child = child.raw(unescape(part))
		}
	}
}

func (n node) raw(key string) node {
	return node{root: n.root, value: n.members()[key], pointer: n.pointer + "/" + escape(key)}
}

// at returns the element of an array.
func (n node) at(i int) node {
	list, _ := n.value.([]any)
	return node{root: n.root, value: list[i], pointer: fmt.Sprintf("%s/%d", n.pointer, i)}
}

var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1", "%", "%25", "{", "%7B", "}", "%7D", " ", "%20")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

func escape(key string) string    { return escaper.Replace(key) }
func unescape(part string) string { return unescaper.Replace(part) }
