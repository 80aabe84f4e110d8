// Package s3test has an S3 server in memory, strict where the real one is: parts of uploads have a least size, completion
// is conditional, and what is gone is gone.
package s3test

import (
	"bytes"
	"cmp"
	"crypto/md5" //nolint:gosec // S3 makes ETags of it
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server is an S3 server with any bucket, to be served at a URL with the bucket in the path. The zero Server is ready
// for use.
type Server struct {
	// Step, if set, is called before a request is done and after it; false makes the server drop the connection there.
	Step func(when, request string) bool

	// Page is how many objects a page of a list has at most. Defaults to 1000.
	Page int

	broken  atomic.Bool
	mu      sync.Mutex
	objects map[string]*Object // by bucket/key
	uploads map[string]*upload
	serial  int
}

// Object is an object.
type Object struct {
	Data     []byte
	ETag     string
	Type     string
	Tags     string
	Class    string
	Modified time.Time
}

type upload struct {
	key    string
	object Object
	parts  map[int][]byte
}

// LeastPart is how large all parts but the last must be.
const LeastPart = 5 << 20

// Objects are the objects of a bucket, but for those whose key begins with a dot.
func (s *Server) Objects(bucket string) map[string]*Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]*Object{}
	for name, o := range s.objects {
		if key, ok := strings.CutPrefix(name, bucket+"/"); ok && !strings.HasPrefix(key, ".") {
			all[key] = o
		}
	}
	return all
}

// Hidden counts uploads that are neither completed nor aborted, and objects whose key begins with a dot.
func (s *Server) Hidden(bucket string) (uploads, objects int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.objects {
		if strings.HasPrefix(name, bucket+"/.") {
			objects++
		}
	}
	return len(s.uploads), objects
}

// Break makes the server drop every connection, or answer again.
func (s *Server) Break(on bool) { s.broken.Store(on) }

// Put puts an object, whatever is there.
func (s *Server) Put(bucket, key string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(bucket+"/"+key, Object{Data: data, ETag: digest(data), Modified: time.Now()})
}

func (s *Server) put(name string, o Object) {
	if s.objects == nil {
		s.objects = map[string]*Object{}
	}
	s.objects[name] = &o
}

func digest(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // see above
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// failure is an answer that is an error.
type failure struct {
	status int
	code   string
}

func (f *failure) Error() string { return f.code }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	request := r.Method + " " + r.URL.Path + "?" + r.URL.RawQuery
	if s.broken.Load() || s.Step != nil && !s.Step("before", request) {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	out, err := s.serve(w.Header(), r, body)
	s.mu.Unlock()
	if s.Step != nil && !s.Step("after", request) {
		panic(http.ErrAbortHandler)
	}
	status := http.StatusOK
	if f, ok := err.(*failure); ok { //nolint:errorlint // made here
		status = f.status
		out, _ = xml.Marshal(struct { //nolint:errchkjson // two texts
			XMLName       xml.Name `xml:"Error"`
			Code, Message string
		}{Code: f.code, Message: f.code})
	}
	if r.Method == http.MethodDelete && err == nil {
		status = http.StatusNoContent
	}
	if w.Header().Get("Content-Range") != "" {
		status = http.StatusPartialContent
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(out) // whoever hung up does not want it
	}
}

func (s *Server) serve(h http.Header, r *http.Request, body []byte) ([]byte, error) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	bucket, key, _ := strings.Cut(name, "/")
	q := r.URL.Query()
	id := q.Get("uploadId")
	switch {
	case key == "" && r.Method == http.MethodGet:
		return s.list(bucket, q)
	case key == "" && r.Method == http.MethodPost && q.Has("delete"):
		return s.deleteAll(bucket, body)
	case r.Method == http.MethodPost && q.Has("uploads"):
		return s.create(name, r.Header)
	case id != "":
		return s.upload(h, r, name, id, body)
	case r.Method == http.MethodPut:
		return s.write(h, r, name, body)
	case r.Method == http.MethodDelete:
		delete(s.objects, name)
		return nil, nil
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return s.read(h, r, name)
	}
	return nil, &failure{http.StatusNotImplemented, "NotImplemented"}
}

func (s *Server) write(h http.Header, r *http.Request, name string, body []byte) ([]byte, error) {
	if source := r.Header.Get("X-Amz-Copy-Source"); source != "" {
		from, _ := url.PathUnescape(strings.TrimPrefix(source, "/"))
		o := s.objects[from]
		if o == nil {
			return nil, &failure{http.StatusNotFound, "NoSuchKey"}
		}
		if match := r.Header.Get("X-Amz-Copy-Source-If-Match"); match != "" && match != o.ETag {
			return nil, &failure{http.StatusPreconditionFailed, "PreconditionFailed"}
		}
		s.put(name, Object{Data: o.Data, ETag: o.ETag, Tags: o.Tags, Modified: time.Now()})
		return fmt.Appendf(nil, "<CopyObjectResult><ETag>%s</ETag></CopyObjectResult>", o.ETag), nil
	}
	if r.URL.Query().Has("tagging") {
		o := s.objects[name]
		if o == nil {
			return nil, &failure{http.StatusNotFound, "NoSuchKey"}
		}
		o.Tags = string(body)
		return nil, nil
	}
	if r.Header.Get("If-None-Match") == "*" && s.objects[name] != nil {
		return nil, &failure{http.StatusPreconditionFailed, "PreconditionFailed"}
	}
	s.put(name, Object{Data: body, ETag: digest(body), Type: r.Header.Get("Content-Type"), Modified: time.Now()})
	h.Set("ETag", digest(body))
	return nil, nil
}

func (s *Server) read(h http.Header, r *http.Request, name string) ([]byte, error) {
	o := s.objects[name]
	if o == nil {
		return nil, &failure{http.StatusNotFound, "NoSuchKey"}
	}
	if match := r.Header.Get("If-Match"); match != "" && match != o.ETag {
		return nil, &failure{http.StatusPreconditionFailed, "PreconditionFailed"}
	}
	if r.URL.Query().Has("tagging") {
		return tagging(o), nil
	}
	h.Set("ETag", o.ETag)
	h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	if o.Type != "" {
		h.Set("Content-Type", o.Type)
	}
	data := o.Data
	if text := r.Header.Get("Range"); text != "" {
		from, to, ok := span(text, len(data))
		if !ok {
			return nil, &failure{http.StatusRequestedRangeNotSatisfiable, "InvalidRange"}
		}
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(data)))
		data = data[from:to]
	}
	return data, nil
}

// tagging is the tags of an object: what was put, or what its upload began with.
func tagging(o *Object) []byte {
	if strings.HasPrefix(o.Tags, "<") {
		return []byte(o.Tags)
	}
	var out strings.Builder
	values, _ := url.ParseQuery(o.Tags) // a client wrote it
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&out, "<Tag><Key>%s</Key><Value>%s</Value></Tag>", name, values.Get(name))
	}
	return []byte("<Tagging><TagSet>" + out.String() + "</TagSet></Tagging>")
}

func span(text string, size int) (from, to int, ok bool) {
	first, last, _ := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	from, err := strconv.Atoi(first)
	if err != nil || from >= size {
		return 0, 0, false
	}
	if to = size; last != "" {
		if n, err := strconv.Atoi(last); err == nil {
			to = min(size, n+1)
		}
	}
	return from, to, from < to
}

func (s *Server) create(name string, h http.Header) ([]byte, error) {
	s.serial++
	id := "upload-" + strconv.Itoa(s.serial)
	if s.uploads == nil {
		s.uploads = map[string]*upload{}
	}
	s.uploads[id] = &upload{key: name, parts: map[int][]byte{}, object: Object{
		Type: h.Get("Content-Type"), Tags: h.Get("X-Amz-Tagging"), Class: h.Get("X-Amz-Storage-Class"),
	}}
	return fmt.Appendf(nil, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id), nil
}

func (s *Server) upload(h http.Header, r *http.Request, name, id string, body []byte) ([]byte, error) {
	u := s.uploads[id]
	if u == nil || u.key != name {
		return nil, &failure{http.StatusNotFound, "NoSuchUpload"}
	}
	switch r.Method {
	case http.MethodPut:
		return s.part(h, r, u, body)
	case http.MethodPost:
		return s.complete(r, name, id, u, body)
	case http.MethodDelete:
		delete(s.uploads, id)
		return nil, nil
	}
	return []byte("<ListPartsResult></ListPartsResult>"), nil
}

func (s *Server) part(h http.Header, r *http.Request, u *upload, body []byte) ([]byte, error) {
	number, err := strconv.Atoi(r.URL.Query().Get("partNumber"))
	if err != nil || number < 1 || number > 10_000 {
		return nil, &failure{http.StatusBadRequest, "InvalidArgument"}
	}
	source := r.Header.Get("X-Amz-Copy-Source")
	if source == "" {
		u.parts[number] = body
		h.Set("ETag", digest(body))
		return nil, nil
	}
	from, _ := url.PathUnescape(strings.TrimPrefix(source, "/"))
	o := s.objects[from]
	if o == nil {
		return nil, &failure{http.StatusNotFound, "NoSuchKey"}
	}
	begin, end, ok := span(r.Header.Get("X-Amz-Copy-Source-Range"), len(o.Data))
	if !ok || len(o.Data) < LeastPart {
		return nil, &failure{http.StatusBadRequest, "InvalidRequest"}
	}
	u.parts[number] = o.Data[begin:end]
	return fmt.Appendf(nil, "<CopyPartResult><ETag>%s</ETag></CopyPartResult>", digest(u.parts[number])), nil
}

func (s *Server) complete(r *http.Request, name, id string, u *upload, body []byte) ([]byte, error) {
	var in struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(body, &in); err != nil || len(in.Part) == 0 {
		return nil, &failure{http.StatusBadRequest, "MalformedXML"}
	}
	if r.Header.Get("If-None-Match") == "*" && s.objects[name] != nil {
		return nil, &failure{http.StatusPreconditionFailed, "PreconditionFailed"}
	}
	var data bytes.Buffer
	var sums []byte
	for i, p := range in.Part {
		part, there := u.parts[p.PartNumber]
		sum := md5.Sum(part) //nolint:gosec // see above
		switch {
		case !there || strings.Trim(p.ETag, `"`) != hex.EncodeToString(sum[:]):
			return nil, &failure{http.StatusBadRequest, "InvalidPart"}
		case i > 0 && p.PartNumber <= in.Part[i-1].PartNumber:
			return nil, &failure{http.StatusBadRequest, "InvalidPartOrder"}
		case i < len(in.Part)-1 && len(part) < LeastPart:
			return nil, &failure{http.StatusBadRequest, "EntityTooSmall"}
		}
		data.Write(part)
		sums = append(sums, sum[:]...)
	}
	o := u.object
	o.Data, o.Modified = data.Bytes(), time.Now()
	o.ETag = strings.TrimSuffix(digest(sums), `"`) + "-" + strconv.Itoa(len(in.Part)) + `"`
	s.put(name, o)
	delete(s.uploads, id)
	return fmt.Appendf(nil, "<CompleteMultipartUploadResult><ETag>%s</ETag></CompleteMultipartUploadResult>", o.ETag), nil
}

func (s *Server) deleteAll(bucket string, body []byte) ([]byte, error) {
	var in struct{ Object []struct{ Key string } }
	if err := xml.Unmarshal(body, &in); err != nil || len(in.Object) > 1000 {
		return nil, &failure{http.StatusBadRequest, "MalformedXML"}
	}
	for _, o := range in.Object {
		delete(s.objects, bucket+"/"+o.Key)
	}
	return []byte("<DeleteResult></DeleteResult>"), nil
}

func (s *Server) list(bucket string, q url.Values) ([]byte, error) {
	type content struct {
		Key, ETag, LastModified string
		Size                    int
	}
	out := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []content
	}{}
	most := cmp.Or(s.Page, 1000)
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		most = min(most, n)
	}
	after := max(q.Get("start-after"), q.Get("continuation-token"))
	for _, name := range slices.Sorted(maps.Keys(s.objects)) {
		key, ok := strings.CutPrefix(name, bucket+"/")
		if !ok || !strings.HasPrefix(key, q.Get("prefix")) || key <= after && after != "" {
			continue
		}
		if len(out.Contents) == most {
			out.IsTruncated, out.NextContinuationToken = true, out.Contents[most-1].Key
			break
		}
		o := s.objects[name]
		out.Contents = append(out.Contents, content{key, o.ETag, o.Modified.UTC().Format("2006-01-02T15:04:05.000Z"), len(o.Data)})
	}
	return xml.Marshal(out)
}
