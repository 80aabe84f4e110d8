package control_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// document is the OpenAPI document that a server serves, with which answers are compared.
type document struct {
	Paths map[string]map[string]json.RawMessage
	whole any

	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema
}

// openAPI reads the document of a server.
func openAPI(t *testing.T, base string) *document {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	d := &document{compiled: map[string]*jsonschema.Schema{}}
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text.Bytes(), d); err != nil {
		t.Fatal(err)
	}
	if d.whole, err = jsonschema.UnmarshalJSON(&text); err != nil {
		t.Fatal(err)
	}
	return d
}

// resource returns the path of the document that a path is one of, "" if there is none.
func (d *document) resource(path string) string {
	path, _, _ = strings.Cut(path, "?")
	segments := strings.Split(strings.Trim(path, "/"), "/")
	best := ""
	for template := range d.Paths {
		parts := strings.Split(strings.Trim(template, "/"), "/")
		fits := len(parts) == len(segments)
		for i := 0; fits && i < len(parts); i++ {
			fits = strings.HasPrefix(parts[i], "{") && segments[i] != "" || parts[i] == segments[i]
		}
		if fits && (best == "" || strings.Count(template, "{") < strings.Count(best, "{")) {
			best = template
		}
	}
	return best
}

// check returns what is wrong with an answer to a request, as the document has it.
func (d *document) check(method, path string, status int, header http.Header, body any) error {
	resource := d.resource(path)
	text, known := d.Paths[resource][strings.ToLower(method)]
	if !known {
		if status/100 == 2 && method != http.MethodHead && method != http.MethodOptions {
			return fmt.Errorf("%s %s is answered, but not in the document", method, path)
		}
		return nil
	}
	var operation struct {
		Responses map[string]struct {
			Content map[string]json.RawMessage
			Headers map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &operation); err != nil {
		return err
	}
	code := strconv.Itoa(status)
	response, known := operation.Responses[code]
	if !known {
		if status/100 == 2 {
			return fmt.Errorf("%s %s answers %d, which is not in the document", method, resource, status)
		}
		response, code = operation.Responses["default"], "default"
	}
	for name := range response.Headers {
		if header.Get(name) == "" {
			return fmt.Errorf("%s %s answers %d without %s", method, resource, status, name)
		}
	}
	if response.Content == nil {
		if body != nil {
			return fmt.Errorf("%s %s answers %d with a body: %v", method, resource, status, body)
		}
		return nil
	}
	if _, page := body.(string); page && status == http.StatusBadRequest {
		return nil // what the web server says of paths it does not take
	}
	schema, err := d.schema(resource, strings.ToLower(method), code)
	if err != nil {
		return err
	}
	if err := schema.Validate(body); err != nil {
		return fmt.Errorf("%s %s answers %d: %w", method, resource, status, err)
	}
	return nil
}

func (d *document) schema(resource, method, code string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	at := "openapi.json#/paths/" + escape.Replace(resource) + "/" + method + "/responses/" + code + "/content/application~1json/schema"
	if s := d.compiled[at]; s != nil {
		return s, nil
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", d.whole); err != nil {
		return nil, err
	}
	s, err := c.Compile(at)
	if err == nil {
		d.compiled[at] = s
	}
	return s, err
}

// TestOpenAPI_DescribesWhatIsAnswered asks for every operation of the document once; that answers are as it says is
// tested with every recorded conversation.
func TestOpenAPI_DescribesWhatIsAnswered(t *testing.T) {
	t.Parallel()
	server, _, _ := still(t)
	d := openAPI(t, server.URL)
	must(t, server, 201, "POST", "/connectors", source)
	fill := strings.NewReplacer("{connector}", "c", "{task}", "0", "{plugin}", "FileStreamSource", "{logger}", "root")
	for template, operations := range d.Paths {
		var allowed []string
		for method := range operations {
			if method != "parameters" {
				allowed = append(allowed, strings.ToUpper(method))
			}
		}
		_, header, _ := call(t, server, "OPTIONS", fill.Replace(template), "")
		offered := strings.Split(header.Get("Allow"), ",")
		offered = slices.DeleteFunc(offered, func(m string) bool { return m == "HEAD" || m == "OPTIONS" })
		slices.Sort(offered)
		slices.Sort(allowed)
		if !slices.Equal(offered, allowed) {
			t.Errorf("%s can %q, the document says %q", template, offered, allowed)
		}
	}
	for _, path := range []string{"/", "/health", "/connectors?expand=status&expand=info&expand=health", "/connectors/c/health", "/connectors/c/tasks"} {
		status, header, text := call(t, server, "GET", path, "")
		body, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.check("GET", path, status, header, body); err != nil {
			t.Error(err)
		}
	}
}
