package control

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one method of a resource.
type route struct {
	method string
	// path are the resource's segments; "*" stands for any one.
	path  []string
	serve func(*request) (answer, error)
}

func (s *Server) table() []route {
	var routes []route
	add := func(method, path string, serve func(*request) (answer, error)) {
		routes = append(routes, route{method, strings.FieldsFunc(path, func(r rune) bool { return r == '/' }), serve})
	}
	add("GET", "/", s.root)
	add("GET", "/health", s.health)
	add("GET", "/connectors", s.list)
	add("POST", "/connectors", s.create)
	add("GET", "/connectors/*", s.info)
	add("DELETE", "/connectors/*", s.delete)
	add("GET", "/connectors/*/config", s.config)
	add("PUT", "/connectors/*/config", s.putConfig)
	add("PATCH", "/connectors/*/config", s.patchConfig)
	add("GET", "/connectors/*/status", s.status)
	add("GET", "/connectors/*/tasks", s.tasks)
	add("POST", "/connectors/*/tasks", s.internal)
	add("PUT", "/connectors/*/fence", s.internal)
	add("GET", "/connectors/*/tasks/*/status", s.taskStatus)
	add("POST", "/connectors/*/tasks/*/restart", s.restartTask)
	add("POST", "/connectors/*/restart", s.restart)
	add("PUT", "/connectors/*/pause", s.pause)
	add("PUT", "/connectors/*/resume", s.resume)
	add("PUT", "/connectors/*/stop", s.stop)
	add("GET", "/connectors/*/topics", s.topics)
	add("PUT", "/connectors/*/topics/reset", s.resetTopics)
	add("GET", "/connectors/*/offsets", s.offsets)
	add("PATCH", "/connectors/*/offsets", s.alterOffsets)
	add("DELETE", "/connectors/*/offsets", s.resetOffsets)
	add("GET", "/connector-plugins", s.plugins)
	add("GET", "/connector-plugins/*/config", s.pluginConfig)
	add("PUT", "/connector-plugins/*/config/validate", s.validate)
	if !s.Settings.NoAdmin {
		add("GET", "/admin/loggers", s.listLoggers)
		add("GET", "/admin/loggers/*", s.logger)
		add("PUT", "/admin/loggers/*", s.setLogger)
	}
	add("GET", "/connectors/*/health", s.connectorHealth)
	add("POST", "/connectors/*/run", s.run)
	add("GET", "/openapi.json", s.openAPI)
	return routes
}

// internal answers what Connect's workers ask each other, signed with a key that only they know. There are none here.
func (s *Server) internal(r *request) (answer, error) {
	if r.Method == http.MethodPost {
		body, err := r.read()
		if err != nil {
			return answer{}, err
		}
		if isNull(body) {
			return answer{}, errors.New("No content to map due to end-of-input") //nolint:staticcheck // Connect's own words
		}
	}
	if r.Header.Get("X-Connect-Authorization") == "" || r.Header.Get("X-Connect-Request-Signature-Algorithm") == "" {
		return answer{}, fail(http.StatusBadRequest, "Internal request missing required signature")
	}
	return answer{}, fail(http.StatusForbidden, "Internal request contained invalid signature.")
}

// find returns who serves a method of a resource, and what stands in the places of the path's stars.
func (s *Server) find(method string, segments []string) (serve func(*request) (answer, error), params []string, err error) {
	var methods []string
	for _, r := range s.routes {
		found, ok := match(r.path, segments)
		if !ok {
			continue
		}
		if r.method == method || r.method == http.MethodGet && method == http.MethodHead {
			return r.serve, found, nil
		}
		methods = append(methods, r.method)
	}
	switch {
	case methods == nil:
		return nil, nil, bare(http.StatusNotFound)
	case method == http.MethodOptions:
		return func(*request) (answer, error) { return options(methods), nil }, nil, nil
	}
	return nil, nil, bare(http.StatusMethodNotAllowed)
}

func match(path, segments []string) (params []string, ok bool) {
	if len(path) != len(segments) {
		return nil, false
	}
	for i, p := range path {
		if p == "*" {
			params = append(params, segments[i])
		} else if p != segments[i] {
			return nil, false
		}
	}
	return params, true
}

// options lists what a resource can do, in the order in which Connect happens to.
func options(methods []string) answer {
	var allowed []string
	for _, m := range []string{"HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH"} {
		has := slices.Contains(methods, m) || m == "OPTIONS" || m == "HEAD" && slices.Contains(methods, "GET")
		if has {
			allowed = append(allowed, m)
		}
	}
	a := answer{status: http.StatusOK, text: strings.Join(allowed, ", "), header: http.Header{}}
	a.header.Set("Content-Type", "text/plain")
	a.header.Set("Allow", strings.Join(allowed, ","))
	return a
}

// split cuts a path into its segments. ok is false for those that Connect's web server refuses, because what stands
// between it and the client may understand them in another way.
func split(escaped string) (segments []string, ok bool) {
	path := strings.TrimSuffix(strings.TrimPrefix(escaped, "/"), "/")
	if path == "" {
		return nil, escaped == "" || escaped == "/"
	}
	for raw := range strings.SplitSeq(path, "/") {
		segment, err := url.PathUnescape(raw)
		if err != nil || segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, refused) {
			return nil, false
		}
		segments = append(segments, segment)
	}
	return segments, true
}

func refused(r rune) bool { return r == '/' || r == '%' || r == '\\' || r < ' ' || r == 0x7f }

// location is the absolute address of a connector, as the client sees it through what stands between.
func location(r *http.Request, name string) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	var b strings.Builder
	b.WriteString(scheme + "://" + r.Host + r.Header.Get("X-Forwarded-Prefix") + "/connectors/")
	const hex = "0123456789ABCDEF"
	for i := range len(name) {
		c := name[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~!$&'()*+,;=:@/", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
