package registry

import (
	"context"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/convert/jsonschema"
)

// GlueJSON is AWS Glue's JsonSchemaConverter.
type GlueJSON struct {
	converter
	glueSystem
	options jsonschema.Options
}

const glueJSONDoc = "JSON text, with its JSON Schema in AWS Glue's schema registry."

// Define implements config.Definer.
func (j *GlueJSON) Define(d *config.Def) {
	j.glueSettings.define(d)
	j.options.DefineGlue(d)
}

// Validate implements connect.Validator.
func (j *GlueJSON) Validate() error {
	if j.format != nil {
		return nil
	}
	w := glueWords(JSONType, "JSON")
	if err := j.connect(w, ""); err != nil {
		return err
	}
	values := &convert.JSONValues{Glue: true, Numeric: strings.EqualFold(j.options.Decimals, "NUMERIC")}
	j.ready(w, &j.glueSystem, &jsonFormat{data: jsonschema.New(j.options), values: values, glue: true}, j.cacheSize)
	return nil
}

// Encode implements connect.Converter. There are no tombstones: a null becomes JSON's, whatever the schema.
func (j *GlueJSON) Encode(ctx context.Context, topic string, d connect.Datum) ([]byte, error) {
	if err := j.Validate(); err != nil {
		return nil, err
	}
	b, _, err := j.encode(ctx, topic, d)
	return b, err
}

// Decode implements connect.Converter. Texts of the value share b's memory.
func (j *GlueJSON) Decode(ctx context.Context, topic string, b []byte) (connect.Datum, error) {
	if err := j.Validate(); err != nil || b == nil {
		return connect.Datum{}, err
	}
	return j.decode(ctx, topic, b, nil)
}
