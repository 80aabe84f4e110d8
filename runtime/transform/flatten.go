package transform

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const flattenDoc = "Lifts the fields of nested structs or maps to the top, named by the path to them."

const flattening = "flattening"

// flatten is Flatten.
type flatten struct {
	side
	delimiter string
	cache     cache[*flat]
}

// flat is the schema of a flattened struct, and where its fields come from.
type flat struct {
	schema *schema.Schema
	nodes  []flatNode
}

// flatNode is one field of a struct: it goes to a place, or is a struct that has nodes of its own.
type flatNode struct {
	to     int
	nested []flatNode // nil for a field that goes somewhere
	deep   bool
}

// Define implements config.Definer.
func (t *flatten) Define(d *config.Def) {
	d.String(&t.delimiter, "delimiter", ".", "What stands between the names of a path.")
}

// Apply implements connect.Transform.
func (t *flatten) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	switch {
	case d.Value == nil:
		return true, nil
	case d.Schema == nil:
		m, err := needMap(d.Value, flattening)
		if err != nil {
			return false, err
		}
		out := schema.NewMap(m.Len())
		if err := t.lift(m, "", out); err != nil {
			return false, err
		}
		d.Value = out
		return true, nil
	}
	v, err := needStruct(d.Value, flattening)
	if err != nil {
		return false, err
	}
	plan, err := t.cache.get(v.Schema(), t.plan)
	if err != nil {
		return false, err
	}
	out := schema.NewStruct(plan.schema)
	if err := fill(out, v, plan.nodes); err != nil {
		return false, err
	}
	d.Schema, d.Value = plan.schema, out
	return true, nil
}

// lift copies the entries of m, and of the maps in it, to out.
func (t *flatten) lift(m *schema.Map, prefix string, out *schema.Map) error {
	for k, v := range m.All() {
		text, ok := k.(string)
		if !ok && k != nil {
			return javaError("ClassCastException", "the key of a map is a "+schema.JavaClass(k)+", not a string")
		}
		if k == nil {
			text = "null"
		}
		name := t.join(prefix, text)
		switch schema.TypeOf(v) {
		case schema.MapType:
			inner, err := needMap(v, flattening)
			if err != nil {
				return err
			}
			if err := t.lift(inner, name, out); err != nil {
				return err
			}
		case schema.StructType:
			return schema.Errorf("Flatten transformation does not support class %s for record without schemas (for field %s).",
				schema.JavaClass(v), name)
		case schema.Invalid:
			if v != nil {
				return schema.Errorf("Flatten transformation was passed a value of type class %s which is not supported by Connect's data API",
					schema.JavaClass(v))
			}
			out.Set(name, nil)
		default:
			out.Set(name, v)
		}
	}
	return nil
}

func (t *flatten) join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + t.delimiter + name
}

// plan works out the flattened schema.
func (t *flatten) plan(s *schema.Schema) (*flat, error) {
	var fields []schema.Field
	def, _ := s.Default.(*schema.Struct)
	nodes, err := t.nodes(s, "", &fields, s.Optional, def)
	if err != nil {
		return nil, err
	}
	out, err := schema.NewStructOf(fields, basics(s))
	if err != nil {
		return nil, err
	}
	return &flat{out, nodes}, nil
}

// nodes appends the fields of a struct. optional tells whether a struct around them may be null, and def is the default
// that the structs around them have for this one.
func (t *flatten) nodes(s *schema.Schema, prefix string, fields *[]schema.Field, optional bool, def *schema.Struct) ([]flatNode, error) {
	nodes := make([]flatNode, len(s.Fields))
	for i, f := range s.Fields {
		name := t.join(prefix, f.Name)
		fieldOptional := optional || f.Schema.Optional
		fieldDef := f.Schema.Default
		if fieldDef == nil && def != nil {
			fieldDef = def.At(i)
		}
		switch f.Schema.Type {
		case schema.StructType:
			inner, _ := fieldDef.(*schema.Struct)
			nested, err := t.nodes(f.Schema, name, fields, fieldOptional, inner)
			if err != nil {
				return nil, err
			}
			nodes[i] = flatNode{nested: nested, deep: true}
		case schema.MapType, schema.Invalid:
			return nil, schema.Errorf("Flatten transformation does not support %s for record with schemas (for field %s).",
				f.Schema.Type, name)
		default:
			for _, other := range *fields {
				if other.Name == name { // which Connect sees before what comes next
					return nil, schema.CheckFields([]schema.Field{other, schema.F(name, f.Schema)})
				}
			}
			lifted := schema.Of(f.Schema.Type, basics(f.Schema))
			lifted.Value, lifted.Optional, lifted.Default = f.Schema.Value, fieldOptional, fieldDef
			if err := schema.CheckDefault(lifted); err != nil {
				return nil, err
			}
			nodes[i].to = len(*fields)
			*fields = append(*fields, schema.F(name, lifted))
		}
	}
	return nodes, nil
}

// fill copies the fields of v, and of the structs in it. Those of a struct that is null stay null.
func fill(out, v *schema.Struct, nodes []flatNode) error {
	for i := range nodes {
		n := &nodes[i]
		if !n.deep {
			if err := put(out, n.to, v.At(i)); err != nil {
				return err
			}
			continue
		}
		if inner, ok := v.Raw(i).(*schema.Struct); ok {
			if err := fill(out, inner, n.nested); err != nil {
				return err
			}
		}
	}
	return nil
}
