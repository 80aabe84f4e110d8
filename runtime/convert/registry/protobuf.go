package registry

import (
	"context"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/protobuf"
)

// Protobuf is Confluent's ProtobufConverter.
type Protobuf struct {
	converter
	confluent
	options protobuf.Options
}

const protobufDoc = "Protocol Buffers, with the .proto file in a schema registry."

// Define implements config.Definer.
func (p *Protobuf) Define(d *config.Def) {
	p.common.define(d)
	p.options.Define(d)
}

// Validate implements connect.Validator.
func (p *Protobuf) Validate() error {
	if p.format != nil {
		return nil
	}
	w := words{typ: ProtobufType, format: "Protobuf", data: "Protobuf", read: "Protobuf", newestVersion: true, indexed: true}
	if err := p.open(w); err != nil {
		return err
	}
	p.ready(w, &p.confluent, &protobufFormat{data: protobuf.New(p.options)}, p.perSubject)
	return nil
}

// Encode implements connect.Converter.
func (p *Protobuf) Encode(ctx context.Context, topic string, d connect.Datum) ([]byte, error) {
	b, _, err := p.EncodeHeaded(ctx, topic, d)
	return b, err
}

// HeaderName implements connect.HeadedConverter.
func (p *Protobuf) HeaderName() string { return p.headerName() }

// EncodeHeaded implements connect.HeadedConverter. Every null is a tombstone.
func (p *Protobuf) EncodeHeaded(ctx context.Context, topic string, d connect.Datum) (b, header []byte, err error) {
	if err := p.Validate(); err != nil || d.Value == nil {
		return nil, nil, err
	}
	return p.encode(ctx, topic, d)
}

// Decode implements connect.Converter.
func (p *Protobuf) Decode(ctx context.Context, topic string, b []byte) (connect.Datum, error) {
	return p.DecodeHeaded(ctx, topic, b, nil)
}

// DecodeHeaded implements connect.HeadedConverter.
func (p *Protobuf) DecodeHeaded(ctx context.Context, topic string, b, header []byte) (connect.Datum, error) {
	if err := p.Validate(); err != nil || b == nil {
		return connect.Datum{}, err
	}
	return p.decode(ctx, topic, b, header)
}

// protobufFormat is the format of Protocol Buffers.
type protobufFormat struct {
	data *protobuf.Data
	// numbered reads what a registry that numbers schemas has the files of, if that is another mapping.
	numbered *protobuf.Data
}

func (f *protobufFormat) translate(s *schema.Schema) (Schema, string, error) {
	own, err := f.data.FromConnect(s)
	if err != nil {
		return Schema{}, "", err
	}
	e, err := f.data.Encoder(s, nil)
	if err != nil {
		return Schema{}, "", err
	}
	return Schema{Type: ProtobufType, Text: own.String()}, e.Name, nil
}

func (f *protobufFormat) record(found Registered, b []byte) (string, error) {
	p, err := parseProtobuf(found)
	if err != nil {
		return "", err
	}
	return p.NameOf(b), nil
}

func (f *protobufFormat) encoder(s *schema.Schema, found *Registered) (encoder, error) {
	var w *protobuf.Schema
	if found != nil {
		var err error
		if w, err = parseProtobuf(*found); err != nil {
			return nil, err
		}
	}
	return f.data.Encoder(s, w)
}

// check asks only whether the file has the message, which is what is needed to write it.
func (f *protobufFormat) check(s *schema.Schema, found Registered) error {
	_, err := f.encoder(s, &found)
	return err
}

func (f *protobufFormat) decoder(written, as Registered) (decoder, error) {
	w, err := parseProtobuf(written)
	if err != nil {
		return nil, err
	}
	r := w
	if as.Text != written.Text {
		if r, err = parseProtobuf(as); err != nil {
			return nil, err
		}
	}
	data := f.data
	if f.numbered != nil && written.ID > 0 {
		data = f.numbered
	}
	return protobufDecoder{data.Decoder(w, r, as.version())}, nil
}

func parseProtobuf(r Registered) (*protobuf.Schema, error) {
	refs := make(map[string]string, len(r.Referenced))
	for _, ref := range r.Referenced {
		refs[ref.Name] = ref.Text
	}
	return protobuf.Parse(r.Text, refs)
}

type protobufDecoder struct{ *protobuf.Decoder }

func (d protobufDecoder) decode(b []byte) (connect.Datum, error) {
	s, v, err := d.DecodeMessage(b)
	return connect.Datum{Schema: s, Value: v}, err
}
