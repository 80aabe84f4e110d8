package control_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A scenario is a conversation with Kafka Connect 4.3.1, as recorded. In what is sent, {{dir}}, {{id}} and {{base}} stand
// for a folder, a text unique to the run and the server's address. In what is answered they stand for the same, and
// {{string}}, {{any}}, {{trace}}, {{int}}, {{version}}, {{more}} and {{unordered}} are wildcards; see match.
type scenario struct {
	Scenario string
	Files    map[string]string
	Steps    []step
}

type step struct {
	Name, Method, Path string
	Headers            map[string]string
	Body               json.RawMessage
	Raw                *string `json:"raw_body"`
	Files              map[string]string
	Eventually         bool
	Response           struct {
		Status  int
		Headers map[string]string
		Body    any
	}
}

// player replays scenarios against a server.
type player struct {
	base, dir, id string
	patience      time.Duration // with what comes eventually
	document      *document     // of the API
}

func (p *player) fill(text string) string {
	return strings.NewReplacer("{{base}}", p.base, "{{dir}}", p.dir, "{{id}}", p.id).Replace(text)
}

// fillAll fills all texts of a JSON value.
func (p *player) fillAll(v any) any {
	switch v := v.(type) {
	case string:
		return p.fill(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = p.fillAll(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name := range v {
			out[p.fill(name)] = p.fillAll(v[name])
		}
		return out
	}
	return v
}

func (p *player) write(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// play returns what is different from the recording.
func (p *player) play(t *testing.T, s step) []string {
	t.Helper()
	p.write(t, s.Files)
	deadline := time.Now().Add(p.patience)
	for {
		got := p.send(t, s)
		diffs := p.compare(s, got)
		if err := p.document.check(s.Method, p.fill(s.Path), got.status, got.header, got.body); err != nil {
			t.Error(err)
		}
		if diffs == nil || !s.Eventually || time.Now().After(deadline) {
			return diffs
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			return diffs
		}
	}
}

type reply struct {
	status int
	header http.Header
	body   any
}

func (p *player) send(t *testing.T, s step) reply {
	t.Helper()
	var body io.Reader
	contentType := ""
	switch {
	case s.Body != nil:
		// Filled as a value: what is filled in may need escaping.
		text, err := json.Marshal(p.fillAll(decode(s.Body)))
		if err != nil {
			t.Fatal(err)
		}
		body, contentType = bytes.NewReader(text), "application/json"
	case s.Raw != nil:
		body = strings.NewReader(p.fill(*s.Raw))
	}
	request, err := http.NewRequestWithContext(t.Context(), s.Method, p.base+p.fill(s.Path), body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for name, value := range s.Headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, decode(text)}
}

// decode is a body as JSON if it is JSON, nil if it is empty, else as text.
func decode(text []byte) any {
	if len(text) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil || dec.More() {
		return string(text)
	}
	return v
}

func (p *player) compare(s step, got reply) []string {
	var diffs []string
	if got.status != s.Response.Status {
		diffs = append(diffs, fmt.Sprintf("status %d, want %d", got.status, s.Response.Status))
	}
	for name, want := range s.Response.Headers {
		value, same := got.header.Get(name), false
		switch name {
		case "Allow":
			same = slices.Equal(words(value), words(want))
		case "Content-Type":
			got, _, _ := strings.Cut(value, ";")
			want, _, _ := strings.Cut(want, ";")
			same = got == want
		default:
			same = value == p.fill(want)
		}
		if !same {
			diffs = append(diffs, fmt.Sprintf("header %s: %q, want %q", name, value, want))
		}
	}
	return append(diffs, match(p.fillAll(s.Response.Body), got.body, "body")...)
}

func words(list string) []string {
	all := strings.Split(strings.ReplaceAll(list, " ", ""), ",")
	slices.Sort(all)
	return all
}

// match returns where a value differs from an expectation with wildcards.
func match(want, got any, where string) []string {
	switch want := want.(type) {
	case string:
		if !matchText(want, got) {
			return []string{fmt.Sprintf("%s: %s, want %s", where, show(got), show(want))}
		}
		return nil
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			return matchObject(want, got, where)
		}
	case []any:
		got, ok := got.([]any)
		if ok && len(want) > 0 && (want[0] == "{{more}}" || want[0] == "{{unordered}}") {
			return matchSet(want[1:], got, where, want[0] == "{{unordered}}")
		}
		if ok && len(want) == len(got) {
			var diffs []string
			for i := range want {
				diffs = append(diffs, match(want[i], got[i], fmt.Sprintf("%s[%d]", where, i))...)
			}
			return diffs
		}
	default:
		if fmt.Sprint(want) == fmt.Sprint(got) {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: %s, want %s", where, show(got), show(want))}
}

func matchObject(want, got map[string]any, where string) []string {
	var diffs []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if name == "{{more}}" {
			continue
		}
		if value, there := got[name]; there {
			diffs = append(diffs, match(want[name], value, where+"."+name)...)
		} else {
			diffs = append(diffs, fmt.Sprintf("%s.%s: missing, want %s", where, name, show(want[name])))
		}
	}
	if _, more := want["{{more}}"]; more {
		return diffs
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, expected := want[name]; !expected {
			diffs = append(diffs, fmt.Sprintf("%s.%s: unexpected %s", where, name, show(got[name])))
		}
	}
	return diffs
}

func matchSet(want, got []any, where string, exact bool) []string {
	var diffs []string
	rest := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(rest, func(g any) bool { return match(w, g, "") == nil })
		if i < 0 {
			diffs = append(diffs, fmt.Sprintf("%s: no element like %s", where, show(w)))
			continue
		}
		rest = slices.Delete(rest, i, i+1)
	}
	if exact && len(rest) > 0 {
		diffs = append(diffs, fmt.Sprintf("%s: unexpected %s", where, show(rest)))
	}
	return diffs
}

func matchText(want string, got any) bool {
	text, isText := got.(string)
	switch want {
	case "{{any}}":
		return true
	case "{{int}}":
		n, isNumber := got.(json.Number)
		return isNumber && !strings.ContainsAny(n.String(), ".eE")
	case "{{version}}":
		return got == nil || isText && text != ""
	case "{{trace}}":
		return isText && text != ""
	}
	parts := strings.Split(want, "{{string}}")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return isText && regexp.MustCompile(`(?s)\A`+strings.Join(parts, ".*")+`\z`).MatchString(text)
}

func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text[:min(len(text), 400)])
}
