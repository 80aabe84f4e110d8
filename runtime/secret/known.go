package secret

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// known is a value that was resolved, and where it came from.
type known struct{ value, placeholder string }

// mostKnown is how many values are remembered. It is far above what settings hold, and bounds what a value that is
// replaced every minute leaves in a process that runs for long.
const mostKnown = 1000

// learn remembers values, so that they can be hidden.
func (r *Resolver) learn(connector string, found map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := false
	if connector != "" && !r.names[connector] && !has(connector) {
		r.names[connector], changed = true, true
	}
	for _, text := range slices.Sorted(maps.Keys(found)) {
		k := known{found[text], text}
		r.values[text] = k.value
		if !slices.Contains(r.known, k) {
			r.known = append(r.known, k)
			changed = true
		}
	}
	if !changed {
		return
	}
	r.known = r.known[max(0, len(r.known)-mostKnown):]
	var needles []needle
	for _, k := range r.known {
		// A placeholder stands for itself, also where another value happens to be part of its name.
		needles = append(needles, needle{k.placeholder, k.placeholder}, needle{k.value, k.placeholder})
	}
	for _, k := range r.known { // after all values: of equal needles the first counts
		for _, form := range encodings(k.value) {
			needles = append(needles, needle{form, k.placeholder})
		}
		for _, part := range parts(k.value) {
			needles = append(needles, needle{part, k.placeholder})
			for _, form := range encodings(part) {
				needles = append(needles, needle{form, k.placeholder})
			}
		}
	}
	ix := newIndex(needles)
	ix.names = make(map[string]bool, len(r.names))
	for name := range r.names {
		ix.names[name] = true
	}
	r.index.Store(ix)
}

// Scrub returns text with placeholders instead of every value that was ever resolved, also quoted, encoded for a URL,
// without blanks around it, and those parts of a longer value that look secret by themselves: members of JSON, options of
// a login module, a URL's password. Values of less than three bytes and "true" and "false" stay: nothing could be read any
// more, and nothing would be hidden. A text that is just a connector's name stays, too.
func (r *Resolver) Scrub(text string) string {
	ix := r.index.Load()
	if ix == nil || ix.names[text] {
		return text
	}
	return ix.replace(text)
}

// needle is a text to find and what to put in its place.
type needle struct{ text, placeholder string }

// index finds many needles at once, the longest first.
type index struct {
	first [256][]needle
	names map[string]bool
}

func newIndex(needles []needle) *index {
	ix := &index{}
	for _, n := range needles {
		if hidable(n.text) {
			ix.first[n.text[0]] = append(ix.first[n.text[0]], n)
		}
	}
	for i := range ix.first {
		// Stable: of equal values the one given first stands.
		slices.SortStableFunc(ix.first[i], func(a, b needle) int { return len(b.text) - len(a.text) })
	}
	return ix
}

// hidable tells whether a value can be told from what just happens to look the same.
func hidable(value string) bool {
	return len(value) >= 3 && !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false")
}

// replace replaces the needles in text. It returns text itself if there are none.
func (ix *index) replace(text string) string {
	var out strings.Builder
	done := 0
	for i := 0; i < len(text); {
		n, ok := ix.at(text, i)
		if !ok {
			i++
			continue
		}
		out.WriteString(text[done:i])
		out.WriteString(n.placeholder)
		i += len(n.text)
		done = i
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// find returns the placeholder of the first needle in text.
func (ix *index) find(text string) (string, bool) {
	for i := range len(text) {
		if n, ok := ix.at(text, i); ok {
			return n.placeholder, true
		}
	}
	return "", false
}

// at is the needle that begins there.
func (ix *index) at(text string, i int) (needle, bool) {
	for _, n := range ix.first[text[i]] {
		if strings.HasPrefix(text[i:], n.text) && (len(n.text) > 3 || isWord(text, i, i+len(n.text))) {
			return n, true
		}
	}
	return needle{}, false
}

// isWord tells whether no letter or digit lies before or after a part of text.
func isWord(text string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:from])
	after, _ := utf8.DecodeRuneInString(text[to:])
	return !isAlphanumeric(before) && !isAlphanumeric(after)
}

func isAlphanumeric(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// encodings are the forms in which libraries quote a value, but for the value itself.
func encodings(value string) []string {
	var all []string
	add := func(forms ...string) {
		for _, f := range forms {
			if f != value && f != "" && !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	inside := func(quoted string) string { return quoted[1 : len(quoted)-1] }
	trimmed := strings.TrimFunc(value, func(r rune) bool { return r <= ' ' })
	for _, v := range []string{value, trimmed} {
		if v == "" {
			continue
		}
		user := url.UserPassword("", v).String()
		add(v, url.QueryEscape(v), url.PathEscape(v), user[1:], inside(strconv.Quote(v)), inside(strconv.QuoteToASCII(v)),
			base64.StdEncoding.EncodeToString([]byte(v)))
		if text, err := json.Marshal(v); err == nil {
			add(inside(string(text)))
		}
	}
	return all
}

// parts are what is secret by itself in a value that holds more.
func parts(value string) []string {
	var all []string
	var members map[string]any
	if strings.HasPrefix(strings.TrimSpace(value), "{") && json.Unmarshal([]byte(value), &members) == nil {
		for name, member := range members {
			if text, ok := member.(string); ok && soundsSecret(name) {
				all = append(all, text)
			}
		}
		return all
	}
	if strings.Contains(value, "=") {
		for _, m := range option().FindAllStringSubmatch(value, -1) {
			if soundsSecret(m[1]) {
				all = append(all, m[2]+m[3]+m[4])
			}
		}
	}
	if u, err := url.Parse(strings.TrimPrefix(value, "jdbc:")); err == nil && u.User != nil {
		if password, ok := u.User.Password(); ok {
			all = append(all, password)
		}
	}
	if lines := strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' }); len(lines) > 1 {
		for _, line := range lines {
			if len(line) >= 16 && !strings.HasPrefix(line, "-----") { // the lines of a key, not what frames it
				all = append(all, line)
			}
		}
	}
	return all
}

// option matches name=value as in login modules, queries and connection strings.
func option() *regexp.Regexp {
	return regexp.MustCompile(`([A-Za-z_.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s&;"']+))`)
}

// soundsSecret tells whether something of that name is secret.
func soundsSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"pass", "pwd", "secret", "token", "key", "credential", "private"}, func(s string) bool {
		return strings.Contains(name, s)
	})
}
