package registry

import (
	"context"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// Avro is Confluent's AvroConverter.
type Avro struct {
	converter
	confluent
	options avro.Options
}

const avroDoc = "Avro's binary form, with the schema in a schema registry."

// Define implements config.Definer.
func (a *Avro) Define(d *config.Def) {
	a.common.define(d)
	a.options.Define(d)
}

// Validate implements connect.Validator.
func (a *Avro) Validate() error {
	if a.format != nil {
		return nil
	}
	w := words{typ: AvroType, format: "Avro", data: "Avro", read: "Avro"}
	if err := a.open(w); err != nil {
		return err
	}
	a.ready(w, &a.confluent, &avroFormat{avro.New(a.options)}, a.perSubject)
	return nil
}

// Encode implements connect.Converter.
func (a *Avro) Encode(ctx context.Context, topic string, d connect.Datum) ([]byte, error) {
	b, _, err := a.EncodeHeaded(ctx, topic, d)
	return b, err
}

// HeaderName implements connect.HeadedConverter.
func (a *Avro) HeaderName() string { return a.headerName() }

// EncodeHeaded implements connect.HeadedConverter.
func (a *Avro) EncodeHeaded(ctx context.Context, topic string, d connect.Datum) (b, header []byte, err error) {
	switch err := a.Validate(); {
	case err != nil:
		return nil, nil, err
	case d.Value != nil:
		return a.encode(ctx, topic, d)
	case d.Schema != nil && !d.Schema.Optional:
		return nil, nil, schema.Errorf("Found null value for non-optional schema")
	}
	return nil, nil, nil
}

// Decode implements connect.Converter. Texts and bytes of the value share b's memory.
func (a *Avro) Decode(ctx context.Context, topic string, b []byte) (connect.Datum, error) {
	return a.DecodeHeaded(ctx, topic, b, nil)
}

// DecodeHeaded implements connect.HeadedConverter.
func (a *Avro) DecodeHeaded(ctx context.Context, topic string, b, header []byte) (connect.Datum, error) {
	if err := a.Validate(); err != nil || b == nil {
		return connect.Datum{}, err
	}
	return a.decode(ctx, topic, b, header)
}

// avroFormat is the format of Avro.
type avroFormat struct{ data *avro.Data }

func (f *avroFormat) translate(s *schema.Schema) (Schema, string, error) {
	own, err := f.data.FromConnect(s)
	if err != nil {
		return Schema{}, "", err
	}
	return Schema{Type: AvroType, Text: own.String()}, avroRecord(own), nil
}

func avroRecord(a *avro.Schema) string {
	if a.Type != avro.Record {
		return ""
	}
	return a.FullName()
}

func (f *avroFormat) record(found Registered, _ []byte) (string, error) {
	a, err := parseAvro(found)
	if err != nil {
		return "", err
	}
	return avroRecord(a), nil
}

func (f *avroFormat) encoder(s *schema.Schema, found *Registered) (encoder, error) {
	var w *avro.Schema
	if found != nil {
		var err error
		if w, err = parseAvro(*found); err != nil {
			return nil, err
		}
	}
	return f.data.Encoder(s, w)
}

func (f *avroFormat) check(s *schema.Schema, found Registered) error {
	own, err := f.data.FromConnect(s)
	if err != nil {
		return err
	}
	r, err := parseAvro(found)
	if err != nil {
		return err
	}
	return avro.CheckReadable(own, r)
}

func (f *avroFormat) decoder(written, as Registered) (decoder, error) {
	w, err := parseAvro(written)
	if err != nil {
		return nil, err
	}
	r := w
	if as.Text != written.Text {
		if r, err = parseAvro(as); err != nil {
			return nil, err
		}
	}
	d, err := f.data.Decoder(w, r, as.version())
	return avroDecoder{d}, err
}

func parseAvro(r Registered) (*avro.Schema, error) {
	refs := make([]string, len(r.Referenced))
	for i, ref := range r.Referenced {
		refs[i] = ref.Text
	}
	return avro.Parse(r.Text, refs...)
}

type avroDecoder struct{ *avro.Decoder }

func (d avroDecoder) decode(b []byte) (connect.Datum, error) {
	v, err := d.DecodeMessage(b)
	if err != nil || v == nil {
		return connect.Datum{}, err
	}
	return connect.Datum{Schema: d.Schema, Value: v}, nil
}
