package javaregex

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// part is a piece of a replacement: text, or the group of a number when it is not negative.
type part struct {
	text  string
	group int
}

type replacement struct {
	parts []part
	err   error // raised when the replacement is used
}

// ReplaceFirst replaces the first match in a text, or nothing. In the replacement $1 and ${name} stand for groups, and a
// backslash takes the next character its meaning. A replacement that is wrong fails only when there is a match, as in Java.
func (r *Regex) ReplaceFirst(text, with string) (string, error) {
	groups, from, to, err := r.first(text)
	if err != nil || groups == nil {
		return text, err
	}
	parsed := r.parseReplacement(with)
	if parsed.err != nil {
		return text, parsed.err
	}
	var b strings.Builder
	b.WriteString(text[:from])
	for _, p := range parsed.parts {
		if p.group >= 0 {
			b.WriteString(groups[p.group])
		} else {
			b.WriteString(p.text)
		}
	}
	b.WriteString(text[to:])
	return b.String(), nil
}

// first returns the groups of the first match, empty for those that took no part, and where in the text it is.
func (r *Regex) first(text string) (groups []string, from, to int, err error) {
	if r.usePlain(text) {
		re, err := r.plain()
		if err != nil {
			return nil, 0, 0, r.failed(err)
		}
		at := re.FindStringSubmatchIndex(text)
		if at == nil {
			return nil, 0, 0, nil
		}
		groups = make([]string, len(at)/2)
		for i := range groups {
			if at[2*i] >= 0 {
				groups[i] = text[at[2*i]:at[2*i+1]]
			}
		}
		return groups, at[0], at[1], nil
	}
	re, err := r.rich()
	if err != nil {
		return nil, 0, 0, r.failed(err)
	}
	m, err := re.FindStringMatch(text)
	if err != nil || m == nil {
		if err != nil {
			err = r.failed(err)
		}
		return nil, 0, 0, err
	}
	groups = make([]string, r.groups+1)
	for i := range groups {
		if g := m.GroupByNumber(i); g != nil && len(g.Captures) > 0 {
			groups[i] = g.String()
		}
	}
	from = offset(text, m.Index)
	return groups, from, from + offset(text[from:], m.Length), nil
}

// offset is how many bytes the first characters of a text take. Bytes that are no UTF-8 are a character each.
func offset(text string, characters int) int {
	at := 0
	for range characters {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

// parseReplacement takes a replacement apart.
func (r *Regex) parseReplacement(text string) replacement {
	var out replacement
	literal := func(s string) { out.parts = append(out.parts, part{text: s, group: -1}) }
	for text != "" {
		i := strings.IndexAny(text, `\$`)
		if i < 0 {
			literal(text)
			break
		}
		if i > 0 {
			literal(text[:i])
		}
		mark, rest := text[i], text[i+1:]
		switch {
		case mark == '\\' && rest == "":
			out.err = illegal("character to be escaped is missing")
			return out
		case mark == '\\':
			literal(rest[:1]) // the rest of a longer character is literal anyway
			text = rest[1:]
			continue
		}
		group, after, err := r.reference(rest)
		if err != nil {
			out.err = err
			return out
		}
		out.parts = append(out.parts, part{group: group})
		text = after
	}
	return out
}

// reference reads what stands behind a dollar sign: a name in braces, or a number with as many digits as there are groups
// for.
func (r *Regex) reference(text string) (group int, rest string, err error) {
	if text == "" {
		return 0, "", illegal("Illegal group reference: group index is missing")
	}
	if text[0] == '{' {
		return r.named(text[1:])
	}
	if text[0] < '0' || text[0] > '9' {
		return 0, "", illegal("Illegal group reference")
	}
	group = int(text[0] - '0')
	for text = text[1:]; text != "" && text[0] >= '0' && text[0] <= '9'; text = text[1:] {
		next := group*10 + int(text[0]-'0')
		if next > r.groups {
			break
		}
		group = next
	}
	if group > r.groups {
		return 0, "", &ReplacementError{Class: "java.lang.IndexOutOfBoundsException", Message: fmt.Sprintf("No group %d", group)}
	}
	return group, text, nil
}

func (r *Regex) named(text string) (group int, rest string, err error) {
	n := 0
	for n < len(text) && isAlnum(rune(text[n])) {
		n++
	}
	name := text[:n]
	switch {
	case n == 0, n == len(text), text[n] != '}':
		return 0, "", illegal("named capturing group is missing trailing '}'")
	case name[0] >= '0' && name[0] <= '9':
		return 0, "", illegal("capturing group name {" + name + "} starts with digit character")
	}
	group, ok := r.names[name]
	if !ok {
		return 0, "", illegal("No group with name {" + name + "}")
	}
	return group, text[n+1:], nil
}

// ReplacementError is a mistake in a replacement, by the exception that Java raises.
type ReplacementError struct{ Class, Message string }

// Error implements error.
func (e *ReplacementError) Error() string { return e.Message }

// JavaClass is the exception's class.
func (e *ReplacementError) JavaClass() string { return e.Class }

func illegal(message string) error {
	return &ReplacementError{Class: "java.lang.IllegalArgumentException", Message: message}
}
