package control

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
)

const jsonMedia = "application/json"

// media is what a request says that its body is.
type media uint8

const (
	mediaNone media = iota // nothing: what comes is taken for JSON, or there is no body
	mediaJSON
	mediaOther
	mediaBroken // not to be understood
)

// sent tells what a request says its body is, whether there is one or not.
func sent(header http.Header) media {
	values := header["Content-Type"]
	if len(values) == 0 {
		return mediaNone
	}
	name, _, err := mime.ParseMediaType(values[0])
	kind, sub, whole := strings.Cut(name, "/")
	switch {
	case !whole || kind == "" || sub == "":
		return mediaBroken
	case err != nil:
		return mediaBroken
	case name == jsonMedia || name == "application/*" || name == "*/*":
		return mediaJSON
	}
	return mediaOther
}

// accepted tells whether a client takes JSON, and what it wants it to be called: as in Connect, what it says about
// application/json beside a quality comes back.
func accepted(header http.Header) (name string, ok bool) {
	asked := strings.Join(header.Values("Accept"), ",")
	if strings.TrimSpace(asked) == "" {
		return jsonMedia, true
	}
	for part := range strings.SplitSeq(asked, ",") {
		media, rest, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "", "*/*", "application/*":
			name, ok = jsonMedia, true
		case jsonMedia:
			return jsonMedia + parameters(rest), true
		}
	}
	return name, ok
}

// parameters writes those of a media type as they are sent back, in order of their names.
func parameters(text string) string {
	_, all, err := mime.ParseMediaType(jsonMedia + ";" + text)
	if err != nil {
		return ""
	}
	delete(all, "q")
	var list []string
	for name, value := range all {
		if name == "charset" {
			value = strings.ToLower(value)
		}
		list = append(list, mime.FormatMediaType("a/a", map[string]string{name: value})[len("a/a; "):])
	}
	slices.Sort(list)
	if list == nil {
		return ""
	}
	return ";" + strings.Join(list, ";")
}

// described tells what the list of a resource's methods is called, and whether it is to be written at all: as in Connect,
// who asks for anything but plain text first gets nothing, by the name of what was asked for.
func described(header http.Header) (media string, written bool) {
	media, _, _ = strings.Cut(strings.Join(header.Values("Accept"), ","), ",")
	media = strings.TrimSpace(media)
	kind, _, _ := strings.Cut(media, ";")
	switch strings.TrimSpace(kind) {
	case "", "*/*", "text/*", "text/plain":
		return "text/plain", true
	}
	if !strings.Contains(kind, "/") {
		media += "/*"
	}
	return media, false
}

// page is the answer to a request that is not to be understood: as Connect's web server has one, without a text where
// there is nobody to read it.
func page(r *http.Request, status int, what string) answer {
	a := answer{status: status, header: http.Header{"Cache-Control": {"must-revalidate,no-cache,no-store"}}}
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodHead:
		a.text = fmt.Sprintf("<html><head><title>Error %d %s</title></head><body><h2>HTTP ERROR %[1]d %[2]s</h2></body></html>\n", status, what)
		a.header.Set("Content-Type", "text/html;charset=iso-8859-1")
	}
	return a
}
