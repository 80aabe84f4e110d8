package jsonschema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// toConnect makes the Connect schema of a document.
type toConnect struct {
	*Options
	values *convert.JSONValues
	nodes  map[*def]*node
	later  []later
	unions int
	ids    int
	depth  int
	parts  int
}

// mostParts is how many schemas one may consist of, each counted as often as it is referred to, so that a few lines cannot ask
// for any memory.
const mostParts = 100_000

func tooLarge() error {
	return schema.Errorf("The schema has more than %d parts, those counted repeatedly that are referred to repeatedly.", mostParts)
}

// node is a struct that was made or is being made, to which references lead.
type node struct {
	schema *schema.Schema // what references show: with the id that marks it
	made   *schema.Schema // what its own place shows, nil while it is being made
	shared bool           // its own place shows the id too, because it has parameters of its own
}

// later is the place of a reference. It is filled when all is known, since a struct may contain itself.
type later struct {
	place    *schema.Schema
	node     *node
	optional bool
}

func (c *toConnect) whole(d *def, version *int32) (*schema.Schema, error) {
	s, err := c.schema(d, version, false)
	if err != nil {
		return nil, err
	}
	for _, l := range c.later {
		place := *l.node.schema
		place.Params = slices.Clone(place.Params)
		place.Optional = l.optional
		*l.place = place
	}
	return s, nil
}

// schema makes the schema of a definition. optional makes it so whatever the definition says.
func (c *toConnect) schema(d *def, version *int32, optional bool) (*schema.Schema, error) {
	if c.depth++; c.depth > deepest {
		return nil, schema.NewError("java.lang.StackOverflowError", "The schema contains itself without end", nil)
	}
	defer func() { c.depth-- }()
	if c.parts++; c.parts > mostParts {
		return nil, tooLarge()
	}
	switch d.kind {
	case reference:
		return c.reference(d.target, version, optional)
	case combined:
		if d.criterion == "allOf" {
			return c.allOf(d, version, optional)
		}
		return c.oneOf(d, version, optional)
	case object:
		if d.connectType != "map" {
			return c.object(d, version, optional)
		}
	}
	s, err := c.simple(d)
	if err != nil {
		return nil, err
	}
	return s, c.describe(s, d, version, optional)
}

// simple makes the schema of what contains no struct of its own.
func (c *toConnect) simple(d *def) (*schema.Schema, error) {
	switch d.kind {
	case boolean:
		return schema.Of(schema.Boolean), nil
	case number:
		return numberOf(d)
	case text:
		if d.connectType == "bytes" {
			return schema.Of(schema.Bytes), nil
		}
		return schema.Of(schema.String), nil
	case enumeration:
		return c.enum(d), nil
	case array:
		return c.array(d)
	case object:
		if d.additional == nil {
			return nil, schema.Errorf("Map schema did not specify the type of its values")
		}
		value, err := c.schema(d.additional, nil, false)
		if err != nil {
			return nil, err
		}
		return schema.MapOf(schema.Of(schema.String), value), nil
	}
	return nil, schema.Errorf("Unsupported schema type %s", d.kind.class())
}

func numberOf(d *def) (*schema.Schema, error) {
	switch d.connectType {
	case "":
		if d.integer {
			return schema.Of(schema.Int64), nil
		}
		return schema.Of(schema.Float64), nil
	case "int8":
		return schema.Of(schema.Int8), nil
	case "int16":
		return schema.Of(schema.Int16), nil
	case "int32":
		return schema.Of(schema.Int32), nil
	case "int64":
		return schema.Of(schema.Int64), nil
	case "float32":
		return schema.Of(schema.Float32), nil
	case "float64":
		return schema.Of(schema.Float64), nil
	case "bytes": // decimals
		return schema.Of(schema.Bytes), nil
	}
	return nil, schema.NewError("java.lang.IllegalArgumentException", "Unsupported type "+d.connectType, nil)
}

func (c *toConnect) enum(d *def) *schema.Schema {
	param := c.Options.enum()
	opts := []schema.Option{schema.WithParam(param, "")} // an enum of JSON Schema has no name
	for i, v := range d.values {
		symbol := symbolOf(v)
		value := symbol
		if c.GeneralizedSums {
			value = strconv.Itoa(i)
		}
		opts = append(opts, schema.WithParam(param+"."+symbol, value))
	}
	return schema.Of(schema.String, opts...)
}

// symbolOf is Java's text of an enum's value.
func symbolOf(v any) string {
	switch v := v.(type) {
	case nil:
		return nullMarker
	case string:
		return v
	case json.Number:
		return v.String()
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func (c *toConnect) array(d *def) (*schema.Schema, error) {
	if d.items == nil {
		return nil, schema.Errorf("Array schema did not specify the items type")
	}
	if d.connectType != "map" || d.items.kind != object {
		items, err := c.schema(d.items, nil, false)
		if err != nil {
			return nil, err
		}
		return schema.ArrayOf(items), nil
	}
	var parts [2]*schema.Schema
	for i, name := range []string{"key", "value"} {
		part := d.items.member(name)
		if part == nil {
			return nil, schema.Errorf("The entries of a map have no %s", name)
		}
		var err error
		if parts[i], err = c.schema(part, nil, false); err != nil {
			return nil, err
		}
	}
	return schema.NewMapOf(parts[0], parts[1])
}

func (c *toConnect) object(d *def, version *int32, optional bool) (*schema.Schema, error) {
	n := c.begin(d)
	// What wants a place gets it; what does not, or finds it taken, the next one. A later one takes the place of an earlier.
	places := map[int]member{}
	for _, m := range d.members {
		at := len(places)
		if m.def.index != nil {
			at = *m.def.index
		}
		places[at] = m
	}
	var fields []schema.Field
	for _, at := range slices.Sorted(maps.Keys(places)) {
		m := places[at]
		s, err := c.schema(m.def, nil, c.OptionalForNonRequired && !d.required[m.name])
		if err != nil {
			return nil, err
		}
		fields = append(fields, schema.F(m.name, s))
	}
	s, err := schema.NewStructOf(fields)
	if err != nil {
		return nil, err
	}
	if err := c.describe(s, d, version, optional); err != nil {
		return nil, err
	}
	return n.end(s), nil
}

// begin notes that the struct of a definition is being made.
func (c *toConnect) begin(d *def) *node {
	n := &node{schema: &schema.Schema{}}
	c.nodes[d] = n
	return n
}

// end finishes a struct: with the id that references gave it meanwhile.
func (n *node) end(s *schema.Schema) *schema.Schema {
	id, marked := n.schema.Param(idParam)
	*n.schema = *s
	n.schema.Params = slices.Clone(s.Params)
	n.shared = len(s.Params) > 0
	if marked {
		schema.WithParam(idParam, id)(n.schema)
		schema.WithParam(idParam, id)(s)
		n.shared = true
	}
	n.made = s
	return s
}

func (c *toConnect) reference(to *def, version *int32, optional bool) (*schema.Schema, error) {
	n := c.nodes[to]
	if n == nil {
		return c.schema(to, version, optional)
	}
	c.ids++
	id := "#id" + strconv.Itoa(c.ids)
	schema.WithParam(idParam, id)(n.schema)
	if n.made != nil && n.shared {
		schema.WithParam(idParam, id)(n.made)
	}
	place := &schema.Schema{Type: schema.StructType, Optional: optional}
	c.later = append(c.later, later{place, n, optional})
	return place, nil
}

func (c *toConnect) oneOf(d *def, version *int32, optional bool) (*schema.Schema, error) {
	name := unionName
	if c.GeneralizedSums {
		name = "connect_union_" + strconv.Itoa(c.unions)
		c.unions++
	}
	if inner, nullable := d.nullable(); nullable {
		return c.schema(inner, version, true)
	}
	if len(d.parts) == 1 && c.FlattenSingletons {
		return c.schema(d.parts[0], nil, optional)
	}
	var fields []schema.Field
	opts := []schema.Option{schema.Named(name)}
	if c.GeneralizedSums {
		opts = append(opts, schema.WithParam(schema.GeneralizedUnion, name))
	}
	for _, part := range d.parts {
		if part.kind == null {
			opts = append(opts, schema.Optional())
			continue
		}
		s, err := c.schema(part, nil, true)
		if err != nil {
			return nil, err
		}
		field := name + ".field." + strconv.Itoa(len(fields))
		if c.GeneralizedSums {
			field = "connect_union_field_" + strconv.Itoa(len(fields))
		}
		fields = append(fields, schema.F(field, s))
	}
	s, err := schema.NewStructOf(fields, opts...)
	if err != nil {
		return nil, err
	}
	return s, c.describe(s, d, version, optional)
}

// nullable returns what a union of null and one other schema makes optional.
func (d *def) nullable() (*def, bool) {
	if len(d.parts) != 2 {
		return nil, false
	}
	for i, part := range d.parts {
		if part.kind == null && d.parts[1-i].kind != null {
			return d.parts[1-i], true
		}
	}
	return nil, false
}

// describe sets what a definition says besides its type.
func (c *toConnect) describe(s *schema.Schema, d *def, version *int32, optional bool) error {
	if d.title != nil && !s.HasName() {
		schema.Named(*d.title)(s)
	}
	if d.version != nil {
		version = d.version
	}
	if version != nil {
		s.Version = new(*version)
	}
	if d.doc != nil {
		schema.Documented(*d.doc)(s)
	}
	for _, p := range d.params {
		schema.WithParam(p.Name, p.Value)(s)
	}
	if d.preset != nil {
		preset, err := c.values.Read(s, d.preset)
		if err != nil {
			return err
		}
		s.Default = preset
	}
	if optional {
		s.Optional = true
	}
	if s.Default == nil {
		return nil
	}
	return schema.CheckDefault(s)
}
