package transform

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const metadataDoc = "Sets the name or version of the schema of the key or value, which must be a struct."

// setMetadata is SetSchemaMetadata.
type setMetadata struct {
	side
	name                string
	version             int
	hasName, hasVersion bool
	nulls               nulls
	cache               cache[*schema.Schema]
}

// Define implements config.Definer.
func (t *setMetadata) Define(d *config.Def) {
	d.String(&t.name, "schema.name", "", "Name of the schema.", config.NullDefault(), config.Given(&t.hasName), config.High)
	d.Int(&t.version, "schema.version", 0, "Version of the schema.", config.NullDefault(), config.Given(&t.hasVersion), config.High)
	t.nulls.define(d)
}

// Validate implements connect.Validator.
func (t *setMetadata) Validate() error {
	if !t.hasName && !t.hasVersion {
		return config.Errorf("schema.name", "Neither schema name nor version configured")
	}
	return nil
}

// Apply implements connect.Transform.
func (t *setMetadata) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	if d.IsNull() {
		return true, nil
	}
	if d.Schema == nil {
		return false, schema.Errorf("Schema required for [updating schema metadata]")
	}
	s, err := t.cache.get(d.Schema, t.rename)
	if err != nil {
		return false, err
	}
	if v, ok := d.Value.(*schema.Struct); ok {
		out := schema.NewStruct(s)
		for i := range s.Fields {
			if err := put(out, i, t.nulls.get(v, i)); err != nil {
				return false, err
			}
		}
		d.Value = out
	}
	d.Schema = s
	return true, nil
}

func (t *setMetadata) rename(s *schema.Schema) (*schema.Schema, error) {
	if s.Type != schema.StructType {
		return nil, notStruct()
	}
	var opts []schema.Option
	if t.hasName {
		opts = append(opts, schema.Named(t.name))
	}
	if t.hasVersion {
		opts = append(opts, schema.Versioned(int32(t.version))) //nolint:gosec // the setting has 32 bits
	}
	return s.With(opts...), nil
}
