package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Error is what a request is refused with.
type Error struct {
	Status  int    `json:"-"`
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s; error code: %d", e.Message, e.Code) }

func failure(status, code int, format string, args ...any) error {
	return &Error{status, code, fmt.Sprintf(format, args...)}
}

func noSubject(name string) error { return failure(404, 40401, "Subject '%s' not found.", name) }
func noLevel() error {
	return failure(422, 42203, "Invalid compatibility level. Valid values are %s", strings.Join(levels(), ", "))
}
func noVersion(n int) error { return failure(404, 40402, "Version %d not found.", n) }

const contentType = "application/vnd.schemaregistry.v1+json"

// maxBody is how large a schema may be.
const maxBody = 16 << 20

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.routes().ServeHTTP(w, req) }

// endpoint answers a request with a value that becomes JSON, or a text that is sent as it is.
type endpoint func(req *http.Request) (any, error)

func (r *Registry) routes() *http.ServeMux {
	mux := http.NewServeMux()
	endpoints := map[string]endpoint{
		"GET /{$}":                                                  func(*http.Request) (any, error) { return struct{}{}, nil },
		"GET /schemas/types":                                        func(*http.Request) (any, error) { return []string{JSONType, ProtobufType, AvroType}, nil },
		"GET /schemas/ids/{id}":                                     r.getSchema,
		"GET /schemas/ids/{id}/schema":                              r.getText,
		"GET /schemas/ids/{id}/subjects":                            r.getSubjectsOf,
		"GET /schemas/ids/{id}/versions":                            r.getVersionsOf,
		"GET /schemas/guids/{guid}":                                 r.getByGUID,
		"GET /subjects":                                             r.getSubjects,
		"POST /subjects/{subject}":                                  r.postLookup,
		"DELETE /subjects/{subject}":                                r.deleteSubject,
		"GET /subjects/{subject}/versions":                          r.getVersions,
		"POST /subjects/{subject}/versions":                         r.postVersion,
		"GET /subjects/{subject}/versions/{version}":                r.getVersion,
		"GET /subjects/{subject}/versions/{version}/schema":         r.getVersionText,
		"GET /subjects/{subject}/versions/{version}/referencedby":   r.getReferencedBy,
		"DELETE /subjects/{subject}/versions/{version}":             r.deleteVersion,
		"GET /config":                                               r.getLevel,
		"PUT /config":                                               r.putLevel,
		"GET /config/{subject}":                                     r.getLevel,
		"PUT /config/{subject}":                                     r.putLevel,
		"DELETE /config/{subject}":                                  r.deleteLevel,
		"POST /compatibility/subjects/{subject}/versions":           r.postCompatibility,
		"POST /compatibility/subjects/{subject}/versions/{version}": r.postCompatibility,
	}
	maps.Copy(endpoints, r.modeEndpoints())
	for pattern, answer := range endpoints {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) {
			r.mu.Lock()
			v, err := answer(req)
			r.mu.Unlock()
			write(w, v, err)
		})
	}
	mux.HandleFunc("POST /{$}", r.serveGlue)
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		write(w, nil, failure(404, 404, "HTTP 404 Not Found"))
	})
	return mux
}

func write(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", contentType)
	status := http.StatusOK
	if err != nil {
		refused, ok := errors.AsType[*Error](err)
		if !ok {
			refused = &Error{http.StatusInternalServerError, 50001, err.Error()}
		}
		status, v = refused.Status, refused
	}
	if text, ok := v.(rawText); ok {
		w.Write([]byte(text))
		return
	}
	encode(w, status, v, "")
}

// encode answers with a value as JSON, without the escapes that are for HTML, and what its line ends with.
func encode(w http.ResponseWriter, status int, v any, end string) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		status = http.StatusInternalServerError
	}
	w.WriteHeader(status)
	w.Write(append(bytes.TrimSpace(body.Bytes()), end...))
}

// rawText is an answer that is no JSON value of its own.
type rawText string

// registered is a version as the API shows it.
type registered struct {
	Subject string `json:"subject,omitempty"`
	Version int    `json:"version,omitempty"`
	ID      int    `json:"id,omitempty"`
	GUID    string `json:"guid,omitempty"`
	Schema
}

func shown(v *Version) registered {
	out := registered{Subject: v.Subject, Version: v.Version, ID: v.ID, GUID: v.GUID(), Schema: v.Schema}
	if out.Type == AvroType {
		out.Type = "" // what is not said
	}
	return out
}

func flag(req *http.Request, name string) bool { return req.URL.Query().Get(name) == "true" }

func body(req *http.Request, into any) error {
	b, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return failure(400, 400, "Reading the request: %v", err)
	}
	return nil
}

func (r *Registry) schemaOf(req *http.Request) (Schema, int, error) {
	id, err := strconv.Atoi(req.PathValue("id"))
	if err != nil {
		return Schema{}, 0, failure(404, 404, "HTTP 404 Not Found")
	}
	s, ok := r.byID[id]
	if !ok {
		return Schema{}, 0, failure(404, 40403, "Schema %d not found", id)
	}
	return s, id, nil
}

func (r *Registry) getSchema(req *http.Request) (any, error) {
	s, _, err := r.schemaOf(req)
	if err != nil {
		return nil, err
	}
	return registered{GUID: s.GUID(), Schema: hideAvro(r.formatted(req, s))}, nil
}

func hideAvro(s Schema) Schema {
	if s.Type == AvroType {
		s.Type = ""
	}
	return s
}

func (r *Registry) getText(req *http.Request) (any, error) {
	s, _, err := r.schemaOf(req)
	return rawText(s.Text), err
}

func (r *Registry) getByGUID(req *http.Request) (any, error) {
	for _, s := range r.byID {
		if s.GUID() == req.PathValue("guid") {
			return registered{GUID: s.GUID(), Schema: hideAvro(s)}, nil
		}
	}
	return nil, failure(404, 40403, "Schema %s not found", req.PathValue("guid"))
}

// uses are the versions that have a number.
func (r *Registry) uses(id int, deleted bool) []*Version {
	var all []*Version
	for _, name := range r.names(deleted) {
		for _, v := range r.subjects[name].versions {
			if v.ID == id && (deleted || !v.Deleted) {
				all = append(all, v)
			}
		}
	}
	return all
}

func (r *Registry) getSubjectsOf(req *http.Request) (any, error) {
	_, id, err := r.schemaOf(req)
	names := []string{}
	for _, v := range r.uses(id, flag(req, "deleted")) {
		names = append(names, v.Subject)
	}
	return slices.Compact(names), err
}

func (r *Registry) getVersionsOf(req *http.Request) (any, error) {
	_, id, err := r.schemaOf(req)
	type use struct {
		Subject string `json:"subject"`
		Version int    `json:"version"`
	}
	uses := []use{}
	for _, v := range r.uses(id, flag(req, "deleted")) {
		uses = append(uses, use{v.Subject, v.Version})
	}
	return uses, err
}

func (r *Registry) getSubjects(req *http.Request) (any, error) {
	only := flag(req, "deletedOnly")
	names := r.names(only || flag(req, "deleted"))
	prefix := req.URL.Query().Get("subjectPrefix")
	names = slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, prefix) || only && len(r.subjects[name].live()) > 0
	})
	return page(req, names), nil
}

// page are those of all that a request wants: limit of them from offset on.
func page[T any](req *http.Request, all []T) []T {
	number := func(name string) int {
		n, err := strconv.Atoi(req.URL.Query().Get(name))
		if err != nil {
			return -1
		}
		return n
	}
	all = all[min(max(number("offset"), 0), len(all)):]
	if limit := number("limit"); limit >= 0 && limit < len(all) {
		all = all[:limit]
	}
	return all
}

// versionOf is the version that a path names.
func (r *Registry) versionOf(req *http.Request) (*Version, error) {
	name, text := req.PathValue("subject"), req.PathValue("version")
	n := latest
	if text != "latest" && text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 && n != latest {
			return nil, failure(422, 42202, "The specified version '%s' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\"", text)
		}
	}
	deleted := flag(req, "deleted") || flag(req, "permanent")
	s := r.subjects[name]
	if s == nil || len(s.versions) == 0 || !deleted && len(s.live()) == 0 {
		return nil, noSubject(name)
	}
	v, ok := r.find(name, n)
	if !ok || v.Deleted && !deleted {
		return nil, noVersion(n)
	}
	return v, nil
}

func (r *Registry) getVersions(req *http.Request) (any, error) {
	s := r.subjects[req.PathValue("subject")]
	numbers, only := []int{}, flag(req, "deletedOnly")
	if s != nil {
		for _, v := range s.versions {
			if v.Deleted && (only || flag(req, "deleted")) || !v.Deleted && !only {
				numbers = append(numbers, v.Version)
			}
		}
	}
	if len(numbers) == 0 {
		return nil, noSubject(req.PathValue("subject"))
	}
	return page(req, numbers), nil
}

func (r *Registry) getVersion(req *http.Request) (any, error) {
	v, err := r.versionOf(req)
	if err != nil {
		return nil, err
	}
	out := shown(v)
	out.Text = r.formatted(req, v.Schema).Text
	return out, nil
}

func (r *Registry) getVersionText(req *http.Request) (any, error) {
	v, err := r.versionOf(req)
	if err != nil {
		return nil, err
	}
	return rawText(v.Text), nil
}

func (r *Registry) getReferencedBy(req *http.Request) (any, error) {
	v, err := r.versionOf(req)
	if err != nil {
		return nil, err
	}
	ids := []int{}
	for _, name := range r.names(false) {
		for _, other := range r.subjects[name].live() {
			for _, ref := range other.References {
				if ref.Subject == v.Subject && ref.Version == v.Version {
					ids = append(ids, other.ID)
				}
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (r *Registry) postVersion(req *http.Request) (any, error) {
	var s Schema
	if err := body(req, &s); err != nil {
		return nil, err
	}
	v, err := r.register(req.PathValue("subject"), s, flag(req, "normalize"))
	if err != nil {
		return nil, err
	}
	return map[string]any{"id": v.ID, "version": v.Version, "guid": v.GUID()}, nil
}

func (r *Registry) postLookup(req *http.Request) (any, error) {
	var s Schema
	if err := body(req, &s); err != nil {
		return nil, err
	}
	name := req.PathValue("subject")
	sub := r.subjects[name]
	if sub == nil || len(sub.versions) == 0 || len(sub.live()) == 0 && !flag(req, "deleted") {
		return nil, noSubject(name)
	}
	s, err := r.canonical(s, flag(req, "normalize"))
	if err != nil {
		return nil, err
	}
	for _, v := range slices.Backward(sub.versions) {
		if v.equal(s) && (!v.Deleted || flag(req, "deleted")) {
			return shown(v), nil
		}
	}
	return nil, failure(404, 40403, "Schema not found")
}

func (r *Registry) deleteSubject(req *http.Request) (any, error) {
	name := req.PathValue("subject")
	s := r.subjects[name]
	if s == nil || len(s.versions) == 0 {
		return nil, noSubject(name)
	}
	if err := r.changeable(name); err != nil {
		return nil, err
	}
	permanent, live := flag(req, "permanent"), s.live()
	switch {
	case permanent && len(live) > 0:
		return nil, failure(404, 40405, "Subject '%s' was not deleted first before being permanently deleted", name)
	case !permanent && len(live) == 0:
		return nil, failure(404, 40404, "Subject '%s' was soft deleted.Set permanent=true to delete permanently", name)
	}
	op, gone := opDelete, live
	if permanent {
		op, gone = opRemove, slices.Clone(s.versions)
	}
	numbers := []int{}
	for _, v := range gone {
		if err := r.change(entry{Op: op, Subject: name, Version: v.Version}); err != nil {
			return nil, err
		}
		numbers = append(numbers, v.Version)
	}
	return numbers, nil
}

func (r *Registry) deleteVersion(req *http.Request) (any, error) {
	v, err := r.versionOf(req)
	if err == nil {
		err = r.changeable(v.Subject)
	}
	if err != nil {
		return nil, err
	}
	op := opDelete
	if flag(req, "permanent") {
		if op = opRemove; !v.Deleted {
			return nil, failure(404, 40407, "Subject '%s' Version %d was not deleted first before being permanently deleted", v.Subject, v.Version)
		}
	}
	return v.Version, r.change(entry{Op: op, Subject: v.Subject, Version: v.Version})
}

func (r *Registry) postCompatibility(req *http.Request) (any, error) {
	var s Schema
	if err := body(req, &s); err != nil {
		return nil, err
	}
	s, err := r.canonical(s, flag(req, "normalize"))
	if err != nil {
		return nil, err
	}
	name := req.PathValue("subject")
	earlier := r.subjects[name].live()
	if req.PathValue("version") != "" {
		v, err := r.versionOf(req)
		if err != nil {
			return nil, err
		}
		earlier = []*Version{v}
	}
	problems, err := r.compatible(r.levelOf(name), s, earlier)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"is_compatible": len(problems) == 0}
	if flag(req, "verbose") {
		answer["messages"] = append([]string{}, problems...)
	}
	return answer, nil
}
