package apitest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// exchange is one request and its answer, seen through the document.
type exchange struct {
	*contract
	req       *http.Request
	res       *http.Response
	operation node   // does not exist where a default applies
	response  node   // what the document says about the answer
	name      string // of the response, for the record of what was seen
}

// find looks up what the document says about the answer.
func (c *contract) find(req *http.Request, res *http.Response) (*exchange, error) {
	x := &exchange{contract: c, req: req, res: res}
	template, item, known := c.path(req.URL.Path)
	method := req.Method
	if method == http.MethodHead && !item.get("head").exists() {
		method = http.MethodGet
	}
	x.operation = item.get(strings.ToLower(method))
	common := func(name string) node { return c.root.get("components").get("responses").get(wing(req) + name) }
	switch {
	case x.operation.exists():
		status := strconv.Itoa(res.StatusCode)
		x.response = x.operation.get("responses").get(status)
		x.name = method + " " + template + " " + status
	case method == http.MethodOptions && res.StatusCode == http.StatusNoContent:
		x.response, x.name = common("Preflight"), "OPTIONS"
	case known && res.StatusCode == http.StatusMethodNotAllowed:
		x.response, x.name = common("MethodNotAllowed"), "405"
		if got, want := methods(res.Header.Get("Allow")), allowed(item); !slices.Equal(got, want) {
			return nil, fmt.Errorf("header Allow names %v, the document %v", got, want)
		}
	case !known && res.StatusCode == http.StatusNotFound:
		x.response, x.name = common("NotFound"), "404"
	}
	if !x.response.exists() {
		return nil, fmt.Errorf("status %d is not documented here", res.StatusCode)
	}
	return x, nil
}

// wing is how the names of the tracker wing's components begin; those of the
// club wing and of the whole server have no such beginning.
func wing(req *http.Request) string {
	if p := req.URL.Path; p == "/api/v2" || strings.HasPrefix(p, "/api/v2/") {
		return "V2"
	}
	return ""
}

// methods returns the methods in an Allow header, sorted, without OPTIONS.
func methods(allow string) []string {
	list := strings.Split(allow, ", ")
	list = slices.DeleteFunc(list, func(m string) bool { return m == http.MethodOptions })
	slices.Sort(list)
	return list
}

// head judges everything but the body and returns what the document says
// about the body, or no node if there has to be none.
func (x *exchange) head() (media node, err error) {
	if err := x.reach(); err != nil {
		return node{}, err
	}
	headers := x.response.get("headers")
	for name := range headers.members() {
		if err := x.header(name, headers.get(name)); err != nil {
			return node{}, err
		}
	}
	content := x.response.get("content")
	if !content.exists() {
		return node{}, nil
	}
	kind, params, err := mime.ParseMediaType(x.res.Header.Get("Content-Type"))
	if err != nil {
		return node{}, fmt.Errorf("header Content-Type is %q: %v", x.res.Header.Get("Content-Type"), err)
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return node{}, fmt.Errorf("charset %q", charset)
	}
	media = content.get(kind)
	if !media.exists() {
		return node{}, fmt.Errorf("content type %q is not documented here", kind)
	}
	if media.get("x-item-schema").exists() {
		sse := strings.EqualFold(x.req.URL.Query().Get("format"), "SSE")
		if sse != (kind == "text/event-stream") {
			return node{}, fmt.Errorf("content type %q is not the format that was asked for", kind)
		}
	}
	x.name += " " + kind
	return media, nil
}

// reach refuses a success that needed a password which was not given.
func (x *exchange) reach() error {
	if x.res.StatusCode >= 400 || !x.public() {
		return nil
	}
	ways, _ := x.operation.get("security").value.([]any)
	for _, way := range ways {
		if w, ok := way.(map[string]any); ok && len(w) == 0 {
			return nil
		}
	}
	if len(ways) == 0 {
		return nil
	}
	return fmt.Errorf("status %d for a request in the public view, where the document asks for a password", x.res.StatusCode)
}

// public says whether the request asks for the public view. The tracker wing
// has none; there, public is a filter.
func (x *exchange) public() bool {
	return x.req.Header.Get("Authorization") == "" || wing(x.req) == "" && x.req.URL.Query().Has("public")
}

func (x *exchange) header(name string, header node) error {
	values := x.res.Header.Values(name)
	if len(values) == 0 {
		if required, _ := header.get("required").value.(bool); required {
			return fmt.Errorf("header %s is missing", name)
		}
		return nil
	}
	var value any = strings.Join(values, ", ")
	schema := header.get("schema")
	if schema.get("type").value == "integer" {
		value = json.Number(value.(string))
		if _, err := strconv.ParseInt(string(value.(json.Number)), 10, 64); err != nil {
			return fmt.Errorf("header %s is %q, want an integer", name, value)
		}
	}
	if err := x.validate(schema, value); err != nil {
		return fmt.Errorf("header %s: %w", name, err)
	}
	return nil
}

// body judges a body that has arrived whole.
func (x *exchange) body(media node, body []byte) error {
	if !media.exists() || x.req.Method == http.MethodHead {
		if len(body) != 0 {
			return fmt.Errorf("a body of %d bytes where there has to be none", len(body))
		}
		return nil
	}
	schema := media.get("schema")
	if strings.HasPrefix(x.res.Header.Get("Content-Type"), "text/") {
		return x.validate(schema, string(body))
	}
	value, err := parse(body)
	if err != nil {
		return err
	}
	if err := x.view(schema, value); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	problem, _ := value.(map[string]any)
	if x.res.StatusCode >= 400 && wing(x.req) == "" && problem["status"] != json.Number(strconv.Itoa(x.res.StatusCode)) {
		return fmt.Errorf("the problem's status is %v, the answer's %d", problem["status"], x.res.StatusCode)
	}
	return nil
}

// parse reads one JSON value in UTF-8 without duplicate members and with
// nothing after it.
func parse(text []byte) (any, error) {
	if !jsontext.Value(text).IsValid() {
		return nil, fmt.Errorf("not valid JSON, or a member stands twice: %.200q", text)
	}
	return jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
}

// view validates a value that may have a shape for members and one for the
// public: schemas called Member… and Public… side by side in an anyOf. Only the
// shape of the view that was asked for is accepted.
func (x *exchange) view(schema node, value any) error {
	shapes, _ := schema.get("anyOf").value.([]any)
	hidden := "Public"
	if x.public() {
		hidden = "Member"
	}
	var errs []string
	for i := range shapes {
		shape := schema.get("anyOf").at(i)
		ref, _ := shape.members()["$ref"].(string)
		if strings.HasPrefix(ref, "#/components/schemas/"+hidden) {
			continue
		}
		err := x.validate(shape, value)
		if err == nil {
			return nil
		}
		errs = append(errs, err.Error())
	}
	if shapes == nil {
		return x.validate(schema, value)
	}
	return fmt.Errorf("no shape fits: %s", strings.Join(errs, "; "))
}

func (x *exchange) validate(schema node, value any) error {
	compiled, err := x.schema(schema)
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}
