package avro

import (
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// describe fills in the rest of s.
func (c *toConnect) describe(s *schema.Schema, a *Schema, at place) error {
	optional := at.optional || s.Optional
	c.document(s, a, at)
	if err := version(s, a, at.version); err != nil {
		return err
	}
	if err := c.parameters(s, a); err != nil {
		return err
	}
	connectDefault, annotated := a.Props.Get("connect.default")
	if !at.hasDefault {
		at.def = connectDefault
	} else if !annotated && (c.MetaData || c.Elder) && !c.DiscardTypeDocDefault {
		schema.WithParam(c.in(fieldDefaultParam), "true")(s)
	}
	if at.def != nil {
		def, err := c.defaultValue(s, a, at.def)
		if err != nil {
			return err
		}
		s.Default = def
	}
	if err := c.name(s, a); err != nil {
		return err
	}
	if c.MetaData && c.DiscardTypeDocDefault && a.Doc != nil {
		schema.WithParam(plainRecordDoc, *a.Doc)(s)
	}
	s.Optional = optional
	return schema.CheckDefault(s)
}

func (c *toConnect) document(s *schema.Schema, a *Schema, at place) {
	if !c.MetaData {
		return
	}
	if c.DiscardTypeDocDefault {
		for _, doc := range []*string{at.doc, a.Doc} {
			if doc != nil {
				schema.Documented(*doc)(s)
				return
			}
		}
	}
	if doc, ok := a.text("connect.doc"); ok {
		schema.Documented(doc)(s)
	}
}

// version takes the version that the schema names, or else the one the registry gave it.
func version(s *schema.Schema, a *Schema, registered *int32) error {
	v := registered
	if annotated, ok := a.Props.Get("connect.version"); ok && annotated != nil {
		n, isNumber := intOf(annotated)
		if !isNumber {
			return schema.Errorf("Invalid Connect version found: %s", textJSON(annotated))
		}
		v = &n
	}
	switch {
	case v == nil || *v < 0:
	case s.Version != nil && *s.Version != *v:
		return schema.Errorf("Mismatched versions: version already added to SchemaBuilder (%d) differs from version in source schema (%d)", *s.Version, *v)
	default:
		s.Version = v
	}
	return nil
}

func (c *toConnect) parameters(s *schema.Schema, a *Schema) error {
	if v, ok := a.Props.Get("connect.parameters"); ok && v != nil && c.MetaData {
		params, isObject := v.(Object)
		if !isObject {
			return schema.Errorf("Expected JSON object for schema parameters but found: %s", textJSON(v))
		}
		for _, p := range params {
			text, isText := p.Value.(string)
			if !isText {
				return schema.Errorf("Expected schema parameter values to be strings but found: %s", textJSON(p.Value))
			}
			schema.WithParam(p.Name, text)(s)
		}
	}
	for _, p := range a.Props {
		if strings.HasPrefix(p.Name, "avro") {
			schema.WithParam(p.Name, textJSON(p.Value))(s)
		}
	}
	return nil
}

func (o *Options) name(s *schema.Schema, a *Schema) error {
	full := ""
	if v, ok := a.Props.Get("connect.name"); ok && v != nil {
		text, isText := v.(string)
		if !isText {
			return schema.Errorf("Invalid schema name: %s", textJSON(v))
		}
		full = text
	} else if a.Type.isNamed() && (a.Type != Fixed || !s.HasName() && !o.Elder) {
		full = a.FullName()
	} else {
		return nil
	}
	switch {
	case o.isDefaultName(full):
	case s.HasName() && s.Name != full:
		return schema.Errorf("Mismatched names: name already added to SchemaBuilder (%s) differs from name in source schema (%s)", s.Name, full)
	default:
		schema.Named(full)(s)
	}
	return nil
}

// isDefaultName tells whether a record has a name only because Avro wants one.
func (o *Options) isDefaultName(full string) bool {
	rest, ok := strings.CutPrefix(full, o.in("."+defaultName))
	return ok && strings.Trim(rest, "0123456789") == ""
}
