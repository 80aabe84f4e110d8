package avro

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// fromConnect translates one Connect schema.
type fromConnect struct {
	*Options
	parts   int
	unnamed int // structs without a name so far
	open    []openRecord
	shared  []openRecord // finished structs without a name that equal ones are a reference to
}

// openRecord is a struct whose record is being made: a struct with the same fields inside it is a reference to it.
type openRecord struct {
	connect *schema.Schema
	avro    *Schema
}

// union is a union of null and the schema, in the order that the default asks for.
func union(s *schema.Schema, base *Schema) *Schema {
	if s.Default != nil {
		return &Schema{Type: Union, Branches: []*Schema{base, {Type: Null}}}
	}
	return &Schema{Type: Union, Branches: []*Schema{{Type: Null}, base}}
}

// schema translates s, optional or not.
func (c *fromConnect) schema(s *schema.Schema) (*Schema, error) {
	if s == nil {
		return c.anything(), nil
	}
	if c.isUnion(s) {
		return c.union(s)
	}
	base, err := c.base(s)
	if err != nil || !s.Optional {
		return base, err
	}
	return union(s, base), nil
}

// isUnion tells whether a struct stands for a union: each field is one branch.
func (o *Options) isUnion(s *schema.Schema) bool {
	if s.Type != schema.StructType {
		return false
	}
	_, marked := s.Param(schema.GeneralizedUnion)
	return marked && !o.Elder || s.Name == o.in(unionName)
}

func (c *fromConnect) union(s *schema.Schema) (*Schema, error) {
	u := &Schema{Type: Union}
	if s.Optional {
		u.Branches = append(u.Branches, &Schema{Type: Null})
	}
	for i := range s.Fields {
		base, err := c.base(s.Fields[i].Schema)
		if err != nil {
			return nil, err
		}
		u.Branches = append(u.Branches, base)
	}
	return u, nil
}

// base translates s as if it were not optional.
func (c *fromConnect) base(s *schema.Schema) (*Schema, error) {
	for _, o := range c.open {
		if sameStruct(o.connect, s) {
			return o.avro, nil
		}
	}
	if nameless := s.Type == schema.StructType && !s.HasName(); nameless && c.Elder {
		for _, o := range c.shared {
			if equalBut(o.connect, s) {
				return o.avro, nil
			}
		}
	}
	if c.parts++; c.parts > mostParts {
		return nil, tooLarge()
	}
	a := &Schema{}
	var err error
	switch s.Type {
	case schema.String:
		err = c.text(a, s)
	case schema.Bytes:
		err = c.bytes(a, s)
	case schema.Array:
		a.Type = Array
		a.Items, err = c.schema(s.Value)
	case schema.MapType:
		err = c.mapping(a, s)
	case schema.StructType:
		err = c.record(a, s)
	default:
		a.Type = simple(s.Type)
	}
	if err != nil {
		return nil, err
	}
	return a, c.describe(a, s)
}

// equalBut tells whether two structs are equal but for being optional.
func equalBut(a, b *schema.Schema) bool {
	plain := *b
	plain.Optional = a.Optional
	return a.Equal(&plain)
}

// sameStruct tells whether two struct schemas are one that contains itself.
func sameStruct(a, b *schema.Schema) bool {
	return b.Type == schema.StructType && len(a.Fields) > 0 && len(a.Fields) == len(b.Fields) && &a.Fields[0] == &b.Fields[0]
}

func simple(t schema.Type) Type {
	switch t {
	case schema.Int8, schema.Int16, schema.Int32:
		return Int
	case schema.Int64:
		return Long
	case schema.Float32:
		return Float
	case schema.Float64:
		return Double
	case schema.Boolean:
		return Boolean
	default:
		return Invalid
	}
}

// isEnum tells whether a text schema stands for an enum in either way.
func (o *Options) isEnum(s *schema.Schema) bool {
	_, general := s.Param(schema.GeneralizedEnum)
	_, own := s.Param(o.in(enumParam))
	return s.Type == schema.String && (general && !o.Elder || own)
}

func (c *fromConnect) text(a *Schema, s *schema.Schema) error {
	if !c.isEnum(s) || !c.Enhanced && !c.GeneralizedSums {
		a.Type = String
		return nil
	}
	full, ok := s.Param(c.enum())
	if !ok {
		return schema.NewError("java.lang.NullPointerException", "Type must have a name", nil)
	}
	a.Type = Enum
	a.Namespace, a.Name = splitName(full)
	for _, p := range s.Params {
		if symbol, ok := strings.CutPrefix(p.Name, c.enum()+"."); ok {
			a.Symbols = append(a.Symbols, symbol)
		}
	}
	_, name := splitName(s.Name)
	doc := c.in(enumDocParam) + name
	if c.DiscardTypeDocDefault {
		doc = plainEnumDoc
	}
	a.Doc = param(s, doc)
	if d := param(s, c.in(enumDefaultParam)+name); d != nil {
		a.EnumDefault = *d
	}
	return checkName(a.Name)
}

func param(s *schema.Schema, name string) *string {
	if v, ok := s.Param(name); ok {
		return &v
	}
	return nil
}

// isFixed tells whether a bytes schema stands for a fixed type.
func (o *Options) isFixed(s *schema.Schema) bool {
	_, ok := s.Param(fixedParam)
	return ok && !o.Elder && s.Type == schema.Bytes && s.HasName()
}

func (c *fromConnect) bytes(a *Schema, s *schema.Schema) error {
	a.Type = Bytes
	if c.isFixed(s) {
		size, _ := s.Param(fixedParam)
		n, err := strconv.ParseInt(size, 10, 32)
		if err != nil || n < 0 {
			return schema.NewError("java.lang.NumberFormatException", `For input string: "`+size+`"`, nil)
		}
		a.Type, a.Size = Fixed, int(n)
		if err := c.name(a, s.Name); err != nil {
			return err
		}
	}
	if s.Name != schema.DecimalName {
		return nil
	}
	scale, err := schema.DecimalScale(s)
	if err != nil {
		return err
	}
	precision := "64"
	if p, ok := s.Param(precisionParam); ok {
		n, err := strconv.ParseInt(p, 10, 32)
		if err != nil {
			return schema.NewError("java.lang.NumberFormatException", `For input string: "`+p+`"`, nil)
		}
		precision = strconv.FormatInt(n, 10)
	}
	a.Props = append(a.Props,
		Member{"scale", json.Number(strconv.Itoa(int(scale)))}, Member{"precision", json.Number(precision)})
	return nil
}

// name gives a named type the name of a Connect schema.
func (c *fromConnect) name(a *Schema, full string) error {
	a.Namespace, a.Name = splitName(full)
	if c.Scrub {
		a.Namespace, a.Name = scrubAll(a.Namespace), scrub(a.Name)
	}
	return checkName(a.Name)
}

// stringKeys tells whether a map with these keys is an Avro map.
func (o *Options) stringKeys(key *schema.Schema) bool {
	return key.Type == schema.String && (!key.Optional || o.OptionalMapKeys)
}

// mapping makes an Avro map, or an array of entries when the keys are no texts.
func (c *fromConnect) mapping(a *Schema, s *schema.Schema) (err error) {
	if c.stringKeys(s.Key) {
		a.Type = Map
		a.Items, err = c.schema(s.Value)
		return err
	}
	entry := &Schema{Type: Record, Name: mapEntry, Namespace: c.namespace()}
	if s.HasName() {
		if err := c.name(entry, s.Name); err != nil {
			return err
		}
		entry.Props = Object{{"connect.internal.type", mapEntry}}
	}
	a.Type, a.Items = Array, entry
	for _, f := range []schema.Field{schema.F("key", s.Key), schema.F("value", s.Value)} {
		if err := c.field(entry, f, nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *fromConnect) record(a *Schema, s *schema.Schema) error {
	a.Type = Record
	if s.HasName() {
		if err := c.name(a, s.Name); err != nil {
			return err
		}
	} else {
		a.Namespace, a.Name = c.namespace(), defaultName
		if c.unnamed++; c.unnamed > 1 {
			a.Name += strconv.Itoa(c.unnamed)
		}
	}
	a.Doc = param(s, c.in(recordDocParam))
	if c.DiscardTypeDocDefault {
		a.Doc = param(s, plainRecordDoc)
	}
	c.open = append(c.open, openRecord{s, a})
	a.Fields = make([]Field, 0, len(s.Fields))
	for _, f := range s.Fields {
		doc := param(s, c.in(fieldDocParam)+f.Name)
		if c.DiscardTypeDocDefault && f.Schema.HasDoc() {
			doc = &f.Schema.Doc
		}
		if err := c.field(a, f, doc); err != nil {
			return err
		}
	}
	c.open = c.open[:len(c.open)-1]
	if c.Elder && !s.HasName() {
		c.shared = append(c.shared, openRecord{s, a})
	}
	return nil
}

func (c *fromConnect) field(record *Schema, f schema.Field, doc *string) (err error) {
	a := Field{Name: f.Name, Doc: doc, HasDefault: f.Schema.Default != nil || f.Schema.Optional}
	if c.Scrub {
		a.Name = scrub(f.Name)
	}
	if err := checkName(a.Name); err != nil {
		return err
	}
	if a.Type, err = c.schema(f.Schema); err != nil {
		return err
	}
	if a.Default, err = c.defaultJSON(f.Schema, f.Schema.Default); err != nil {
		return err
	}
	record.Fields = append(record.Fields, a)
	return nil
}

// describe adds what Avro itself has no place for.
func (c *fromConnect) describe(a *Schema, s *schema.Schema) error {
	add := func(name string, v any) { a.Props = append(a.Props, Member{name, v}) }
	if c.MetaData {
		if err := c.metaData(s, add); err != nil {
			return err
		}
	}
	switch s.Name {
	case schema.DecimalName:
		add("logicalType", "decimal")
	case schema.DateName:
		add("logicalType", "date")
	case schema.TimeName:
		add("logicalType", "time-millis")
	case schema.TimestampName:
		add("logicalType", "timestamp-millis")
	}
	for _, p := range s.Params {
		if strings.HasPrefix(p.Name, "avro") {
			add(p.Name, p.Value)
		}
	}
	return nil
}

func (c *fromConnect) metaData(s *schema.Schema, add func(name string, v any)) error {
	if s.HasDoc() {
		add("connect.doc", s.Doc)
	}
	if s.Version != nil {
		add("connect.version", json.Number(strconv.Itoa(int(*s.Version))))
	}
	var params Object
	for _, p := range s.Params {
		if p.Name != c.in(fieldDefaultParam) {
			params = append(params, Member{p.Name, p.Value})
		}
	}
	if len(params) > 0 {
		add("connect.parameters", params)
	}
	if _, isField := s.Param(c.in(fieldDefaultParam)); s.Default != nil && !isField {
		v, err := c.defaultJSON(s, s.Default)
		if err != nil {
			return err
		}
		add("connect.default", v)
	}
	if s.HasName() {
		add("connect.name", s.Name)
	}
	switch s.Type {
	case schema.Int8:
		add("connect.type", "int8")
	case schema.Int16:
		add("connect.type", "int16")
	default:
	}
	return nil
}
