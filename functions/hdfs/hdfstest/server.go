// Package hdfstest has a WebHDFS server in memory that answers as a name node does, redirects to its data node, itself,
// included.
package hdfstest

import (
	"bytes"
	"crypto/md5" //nolint:gosec // a checksum
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server is a WebHDFS server, to be served at any URL. The zero Server has an empty file system.
type Server struct {
	// Step, if set, is called before a request is done and after it; false makes the server drop the connection there.
	Step func(when, request string) bool
	// Standby makes it answer as a name node that is not active.
	Standby bool

	// Page is how many entries LISTSTATUS_BATCH returns at most; 0 for any number, negative where it is not known.
	Page int

	broken  atomic.Bool
	mu      sync.Mutex
	files   map[string]*file
	folders map[string]bool
	serial  int64
}

type file struct {
	data     []byte
	id       int64
	modified time.Time
}

// Files are the files whose path has no part that begins with a + or a dot.
func (s *Server) Files() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string][]byte{}
	for name, f := range s.files {
		if !strings.Contains(name, "/+") && !strings.Contains(name, "/.") {
			all[name] = f.data
		}
	}
	return all
}

// Hidden counts the others.
func (s *Server) Hidden() int {
	n := len(s.Files())
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.files) - n
}

// Break makes the server drop every connection, or answer again.
func (s *Server) Break(on bool) { s.broken.Store(on) }

// Append adds to a file, or begins it.
func (s *Server) Append(name string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[name]
	if f == nil {
		s.put(name, data)
		return
	}
	f.data, f.modified = append(bytes.Clone(f.data), data...), time.Now()
}

// Put writes a file, whatever is there.
func (s *Server) Put(name string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(name, data)
}

func (s *Server) put(name string, data []byte) {
	if s.files == nil {
		s.files, s.folders = map[string]*file{}, map[string]bool{}
	}
	s.serial++
	s.files[name] = &file{data: data, id: s.serial, modified: time.Now()}
	s.makeFolder(path.Dir(name))
}

func (s *Server) makeFolder(name string) {
	if s.folders == nil {
		s.files, s.folders = map[string]*file{}, map[string]bool{}
	}
	for ; name != "/" && name != "."; name = path.Dir(name) {
		s.folders[name] = true
	}
}

// Rename renames a file.
func (s *Server) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[to] = s.files[from]
	delete(s.files, from)
	s.makeFolder(path.Dir(to))
}

// Remove removes a file.
func (s *Server) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, name)
}

type exception struct {
	status        int
	name, message string
}

func (e *exception) Error() string { return e.name }

func notFound(name string) error {
	return &exception{http.StatusNotFound, "FileNotFoundException", "File does not exist: " + name}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	q := r.URL.Query()
	request := q.Get("op") + " " + r.URL.Path
	if s.broken.Load() || s.Step != nil && !s.Step("before", request) {
		panic(http.ErrAbortHandler)
	}
	out, err := s.answer(w, r, q, body)
	if s.Step != nil && !s.Step("after", request) {
		panic(http.ErrAbortHandler)
	}
	switch e := err.(type) { //nolint:errorlint // made here
	case *exception:
		w.WriteHeader(e.status)
		out = map[string]any{"RemoteException": map[string]string{"exception": e.name, "message": e.message}}
	case nil:
	}
	switch out := out.(type) {
	case nil:
	case []byte:
		_, _ = w.Write(out) // whoever hung up does not want it
	default:
		_ = json.NewEncoder(w).Encode(out)
	}
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, q url.Values, body []byte) (any, error) {
	if s.Standby {
		return nil, &exception{http.StatusForbidden, "StandbyException", "Operation category READ is not supported in state standby"}
	}
	name := path.Clean(strings.TrimPrefix(r.URL.Path, "/webhdfs/v1"))
	op := q.Get("op")
	switch op {
	case "CREATE", "APPEND", "OPEN", "GETFILECHECKSUM":
		if q.Get("datanode") == "" {
			if len(body) > 0 {
				return nil, &exception{http.StatusBadRequest, "IllegalArgumentException", "data must be sent to a data node"}
			}
			if err := s.allowed(op, name, q); err != nil {
				return nil, err
			}
			u := *r.URL
			q.Set("datanode", "1")
			u.RawQuery, u.Scheme, u.Host = q.Encode(), "http", r.Host
			w.Header().Set("Location", u.String())
			w.WriteHeader(http.StatusTemporaryRedirect)
			return nil, nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.do(w, op, name, q, body)
}

// allowed is what a name node finds before it sends a client to a data node.
func (s *Server) allowed(op, name string, q url.Values) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[name]
	switch {
	case op == "CREATE" && f != nil && q.Get("overwrite") != "true":
		return &exception{http.StatusForbidden, "FileAlreadyExistsException", name + " already exists"}
	case op != "CREATE" && f == nil:
		return notFound(name)
	}
	return nil
}

func (s *Server) do(w http.ResponseWriter, op, name string, q url.Values, body []byte) (any, error) {
	f := s.files[name]
	switch op {
	case "CREATE":
		s.put(name, body)
		w.WriteHeader(http.StatusCreated)
		return nil, nil
	case "APPEND":
		if f == nil {
			return nil, notFound(name)
		}
		f.data, f.modified = append(bytes.Clone(f.data), body...), time.Now()
		return nil, nil
	case "OPEN":
		return s.open(f, name, q)
	case "MKDIRS":
		s.makeFolder(name)
		return truth(true), nil
	case "RENAME":
		to := path.Clean(q.Get("destination"))
		if f == nil || s.files[to] != nil || !s.folders[path.Dir(to)] {
			return truth(false), nil
		}
		s.files[to] = f
		delete(s.files, name)
		return truth(true), nil
	case "DELETE":
		delete(s.files, name)
		return truth(f != nil), nil
	case "GETFILESTATUS":
		switch {
		case f != nil:
			return map[string]any{"FileStatus": status("", f)}, nil
		case s.folders[name]:
			return map[string]any{"FileStatus": map[string]any{"pathSuffix": "", "type": "DIRECTORY"}}, nil
		}
		return nil, notFound(name)
	case "LISTSTATUS":
		entries, err := s.list(name)
		return map[string]any{"FileStatuses": map[string]any{"FileStatus": entries}}, err
	case "LISTSTATUS_BATCH":
		return s.batch(name, q.Get("startAfter"))
	case "GETFILECHECKSUM":
		sum := md5.Sum(f.data) //nolint:gosec // see above
		return map[string]any{"FileChecksum": map[string]any{"algorithm": "MD5", "bytes": fmt.Sprintf("%x", sum), "length": len(sum)}}, nil
	}
	return nil, &exception{http.StatusBadRequest, "UnsupportedOperationException", op}
}

func truth(b bool) any { return map[string]bool{"boolean": b} }

func status(name string, f *file) map[string]any {
	return map[string]any{
		"pathSuffix": name, "type": "FILE", "length": len(f.data), "modificationTime": f.modified.UnixMilli(), "fileId": f.id,
	}
}

func (s *Server) open(f *file, name string, q url.Values) (any, error) {
	if f == nil {
		return nil, notFound(name)
	}
	from, _ := strconv.Atoi(q.Get("offset"))
	if from > len(f.data) {
		return nil, &exception{http.StatusForbidden, "IOException", "Offset=" + q.Get("offset") + " out of the range"}
	}
	data := f.data[from:]
	if n, err := strconv.Atoi(q.Get("length")); err == nil {
		data = data[:min(n, len(data))]
	}
	return data, nil
}

// list are the entries of a folder, in the order of their names.
func (s *Server) list(folder string) ([]map[string]any, error) {
	if folder != "/" && !s.folders[folder] {
		return nil, notFound(folder)
	}
	entries := []map[string]any{}
	for name := range s.folders {
		if path.Dir(name) == folder {
			entries = append(entries, map[string]any{"pathSuffix": path.Base(name), "type": "DIRECTORY"})
		}
	}
	for name, f := range s.files {
		if path.Dir(name) == folder {
			entries = append(entries, status(path.Base(name), f))
		}
	}
	slices.SortFunc(entries, func(a, b map[string]any) int { return strings.Compare(nameOf(a), nameOf(b)) })
	return entries, nil
}

func nameOf(entry map[string]any) string {
	name, _ := entry["pathSuffix"].(string)
	return name
}

func (s *Server) batch(folder, after string) (any, error) {
	if s.Page < 0 {
		return nil, &exception{http.StatusBadRequest, "IllegalArgumentException", "Invalid value for webhdfs parameter \"op\""}
	}
	entries, err := s.list(folder)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e map[string]any) bool { return after != "" && nameOf(e) <= after })
	n := len(entries)
	if s.Page > 0 {
		n = min(n, s.Page)
	}
	return map[string]any{"DirectoryListing": map[string]any{
		"partialListing":   map[string]any{"FileStatuses": map[string]any{"FileStatus": entries[:n]}},
		"remainingEntries": len(entries) - n,
	}}, nil
}
