package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// formatSchema writes a schema as Connect's JSON converter does: as that of an empty list's elements, because it writes no
// schema without a value.
func formatSchema(ctx context.Context, s *schema.Schema) (json.RawMessage, error) {
	c, err := jsonConverter(map[string]string{"schemas.enable": "true"})
	if err != nil {
		return nil, err
	}
	text, err := c.Encode(ctx, "", connect.Datum{Schema: schema.ArrayOf(s), Value: []any{}})
	if err != nil {
		return nil, fmt.Errorf("writing a schema: %w", err)
	}
	return text, nil
}

func parseSchema(ctx context.Context, text []byte) (*schema.Schema, error) {
	c, err := jsonConverter(map[string]string{"schemas.enable": "true"})
	if err != nil {
		return nil, err
	}
	d, err := c.Decode(ctx, "", text)
	if err != nil {
		return nil, err
	}
	return d.Schema.Value, nil
}

func jsonConverter(settings map[string]string) (connect.Converter, error) {
	all := map[string]string{convert.TypeKey: "value"}
	maps.Copy(all, settings)
	c := &convert.JSON{}
	if err := config.Parse(all, c); err != nil {
		return nil, err
	}
	return c, nil
}

// Compatibility is which changes of the schema the records of one file may have.
type Compatibility string

// The kinds of compatibility, as schema.compatibility names them.
const (
	None     Compatibility = "NONE"
	Backward Compatibility = "BACKWARD"
	Forward  Compatibility = "FORWARD"
	Full     Compatibility = "FULL"
)

// Changes tells whether a record of a schema cannot go into a file whose schema is current, which is known if there is a
// file already.
func (c Compatibility) Changes(s, current *schema.Schema, known bool) (bool, error) {
	if !known || s == current {
		return false, nil
	}
	if s == nil || current == nil {
		return false, schema.NewError(schema.SchemaProjectorException, "Switch between schema-based and schema-less data is not supported", nil)
	}
	if c == None || c == "" {
		return !s.Equal(current), nil
	}
	if s.Version == nil || current.Version == nil {
		return false, schema.NewError(schema.SchemaProjectorException, fmt.Sprintf("Schema version required for %s compatibility", c), nil)
	}
	if s.Type != current.Type || s.Name != current.Name {
		return true, nil
	}
	switch c {
	case Forward:
		return *s.Version < *current.Version, nil
	case Backward, Full, None:
	}
	return *s.Version > *current.Version, nil
}

// Project returns the record with its value in the schema of its file.
func (c Compatibility) Project(r *connect.Record, current *schema.Schema, known bool) (*connect.Record, error) {
	if c == None || c == "" || !known || current == nil || r.Value.Schema == current || r.Value.Schema.Equal(current) {
		return r, nil
	}
	value, err := schema.Project(r.Value.Schema, r.Value.Value, current)
	if err != nil {
		return nil, err
	}
	projected := *r
	projected.Value = connect.Datum{Schema: current, Value: value}
	return &projected, nil
}
