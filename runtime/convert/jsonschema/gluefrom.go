package jsonschema

import (
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Glue's names of what JSON Schema has and Connect does not.
const (
	glueNamespace = "com.amazonaws.services.schemaregistry.kafkaconnect.jsonschema"
	glueEnum      = glueNamespace + ".Enum"
	glueNoDefault = glueNamespace + ".field.default"
	glueUnion     = convert.GlueUnionName
)

// The keywords that only AWS Glue's converter has.
const (
	nameKey = "connect.name"
	docKey  = "connect.doc"
)

// nullDocument describes null.
const nullDocument = `{"type":"null"}`

// glueFrom writes the document of a Connect schema as AWS Glue's converter does.
type glueFrom struct {
	*Options
	values *convert.JSONValues
	depth  int
	count  int
}

// glueScope has the documents of what stands beside each other. Of fields with the same schema all have the document of the
// first, its index too.
type glueScope struct {
	*glueFrom
	known schema.Cache[[]byte]
}

// mostKnown is how many documents a scope has, which is Java's limit.
const mostKnown = 1000

func (c *glueFrom) scope() *glueScope {
	return &glueScope{glueFrom: c, known: schema.Cache[[]byte]{Limit: mostKnown}}
}

// schema is the document of s, which is the field number index of a struct. plain leaves out that it is optional.
func (c *glueScope) schema(s *schema.Schema, index int, plain bool) ([]byte, error) {
	if s == nil {
		return []byte(nullDocument), nil
	}
	if c.count++; c.count > mostParts {
		return nil, tooLarge()
	}
	return c.known.Get(s, func() ([]byte, error) {
		if c.depth++; c.depth > deepest {
			return nil, schema.NewError("java.lang.StackOverflowError", "The schema contains itself without end", nil)
		}
		defer func() { c.depth-- }()
		return c.make(s, index, plain)
	})
}

func (c *glueFrom) make(s *schema.Schema, index int, plain bool) ([]byte, error) {
	w := &documentWriter{}
	var parts [][]byte
	switch {
	case s.Type == schema.StructType && s.Name == glueUnion:
		inner := c.scope()
		if s.Optional {
			parts = append(parts, []byte(nullDocument))
		}
		for i := range s.Fields {
			part, err := inner.schema(required(s.Fields[i].Schema), i, true)
			if err != nil {
				return nil, err
			}
			parts = append(parts, part)
		}
	case s.Type == schema.StructType && s.Optional:
		part, err := c.scope().schema(required(s), nowhere, false)
		if err != nil {
			return nil, err
		}
		parts = [][]byte{[]byte(nullDocument), part}
	default:
		part, err := c.single(s, index)
		if err != nil || !s.Optional || plain {
			return part, err
		}
		parts = [][]byte{part, []byte(nullDocument)}
	}
	w.begin()
	w.index(index)
	w.key("oneOf")
	w.out = append(w.out, '[')
	for i, part := range parts {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = append(w.out, part...)
	}
	w.out = append(w.out, ']')
	w.end()
	return w.out, nil
}

// required is a schema that is not optional.
func required(s *schema.Schema) *schema.Schema {
	if !s.Optional {
		return s
	}
	made := *s
	made.Optional = false
	return &made
}

// single writes s as if it were not optional.
func (c *glueFrom) single(s *schema.Schema, index int) ([]byte, error) {
	w := &documentWriter{}
	w.begin()
	typ, connectType := c.typeOf(s)
	if typ != "" && typ != "boolean" {
		w.text("type", typ)
	}
	if typ == "" {
		w.glueSymbols(s)
	}
	if c.Meta && s.Default != nil {
		if _, hidden := s.Param(glueNoDefault); !hidden {
			w.key("default")
			if err := c.preset(w, s); err != nil {
				return nil, err
			}
		}
	}
	c.notes(w, s, index, connectType)
	if typ == "boolean" {
		w.text("type", typ)
	}
	if err := c.parts(w, s); err != nil {
		return nil, err
	}
	w.end()
	return w.out, nil
}

// glueSymbols writes those of an enum in the order of a HashSet.
func (w *documentWriter) glueSymbols(s *schema.Schema) {
	order := schema.NewHashMap(0)
	for _, p := range s.Params {
		if strings.HasPrefix(p.Name, glueEnum+".") {
			order.Set(p.Value, true)
		}
	}
	sorted := &schema.Schema{}
	for symbol := range order.All() {
		text, _ := symbol.(string)
		sorted.Params = append(sorted.Params, schema.Param{Name: text})
	}
	w.symbols(sorted, "")
}

func (c *glueFrom) typeOf(s *schema.Schema) (typ, connectType string) {
	switch s.Name {
	case schema.DateName, schema.TimeName, schema.TimestampName:
		return "integer", strings.ToLower(s.Type.String())
	case schema.DecimalName:
		if c.values.Numeric {
			return "number", strings.ToLower(s.Type.String())
		}
		return "string", strings.ToLower(s.Type.String())
	}
	if s.Type == schema.String {
		if _, ok := s.Param(glueEnum); ok {
			return "", ""
		}
		return "string", ""
	}
	return (&fromConnect{Options: c.Options, values: c.values}).typeOf(s)
}

// notes writes the keywords of Connect in Java's order, which is that of a HashMap.
func (c *glueFrom) notes(w *documentWriter, s *schema.Schema, index int, connectType string) {
	order := schema.NewHashMap(0)
	set := func(key string, ok bool, write func()) {
		if ok {
			order.Set(key, write)
		}
	}
	set(typeKey, connectType != "", func() { w.text(typeKey, connectType) })
	set(indexKey, index != nowhere, func() { w.index(index) })
	if c.Meta {
		set(docKey, s.HasDoc(), func() { w.text(docKey, s.Doc) })
		set(versionKey, s.Version != nil, func() {
			w.key(versionKey)
			w.out = strconv.AppendInt(w.out, int64(*s.Version), 10)
		})
		set(nameKey, s.HasName(), func() { w.text(nameKey, s.Name) })
		params := foreign(s, glueNamespace)
		set(paramsKey, params.Len() > 0, func() { w.params(sized(params)) })
	}
	for _, write := range schema.HashMapOf(order).All() { // a copy may have another order
		write.(func())() //nolint:forcetypeassert // nothing else was set
	}
}

// sized is a copy of a map in a table that is no larger than it need be, as Java's library of JSON makes it.
func sized(m *schema.Map) *schema.Map {
	c := schema.NewHashMap(m.Len())
	for k, v := range m.All() {
		c.Set(k, v)
	}
	return c
}

// preset writes a default: of what has a name and of bytes the text of their JSON, as if it were a string.
func (c *glueFrom) preset(w *documentWriter, s *schema.Schema) error {
	text, _, err := c.values.Append(nil, s, s.Default)
	if err != nil {
		return err
	}
	if s.HasName() || s.Type == schema.Bytes {
		text = appendText(nil, string(text))
	}
	w.out = append(w.out, text...)
	return nil
}

func (c *glueFrom) parts(w *documentWriter, s *schema.Schema) error {
	inner := c.scope()
	put := func(key string, of *schema.Schema) error {
		part, err := inner.schema(of, nowhere, false)
		if err != nil {
			return err
		}
		w.key(key)
		w.out = append(w.out, part...)
		return nil
	}
	switch s.Type {
	case schema.Array:
		return put("items", s.Value)
	case schema.MapType:
		if keyed(s) {
			return put("additionalProperties", s.Value)
		}
		w.key("items")
		w.begin()
		w.text("type", "object")
		w.key("properties")
		w.begin()
		if err := put("value", s.Value); err != nil {
			return err
		}
		if err := put("key", s.Key); err != nil {
			return err
		}
		w.end()
		w.end()
	case schema.StructType:
		return c.properties(w, s)
	}
	return nil
}

func (c *glueFrom) properties(w *documentWriter, s *schema.Schema) error {
	if len(s.Fields) == 0 {
		return nil
	}
	inner, order := c.scope(), schema.NewHashMap(0)
	for i := range s.Fields {
		part, err := inner.schema(s.Fields[i].Schema, i, false)
		if err != nil {
			return err
		}
		order.Set(s.Fields[i].Name, part)
	}
	w.key("properties")
	w.begin()
	for name, part := range order.All() {
		key, _ := name.(string)
		text, _ := part.([]byte)
		w.key(key)
		w.out = append(w.out, text...)
	}
	w.end()
	return nil
}

// Doubtful tells whether values of a schema may not keep to the document that Glue's mapping makes of it: enums, unions, and
// data without a schema.
func Doubtful(s *schema.Schema) bool { return doubtful(s, 0) }

func doubtful(s *schema.Schema, depth int) bool {
	if s == nil || s.Name == glueUnion {
		return true
	}
	if _, isEnum := s.Param(glueEnum); isEnum || depth > deepest {
		return true
	}
	for _, part := range []*schema.Schema{s.Key, s.Value} {
		if part != nil && doubtful(part, depth+1) {
			return true
		}
	}
	for i := range s.Fields {
		if doubtful(s.Fields[i].Schema, depth+1) {
			return true
		}
	}
	return false
}
