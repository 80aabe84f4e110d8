package transform

import (
	"strings"
	"unicode/utf16"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// parsePath reads a path in syntax V2: steps with dots between them. A step in backticks may have dots; a backtick in it
// that a dot follows is written with a backslash before it.
func parsePath(text string) ([]string, error) {
	var steps []string
	for rest := text; rest != ""; {
		var step string
		if rest[0] != '`' {
			step, rest, _ = strings.Cut(rest, ".")
			steps = append(steps, step)
			continue
		}
		step, after, ok := quotedStep(rest[1:])
		if !ok {
			at := len(utf16.Encode([]rune(text[:len(text)-len(rest)])))
			return nil, config.Errorf("field", "Incomplete backtick pair in path: [%s], "+
				"consider adding a backslash before backtick at position %d to escape it", text, at)
		}
		steps, rest = append(steps, step), after
	}
	if strings.HasSuffix(text, ".") {
		steps = append(steps, "")
	}
	return steps, nil
}

// quotedStep reads up to the backtick that ends a step, and the dot behind it. A backtick with no dot behind it stands
// for itself, unless it is the last character.
func quotedStep(text string) (step, rest string, ok bool) {
	var b strings.Builder
	start := 0
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '`')
		if i < 0 {
			return "", "", false
		}
		at += i
		escaped := at > 0 && text[at-1] == '\\'
		last := at == len(text)-1
		switch {
		case last && escaped:
			return "", "", false
		case last:
			return b.String() + text[start:at], "", true
		case text[at+1] != '.':
		case escaped:
			b.WriteString(text[start:at-1] + "`")
			start = at + 1
		default:
			return b.String() + text[start:at], text[at+2:], true
		}
	}
}

const nestedAccess = "nested field access"

// inMap is the value at a path that has a step at least, or nil when there is none.
func inMap(m *schema.Map, path []string) (any, error) {
	for i, step := range path {
		v, _ := m.Get(step)
		if v == nil || i == len(path)-1 {
			return v, nil
		}
		var err error
		if m, err = needMap(v, nestedAccess); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// inStruct is the value at a path into a struct, or nil when there is none.
func inStruct(v any, path []string, n nulls) (any, error) {
	for _, step := range path {
		if v == nil {
			return nil, nil
		}
		s, err := needStruct(v, nestedAccess)
		if err != nil {
			return nil, err
		}
		f := s.Schema().Field(step)
		if f == nil {
			return nil, nil
		}
		v = n.get(s, f.Index)
	}
	return v, nil
}

// fieldAt is the field at a path, or nil when there is none.
func fieldAt(s *schema.Schema, path []string) (f *schema.Field, err error) {
	for _, step := range path {
		if s.Type != schema.StructType {
			return nil, schema.Errorf("Cannot look up fields on non-struct type")
		}
		if f = s.Field(step); f == nil {
			return nil, nil
		}
		s = f.Schema
	}
	return f, nil
}
