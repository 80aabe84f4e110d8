package avro

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// toConnect translates one Avro schema.
type toConnect struct {
	*Options
	unions int           // generalized unions so far
	open   []*openStruct // from the outermost in
	depth  int
	parts  int
}

// mostParts is how many schemas one may consist of, each counted as often as it is referred to: a schema of a few lines can
// have more parts than fit into any memory, for a Connect schema has no references.
const mostParts = 100_000

func tooLarge() error {
	return schema.Errorf("The schema has more than %d parts, those counted repeatedly that are referred to repeatedly.", mostParts)
}

// openStruct is a record whose struct schema is being made, with the places inside it that refer to it.
type openStruct struct {
	avro    *Schema
	connect *schema.Schema
	refs    []*schema.Schema
}

// place is what the place of a schema in another says about it.
type place struct {
	optional   bool
	def        any // the JSON value of a field's default
	hasDefault bool
	doc        *string
	version    *int32
}

var standaloneNull = "Standalone null schemas are not supported by this converter" //nolint:gochecknoglobals // a constant text

// schema translates a, which may be a reference to a record around it.
func (c *toConnect) schema(a *Schema, at place) (*schema.Schema, error) {
	for _, o := range c.open {
		if o.avro == a {
			ref := &schema.Schema{Optional: at.optional}
			o.refs = append(o.refs, ref)
			return ref, nil
		}
	}
	if c.depth++; c.depth > maxDepth {
		return nil, schema.Errorf("The Avro schema nests too deep.")
	}
	defer func() { c.depth-- }()
	if c.parts++; c.parts > mostParts {
		return nil, tooLarge()
	}
	if a.Type == Union {
		if member := c.only(a); member != nil {
			optional := at.optional || len(a.Branches) == 2
			return c.schema(member, place{optional: optional, doc: at.doc})
		}
	}
	s := &schema.Schema{Optional: at.optional}
	if err := c.shape(s, a); err != nil {
		return nil, err
	}
	if err := c.describe(s, a, at); err != nil {
		return nil, err
	}
	if a.Type == Record {
		c.close(s)
	}
	return s, nil
}

// only is the branch that a union stands for: the one beside null, or the single one.
func (o *Options) only(a *Schema) *Schema {
	switch {
	case len(a.Branches) == 2 && a.Branches[0].Type == Null:
		return a.Branches[1]
	case len(a.Branches) == 2 && a.Branches[1].Type == Null:
		return a.Branches[0]
	case len(a.Branches) == 1 && o.FlattenSingletons:
		return a.Branches[0]
	}
	return nil
}

// shape fills in the type of s and its parts.
func (c *toConnect) shape(s *schema.Schema, a *Schema) (err error) {
	switch a.Type {
	case Boolean:
		s.Type = schema.Boolean
	case Int:
		return c.intType(s, a)
	case Long:
		s.Type = schema.Int64
		if isLogical(a, "timestamp-millis") {
			*s = *schema.TimestampOf()
		}
	case Float:
		s.Type = schema.Float32
	case Double:
		s.Type = schema.Float64
	case String:
		s.Type = schema.String
	case Bytes, Fixed:
		return c.bytesType(s, a)
	case Enum:
		c.enumType(s, a)
	case Array:
		return c.arrayType(s, a)
	case Map:
		s.Type, s.Key = schema.MapType, schema.Of(schema.String)
		s.Value, err = c.schema(a.Items, place{})
	case Record:
		return c.structType(s, a)
	case Union:
		return c.unionType(s, a)
	case Null, Invalid:
		return schema.Errorf("%s", standaloneNull)
	}
	return err
}

func isLogical(a *Schema, name string) bool {
	t, _ := a.text("logicalType")
	return strings.EqualFold(t, name)
}

func (c *toConnect) intType(s *schema.Schema, a *Schema) error {
	s.Type = schema.Int32
	_, logical := a.text("logicalType")
	typ, typed := a.text("connect.type")
	switch {
	case isLogical(a, "date"):
		*s = *schema.DateOf()
	case isLogical(a, "time-millis"):
		*s = *schema.TimeOf()
	case logical || !typed:
	case typ == "int8":
		s.Type = schema.Int8
	case typ == "int16":
		s.Type = schema.Int16
	default:
		return schema.Errorf("Connect type annotation for Avro int field is null")
	}
	return nil
}

func (c *toConnect) bytesType(s *schema.Schema, a *Schema) error {
	s.Type = schema.Bytes
	if isLogical(a, "decimal") {
		scale := "0"
		if v, ok := a.Props.Get("scale"); ok {
			n, isNumber := intOf(v)
			if !isNumber {
				return schema.Errorf("scale must be specified and must be a number.")
			}
			scale = strconv.Itoa(int(n))
		} else if c.Elder {
			return schema.Errorf("scale must be specified and must be a number.")
		}
		*s = *schema.DecimalOf(0)
		schema.WithParam(schema.ScaleParam, scale)(s)
		if v, ok := a.Props.Get("precision"); ok {
			n, isNumber := intOf(v)
			if !isNumber {
				return schema.Errorf("precision property must be a JSON Integer. https://avro.apache.org/docs/1.9.1/spec.html#Decimal")
			}
			if n != 64 {
				schema.WithParam(precisionParam, strconv.Itoa(int(n)))(s)
			}
		}
	}
	if a.Type == Fixed && !c.Elder {
		schema.WithParam(fixedParam, strconv.Itoa(a.Size))(s)
	}
	return nil
}

// intOf is Java's intValue of a JSON number.
func intOf(v any) (int32, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return int32(i), true
	}
	f, err := n.Float64()
	return int32(f), err == nil
}

func (c *toConnect) enumType(s *schema.Schema, a *Schema) {
	s.Type = schema.String
	if c.MetaData {
		switch {
		case a.Doc != nil && c.DiscardTypeDocDefault:
			schema.WithParam(plainEnumDoc, *a.Doc)(s)
		case a.Doc != nil:
			schema.WithParam(c.in(enumDocParam)+a.Name, *a.Doc)(s)
		}
		if a.EnumDefault != "" && !c.DiscardTypeDocDefault {
			schema.WithParam(c.in(enumDefaultParam)+a.Name, a.EnumDefault)(s)
		}
	}
	schema.WithParam(c.enum(), a.FullName())(s)
	for i, symbol := range a.Symbols {
		value := symbol
		if c.GeneralizedSums {
			value = strconv.Itoa(i)
		}
		schema.WithParam(c.enum()+"."+symbol, value)(s)
	}
}

// isMapEntry tells whether a record is the entry of a map whose keys are no texts.
func (o *Options) isMapEntry(a *Schema) bool {
	if a.Type != Record {
		return false
	}
	internal, _ := a.text("connect.internal.type")
	return a.Namespace == o.namespace() && a.Name == mapEntry || internal == mapEntry
}

func (c *toConnect) arrayType(s *schema.Schema, a *Schema) (err error) {
	if !c.isMapEntry(a.Items) {
		s.Type = schema.Array
		s.Value, err = c.schema(a.Items, place{})
		return err
	}
	key, _ := a.Items.Field("key")
	value, _ := a.Items.Field("value")
	if len(a.Items.Fields) != 2 || key == nil || value == nil {
		return schema.Errorf("Found map encoded as array of key-value pairs, but array elements do not match the expected format.")
	}
	s.Type = schema.MapType
	if s.Key, err = c.schema(key.Type, place{}); err != nil {
		return err
	}
	s.Value, err = c.schema(value.Type, place{})
	return err
}

func (c *toConnect) structType(s *schema.Schema, a *Schema) error {
	c.open = append(c.open, &openStruct{avro: a, connect: s})
	if c.MetaData && a.Doc != nil && !c.DiscardTypeDocDefault {
		schema.WithParam(c.in(recordDocParam), *a.Doc)(s)
	}
	fields := make([]schema.Field, len(a.Fields))
	for i := range a.Fields {
		f := &a.Fields[i]
		if c.MetaData && f.Doc != nil && !c.DiscardTypeDocDefault {
			schema.WithParam(c.in(fieldDocParam)+f.Name, *f.Doc)(s)
		}
		fs, err := c.schema(f.Type, place{def: f.Default, hasDefault: f.HasDefault, doc: f.Doc})
		if err != nil {
			return err
		}
		fields[i] = schema.F(f.Name, fs)
	}
	made := schema.StructOf(fields)
	made.Optional, made.Params = s.Optional, s.Params
	*s = *made
	return nil
}

// close makes the places that refer to the innermost record what it has become.
func (c *toConnect) close(s *schema.Schema) {
	last := len(c.open) - 1
	for _, ref := range c.open[last].refs {
		optional := ref.Optional
		*ref = *s
		ref.Optional = optional
	}
	c.open = c.open[:last]
}

func (c *toConnect) unionType(s *schema.Schema, a *Schema) error {
	optional := s.Optional
	var fields []schema.Field
	name := c.in(unionName)
	var marker []schema.Param
	if c.GeneralizedSums {
		name = "connect_union_" + strconv.Itoa(c.unions)
		marker = []schema.Param{{Name: schema.GeneralizedUnion, Value: name}}
		c.unions++
	}
	for i, b := range a.Branches {
		if b.Type == Null {
			optional = true
			continue
		}
		field := c.branchName(b, i)
		for _, f := range fields {
			if f.Name == field {
				return schema.Errorf("Multiple union schemas map to the Connect union field name")
			}
		}
		fs, err := c.schema(b, place{optional: true})
		if err != nil {
			return err
		}
		fields = append(fields, schema.F(field, fs))
	}
	*s = *schema.StructOf(fields, schema.Named(name))
	s.Optional, s.Params = optional, marker
	return nil
}

// branchName is the field that stands for the i-th branch of a union.
func (o *Options) branchName(b *Schema, i int) string {
	switch {
	case o.GeneralizedSums:
		return "connect_union_field_" + strconv.Itoa(i)
	case !b.Type.isNamed():
		return b.Type.String()
	case o.Enhanced:
		return b.FullName()
	}
	return b.Name
}
