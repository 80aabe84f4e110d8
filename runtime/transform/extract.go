package transform

import (
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

const extractDoc = "Replaces the key or value by one of its fields, which may lie deeper inside."

// extractField is ExtractField.
type extractField struct {
	side
	field, syntax string
	path          []string
	nulls         nulls
}

// Define implements config.Definer.
func (t *extractField) Define(d *config.Def) {
	d.String(&t.field, "field", "", "Name of the field, or the path to it.", config.Required())
	t.nulls.define(d)
	d.String(&t.syntax, "field.syntax.version", "V1",
		"V1 takes the field as a name. V2 takes it as a path: dots stand between steps, backticks around a step that has dots.",
		config.Check(config.CaseInsensitiveIn("V1", "V2")), config.High)
}

// Validate implements connect.Validator.
func (t *extractField) Validate() (err error) {
	if strings.EqualFold(t.syntax, "V2") {
		t.path, err = parsePath(t.field)
		return err
	}
	t.path = []string{t.field}
	return nil
}

var errEmptyPath = javaError("IllegalArgumentException", "the path to the field is empty")

const extraction = "field extraction"

// Apply implements connect.Transform.
func (t *extractField) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	if d.Schema == nil && d.Value == nil {
		return true, nil
	}
	if d.Schema == nil {
		m, err := needMap(d.Value, extraction)
		if err != nil {
			return false, err
		}
		if len(t.path) == 0 {
			return false, errEmptyPath
		}
		v, err := inMap(m, t.path)
		if err != nil {
			return false, err
		}
		d.Value = v
		return true, nil
	}
	if d.Value != nil {
		if _, err := needStruct(d.Value, extraction); err != nil {
			return false, err
		}
	}
	if len(t.path) == 0 {
		return false, errEmptyPath
	}
	f, err := fieldAt(d.Schema, t.path)
	if err != nil {
		return false, err
	}
	if f == nil {
		return false, javaError("IllegalArgumentException", "Unknown field: "+t.field)
	}
	v, err := inStruct(d.Value, t.path, t.nulls)
	if err != nil {
		return false, err
	}
	d.Schema, d.Value = f.Schema, v
	return true, nil
}
