package registry

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// DefaultLevel is the compatibility level of subjects without one of their own, as long as nobody changes it.
const DefaultLevel = "BACKWARD"

// levels are all compatibility levels.
func levels() []string {
	return []string{"NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"}
}

// Registry is a registry. It is an http.Handler, and may be used by any number of goroutines.
type Registry struct {
	mu       sync.Mutex
	subjects map[string]*subject
	byID     map[int]Schema
	last     int    // the last number that was given
	level    string // global
	mode     string // global, "" for the one to read and write
	journal  *os.File
	refused  []string // ids of versions that Glue's API answered with and that did not fit
}

type subject struct {
	versions []*Version // by version
	level    string     // "" for the global one
	mode     string     // "" for the global one
}

// entry is one line of the journal: a version that was registered, deleted or removed, or a level or a mode that was set.
type entry struct {
	Op      string  `json:"op"`
	Subject string  `json:"subject,omitempty"`
	Version int     `json:"version,omitempty"`
	ID      int     `json:"id,omitempty"`
	Schema  *Schema `json:"value,omitempty"`
	Level   string  `json:"level,omitempty"`
}

// The operations of the journal.
const (
	opRegister = "register"
	opDelete   = "delete"
	opRemove   = "remove"
	opLevel    = "level"
	opMode     = "mode"
)

// Open opens the registry whose journal is at path, or makes it; with "" it forgets everything in the end. Changes are
// handed to the operating system before they are answered.
func Open(path string) (*Registry, error) {
	r := &Registry{subjects: map[string]*subject{}, byID: map[int]Schema{}, level: DefaultLevel}
	if path == "" {
		return r, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the schema registry: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the schema registry: %w", err)
	}
	if err := r.replay(f); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the schema registry %s: %w", path, err), f.Close())
	}
	r.journal = f
	return r, nil
}

// replay reads the journal and cuts off a last line that was not written to its end.
func (r *Registry) replay(f *os.File) error {
	lines := bufio.NewReader(f)
	good := int64(0)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		r.apply(e)
		good += int64(len(line))
	}
	if err := f.Truncate(good); err != nil {
		return err
	}
	_, err := f.Seek(good, io.SeekStart)
	return err
}

// Close closes the journal.
func (r *Registry) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.journal == nil {
		return nil
	}
	f := r.journal
	r.journal = nil
	return f.Close()
}

// change writes an entry down and applies it.
func (r *Registry) change(e entry) error {
	if r.journal != nil {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("writing the schema registry: %w", err)
		}
		if _, err := r.journal.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("writing the schema registry: %w", err)
		}
	}
	r.apply(e)
	return nil
}

func (r *Registry) apply(e entry) {
	s := r.subjects[e.Subject]
	if s == nil && e.Subject != "" {
		s = &subject{}
		r.subjects[e.Subject] = s
	}
	switch e.Op {
	case opRegister:
		s.versions = append(s.versions, &Version{Subject: e.Subject, Version: e.Version, ID: e.ID, Schema: *e.Schema})
		slices.SortFunc(s.versions, func(a, b *Version) int { return a.Version - b.Version })
		r.byID[e.ID] = *e.Schema
		if e.ID == r.last+1 {
			r.last = e.ID
		}
	case opDelete:
		if v := s.find(e.Version); v != nil {
			v.Deleted = true
		}
	case opRemove:
		s.versions = slices.DeleteFunc(s.versions, func(v *Version) bool { return v.Version == e.Version })
	case opLevel:
		if s == nil {
			r.level = e.Level
		} else {
			s.level = e.Level
		}
	case opMode:
		if s == nil {
			r.mode = e.Level
		} else {
			s.mode = e.Level
		}
	}
}

func (s *subject) find(version int) *Version {
	for _, v := range s.versions {
		if v.Version == version {
			return v
		}
	}
	return nil
}

// live are the versions that are not deleted.
func (s *subject) live() []*Version {
	if s == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.versions), func(v *Version) bool { return v.Deleted })
}

func (r *Registry) find(name string, version int) (*Version, bool) {
	s := r.subjects[name]
	if s == nil {
		return nil, false
	}
	if version == latest {
		live := s.live()
		if len(live) == 0 {
			return nil, false
		}
		return live[len(live)-1], true
	}
	v := s.find(version)
	return v, v != nil
}

// latest stands for the newest version.
const latest = -1

// Register registers a schema under a subject and returns what it is there. One that is there already is found.
func (r *Registry) Register(name string, s Schema, normalize bool) (Version, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.register(name, s, normalize)
}

func (r *Registry) register(name string, s Schema, normalize bool) (Version, error) {
	s, err := r.canonical(s, normalize)
	if err != nil {
		return Version{}, err
	}
	sub := r.subjects[name]
	for _, v := range sub.live() {
		if v.equal(s) {
			return *v, nil
		}
	}
	if err := r.changeable(name); err != nil {
		return Version{}, err
	}
	problems, err := r.compatible(r.levelOf(name), s, sub.live())
	if err != nil {
		return Version{}, err
	}
	if len(problems) > 0 {
		return Version{}, failure(409, 409, "Schema being registered is incompatible with an earlier schema for subject \"%s\", details: [%s]",
			name, strings.Join(problems, ", "))
	}
	e := entry{Op: opRegister, Subject: name, Version: 1, ID: r.idFor(s), Schema: &s}
	if sub != nil && len(sub.versions) > 0 {
		e.Version = sub.versions[len(sub.versions)-1].Version + 1
	}
	if err := r.change(e); err != nil {
		return Version{}, err
	}
	return Version{Subject: name, Version: e.Version, ID: e.ID, Schema: s}, nil
}

// idFor is the number of a schema: the one it has under another subject, or the next.
func (r *Registry) idFor(s Schema) int {
	lowest := 0
	for id, known := range r.byID {
		if known.equal(s) && (lowest == 0 || id < lowest) {
			lowest = id
		}
	}
	if lowest > 0 {
		return lowest
	}
	for {
		if _, taken := r.byID[r.last+1]; !taken {
			return r.last + 1
		}
		r.last++
	}
}

// Import registers a schema with a version and a number that are given, as another registry gave them.
func (r *Registry) Import(name string, version, id int, s Schema) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.Type == "" {
		s.Type = AvroType
	}
	last := r.last
	err := r.change(entry{Op: opRegister, Subject: name, Version: version, ID: id, Schema: &s})
	r.last = last // the numbers that are given here go on from where they were
	return err
}

// SetLevel sets the compatibility level of a subject, or the global one for "".
func (r *Registry) SetLevel(name, level string) error {
	if !slices.Contains(levels(), level) {
		return noLevel()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.change(entry{Op: opLevel, Subject: name, Level: level})
}

// Versions are all versions of all subjects, by subject and version.
func (r *Registry) Versions() []Version {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Version
	for _, name := range r.names(false) {
		for _, v := range r.subjects[name].live() {
			all = append(all, *v)
		}
	}
	return all
}

// names are the subjects that have a version, sorted.
func (r *Registry) names(deleted bool) []string {
	names := []string{}
	for name, s := range r.subjects {
		if len(s.live()) > 0 || deleted && len(s.versions) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (r *Registry) levelOf(name string) string {
	if s := r.subjects[name]; s != nil && s.level != "" {
		return s.level
	}
	return r.level
}
