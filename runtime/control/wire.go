package control

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// request is one request with what its path names.
type request struct {
	*http.Request
	params []string
}

func (r *request) name() string { return r.params[0] }

// task is the number that a path names.
func (r *request) task() (int, error) {
	n, err := strconv.ParseInt(r.params[1], 10, 32)
	if err != nil {
		return 0, fail(http.StatusNotFound, "HTTP 404 Not Found")
	}
	return int(n), nil
}

// query are the parameters of the query. What is not well written in one is taken as it stands.
func (r *request) query() url.Values {
	values := url.Values{}
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if part != "" {
			name, value, _ := strings.Cut(part, "=")
			values.Add(unescaped(name), unescaped(value))
		}
	}
	return values
}

func unescaped(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return text
	}
	return plain
}

// is tells whether a query parameter is true: in any case, and only if it is that word.
func (r *request) is(parameter string, def bool) bool {
	values, given := r.query()[parameter]
	if !given {
		return def
	}
	return strings.EqualFold(values[0], "true")
}

// answer is what is answered.
type answer struct {
	status int
	body   any    // as JSON, unless nil
	text   string // when there is no body
	media  string // that of a body; empty for application/json
	header http.Header
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func (a answer) write(w http.ResponseWriter, head bool) {
	header := w.Header()
	header["Content-Type"] = nil // not to be guessed
	text := []byte(a.text)
	if a.body != nil {
		header.Set("Content-Type", cmp.Or(a.media, jsonMedia))
		var err error
		if text, err = marshal(a.body); err != nil {
			a.status, text = http.StatusInternalServerError, []byte(`{"error_code":500,"message":"writing the answer failed"}`)
		}
	}
	maps.Copy(header, a.header)
	w.WriteHeader(a.status)
	if !head {
		_, _ = w.Write(text) // a client that went away is no fault of ours
	}
}

// marshal writes JSON without escaping what HTML would need.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}

// Error is a failure with the status it is answered with. Any other error is answered with 500.
type Error struct {
	Status  int
	Message string
	// bare says to leave out the Content-Type, as the web server does whose failure it would have been.
	bare bool
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

func fail(status int, format string, args ...any) error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...)}
}

// bare is a failure of the protocol, such as a method that a resource does not have.
func bare(status int) error {
	return &Error{Status: status, Message: fmt.Sprintf("HTTP %d %s", status, http.StatusText(status)), bare: true}
}

func failure(err error) answer {
	e := &Error{Status: http.StatusInternalServerError, Message: err.Error()}
	errors.As(err, &e)
	body := map[string]any{"error_code": e.Status, "message": e.Message}
	if !e.bare {
		return answer{status: e.Status, body: body}
	}
	text, err := marshal(body)
	if err != nil {
		return answer{status: e.Status}
	}
	return answer{status: e.Status, text: string(text)}
}
