package convert

import (
	"context"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// JSON is Connect's JsonConverter: JSON text, by default in an envelope of schema and payload.
type JSON struct {
	envelope    bool // schemas.enable
	cacheSize   int
	content     string
	decimals    string
	replaceNull bool

	numeric bool // decimal.format
	ready   bool
	fixed   *schema.Schema // schema.content
	writer  jsonWriter
	reader  jsonReader
}

const jsonDoc = "JSON text, by default in an envelope with its schema."

// Define implements config.Definer.
func (j *JSON) Define(d *config.Def) {
	defineType(d)
	d.Bool(&j.envelope, "schemas.enable", true, "Include schemas within each of the serialized values and keys.",
		config.High, config.Group("Schemas", 0), config.WidthMedium, config.Display("Enable Schemas"))
	d.Int(&j.cacheSize, "schemas.cache.size", 1000, "The maximum number of schemas that can be cached in this converter instance.",
		config.High, config.Group("Schemas", 1), config.WidthMedium, config.Display("Schema Cache Size"))
	d.String(&j.content, "schema.content", "",
		"The schema of all messages that are read, as JSON, when they do not bring one of their own.",
		config.NullDefault(), config.High, config.Group("Schemas", 2), config.WidthMedium, config.Display("Schema Content"))
	d.String(&j.decimals, "decimal.format", "BASE64",
		"How decimals are written: base64 as the bytes of the unscaled number, numeric as a JSON number. Either is understood when reading.",
		config.Check(config.CaseInsensitiveIn("NUMERIC", "BASE64")), config.Low,
		config.Group("Serialization", 0), config.WidthMedium, config.Display("Decimal Format"))
	d.Bool(&j.replaceNull, "replace.null.with.default", true,
		"Whether to replace fields that have a default value and that are null to the default value.",
		config.Low, config.Group("Serialization", 1), config.WidthMedium, config.Display("Replace null with default"))
}

// Validate implements connect.Validator: schema.content must be a schema.
func (j *JSON) Validate() error {
	if j.ready {
		return nil
	}
	j.numeric = strings.EqualFold(j.decimals, "NUMERIC")
	j.reader.replaceNull = j.replaceNull
	j.writer.replaceNull, j.writer.numeric = j.replaceNull, j.numeric
	j.reader.known.limit = j.cacheSize
	j.writer.limit = j.cacheSize
	if j.content != "" {
		err := j.reader.scan.scan([]byte(j.content))
		if err != nil {
			return schema.NewError(schema.DataException, "Failed to parse schema in converter config due to serialization error: ", err)
		}
		if j.fixed, err = j.reader.schemaAt(j.reader.root()); err != nil {
			return err
		}
	}
	j.ready = true
	return nil
}

// Encode implements connect.Converter.
func (j *JSON) Encode(_ context.Context, _ string, d connect.Datum) ([]byte, error) {
	if err := j.Validate(); err != nil {
		return nil, err
	}
	if d.IsNull() {
		return nil, nil
	}
	return j.writer.document(d.Schema, d.Value, j.envelope)
}

// Decode implements connect.Converter. Strings of the value share b's memory.
func (j *JSON) Decode(_ context.Context, _ string, b []byte) (connect.Datum, error) {
	if err := j.Validate(); err != nil {
		return connect.Datum{}, err
	}
	if b == nil {
		return connect.Datum{}, nil
	}
	r := &j.reader
	r.places, r.suspect, r.scan.known = r.places[:0], false, nil
	if j.envelope && j.fixed == nil {
		r.scan.known = &r.known
	}
	if err := r.scan.scan(b); err != nil {
		return connect.Datum{}, schema.NewError(schema.DataException,
			"Converting byte[] to Kafka Connect data failed due to serialization error: ", err)
	}
	s, payload := j.fixed, r.root()
	if j.envelope && s == nil {
		var err error
		if s, payload, err = r.open(payload); err != nil {
			return connect.Datum{}, err
		}
	}
	if !j.envelope {
		s = nil
	}
	v, err := r.value(s, payload)
	if err != nil {
		return connect.Datum{}, err
	}
	return connect.Datum{Schema: s, Value: v}, nil
}
