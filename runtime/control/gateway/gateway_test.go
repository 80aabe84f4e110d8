package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/control/gateway"
)

// seen is what a handler is given.
type seen struct {
	Method, Path, Escaped, Query, Host, Prefix, Body string
	Header                                           http.Header
}

// give hands an event to a handler that notes what it sees and answers by answer.
func give(t *testing.T, h gateway.Handler, event string, answer http.HandlerFunc) (seen, string) {
	t.Helper()
	var s seen
	h.HTTP = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s = seen{r.Method, r.URL.Path, r.URL.EscapedPath(), r.URL.RawQuery, r.Host, r.Header.Get(gateway.Prefix), string(body), r.Header}
		if answer != nil {
			answer(w, r)
		}
	})
	text, err := h.Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Fatal(err)
	}
	return s, string(text)
}

// event is one of payload format 2.0, as far as it is looked at.
func event(t *testing.T, method, path string, more map[string]any) string {
	t.Helper()
	e := map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
		"headers":         map[string]string{"host": "api.example.org", "content-type": "application/json"},
		"isBase64Encoded": false,
		"requestContext": map[string]any{
			"stage": "$default", "domainName": "api.example.org", "http": map[string]any{"method": method, "path": path, "sourceIp": "192.0.2.1"},
		},
	}
	for name, value := range more {
		if name == "stage" {
			context, _ := e["requestContext"].(map[string]any)
			context[name] = value
			continue
		}
		e[name] = value
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestHandler_MakesAnEventTheRequestItWas(t *testing.T) {
	t.Parallel()
	s, _ := give(t, gateway.Handler{}, event(t, "PUT", "/connectors/c/config", map[string]any{
		"rawQueryString": "expand=status&expand=info&x=%20", "body": "eyJhIjoiYiJ9", "isBase64Encoded": true, "cookies": []string{"a=1", "b=2"},
	}), nil)
	s.Header = http.Header{"Cookie": s.Header["Cookie"], "Content-Type": s.Header["Content-Type"]}
	want := seen{
		Method: "PUT", Path: "/connectors/c/config", Escaped: "/connectors/c/config", Query: "expand=status&expand=info&x=%20",
		Host: "api.example.org", Body: `{"a":"b"}`, Header: http.Header{"Cookie": {"a=1; b=2"}, "Content-Type": {"application/json"}},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("the request (-want +got):\n%s", diff)
	}
}

func TestHandler_CutsOffStageAndBase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ base, stage, raw, path, prefix string }{
		{"", "$default", "/connectors", "/connectors", ""},
		{"", "prod", "/prod/connectors", "/connectors", "/prod"},
		{"", "prod", "/prod", "/", "/prod"},
		{"", "prod", "/prod/", "/", "/prod"},
		{"", "prod", "/production", "/production", ""},
		{"", "prod", "/connectors/prod", "/connectors/prod", ""},
		{"/connect", "$default", "/connect/connectors", "/connectors", "/connect"},
		{"/connect/", "prod", "/connect/prod/x", "/x", "/connect/prod"},
		{"", "", "", "/", ""},
	} {
		s, _ := give(t, gateway.Handler{Base: c.base}, event(t, "GET", c.raw, map[string]any{"stage": c.stage}), nil)
		if s.Path != c.path || s.Prefix != c.prefix {
			t.Errorf("%+v: path %q, prefix %q", c, s.Path, s.Prefix)
		}
	}
}

// A function URL leaves paths as they were sent, an HTTP API unescapes them.
func TestHandler_UnderstandsPathsOfBothKinds(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain", "with blank", "Ünïcode", "a+b&c=d", "semi;colon,comma", `quo"te`, "qu?estion", "ha#sh", "tilde~(x)"} {
		for _, raw := range []string{"/connectors/" + url.PathEscape(name) + "/config", "/connectors/" + name + "/config"} {
			s, _ := give(t, gateway.Handler{}, event(t, "GET", raw, nil), nil)
			plain, err := url.PathUnescape(s.Escaped)
			if want := "/connectors/" + name + "/config"; s.Path != want || err != nil || plain != want {
				t.Errorf("%q: path %q, escaped %q, want %q", raw, s.Path, s.Escaped, want)
			}
		}
	}
	s, _ := give(t, gateway.Handler{}, event(t, "GET", "/connectors/a%2Fb", nil), nil)
	if s.Escaped != "/connectors/a%2Fb" {
		t.Errorf("an escaped slash became %q", s.Escaped)
	}
}

func TestHandler_AnswersWhatWasWritten(t *testing.T) {
	t.Parallel()
	_, text := give(t, gateway.Handler{}, event(t, "GET", "/", nil), func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		w.Header().Set("Etag", `"1"`)
		w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
		w.Header()["Vary"] = []string{"Origin", "Accept"}
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("Too", "late")
		fmt.Fprint(w, `{"é":1}`)
	})
	if want := `{"statusCode":418,"headers":{"etag":"\"1\"","vary":"Origin,Accept"},"cookies":["a=1","b=2"],"body":"{\"é\":1}","isBase64Encoded":false}`; text != want {
		t.Errorf("answered %s, want %s", text, want)
	}
	_, text = give(t, gateway.Handler{}, event(t, "GET", "/", nil), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte{0xff, 0})
	})
	if want := `{"statusCode":200,"headers":{},"body":"/wA=","isBase64Encoded":true}`; text != want {
		t.Errorf("answered %s, want %s", text, want)
	}
}

func TestHandler_ClientsCannotNameThePrefix(t *testing.T) {
	t.Parallel()
	s, _ := give(t, gateway.Handler{}, event(t, "GET", "/", map[string]any{"headers": map[string]string{"x-forwarded-prefix": "//evil"}}), nil)
	if s.Prefix != "" {
		t.Errorf("the prefix is %q", s.Prefix)
	}
	if s.Host != "api.example.org" {
		t.Errorf("without a host header the host is %q", s.Host)
	}
}

func TestHandler_RefusesOtherEvents(t *testing.T) {
	t.Parallel()
	for payload, is := range map[string]bool{
		`{"connector": "orders"}`:             false,
		`{"eventSource": "SelfManagedKafka"}`: false,
		`[]`:                                  false,
		`{"requestContext": {"httpMethod": "GET"}}`:                                true, // payload format 1.0
		event(t, "GET", "/", map[string]any{"body": "?", "isBase64Encoded": true}): true,
	} {
		if gateway.Is([]byte(payload)) != is {
			t.Errorf("%s is a request: %v", payload, !is)
		}
		if answer, err := (gateway.Handler{}).Invoke(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%s is answered %s", payload, answer)
		}
	}
}

func FuzzHandler(f *testing.F) {
	f.Add([]byte(`{"version":"2.0","rawPath":"/a%2","requestContext":{"stage":"p","http":{"method":"GET"}},"headers":{"a":"b"}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		h := gateway.Handler{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got, err := url.PathUnescape(r.URL.EscapedPath()); err != nil || got != r.URL.Path {
				t.Errorf("path %q is escaped %q", r.URL.Path, r.URL.EscapedPath())
			}
			w.WriteHeader(http.StatusNoContent)
		})}
		if answer, err := h.Invoke(t.Context(), payload); err == nil && !json.Valid(answer) {
			t.Errorf("answers %s", answer)
		}
	})
}
