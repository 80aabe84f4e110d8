package avro

import (
	"slices"
	"strconv"
	"strings"
)

// String is the schema's JSON text as Java's Avro writes it: no blanks, attributes in its order, a named type in full where
// it comes first and by its name from then on. Registries know schemas by this text.
func (s *Schema) String() string { return string(s.AppendText(nil)) }

// Normalized is the text in which registries compare schemas when they are asked to normalize: properties sorted by name.
func (s *Schema) Normalized() string {
	w := writer{known: map[string]bool{}, sorted: true}
	w.schema(s, "")
	return string(w.dst)
}

// AppendText appends the text that String returns.
func (s *Schema) AppendText(dst []byte) []byte {
	w := writer{dst: dst, known: map[string]bool{}}
	w.schema(s, "")
	return w.dst
}

type writer struct {
	dst    []byte
	known  map[string]bool
	sorted bool // properties by name
}

func (w *writer) schema(s *Schema, space string) {
	switch {
	case s.Type.isNamed():
		if w.known[s.FullName()] {
			w.reference(s, space)
			return
		}
		w.known[s.FullName()] = true
		w.named(s, space)
	case s.Type == Union:
		w.dst = append(w.dst, '[')
		for i, b := range s.Branches {
			if i > 0 {
				w.dst = append(w.dst, ',')
			}
			w.schema(b, space)
		}
		w.dst = append(w.dst, ']')
	case s.Type == Array || s.Type == Map:
		w.open(s.Type.String())
		if s.Type == Array {
			w.key("items")
		} else {
			w.key("values")
		}
		w.schema(s.Items, space)
		w.props(s.Props)
		w.dst = append(w.dst, '}')
	case len(s.Props) == 0:
		w.dst = appendText(w.dst, s.Type.String())
	default:
		w.open(s.Type.String())
		w.props(s.Props)
		w.dst = append(w.dst, '}')
	}
}

func (w *writer) reference(s *Schema, space string) {
	name := s.FullName()
	if s.Namespace == space {
		name = s.Name
	}
	w.dst = appendText(w.dst, name)
}

func (w *writer) named(s *Schema, space string) {
	w.open(s.Type.String())
	w.member("name", s.Name)
	if s.Namespace != space {
		w.member("namespace", s.Namespace)
	}
	if s.Doc != nil {
		w.member("doc", *s.Doc)
	}
	switch s.Type {
	case Record:
		w.key("fields")
		w.dst = append(w.dst, '[')
		for i := range s.Fields {
			if i > 0 {
				w.dst = append(w.dst, ',')
			}
			w.field(&s.Fields[i], s.Namespace)
		}
		w.dst = append(w.dst, ']')
	case Enum:
		w.key("symbols")
		w.dst = appendJSON(w.dst, list(s.Symbols))
		if s.EnumDefault != "" {
			w.member("default", s.EnumDefault)
		}
	default:
		w.key("size")
		w.dst = strconv.AppendInt(w.dst, int64(s.Size), 10)
	}
	w.props(s.Props)
	w.aliases(s.Aliases)
	w.dst = append(w.dst, '}')
}

func (w *writer) field(f *Field, space string) {
	w.dst = append(w.dst, `{"name":`...)
	w.dst = appendText(w.dst, f.Name)
	w.key("type")
	w.schema(f.Type, space)
	if f.Doc != nil {
		w.member("doc", *f.Doc)
	}
	if f.HasDefault {
		w.key("default")
		w.dst = appendJSON(w.dst, f.Default)
	}
	if f.Order != "" {
		w.member("order", f.Order)
	}
	w.aliases(f.Aliases)
	w.props(f.Props)
	w.dst = append(w.dst, '}')
}

func (w *writer) open(typ string) {
	w.dst = append(w.dst, `{"type":`...)
	w.dst = appendText(w.dst, typ)
}

func (w *writer) key(name string) {
	w.dst = append(w.dst, ',')
	w.dst = appendText(w.dst, name)
	w.dst = append(w.dst, ':')
}

func (w *writer) member(name, value string) {
	w.key(name)
	w.dst = appendText(w.dst, value)
}

func (w *writer) aliases(names []string) {
	if len(names) > 0 {
		w.key("aliases")
		w.dst = appendJSON(w.dst, list(names))
	}
}

func (w *writer) props(props Object) {
	if w.sorted {
		props, _ = sorted(props).(Object)
	}
	for _, p := range props {
		w.key(p.Name)
		w.dst = appendJSON(w.dst, p.Value)
	}
}

// sorted sorts the members of objects by name.
func sorted(v any) any {
	switch v := v.(type) {
	case Object:
		o := slices.Clone(v)
		for i := range o {
			o[i].Value = sorted(o[i].Value)
		}
		slices.SortFunc(o, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
		return o
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = sorted(v[i])
		}
		return out
	}
	return v
}

func list(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}
