package convert

import (
	"github.com/sluice-connect/sluice/runtime/schema"
)

const envelopeMessage = `JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields. ` +
	`If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.`

// envelopes remembers schemas by the text they had, so that a text met before is neither read nor even scanned again. When
// there are more than limit it forgets them all.
type envelopes struct {
	limit   int
	ids     map[string]int
	texts   []string
	schemas []*schema.Schema
	last    int
}

// match tells whether the value at pos is a schema met before, which one, and where it ends.
func (e *envelopes) match(text []byte, pos int) (id, end int, ok bool) {
	if len(e.texts) == 0 || pos >= len(text) || text[pos] != '{' {
		return 0, 0, false
	}
	last := e.texts[e.last]
	if end = pos + len(last); end <= len(text) && string(text[pos:end]) == last {
		return e.last, end, true // a whole object, so nothing of it can come behind
	}
	if end = objectEnd(text, pos); end < 0 {
		return 0, 0, false
	}
	if id, ok = e.ids[string(text[pos:end])]; ok {
		e.last = id
	}
	return id, end, ok
}

func (e *envelopes) add(text []byte, s *schema.Schema) {
	if e.limit <= 0 || text[0] != '{' {
		return
	}
	if e.ids == nil || len(e.texts) >= e.limit {
		*e = envelopes{limit: e.limit, ids: map[string]int{}}
	}
	e.last = len(e.texts)
	e.texts = append(e.texts, string(text))
	e.ids[e.texts[e.last]] = e.last
	e.schemas = append(e.schemas, s)
}

// objectEnd finds the end of an object by its braces, or -1. It checks nothing else.
func objectEnd(text []byte, pos int) int {
	depth := 0
	for i := pos; i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return -1
}

// open takes an envelope apart.
func (r *jsonReader) open(root uint32) (*schema.Schema, uint32, error) {
	schemaAt, payload := uint32(none), uint32(none)
	if r.kind(root) != objectNode {
		return nil, none, schema.Errorf(envelopeMessage)
	}
	for e, end := root+1, r.scan.nodes[root].next; e < end; e = r.scan.nodes[e+1].next {
		switch r.string(e) {
		case "schema":
			schemaAt = e + 1
		case "payload":
			payload = e + 1
		default:
			return nil, none, schema.Errorf(envelopeMessage)
		}
	}
	if schemaAt == none || payload == none {
		return nil, none, schema.Errorf(envelopeMessage)
	}
	if r.kind(schemaAt) == schemaNode {
		return r.known.schemas[r.scan.nodes[schemaAt].start], payload, nil
	}
	s, err := r.schemaAt(schemaAt)
	if err != nil {
		return nil, none, err
	}
	if s != nil {
		r.known.add(r.text(schemaAt), s)
	}
	return s, payload, nil
}

// schemaAt reads a schema from its JSON form; null is no schema. The schema shares no memory with the document.
func (r *jsonReader) schemaAt(i uint32) (*schema.Schema, error) {
	if r.kind(i) == nullNode {
		return nil, nil
	}
	if r.kind(i) == schemaNode {
		return r.known.schemas[r.scan.nodes[i].start], nil
	}
	name, ok := r.member(i, "type")
	if !ok {
		return nil, schema.Errorf("Schema must contain 'type' field")
	}
	s, err := r.typed(name, i)
	if err != nil {
		return nil, err
	}
	s.Optional = r.kind(r.get(i, "optional")) == trueNode
	if name, ok := r.member(i, "name"); ok {
		schema.Named(name)(s)
	}
	if v := r.get(i, "version"); r.kind(v) == intNode {
		n := int32(r.integer(v)) // Java cuts it off as well
		s.Version = &n
	}
	if doc, ok := r.member(i, "doc"); ok {
		schema.Documented(doc)(s)
	}
	if p := r.get(i, "parameters"); r.kind(p) == objectNode {
		for e, end := p+1, r.scan.nodes[p].next; e < end; e = r.scan.nodes[e+1].next {
			if r.kind(r.get(p, r.name(e))) != stringNode {
				return nil, schema.Errorf("Schema parameters must have string values.")
			}
			schema.WithParam(r.name(e), clone(r.string(e+1)))(s)
		}
	}
	if d := r.get(i, "default"); d != none {
		if s.Default, err = r.value(s, d); err != nil {
			return nil, err
		}
		s.Default = own(s.Default)
		return s, checkDefault(s)
	}
	return s, nil
}

// checkDefault refuses what Connect refuses: a default of the wrong type, or null for a schema that is not optional. It
// refuses every struct as well, for Connect compares its schema to one that is still being built.
func checkDefault(s *schema.Schema) error {
	err := schema.CheckDefault(s)
	switch {
	case err != nil:
		return err
	case s.Default == nil && !s.Optional:
		err = schema.Validate(s, nil)
	case s.Default != nil && s.Type == schema.StructType:
		err = schema.Errorf("Struct schemas do not match.")
	default:
		return nil
	}
	return schema.NewError(schema.SchemaBuilderException, "Invalid default value", err)
}

// member is a string member's value; ok false when there is none, or something else.
func (r *jsonReader) member(object uint32, name string) (string, bool) {
	i := r.get(object, name)
	if r.kind(i) != stringNode {
		return "", false
	}
	return clone(r.string(i)), true
}

// typed reads the parts of a schema that its type asks for.
func (r *jsonReader) typed(name string, i uint32) (*schema.Schema, error) {
	switch name {
	case "boolean":
		return schema.Of(schema.Boolean), nil
	case "int8":
		return schema.Of(schema.Int8), nil
	case "int16":
		return schema.Of(schema.Int16), nil
	case "int32":
		return schema.Of(schema.Int32), nil
	case "int64":
		return schema.Of(schema.Int64), nil
	case "float":
		return schema.Of(schema.Float32), nil
	case "double":
		return schema.Of(schema.Float64), nil
	case "bytes":
		return schema.Of(schema.Bytes), nil
	case "string":
		return schema.Of(schema.String), nil
	case "array":
		items := r.get(i, "items")
		if k := r.kind(items); k == missing || k == nullNode {
			return nil, schema.Errorf("Array schema did not specify the element type")
		}
		value, err := r.schemaAt(items)
		if err != nil {
			return nil, err
		}
		return schema.NewArrayOf(value)
	case "map":
		return r.mapSchema(i)
	case "struct":
		return r.structSchema(i)
	}
	return nil, schema.Errorf("Unknown schema type: %s", name)
}

func (r *jsonReader) mapSchema(i uint32) (*schema.Schema, error) {
	keys, values := r.get(i, "keys"), r.get(i, "values")
	if keys == none {
		return nil, schema.Errorf("Map schema did not specify the key type")
	}
	if values == none {
		return nil, schema.Errorf("Map schema did not specify the value type")
	}
	key, err := r.schemaAt(keys)
	if err != nil {
		return nil, err
	}
	value, err := r.schemaAt(values)
	if err != nil {
		return nil, err
	}
	return schema.NewMapOf(key, value)
}

func (r *jsonReader) structSchema(i uint32) (*schema.Schema, error) {
	list := r.get(i, "fields")
	if r.kind(list) != arrayNode {
		return nil, schema.Errorf(`Struct schema's "fields" argument is not an array.`)
	}
	var fields []schema.Field
	for e, end := list+1, r.scan.nodes[list].next; e < end; e = r.scan.nodes[e].next {
		var s *schema.Schema
		var err error = schema.Errorf("Struct schema's field name not specified properly")
		name, ok := r.member(e, "field")
		if ok {
			s, err = r.schemaAt(e)
		}
		if err != nil {
			// What was wrong with an earlier field comes first.
			if earlier := schema.CheckFields(fields); earlier != nil {
				return nil, earlier
			}
			return nil, err
		}
		fields = append(fields, schema.F(name, s))
	}
	return schema.NewStructOf(fields)
}
