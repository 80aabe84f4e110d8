package registry_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/local/registry"
)

func open(t *testing.T, path string) (*registry.Registry, string) {
	t.Helper()
	r, err := registry.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return r, s.URL
}

func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// The conversation of one registry, request by request.
func TestRegistry_AnswersAsConfluents(t *testing.T) {
	t.Parallel()
	_, url := open(t, "")
	const (
		v1 = `{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}"}`
		v2 = `{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":\"int\",\"default\":0}]}"}`
		v3 = `{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"c\",\"type\":\"int\"}]}"}`
	)
	for _, step := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/subjects", "", 200, "[]"},
		{"GET", "/subjects/t-value/versions", "", 404, `"error_code":40401`},
		{"POST", "/subjects/t-value/versions", v1, 200, `"id":1`},
		{"POST", "/subjects/t-value/versions", v1, 200, `"id":1`},
		{"POST", "/subjects/t-value/versions", v3, 409, `"error_code":409,"message":"Schema being registered is incompatible with an earlier schema for subject \"t-value\"`},
		{"POST", "/subjects/t-value/versions", v2, 200, `"id":2`},
		{"POST", "/subjects/other/versions", v2, 200, `"id":2`},
		{"GET", "/subjects/t-value/versions", "", 200, "[1,2]"},
		{"GET", "/schemas/ids/2/subjects", "", 200, `["other","t-value"]`},
		{"GET", "/schemas/ids/9", "", 404, `"error_code":40403,"message":"Schema 9 not found"`},
		{"GET", "/schemas/ids/1/schema", "", 200, `"name":"R"`},
		{"POST", "/subjects/t-value", v1, 200, `"version":1`},
		{"POST", "/subjects/t-value", v3, 404, `"error_code":40403,"message":"Schema not found"`},
		{"GET", "/subjects/t-value/versions/latest", "", 200, `"version":2`},
		{"GET", "/subjects/t-value/versions/7", "", 404, `"error_code":40402,"message":"Version 7 not found."`},
		{"GET", "/subjects/t-value/versions/x", "", 422, `"error_code":42202`},
		{"POST", "/subjects/t-value/versions", `{"schema":"{\"type\":\"nosuch\"}"}`, 422, `"error_code":42201`},
		{"POST", "/compatibility/subjects/t-value/versions/latest?verbose=true", v3, 200, `"is_compatible":false,"messages":["version 2 cannot be read with it`},
		{"PUT", "/config/t-value", `{"compatibility":"none"}`, 200, `"compatibility":"NONE"`},
		{"GET", "/config/other", "", 404, `"error_code":40408`},
		{"PUT", "/config", `{"compatibility":"SOMEHOW"}`, 422, `"error_code":42203`},
		{"POST", "/subjects/t-value/versions", v3, 200, `"id":3`},
		{"POST", "/subjects/proto/versions", `{"schemaType":"PROTOBUF","schema":"syntax = \"proto3\";"}`, 200, `"id":4`},
		{"POST", "/subjects/json/versions", `{"schemaType":"JSON","schema":"{ \"type\": \"object\" }"}`, 200, `"id":5`},
		{"GET", "/schemas/ids/5", "", 200, `"schema":"{\"type\":\"object\"}"`},
		{"POST", "/subjects/user/versions", `{"schema":"{\"type\":\"record\",\"name\":\"U\",\"fields\":[{\"name\":\"r\",\"type\":\"R\"}]}","references":[{"name":"R","subject":"t-value","version":1}]}`, 200, `"id":6`},
		{"GET", "/subjects/t-value/versions/1/referencedby", "", 200, "[6]"},
		{"POST", "/subjects/user/versions", `{"schema":"\"int\"","references":[{"name":"R","subject":"nobody","version":1}]}`, 422, `"error_code":42201`},
		{"DELETE", "/subjects/other?permanent=true", "", 404, `"error_code":40405`},
		{"DELETE", "/subjects/other", "", 200, "[1]"},
		{"DELETE", "/subjects/other", "", 404, `"error_code":40404`},
		{"GET", "/schemas/ids/2", "", 200, `"schema"`},
		{"DELETE", "/subjects/other?permanent=true", "", 200, "[1]"},
		{"DELETE", "/subjects/t-value/versions/1", "", 200, "1"},
		{"GET", "/subjects/t-value/versions", "", 200, "[2,3]"},
		{"GET", "/nowhere", "", 404, `"error_code":404`},
		{"GET", "/contexts", "", 200, `["."]`},
		{"GET", "/subjects/t-value/versions?deletedOnly=true", "", 200, "[1]"},
		{"GET", "/subjects?deletedOnly=true", "", 200, "[]"},
		{"GET", "/subjects?offset=1&limit=2", "", 200, `["proto","t-value"]`},
		{"GET", "/schemas?latestOnly=true&subjectPrefix=t-", "", 200, `[{"subject":"t-value","version":3,"id":3,`},
		{"GET", "/mode", "", 200, `{"mode":"READWRITE"}`},
		{"GET", "/mode/t-value", "", 404, `"error_code":40409`},
		{"GET", "/mode/t-value?defaultToGlobal=true", "", 200, `{"mode":"READWRITE"}`},
		{"PUT", "/mode/t-value", `{"mode":"readonly"}`, 200, `{"mode":"READONLY"}`},
		{"PUT", "/mode", `{"mode":"SOMEHOW"}`, 422, `"error_code":42204`},
		{"POST", "/subjects/t-value/versions", v3, 200, `"id":3`}, // it is there
		{"POST", "/subjects/t-value/versions", v1, 422, `"error_code":42205,"message":"Subject t-value is in read-only mode"`},
		{"DELETE", "/subjects/t-value", "", 422, `"error_code":42205`},
		{"DELETE", "/subjects/t-value/versions/3", "", 422, `"error_code":42205`},
		{"DELETE", "/mode/t-value", "", 200, `{"mode":"READONLY"}`},
		{"PUT", "/mode", `{"mode":"READONLY"}`, 200, `{"mode":"READONLY"}`},
		{"POST", "/subjects/new/versions", v1, 422, `"error_code":42205`},
		{"DELETE", "/mode", "", 200, `{"mode":"READONLY"}`},
		{"POST", "/subjects/new/versions", v1, 200, `"id":1`},
		{"PUT", "/config", `{"compatibility":"FULL"}`, 200, `"compatibility":"FULL"`},
		{"DELETE", "/config", "", 200, `"FULL"`},
		{"GET", "/config", "", 200, `"BACKWARD"`},
	} {
		status, got := ask(t, step.method, url+step.path, step.body)
		if status != step.status || !strings.Contains(got, step.want) {
			t.Errorf("%s %s answered %d %s\nwant %d with %s", step.method, step.path, status, got, step.status, step.want)
		}
	}
}

// What was answered is there after the process ended, and half a line of it does no harm.
func TestRegistry_Remembers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "registry", "schemas.jsonl")
	r, url := open(t, path)
	ask(t, "POST", url+"/subjects/a/versions", `{"schema":"\"int\""}`)
	ask(t, "POST", url+"/subjects/b/versions", `{"schema":"\"string\""}`)
	ask(t, "PUT", url+"/config/b", `{"compatibility":"FULL"}`)
	ask(t, "PUT", url+"/mode/b", `{"mode":"READONLY"}`)
	ask(t, "DELETE", url+"/subjects/a", "")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"op":"register","subj`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, url = open(t, path)
	for request, want := range map[string]string{
		"/subjects": `["b"]`, "/subjects?deleted=true": `["a","b"]`, "/config/b": `{"compatibilityLevel":"FULL"}`, "/mode/b": `{"mode":"READONLY"}`, "/subjects/b/versions/1/schema": `"string"`,
	} {
		if _, got := ask(t, "GET", url+request, ""); got != want {
			t.Errorf("%s answered %s, want %s", request, got, want)
		}
	}
	if _, got := ask(t, "POST", url+"/subjects/c/versions", `{"schema":"\"long\""}`); !strings.Contains(got, `"id":3`) {
		t.Errorf("the next schema is %s, want number 3", got)
	}
}

func TestOpen_RefusesAJournalThatIsNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "schemas.jsonl")
	if err := os.WriteFile(path, []byte("not a journal\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Open(path); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("got %v", err)
	}
}
