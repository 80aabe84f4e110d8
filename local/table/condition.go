package table

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// A condition is a parsed condition, filter or key condition expression.
type condition interface {
	// holds decides about an item; about no item (nil) as about one without attributes.
	holds(it item) bool
}

// An operand is what conditions compare: a document path, a literal, or the size of either.
type operand struct {
	path    path
	literal *value
	sizeOf  *operand
}

// find is the operand's value for an item. There is none where the path leads nowhere or what is there has no size.
func (o operand) find(it item) (value, bool) {
	switch {
	case o.literal != nil:
		return *o.literal, true
	case o.sizeOf == nil:
		return o.path.find(it)
	}
	v, ok := o.sizeOf.find(it)
	if !ok || !hasSize(v.kind) {
		return value{}, false
	}
	n := len(v.text) + len(v.list) + len(v.m) + len(v.set)
	if v.kind == kindS {
		// The service counts UTF-16 units.
		n = 0
		for _, r := range v.text {
			n += utf16.RuneLen(r)
		}
	}
	return value{kind: kindN, text: strconv.Itoa(n)}, true
}

func hasSize(k kind) bool { return k == kindS || k == kindB || k == kindL || k == kindM || k.isSet() }

// static is the operand's type where the expression alone tells it, else kindNone.
func (o operand) static() kind {
	switch {
	case o.literal != nil:
		return o.literal.kind
	case o.sizeOf != nil:
		return kindN
	}
	return kindNone
}

type (
	conjunction struct{ left, right condition }
	disjunction struct{ left, right condition }
	negation    struct{ inner condition }
	comparison  struct {
		operator    string
		left, right operand
	}
	between    struct{ what, low, high operand }
	membership struct {
		what operand
		list []operand
	}
	existence struct {
		path path
		want bool
	}
	typeTest struct {
		what operand
		kind kind
	}
	prefixTest  struct{ what, prefix operand }
	containment struct{ what, part operand }
)

func (c conjunction) holds(it item) bool { return c.left.holds(it) && c.right.holds(it) }
func (c disjunction) holds(it item) bool { return c.left.holds(it) || c.right.holds(it) }
func (c negation) holds(it item) bool    { return !c.inner.holds(it) }

func (c comparison) holds(it item) bool {
	l, okLeft := c.left.find(it)
	r, okRight := c.right.find(it)
	switch c.operator {
	case "=":
		return okLeft && okRight && l.equal(r)
	case "<>":
		// What is not there differs from everything.
		return !okLeft || !okRight || !l.equal(r)
	}
	n, ok := l.compare(r)
	if !okLeft || !okRight || !ok {
		return false
	}
	switch c.operator {
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	}
	return n >= 0
}

func (c between) holds(it item) bool {
	return comparison{">=", c.what, c.low}.holds(it) && comparison{"<=", c.what, c.high}.holds(it)
}

func (c membership) holds(it item) bool {
	return slices.ContainsFunc(c.list, func(o operand) bool { return comparison{"=", c.what, o}.holds(it) })
}

func (c existence) holds(it item) bool {
	_, ok := c.path.find(it)
	return ok == c.want
}

func (c typeTest) holds(it item) bool {
	v, ok := c.what.find(it)
	return ok && v.kind == c.kind
}

func (c prefixTest) holds(it item) bool {
	v, okValue := c.what.find(it)
	prefix, okPrefix := c.prefix.find(it)
	return okValue && okPrefix && v.kind == prefix.kind && (v.kind == kindS || v.kind == kindB) && strings.HasPrefix(v.text, prefix.text)
}

func (c containment) holds(it item) bool {
	v, okValue := c.what.find(it)
	part, okPart := c.part.find(it)
	switch {
	case !okValue || !okPart:
		return false
	case v.kind == kindS || v.kind == kindB:
		return part.kind == v.kind && strings.Contains(v.text, part.text)
	case v.kind.isSet():
		return part.kind == v.kind.element() && slices.Contains(v.set, part.text)
	}
	return slices.ContainsFunc(v.list, part.equal)
}
