package transform

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const hoistDoc = "Wraps the whole key or value into a struct or map of one field."

// hoistField is HoistField.
type hoistField struct {
	side
	field string
	cache cache[*schema.Schema]
}

// Define implements config.Definer.
func (t *hoistField) Define(d *config.Def) {
	d.String(&t.field, "field", "", "Name of the field.", config.Required())
}

// Apply implements connect.Transform.
func (t *hoistField) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	if d.Schema == nil {
		m := schema.NewMap(1)
		m.Set(t.field, d.Value)
		d.Value = m
		return true, nil
	}
	s, err := t.cache.get(d.Schema, func(s *schema.Schema) (*schema.Schema, error) {
		return schema.NewStructOf([]schema.Field{schema.F(t.field, s)})
	})
	if err != nil {
		return false, err
	}
	out := schema.NewStruct(s)
	if err := put(out, 0, d.Value); err != nil {
		return false, err
	}
	d.Schema, d.Value = s, out
	return true, nil
}
