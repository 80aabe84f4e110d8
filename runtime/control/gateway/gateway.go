package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Prefix is the request header that holds what was cut off the front of a request's path, such as "/prod".
const Prefix = "X-Forwarded-Prefix"

// event is what the two kinds of event have in common, as far as it is of use.
type event struct {
	Version         string            `json:"version"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  struct {
		DomainName string `json:"domainName"`
		Stage      string `json:"stage"`
		HTTP       struct {
			Method   string `json:"method"`
			Protocol string `json:"protocol"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
	} `json:"requestContext"`
}

// Handler answers events by an http.Handler. It is safe for concurrent use if that is.
type Handler struct {
	// HTTP answers the requests.
	HTTP http.Handler
	// Base is the path under which a custom domain maps the API, such as "/connect"; it is cut off like a stage's name.
	Base string
}

// Is tells whether an event is an HTTP request.
func Is(payload []byte) bool {
	var e struct {
		RequestContext struct {
			HTTP       *struct{} `json:"http"`
			HTTPMethod string    `json:"httpMethod"`
		} `json:"requestContext"`
	}
	return json.Unmarshal(payload, &e) == nil && (e.RequestContext.HTTP != nil || e.RequestContext.HTTPMethod != "")
}

// Invoke answers an event. Its method set is that of a Lambda handler. Its error is one of the event; what goes wrong with
// a request is the http.Handler's to answer.
func (h Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("reading the event, which should be an HTTP request: %w", err)
	}
	if e.Version != "2.0" || e.RequestContext.HTTP.Method == "" {
		return nil, errors.New("reading the event: it is no HTTP request of payload format 2.0, which HTTP APIs and function URLs have")
	}
	request, err := h.request(ctx, &e)
	if err != nil {
		return nil, fmt.Errorf("reading the event: %w", err)
	}
	w := &writer{header: http.Header{}}
	h.HTTP.ServeHTTP(w, request)
	return w.answer()
}

// request makes an event the request it was.
func (h Handler) request(ctx context.Context, e *event) (*http.Request, error) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, fmt.Errorf("decoding the body: %w", err)
		}
	}
	path, prefix := h.path(e)
	u := &url.URL{Path: path, RawQuery: e.RawQueryString}
	if plain, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = plain, path
	}
	request := (&http.Request{
		Method: e.RequestContext.HTTP.Method, URL: u, RequestURI: u.RequestURI(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), RemoteAddr: e.RequestContext.HTTP.SourceIP,
	}).WithContext(ctx)
	for name, value := range e.Headers { // repeated ones are joined by commas already
		request.Header.Set(name, value)
	}
	if len(e.Cookies) > 0 {
		request.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	if request.Host = request.Header.Get("Host"); request.Host == "" {
		request.Host = e.RequestContext.DomainName
	}
	request.Header.Del("Host")
	request.Header.Del(Prefix) // ours to say
	if prefix != "" {
		request.Header.Set(Prefix, prefix)
	}
	return request, nil
}

// path is the path as a client would escape it, without what stands before the API's own.
func (h Handler) path(e *event) (path, prefix string) {
	path = escaped(e.RawPath)
	if path == "" {
		path = "/"
	}
	prefixes := []string{strings.TrimSuffix(h.Base, "/")}
	if stage := e.RequestContext.Stage; stage != "" && stage != "$default" {
		prefixes = append(prefixes, "/"+stage)
	}
	for _, p := range prefixes {
		rest, found := strings.CutPrefix(path, p)
		if p == "" || !found || rest != "" && rest[0] != '/' {
			continue
		}
		if path, prefix = rest, prefix+p; path == "" {
			path = "/"
		}
	}
	return path, prefix
}

// escaped is a path with everything escaped that cannot stand in an escaped path: an HTTP API hands over paths that it has
// unescaped, a function URL leaves them as they came. A percent sign that begins an escape is taken for one.
func escaped(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		begins := c == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2])
		if c <= ' ' || c >= utf8.RuneSelf || c == 0x7f || strings.IndexByte("%\"#<>?\\^`{|}", c) >= 0 && !begins {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
