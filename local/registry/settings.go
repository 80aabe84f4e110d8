package registry

import (
	"net/http"
	"slices"
	"strings"
)

// The modes of subjects: whether they can be changed.
const (
	readWrite        = "READWRITE"
	readOnly         = "READONLY"
	readOnlyOverride = "READONLY_OVERRIDE" // whatever a subject's own mode is
)

func modes() []string { return []string{readWrite, readOnly, readOnlyOverride} }

// modeEndpoints are those of modes and levels, and some that only tools use.
func (r *Registry) modeEndpoints() map[string]endpoint {
	return map[string]endpoint{
		"GET /mode":                     r.getMode,
		"PUT /mode":                     r.putMode,
		"DELETE /mode":                  r.deleteMode,
		"GET /mode/{subject}":           r.getMode,
		"PUT /mode/{subject}":           r.putMode,
		"DELETE /mode/{subject}":        r.deleteMode,
		"DELETE /config":                r.deleteGlobalLevel,
		"GET /contexts":                 func(*http.Request) (any, error) { return []string{"."}, nil },
		"GET /schemas":                  r.getAll,
		"GET /schemas/guids/{guid}/ids": r.getIDsOf,
	}
}

// modeOf is the mode that counts for a subject.
func (r *Registry) modeOf(name string) string {
	if s := r.subjects[name]; s != nil && s.mode != "" && r.mode != readOnlyOverride {
		return s.mode
	}
	if r.mode == "" {
		return readWrite
	}
	return r.mode
}

// changeable tells why a subject cannot be changed.
func (r *Registry) changeable(name string) error {
	if r.modeOf(name) != readWrite {
		return failure(http.StatusUnprocessableEntity, 42205, "Subject %s is in read-only mode", name)
	}
	return nil
}

func (r *Registry) getMode(req *http.Request) (any, error) {
	name := req.PathValue("subject")
	if s := r.subjects[name]; name != "" && (s == nil || s.mode == "") && !flag(req, "defaultToGlobal") {
		return nil, failure(http.StatusNotFound, 40409, "Subject '%s' does not have subject-level mode configured", name)
	}
	return map[string]string{"mode": r.modeOf(name)}, nil
}

func (r *Registry) putMode(req *http.Request) (any, error) {
	var in struct {
		Mode string `json:"mode"`
	}
	if err := body(req, &in); err != nil {
		return nil, err
	}
	mode := strings.ToUpper(in.Mode)
	if !slices.Contains(modes(), mode) {
		return nil, failure(http.StatusUnprocessableEntity, 42204, "Invalid mode. Valid values are %s", strings.Join(modes(), ", "))
	}
	return map[string]string{"mode": mode}, r.change(entry{Op: opMode, Subject: req.PathValue("subject"), Level: mode})
}

func (r *Registry) deleteMode(req *http.Request) (any, error) {
	name := req.PathValue("subject")
	old := r.modeOf(name)
	return map[string]string{"mode": old}, r.change(entry{Op: opMode, Subject: name})
}

func (r *Registry) getLevel(req *http.Request) (any, error) {
	name := req.PathValue("subject")
	level := r.level
	if s := r.subjects[name]; name != "" && (s == nil || s.level == "") {
		if !flag(req, "defaultToGlobal") {
			return nil, failure(404, 40408, "Subject '%s' does not have subject-level compatibility configured", name)
		}
	} else if name != "" {
		level = s.level
	}
	return map[string]string{"compatibilityLevel": level}, nil
}

func (r *Registry) putLevel(req *http.Request) (any, error) {
	var in struct {
		Compatibility string `json:"compatibility"`
	}
	if err := body(req, &in); err != nil {
		return nil, err
	}
	level := strings.ToUpper(in.Compatibility)
	if !slices.Contains(levels(), level) {
		return nil, noLevel()
	}
	return map[string]string{"compatibility": level}, r.change(entry{Op: opLevel, Subject: req.PathValue("subject"), Level: level})
}

func (r *Registry) deleteLevel(req *http.Request) (any, error) {
	name := req.PathValue("subject")
	old := r.levelOf(name)
	return map[string]string{"compatibilityLevel": old}, r.change(entry{Op: opLevel, Subject: name})
}

func (r *Registry) deleteGlobalLevel(*http.Request) (any, error) {
	old := r.level
	return map[string]string{"compatibilityLevel": old}, r.change(entry{Op: opLevel, Level: DefaultLevel})
}

// getAll are all versions of all subjects whose names begin with a prefix, or their newest.
func (r *Registry) getAll(req *http.Request) (any, error) {
	all := []registered{}
	for _, name := range r.names(flag(req, "deleted")) {
		if !strings.HasPrefix(name, req.URL.Query().Get("subjectPrefix")) {
			continue
		}
		versions := r.subjects[name].live()
		if flag(req, "deleted") {
			versions = r.subjects[name].versions
		}
		if flag(req, "latestOnly") && len(versions) > 0 {
			versions = versions[len(versions)-1:]
		}
		for _, v := range versions {
			all = append(all, shown(v))
		}
	}
	return page(req, all), nil
}

func (r *Registry) getIDsOf(req *http.Request) (any, error) {
	type place struct {
		Context string `json:"context"`
		ID      int    `json:"id"`
	}
	var all []place
	for id, s := range r.byID {
		if s.GUID() == req.PathValue("guid") {
			all = append(all, place{".", id})
		}
	}
	if len(all) == 0 {
		return nil, failure(http.StatusNotFound, 40403, "Schema %s not found", req.PathValue("guid"))
	}
	slices.SortFunc(all, func(a, b place) int { return a.ID - b.ID })
	return all, nil
}
