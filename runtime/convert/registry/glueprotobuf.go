package registry

import (
	"context"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema/protobuf"
)

// GlueProtobuf is AWS Glue's ProtobufSchemaConverter.
type GlueProtobuf struct {
	converter
	glueSystem
}

const glueProtobufDoc = "Protocol Buffers, with the .proto file in AWS Glue's schema registry."

// Define implements config.Definer.
func (p *GlueProtobuf) Define(d *config.Def) { p.glueSettings.define(d) }

// Validate implements connect.Validator.
func (p *GlueProtobuf) Validate() error {
	if p.format != nil {
		return nil
	}
	w := glueWords(ProtobufType, "Protobuf")
	if err := p.connect(w, secondaryProtobuf); err != nil {
		return err
	}
	options := protobuf.Defaults()
	options.Glue = true
	format := &protobufFormat{data: protobuf.New(options)}
	if p.other != nil {
		options.Paths = true
		format.numbered = protobuf.New(options)
	}
	p.ready(w, &p.glueSystem, format, p.cacheSize)
	return nil
}

// Encode implements connect.Converter. Every null is a tombstone.
func (p *GlueProtobuf) Encode(ctx context.Context, topic string, d connect.Datum) ([]byte, error) {
	if err := p.Validate(); err != nil || d.Value == nil {
		return nil, err
	}
	b, _, err := p.encode(ctx, topic, d)
	return b, err
}

// Decode implements connect.Converter.
func (p *GlueProtobuf) Decode(ctx context.Context, topic string, b []byte) (connect.Datum, error) {
	if err := p.Validate(); err != nil || b == nil {
		return connect.Datum{}, err
	}
	return p.decode(ctx, topic, b, nil)
}
