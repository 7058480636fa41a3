package api_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"stint/api"
)

// TestDocument holds the document itself to OpenAPI 3.1: references, schemas,
// unique operation ids, and examples that match their schemas.
func TestDocument(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Fatalf("openapi is %q, want 3.1", doc.OpenAPI)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
}
