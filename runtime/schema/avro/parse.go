package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Parse reads the JSON text of a schema. refs are the schemas it may refer to by name, in an order in which none refers to
// a later one. Names are taken as they are: what a registry holds was checked by whoever registered it.
func Parse(text string, refs ...string) (*Schema, error) {
	p := parser{named: map[string]*Schema{}}
	for _, ref := range refs {
		if _, err := p.document(ref); err != nil {
			return nil, fmt.Errorf("reading a referenced Avro schema: %w", err)
		}
	}
	s, err := p.document(text)
	if err != nil {
		return nil, fmt.Errorf("reading an Avro schema: %w", err)
	}
	return s, nil
}

type parser struct {
	named map[string]*Schema
	depth int
}

func (p *parser) document(text string) (*Schema, error) {
	v, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	return p.schema(v, "")
}

// schema reads a schema inside a namespace.
func (p *parser) schema(v any, space string) (*Schema, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errTooDeep
	}
	defer func() { p.depth-- }()
	switch v := v.(type) {
	case string:
		return p.reference(v, space)
	case []any:
		u := &Schema{Type: Union}
		for _, b := range v {
			s, err := p.schema(b, space)
			if err != nil {
				return nil, err
			}
			if s.Type == Union {
				return nil, errors.New("a union lies directly inside a union")
			}
			if u.branch(s.FullName()) >= 0 {
				return nil, fmt.Errorf("a union has two branches %s", s.FullName())
			}
			u.Branches = append(u.Branches, s)
		}
		return u, nil
	case Object:
		return p.object(v, space)
	}
	return nil, fmt.Errorf("%s is no schema", textJSON(v))
}

func (p *parser) reference(name, space string) (*Schema, error) {
	if t, ok := typeOf(name); ok && t < Record && name != "error" {
		return &Schema{Type: t}, nil
	}
	if space != "" && !strings.Contains(name, ".") {
		if s, ok := p.named[space+"."+name]; ok {
			return s, nil
		}
	}
	if s, ok := p.named[name]; ok {
		return s, nil
	}
	return nil, fmt.Errorf("%q is not a defined name", name)
}

func (p *parser) object(o Object, space string) (*Schema, error) {
	typ, _ := o.Get("type")
	name, isText := typ.(string)
	if !isText {
		if typ == nil {
			return nil, errors.New("a schema has no type")
		}
		return p.schema(typ, space) // {"type": {...}}: what else it says means nothing
	}
	t, ok := typeOf(name)
	if !ok {
		return p.reference(name, space)
	}
	s := &Schema{Type: t, Props: props(o, reserved(t)...)}
	switch {
	case t.isNamed():
		return s, p.namedType(s, o, space)
	case t == Array:
		items, _ := o.Get("items")
		return s, p.items(s, items, space)
	case t == Map:
		values, _ := o.Get("values")
		return s, p.items(s, values, space)
	}
	return s, nil
}

func (p *parser) items(s *Schema, v any, space string) (err error) {
	if v == nil {
		return fmt.Errorf("the %s does not say what it is of", s.Type)
	}
	s.Items, err = p.schema(v, space)
	return err
}

// reserved are the attributes that a schema of the type has fields for.
func reserved(t Type) []string {
	switch t {
	case Record:
		return []string{"type", "name", "namespace", "doc", "aliases", "fields"}
	case Enum:
		return []string{"type", "name", "namespace", "doc", "aliases", "symbols", "default"}
	case Fixed:
		return []string{"type", "name", "namespace", "doc", "aliases", "size"}
	case Array:
		return []string{"type", "items"}
	case Map:
		return []string{"type", "values"}
	default:
		return []string{"type"}
	}
}

func props(o Object, reserved ...string) Object {
	var rest Object
	for _, m := range o {
		if !slices.Contains(reserved, m.Name) {
			rest = append(rest, m)
		}
	}
	return rest
}

func (p *parser) namedType(s *Schema, o Object, space string) error {
	name, _ := o.Get("name")
	s.Name, _ = name.(string)
	if s.Name == "" {
		return fmt.Errorf("a schema of type %s has no name", s.Type)
	}
	s.Namespace = space
	if i := strings.LastIndexByte(s.Name, '.'); i >= 0 {
		s.Namespace, s.Name = s.Name[:i], s.Name[i+1:]
	} else if own, ok := o.Get("namespace"); ok {
		s.Namespace, _ = own.(string)
	}
	s.Doc = textOf(o, "doc")
	s.Aliases = textsOf(o, "aliases")
	if _, twice := p.named[s.FullName()]; twice {
		return fmt.Errorf("can't redefine: %s", s.FullName())
	}
	p.named[s.FullName()] = s
	switch s.Type {
	case Enum:
		s.Symbols = textsOf(o, "symbols")
		if d := textOf(o, "default"); d != nil {
			s.EnumDefault = *d
		}
		return nil
	case Fixed:
		size, _ := o.Get("size")
		n, _ := size.(json.Number)
		i, err := n.Int64()
		if err != nil || i < 0 || i > 1<<31-1 {
			return fmt.Errorf("the size of %s is %s", s.FullName(), textJSON(size))
		}
		s.Size = int(i)
		return nil
	default:
		return p.fields(s, o)
	}
}

func (p *parser) fields(s *Schema, o Object) error {
	v, _ := o.Get("fields")
	fields, ok := v.([]any)
	if !ok {
		return fmt.Errorf("the record %s has no fields", s.FullName())
	}
	for _, v := range fields {
		in, _ := v.(Object)
		f := Field{
			Doc:     textOf(in, "doc"),
			Aliases: textsOf(in, "aliases"),
			Props:   props(in, "name", "type", "doc", "default", "order", "aliases"),
		}
		if name := textOf(in, "name"); name != nil {
			f.Name = *name
		}
		if f.Name == "" {
			return fmt.Errorf("a field of %s has no name", s.FullName())
		}
		if known, _ := s.Field(f.Name); known != nil {
			return fmt.Errorf("the record %s has two fields %s", s.FullName(), f.Name)
		}
		typ, _ := in.Get("type")
		var err error
		if f.Type, err = p.schema(typ, s.Namespace); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		f.Default, f.HasDefault = in.Get("default")
		if order := textOf(in, "order"); order != nil && *order != "ascending" {
			f.Order = *order
		}
		s.Fields = append(s.Fields, f)
	}
	return nil
}

func textOf(o Object, name string) *string {
	v, _ := o.Get(name)
	if t, ok := v.(string); ok {
		return &t
	}
	return nil
}

func textsOf(o Object, name string) []string {
	v, _ := o.Get(name)
	all, _ := v.([]any)
	var texts []string
	for _, e := range all {
		if t, ok := e.(string); ok {
			texts = append(texts, t)
		}
	}
	return texts
}
