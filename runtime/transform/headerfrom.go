package transform

import (
	"slices"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const headerFromDoc = "Moves or copies fields of the key or value into headers."

// headerFrom is HeaderFrom.
type headerFrom struct {
	side
	fields, headers []string
	operation       string
	nulls           nulls
	cache           cache[*moved]
}

// moved is a struct schema without the fields that are moved, and where each field that stays comes from.
type moved struct {
	schema *schema.Schema
	from   []int
}

// Define implements config.Definer.
func (t *headerFrom) Define(d *config.Def) {
	d.List(&t.fields, "fields", nil, "Names of the fields.", config.Required(), config.Check(nonEmptyList()), config.High)
	d.List(&t.headers, "headers", nil, "Names of the headers, in the order of the fields.", config.Required(),
		config.Check(nonEmptyList()), config.High)
	d.String(&t.operation, "operation", "", "Whether to move the fields or to copy them.", config.Required(),
		config.Check(config.In("move", "copy")), config.High)
	t.nulls.define(d)
}

// nonEmptyList refuses null and lists without elements.
func nonEmptyList() config.Validator {
	return config.Func("non-empty list", func(name string, v any) error {
		if list, ok := v.([]string); !ok || len(list) == 0 {
			return config.Invalid(name, v, "Empty list")
		}
		return nil
	})
}

// Validate implements connect.Validator.
func (t *headerFrom) Validate() error {
	if len(t.fields) != len(t.headers) {
		return config.Errorf("fields", "'fields' config must have the same number of elements as 'headers' config.")
	}
	return nil
}

// Apply implements connect.Transform.
func (t *headerFrom) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	all := make([]connect.Header, len(r.Headers)+len(t.fields))
	more := all[copy(all, r.Headers):]
	var err error
	var v any
	s := d.Schema
	if s == nil {
		v, err = t.fromMap(d.Value, more)
	} else {
		s, v, err = t.fromStruct(d, more)
	}
	if err != nil {
		return false, err
	}
	d.Schema, d.Value = s, v
	r.Headers = all
	return true, nil
}

func (t *headerFrom) fromMap(v any, headers []connect.Header) (any, error) {
	m, err := needMap(v, "header "+t.operation)
	if err != nil {
		return nil, err
	}
	out := hashMap(m)
	for i, name := range t.fields {
		field, _ := m.Get(name)
		headers[i] = connect.Header{Key: t.headers[i], Value: connect.Datum{Value: field}}
		if t.operation == "move" {
			out.Delete(name)
		}
	}
	return out, nil
}

func (t *headerFrom) fromStruct(d *connect.Datum, headers []connect.Header) (*schema.Schema, *schema.Struct, error) {
	v, err := needStruct(d.Value, "header "+t.operation)
	if err != nil {
		return nil, nil, err
	}
	s, out := d.Schema, v
	if t.operation == "move" {
		if s, out, err = t.rest(d.Schema, v); err != nil {
			return nil, nil, err
		}
	}
	for i, name := range t.fields {
		f := v.Schema().Field(name)
		if f == nil {
			return nil, nil, javaError("NullPointerException", "the field "+name+" to make a header of does not exist")
		}
		value := t.nulls.get(v, f.Index)
		if value == nil && !f.Schema.Optional {
			return nil, nil, schema.Errorf("A null value requires an optional schema but was %s", f.Schema)
		}
		headers[i] = connect.Header{Key: t.headers[i], Value: connect.Datum{Schema: f.Schema, Value: value}}
	}
	return s, out, nil
}

// rest is the struct without the fields that are moved.
func (t *headerFrom) rest(s *schema.Schema, v *schema.Struct) (*schema.Schema, *schema.Struct, error) {
	plan, err := t.cache.get(s, t.move)
	if err != nil {
		return nil, nil, err
	}
	out := schema.NewStruct(plan.schema)
	for i, from := range plan.from {
		if err := put(out, i, t.nulls.get(v, from)); err != nil {
			return nil, nil, err
		}
	}
	return plan.schema, out, nil
}

func (t *headerFrom) move(s *schema.Schema) (*moved, error) {
	if s.Type != schema.StructType {
		return nil, notStruct()
	}
	var fields []schema.Field
	var from []int
	for i, f := range s.Fields {
		if !slices.Contains(t.fields, f.Name) {
			fields, from = append(fields, f), append(from, i)
		}
	}
	return &moved{schema.StructOf(fields, basics(s)), from}, nil
}
