package control

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// route is one method of a resource.
type route struct {
	method string
	// path are the resource's segments; "*" stands for any one.
	path  []string
	serve func(*request) (answer, error)
	// free says that it takes requests that claim a body of any kind.
	free bool
}

func (s *Server) table() []route {
	var routes []route
	add := func(method, path string, serve func(*request) (answer, error)) {
		segments := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
		routes = append(routes, route{method: method, path: segments, serve: serve, free: path == "/" || path == "/health"})
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
		if err := r.readTasks(); err != nil {
			return answer{}, err
		}
	}
	if r.Header.Get("X-Connect-Authorization") == "" || r.Header.Get("X-Connect-Request-Signature-Algorithm") == "" {
		return answer{}, fail(http.StatusBadRequest, "Internal request missing required signature")
	}
	return answer{}, fail(http.StatusForbidden, "Internal request contained invalid signature.")
}

// find returns the route of a method of a resource, and what stands in the places of the path's stars.
func (s *Server) find(method string, segments []string) (found route, params []string, err error) {
	var methods []string
	for _, r := range s.routes {
		params, ok := match(r.path, segments)
		if !ok {
			continue
		}
		if r.method == method || r.method == http.MethodGet && method == http.MethodHead {
			return r, params, nil
		}
		methods = append(methods, r.method)
	}
	switch {
	case methods == nil:
		return route{}, nil, bare(http.StatusNotFound)
	case method == http.MethodOptions:
		return route{serve: func(r *request) (answer, error) { return options(methods, r.Header), nil }, free: true}, nil, nil
	}
	return route{}, nil, bare(http.StatusMethodNotAllowed)
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
func options(methods []string, asked http.Header) answer {
	var allowed []string
	for _, m := range []string{"HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH"} {
		has := slices.Contains(methods, m) || m == "OPTIONS" || m == "HEAD" && slices.Contains(methods, "GET")
		if has {
			allowed = append(allowed, m)
		}
	}
	a := answer{status: http.StatusOK, header: http.Header{}}
	media, written := described(asked)
	if written {
		a.text = strings.Join(allowed, ", ")
	}
	a.header.Set("Content-Type", media)
	a.header.Set("Allow", strings.Join(allowed, ","))
	return a
}

// split cuts a path, as the client wrote it, into its segments; what follows a semicolon in one is no part of its name.
// ok is false for paths that Connect's web server refuses, because what stands between it and the client may understand
// them in another way.
func split(u *url.URL) (segments []string, ok bool) {
	written := u.RawPath
	if written == "" {
		written = u.EscapedPath()
	}
	written, _, _ = strings.Cut(written, "#")
	path := strings.TrimSuffix(strings.TrimPrefix(written, "/"), "/")
	if path == "" {
		return nil, written == "" || written == "/"
	}
	if written[0] != '/' {
		return nil, false
	}
	for raw := range strings.SplitSeq(path, "/") {
		raw, _, _ = strings.Cut(raw, ";")
		segment, err := url.PathUnescape(raw)
		dots := raw != segment && (segment == "." || segment == "..")
		if err != nil || segment == "" || dots || !utf8.ValidString(segment) || strings.ContainsFunc(segment, refused) ||
			strings.ContainsFunc(raw, mustBeEscaped) {
			return nil, false
		}
		segments = append(segments, segment)
	}
	return segments, true
}

// refused tells whether a character must not be in a segment, not even escaped.
func refused(r rune) bool { return r == '/' || r == '%' || r == '\\' || r < ' ' || r == 0x7f }

// mustBeEscaped tells whether a character can only be written as its code.
func mustBeEscaped(r rune) bool {
	return r <= ' ' || r >= utf8.RuneSelf || strings.ContainsRune("\"<>?[\\]^`{|}", r)
}

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
