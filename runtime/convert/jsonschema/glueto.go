package jsonschema

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// glueTo makes the Connect schema of a document as AWS Glue's converter does. Defaults are not read.
type glueTo struct{ depth, parts int }

// schema makes the schema of a definition, nil for that of null.
func (c *glueTo) schema(d *def, optional bool) (*schema.Schema, error) {
	if c.depth++; c.depth > deepest {
		return nil, schema.NewError("java.lang.StackOverflowError", "The schema contains itself without end", nil)
	}
	defer func() { c.depth-- }()
	if c.parts++; c.parts > mostParts {
		return nil, tooLarge()
	}
	switch d.kind {
	case null:
		return nil, nil
	case reference:
		return c.schema(d.target, optional)
	case combined:
		if inner := d.glueNullable(); inner != nil {
			return c.schema(inner, true)
		}
	}
	s, err := c.typed(d)
	if err != nil {
		return nil, err
	}
	s.Optional = s.Optional || optional
	if d.name != nil {
		schema.Named(*d.name)(s)
	}
	if d.note != nil {
		schema.Documented(*d.note)(s)
	}
	if d.version != nil {
		s.Version = new(*d.version)
	}
	order := schema.NewHashMap(0)
	for _, p := range d.params {
		order.Set(p.Name, p.Value)
	}
	for name, value := range order.All() {
		key, _ := name.(string)
		text, _ := value.(string)
		schema.WithParam(key, text)(s)
	}
	return s, nil
}

// glueNullable returns what a union of null and one other schema makes optional, nil for others. An enum of strings is taken
// as the enum alone.
func (d *def) glueNullable() *def {
	if d.criterion == "allOf" {
		return nil
	}
	inner, ok := d.nullable()
	switch {
	case !ok:
		return nil
	case d.criterion == "oneOf" && inner.kind == combined && len(inner.parts) > 1 && inner.parts[0].kind == enumeration && inner.parts[1].kind == text:
		return inner.parts[0]
	}
	return inner
}

func (c *glueTo) typed(d *def) (*schema.Schema, error) {
	switch d.kind {
	case boolean:
		return schema.Of(schema.Boolean), nil
	case number:
		return glueNumber(d)
	case text:
		if d.connectType == "bytes" {
			return schema.Of(schema.Bytes), nil
		}
		return schema.Of(schema.String), nil
	case enumeration:
		if d.constant {
			return glueConstant(d.values[0])
		}
		opts := []schema.Option{schema.WithParam(glueEnum, "")}
		for _, v := range d.values {
			symbol := symbolOf(v)
			opts = append(opts, schema.WithParam(glueEnum+"."+symbol, symbol))
		}
		return schema.Of(schema.String, opts...), nil
	case combined:
		return c.union(d)
	case array:
		return c.array(d)
	case object:
		return c.object(d)
	}
	return nil, schema.Errorf("Unsupported schema type %s", d.kind.class())
}

func glueNumber(d *def) (*schema.Schema, error) {
	if d.connectType == "" {
		return schema.Of(schema.Float64), nil
	}
	for t := schema.Int8; t <= schema.StructType; t++ {
		if strings.EqualFold(t.String(), d.connectType) && t != schema.Array && t != schema.MapType && t != schema.StructType {
			return schema.Of(t), nil
		}
	}
	return nil, schema.NewError("java.lang.IllegalArgumentException", "No enum constant org.apache.kafka.connect.data.Schema.Type."+strings.ToUpper(d.connectType), nil)
}

// glueConstant is the schema that a constant's value is of.
func glueConstant(v any) (*schema.Schema, error) {
	switch v := v.(type) {
	case bool:
		return schema.Of(schema.Boolean), nil
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return schema.Of(schema.Float64), nil
		}
		return schema.Of(schema.Int64), nil
	case string:
		return schema.Of(schema.String), nil
	}
	return nil, schema.Errorf("A constant that is no text, number or boolean has no schema in Connect")
}

// union makes a struct of several schemas, with a field for each.
func (c *glueTo) union(d *def) (*schema.Schema, error) {
	opts := []schema.Option{schema.Named(glueUnion)}
	var fields []schema.Field
	for _, part := range d.parts {
		if part.kind == null {
			opts = append(opts, schema.Optional())
			continue
		}
		s, err := c.schema(part, false)
		if err != nil {
			return nil, err
		}
		fields = append(fields, schema.F("field"+strconv.Itoa(len(fields)+1), s))
	}
	return schema.NewStructOf(fields, opts...)
}

func (c *glueTo) array(d *def) (*schema.Schema, error) {
	switch {
	case d.items == nil:
		return nil, schema.Errorf("Array schema did not specify the items type")
	case d.connectType != "map":
		items, err := c.part(d.items, "The items of an array")
		if err != nil {
			return nil, err
		}
		return schema.ArrayOf(items), nil
	case d.items.kind != object:
		return nil, schema.NewError("java.lang.ClassCastException", "The items of a map's array are no objects", nil)
	}
	key, err := c.part(d.items.member("key"), "The keys of a map")
	if err != nil {
		return nil, err
	}
	value, err := c.part(d.items.member("value"), "The values of a map")
	if err != nil {
		return nil, err
	}
	return schema.NewMapOf(key, value)
}

// part is a schema that must be there.
func (c *glueTo) part(d *def, what string) (*schema.Schema, error) {
	var s *schema.Schema
	var err error
	if d != nil {
		s, err = c.schema(d, false)
	}
	if err == nil && s == nil {
		err = schema.Errorf("%s have no schema", what)
	}
	return s, err
}

func (c *glueTo) object(d *def) (*schema.Schema, error) {
	if d.connectType == "map" {
		value, err := c.part(d.additional, "The values of a map")
		if err != nil {
			return nil, err
		}
		return schema.MapOf(schema.Of(schema.String), value), nil
	}
	members := slices.Clone(d.members) // in the order of a HashMap
	slices.SortStableFunc(members, func(a, b member) int { return a.def.place() - b.def.place() })
	fields := make([]schema.Field, len(members))
	for i, m := range members {
		s, err := c.part(m.def, "The members "+strconv.Quote(m.name)+" of an object")
		if err != nil {
			return nil, err
		}
		fields[i] = schema.F(m.name, s)
	}
	return schema.NewStructOf(fields)
}

// place is where a member wants to stand: those that do not say come last.
func (d *def) place() int {
	if d.index == nil {
		return math.MaxInt32
	}
	return *d.index
}
