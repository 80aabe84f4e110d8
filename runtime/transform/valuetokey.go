package transform

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const valueToKeyDoc = "Makes the key of fields of the value."

const copying = "copying fields from value to key"

// valueToKey is ValueToKey.
type valueToKey struct {
	fields []string
	nulls  nulls
	cache  cache[*replaced]
}

// Define implements config.Definer.
func (t *valueToKey) Define(d *config.Def) {
	d.List(&t.fields, "fields", nil, "Names of the fields.", config.Required(), config.Check(config.Unique(false, false)), config.High)
	t.nulls.define(d)
}

// Apply implements connect.Transform.
func (t *valueToKey) Apply(r *connect.Record) (bool, error) {
	if r.Value.Schema == nil {
		m, err := needMap(r.Value.Value, copying)
		if err != nil {
			return false, err
		}
		out := schema.NewHashMap(max(1, len(t.fields)))
		for _, name := range t.fields {
			v, _ := m.Get(name)
			out.Set(name, v)
		}
		r.Key = connect.Datum{Value: out}
		return true, nil
	}
	v, err := needStruct(r.Value.Value, copying)
	if err != nil {
		return false, err
	}
	plan, err := t.cache.get(v.Schema(), t.plan)
	if err != nil {
		return false, err
	}
	out := schema.NewStruct(plan.schema)
	for i, from := range plan.from {
		if err := put(out, i, t.nulls.get(v, from)); err != nil {
			return false, err
		}
	}
	r.Key = connect.Datum{Schema: plan.schema, Value: out}
	return true, nil
}

func (t *valueToKey) plan(s *schema.Schema) (*replaced, error) {
	fields := make([]schema.Field, len(t.fields))
	from := make([]int, len(t.fields))
	for i, name := range t.fields {
		f := s.Field(name)
		if f == nil {
			return nil, schema.Errorf("Field does not exist: %s", name)
		}
		fields[i], from[i] = *f, f.Index
	}
	out, err := schema.NewStructOf(fields)
	if err != nil {
		return nil, err
	}
	return &replaced{out, from}, nil
}
