package jsonschema

import (
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// fromConnect writes the document of a Connect schema.
type fromConnect struct {
	*Options
	values *convert.JSONValues
	ids    map[string]bool
	depth  int
	count  int
	documentWriter
}

// nowhere stands for a schema that is no field.
const nowhere = -1

// schema writes the document of s, which is the field number index of a struct. plain leaves out that it is optional.
func (c *fromConnect) schema(s *schema.Schema, index int, plain bool) error {
	if c.depth++; c.depth > deepest {
		return schema.NewError("java.lang.StackOverflowError", "The schema contains itself without end", nil)
	}
	defer func() { c.depth-- }()
	if c.count++; c.count > mostParts {
		return tooLarge()
	}
	id, named := s.Param(idParam)
	if named {
		c.ids[id] = true
	}
	if s.Type == schema.StructType && isUnion(s) {
		return c.union(s, index)
	}
	if !s.Optional || plain {
		return c.single(s, index, id)
	}
	c.begin()
	if s.Type == schema.StructType && named {
		c.text("$id", id)
	}
	c.index(index)
	c.key("oneOf")
	c.out = append(c.out, `[{"type":"null"},`...)
	if err := c.single(s, nowhere, ""); err != nil {
		return err
	}
	c.out = append(c.out, ']')
	c.end()
	return nil
}

func isUnion(s *schema.Schema) bool {
	if s.Name == unionName {
		return true
	}
	_, ok := s.Param(schema.GeneralizedUnion)
	return ok
}

func (c *fromConnect) union(s *schema.Schema, index int) error {
	c.begin()
	c.index(index)
	c.key("oneOf")
	c.out = append(c.out, '[')
	if s.Optional {
		c.out = append(c.out, `{"type":"null"}`...)
	}
	for i := range s.Fields {
		if i > 0 || s.Optional {
			c.out = append(c.out, ',')
		}
		if err := c.schema(s.Fields[i].Schema, i, true); err != nil {
			return err
		}
	}
	c.out = append(c.out, ']')
	c.end()
	return nil
}

// single writes s as if it were not optional.
func (c *fromConnect) single(s *schema.Schema, index int, id string) error {
	c.begin()
	if id != "" {
		c.text("$id", id)
	}
	typ, connectType := c.typeOf(s)
	if typ != "" && typ != "boolean" {
		c.text("type", typ)
	}
	if typ == "" {
		c.symbols(s, c.Options.enum()+".")
	}
	if s.Type == schema.StructType && c.Closed {
		c.key("additionalProperties")
		c.out = append(c.out, "false"...)
	}
	if s.HasName() {
		c.text("title", s.Name)
	}
	if s.HasDoc() {
		c.text("description", s.Doc)
	}
	if s.Default != nil {
		if err := c.preset(s); err != nil {
			return err
		}
	}
	c.index(index)
	if s.Version != nil {
		c.key(versionKey)
		c.out = strconv.AppendInt(c.out, int64(*s.Version), 10)
	}
	if connectType != "" {
		c.text(typeKey, connectType)
	}
	c.params(foreign(s, namespace))
	if typ == "boolean" {
		c.text("type", typ)
	}
	if err := c.parts(s); err != nil {
		return err
	}
	c.end()
	return nil
}

// typeOf is the type in JSON Schema, "" for an enum, and the type in Connect where that does not follow from it.
func (c *fromConnect) typeOf(s *schema.Schema) (typ, connectType string) {
	switch s.Type {
	case schema.Int8, schema.Int16, schema.Int32, schema.Int64:
		return "integer", strings.ToLower(s.Type.String())
	case schema.Float32, schema.Float64:
		return "number", strings.ToLower(s.Type.String())
	case schema.Boolean:
		return "boolean", ""
	case schema.String:
		if _, ok := s.Param(enumParam); ok {
			return "", ""
		}
		if _, ok := s.Param(schema.GeneralizedEnum); ok {
			return "", ""
		}
		return "string", ""
	case schema.Bytes:
		if s.Name == schema.DecimalName && c.values.Numeric {
			return "number", "bytes"
		}
		return "string", "bytes"
	case schema.Array:
		return "array", ""
	case schema.MapType:
		if keyed(s) {
			return "object", "map"
		}
		return "array", "map"
	}
	return "object", ""
}

// keyed tells whether a map's keys are the names of an object's members.
func keyed(s *schema.Schema) bool { return s.Key.Type == schema.String && !s.Key.Optional }

func (c *fromConnect) preset(s *schema.Schema) error {
	c.key("default")
	var err error
	c.out, _, err = c.values.Append(c.out, s, s.Default)
	return err
}

func (c *fromConnect) parts(s *schema.Schema) error {
	switch s.Type {
	case schema.Array:
		c.key("items")
		return c.referring(s.Value, nowhere)
	case schema.MapType:
		if keyed(s) {
			c.key("additionalProperties")
			return c.schema(s.Value, nowhere, false)
		}
		c.key("items")
		c.begin()
		c.text("type", "object")
		c.key("properties")
		c.begin()
		c.key("value")
		if err := c.schema(s.Value, 1, false); err != nil {
			return err
		}
		c.key("key")
		if err := c.schema(s.Key, 0, false); err != nil {
			return err
		}
		c.end()
		c.end()
	case schema.StructType:
		return c.properties(s)
	}
	return nil
}

func (c *fromConnect) properties(s *schema.Schema) error {
	if len(s.Fields) == 0 {
		return nil
	}
	order := schema.NewHashMap(0)
	for i := range s.Fields {
		order.Set(s.Fields[i].Name, i)
	}
	c.key("properties")
	c.begin()
	for name, at := range order.All() {
		key, _ := name.(string)
		i, _ := at.(int)
		c.key(key)
		if err := c.referring(s.Fields[i].Schema, i); err != nil {
			return err
		}
	}
	c.end()
	return nil
}

// referring writes a reference to a schema that is written around this place.
func (c *fromConnect) referring(s *schema.Schema, index int) error {
	if id, ok := s.Param(idParam); ok && c.ids[id] {
		c.begin()
		c.text("$ref", id)
		c.end()
		return nil
	}
	return c.schema(s, index, false)
}
