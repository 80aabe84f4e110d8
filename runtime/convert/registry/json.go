package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/convert/jsonschema"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// JSON is Confluent's JsonSchemaConverter.
type JSON struct {
	converter
	confluent
	options jsonschema.Options
	strict  bool
	indent  bool
}

const jsonDoc = "JSON text, with its JSON Schema in a schema registry."

// Define implements config.Definer.
func (j *JSON) Define(d *config.Def) {
	j.common.define(d)
	j.options.Define(d)
	d.Bool(&j.strict, "json.fail.invalid.schema", false, "Whether values that do not keep to their schema fail.")
	d.Bool(&j.indent, "json.indent.output", false, "Whether JSON is written for people.")
}

// Validate implements connect.Validator.
func (j *JSON) Validate() error {
	if err := j.options.Validate(); err != nil {
		return err
	}
	if j.format != nil {
		return nil
	}
	w := words{
		typ: JSONType, format: "JSON", data: "JSON", newestVersion: true,
		writing: "Converting Kafka Connect data to byte[] failed due to serialization error of topic %s: ",
		reading: "Converting byte[] to Kafka Connect data failed due to serialization error of topic %s: ",
	}
	if err := j.open(w); err != nil {
		return err
	}
	j.ready(w, &j.confluent, &jsonFormat{data: jsonschema.New(j.options), strict: j.strict, values: &convert.JSONValues{
		Numeric: strings.EqualFold(j.options.Decimals, "NUMERIC"), NullsOverDefaults: j.options.NullsOverDefaults, Indent: j.indent,
	}}, j.perSubject)
	return nil
}

// Encode implements connect.Converter.
func (j *JSON) Encode(ctx context.Context, topic string, d connect.Datum) ([]byte, error) {
	b, _, err := j.EncodeHeaded(ctx, topic, d)
	return b, err
}

// HeaderName implements connect.HeadedConverter.
func (j *JSON) HeaderName() string { return j.headerName() }

// EncodeHeaded implements connect.HeadedConverter. A null that the schema has no place for is a tombstone.
func (j *JSON) EncodeHeaded(ctx context.Context, topic string, d connect.Datum) (b, header []byte, err error) {
	if err := j.Validate(); err != nil || d.IsNull() {
		return nil, nil, err
	}
	if d.Schema == nil || d.Value == nil {
		f, _ := j.format.(*jsonFormat)
		_, written, err := f.values.Append(nil, d.Schema, d.Value)
		switch {
		case err != nil || !written:
			return nil, nil, err
		case d.Schema == nil:
			return nil, nil, j.converter.words.encodeError(topic, "Error serializing JSON message",
				schema.NewError("java.lang.NullPointerException", "data without a schema cannot be written", nil))
		}
	}
	return j.encode(ctx, topic, d)
}

// Decode implements connect.Converter. Texts of the value share b's memory.
func (j *JSON) Decode(ctx context.Context, topic string, b []byte) (connect.Datum, error) {
	return j.DecodeHeaded(ctx, topic, b, nil)
}

// DecodeHeaded implements connect.HeadedConverter.
func (j *JSON) DecodeHeaded(ctx context.Context, topic string, b, header []byte) (connect.Datum, error) {
	if err := j.Validate(); err != nil || b == nil {
		return connect.Datum{}, err
	}
	return j.decode(ctx, topic, b, header)
}

// jsonFormat is the format of JSON with a schema elsewhere.
type jsonFormat struct {
	data   *jsonschema.Data
	values *convert.JSONValues
	// strict holds all values against their schema; glue those that are written, where they could not keep to it.
	strict, glue bool
}

// invalidError is JSON that is none, or that does not keep to its schema.
type invalidError struct{ error }

func (e invalidError) Unwrap() error { return e.error }

func (f *jsonFormat) translate(s *schema.Schema) (Schema, string, error) {
	own, err := f.data.FromConnect(s)
	if err != nil {
		return Schema{}, "", err
	}
	return Schema{Type: JSONType, Text: own.String()}, own.Title(), nil
}

func (f *jsonFormat) record(found Registered, _ []byte) (string, error) {
	s, err := parseJSONSchema(found)
	if err != nil {
		return "", err
	}
	return s.Title(), nil
}

func parseJSONSchema(r Registered) (*jsonschema.Schema, error) {
	refs := make(map[string]string, len(r.Referenced))
	for _, ref := range r.Referenced {
		refs[ref.Name] = ref.Text
	}
	return jsonschema.Parse(r.Text, refs)
}

// encoder writes by the Connect schema alone. That of the registry counts only when values must keep to it.
func (f *jsonFormat) encoder(s *schema.Schema, found *Registered) (encoder, error) {
	e := &jsonEncoder{format: f, schema: s}
	if f.glue && jsonschema.Doubtful(s) {
		own, err := f.data.FromConnect(s)
		if err != nil {
			return nil, err
		}
		e.checker, err = own.Checker()
		return e, err
	}
	if !f.strict || found == nil {
		return e, nil
	}
	var err error
	e.checker, err = checker(*found)
	return e, err
}

func checker(r Registered) (*jsonschema.Checker, error) {
	s, err := parseJSONSchema(r)
	if err != nil {
		return nil, err
	}
	return s.Checker()
}

// check knows no incompatible schemas: what does not fit is found when values must keep to their schema.
func (f *jsonFormat) check(_ *schema.Schema, found Registered) error {
	if found.Type != JSONType {
		return fmt.Errorf("it is of type %s", found.Type)
	}
	return nil
}

func (f *jsonFormat) decoder(written, as Registered) (decoder, error) {
	s, err := parseJSONSchema(as)
	if err != nil {
		return nil, err
	}
	d := &jsonDecoder{format: f}
	if d.schema, err = f.data.ToConnect(s, as.version()); err != nil {
		return nil, err
	}
	if f.strict {
		d.checker, err = checker(written)
	}
	return d, err
}

type jsonEncoder struct {
	format  *jsonFormat
	schema  *schema.Schema
	checker *jsonschema.Checker // nil: anything goes
}

// AppendMessage implements encoder.
func (e *jsonEncoder) AppendMessage(dst []byte, v any) ([]byte, error) {
	start := len(dst)
	out, written, err := e.format.values.Append(dst, e.schema, v)
	if err == nil && !written && e.format.glue {
		out = append(out, "null"...)
	}
	if err != nil || e.checker == nil {
		return out, err
	}
	if err := e.checker.Check(out[start:]); err != nil {
		return nil, invalidError{err}
	}
	return out, nil
}

type jsonDecoder struct {
	format  *jsonFormat
	schema  *schema.Schema
	checker *jsonschema.Checker
}

func (d *jsonDecoder) decode(b []byte) (connect.Datum, error) {
	if d.checker != nil {
		if err := d.checker.Check(b); err != nil {
			return connect.Datum{}, invalidError{err}
		}
	}
	if d.schema == nil && d.format.glue {
		return connect.Datum{}, nil // whatever it is
	}
	v, err := d.format.values.Read(d.schema, b)
	if _, mapping := errors.AsType[*schema.Error](err); err != nil && !mapping {
		return connect.Datum{}, invalidError{err}
	}
	return connect.Datum{Schema: d.schema, Value: v}, err
}
