package transform

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const castDoc = "Casts fields, or the whole key or value, to other types."

// cast is Cast.
type cast struct {
	side
	list  []string
	spec  castSpec
	nulls nulls
	cache cache[*casted]
}

// casted is a schema after the cast, and the type that each of its fields is cast to: Invalid for none.
type casted struct {
	schema *schema.Schema
	to     []schema.Type
}

// Define implements config.Definer.
func (t *cast) Define(d *config.Def) {
	d.List(&t.list, "spec", nil, "Fields with the types to cast them to, each as field:type, or one type for the whole. The types "+
		"are int8, int16, int32, int64, float32, float64, boolean and string. Binary data can be cast to string only.",
		config.Required(), config.Check(config.Func("list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>", isCast)), config.High)
	t.nulls.define(d)
}

// Validate implements connect.Validator.
func (t *cast) Validate() (err error) {
	t.spec, err = parseCasts(t.list)
	return err
}

// Apply implements connect.Transform.
func (t *cast) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	switch {
	case d.Value == nil:
		return true, nil
	case d.Schema == nil:
		return t.applySchemaless(d)
	}
	plan, err := t.cache.get(d.Schema, t.plan)
	if err != nil {
		return false, err
	}
	if t.spec.whole != schema.Invalid {
		v, err := castValue(d.Schema, d.Value, t.spec.whole)
		if err != nil {
			return false, err
		}
		d.Schema, d.Value = plan.schema, v
		return true, nil
	}
	v, err := needStruct(d.Value, "cast types")
	if err != nil {
		return false, err
	}
	out := schema.NewStruct(plan.schema)
	for i, to := range plan.to {
		field := t.nulls.get(v, i)
		if to != schema.Invalid {
			if field, err = castValue(d.Schema.Fields[i].Schema, field, to); err != nil {
				return false, err
			}
		}
		if err := put(out, i, field); err != nil {
			return false, err
		}
	}
	d.Schema, d.Value = plan.schema, out
	return true, nil
}

func (t *cast) applySchemaless(d *connect.Datum) (bool, error) {
	if t.spec.whole != schema.Invalid {
		v, err := castValue(nil, d.Value, t.spec.whole)
		if err != nil {
			return false, err
		}
		d.Value = v
		return true, nil
	}
	m, err := needMap(d.Value, "cast types")
	if err != nil {
		return false, err
	}
	out := hashMap(m)
	for i := range t.spec.fields {
		f := &t.spec.fields[i]
		v, _ := m.Get(f.name)
		if v, err = castValue(nil, v, f.to); err != nil {
			return false, err
		}
		out.Set(f.name, v)
	}
	d.Value = out
	return true, nil
}

// plan works out the schema after the cast. Defaults are cast, too.
func (t *cast) plan(s *schema.Schema) (*casted, error) {
	var p casted
	if t.spec.whole != schema.Invalid {
		p.schema = schema.Of(t.spec.whole, basics(s))
	} else {
		if s.Type != schema.StructType {
			return nil, notStruct()
		}
		fields := make([]schema.Field, len(s.Fields))
		p.to = make([]schema.Type, len(s.Fields))
		for i, f := range s.Fields {
			p.to[i] = t.spec.to(f.Name)
			fields[i] = f
			if p.to[i] == schema.Invalid {
				continue
			}
			var err error
			if fields[i].Schema, err = withDefault(schema.Of(p.to[i]), f.Schema); err != nil {
				return nil, err
			}
		}
		p.schema = schema.StructOf(fields, basics(s))
	}
	var err error
	p.schema, err = withDefault(p.schema, s)
	return &p, err
}

// withDefault makes a schema under construction optional if the other one is, and gives it its default in its own type.
func withDefault(s, from *schema.Schema) (*schema.Schema, error) {
	s.Optional = from.Optional
	if from.Default == nil {
		return s, nil
	}
	v, err := castValue(from, from.Default, s.Type)
	if err != nil {
		return nil, err
	}
	s.Default = v
	return s, schema.CheckDefault(s)
}
