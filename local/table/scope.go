package table

import (
	"sort"
	"strconv"
	"strings"
)

// maxExpression is the longest expression taken, in bytes. It also bounds how deep the parser can be led.
const maxExpression = 4 << 10

// A scope holds the placeholders of one request and which of them its expressions used.
type scope struct {
	names      map[string]string
	values     exprValues
	usedNames  map[string]bool
	usedValues map[string]bool
}

// newScope checks the placeholders themselves. The expressions are those of the request that may use them; nil for one not given.
func newScope(names map[string]string, values exprValues, expressions ...*string) (*scope, error) {
	any := false
	for _, e := range expressions {
		any = any || e != nil
	}
	switch {
	case names != nil && !any:
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
	case values != nil && !any:
		return nil, invalid("ExpressionAttributeValues can only be specified when using expressions")
	case names != nil && len(names) == 0:
		return nil, invalid("ExpressionAttributeNames must not be empty")
	case values != nil && len(values) == 0:
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	for key, name := range names {
		if !isPlaceholder(key, '#') {
			return nil, invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", key)
		}
		if name == "" {
			return nil, invalid("ExpressionAttributeNames contains invalid value: Empty attribute name for key %s", key)
		}
	}
	for key := range values {
		if !isPlaceholder(key, ':') {
			return nil, invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", key)
		}
	}
	return &scope{names: names, values: values, usedNames: map[string]bool{}, usedValues: map[string]bool{}}, nil
}

func isPlaceholder(key string, mark byte) bool {
	return len(key) > 1 && key[0] == mark && strings.IndexFunc(key[1:], func(r rune) bool { return !isWordRune(r) }) < 0
}

func isWordRune(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// finish rejects placeholders no expression used. It is called after all expressions were parsed.
func (s *scope) finish() error {
	if unused := missing(s.names, s.usedNames); unused != "" {
		return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", unused)
	}
	if unused := missing(s.values, s.usedValues); unused != "" {
		return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", unused)
	}
	return nil
}

func missing[V any](all map[string]V, used map[string]bool) string {
	var keys []string
	for key := range all {
		if !used[key] {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return strings.Join(keys, ", ")
}

// A segment is one step of a document path: a name, or an index into a list.
type segment struct {
	name  string
	index int // -1 for a name
}

// A path leads from an item to a value inside it.
type path []segment

// String is the form in which messages quote a path.
func (p path) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, s := range p {
		if i > 0 {
			b.WriteString(", ")
		}
		if s.index >= 0 {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		} else {
			b.WriteString(s.name)
		}
	}
	b.WriteByte(']')
	return b.String()
}

// find follows the path through an item.
func (p path) find(it item) (value, bool) {
	v, ok := it[p[0].name]
	for _, s := range p[1:] {
		if !ok {
			break
		}
		v, ok = v.step(s)
	}
	return v, ok
}

func (v value) step(s segment) (value, bool) {
	if s.index < 0 {
		next, ok := v.m[s.name]
		return next, ok
	}
	if s.index >= len(v.list) {
		return value{}, false
	}
	return v.list[s.index], true
}

// clash tells in which way two paths may not be used together: "overlap" where one contains the other, "conflict" where they disagree
// about what a value is, "" where they may.
func (p path) clash(q path) string {
	for i := range min(len(p), len(q)) {
		switch a, b := p[i], q[i]; {
		case a == b:
		case (a.index < 0) != (b.index < 0):
			return "conflict"
		default:
			return ""
		}
	}
	return "overlap"
}

// before orders paths so that steps into one list come in the order of their indices.
func (p path) before(q path) bool {
	for i := range min(len(p), len(q)) {
		if p[i] != q[i] {
			return p[i].name < q[i].name || p[i].name == q[i].name && p[i].index < q[i].index
		}
	}
	return len(p) < len(q)
}
