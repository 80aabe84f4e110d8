package registry

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// GlueAvro is AWS Glue's AWSKafkaAvroConverter.
type GlueAvro struct {
	converter
	glueSystem
	options avro.Options
}

const glueAvroDoc = "Avro's binary form, with the schema in AWS Glue's schema registry."

// glueNamespace is where Glue's converter has the names that Confluent's has in its own.
const glueNamespace = "com.amazonaws.services.schemaregistry.kafkaconnect.avrodata"

// Define implements config.Definer.
func (a *GlueAvro) Define(d *config.Def) {
	a.glueSettings.define(d)
	a.options = avro.Defaults()
	a.options.Namespace, a.options.Elder, a.options.FlattenSingletons = glueNamespace, true, false
	a.options.DefineBasic(d)
}

// Validate implements connect.Validator.
func (a *GlueAvro) Validate() error {
	if a.format != nil {
		return nil
	}
	w := glueWords(AvroType, "Avro")
	if err := a.connect(w, secondaryAvro); err != nil {
		return err
	}
	a.ready(w, &a.glueSystem, &avroFormat{avro.New(a.options)}, a.cacheSize)
	return nil
}

// Encode implements connect.Converter.
func (a *GlueAvro) Encode(ctx context.Context, topic string, d connect.Datum) ([]byte, error) {
	switch err := a.Validate(); {
	case err != nil:
		return nil, err
	case d.Value != nil:
		b, _, err := a.encode(ctx, topic, d)
		return b, err
	case d.Schema != nil && !d.Schema.Optional:
		return nil, schema.Errorf("Found null value for non-optional schema")
	}
	return nil, nil
}

// Decode implements connect.Converter. Texts and bytes of the value share b's memory.
func (a *GlueAvro) Decode(ctx context.Context, topic string, b []byte) (connect.Datum, error) {
	if err := a.Validate(); err != nil || b == nil {
		return connect.Datum{}, err
	}
	return a.decode(ctx, topic, b, nil)
}

// glueWords are the words of Glue's converter of a format.
func glueWords(typ, format string) words {
	return words{
		typ: typ, format: format, data: format, read: format, glue: true,
		writing: "Converting Kafka Connect data to byte[] failed due to serialization error: ",
		reading: "Converting byte[] to Kafka Connect data failed due to serialization error: ",
	}
}

// glueSystem is AWS Glue's schema registry, and the way its serializers use it.
type glueSystem struct {
	glueSettings
	port  Port
	words words
	zlib  zlibbing
	other *confluent // reads what another registry's serializers wrote; nil if none did
}

// connect makes the client, if there is none yet. It asks Glue nothing.
func (g *glueSystem) connect(w words, secondary string) error {
	g.words = w
	switch {
	case g.dataFormat != "" && !strings.EqualFold(g.dataFormat, w.typ):
		return config.Errorf("dataFormat", "Invalid value %s for configuration dataFormat: this converter's format is %s", g.dataFormat, w.typ)
	case g.secondary != "" && g.secondary != secondary:
		return config.Errorf("secondaryDeserializer", "Invalid value %s for configuration secondaryDeserializer: this converter's format is %s, and %s reads it",
			g.secondary, w.typ, cmp.Or(secondary, "no other deserializer"))
	}
	if g.port == nil {
		port, err := g.glueSettings.open()
		if err != nil {
			return err
		}
		g.port = port
	}
	if g.secondary != "" && g.other == nil {
		g.confluentSettings.kind = g.kind
		g.other = &confluent{common: g.confluentSettings}
		return g.other.open(w)
	}
	return nil
}

// writing implements system.
func (g *glueSystem) writing(ctx context.Context, topic, _ string, own Schema, _ func(Registered) error) (Registered, framing, error) {
	name := g.schemaName
	if name == "" {
		name = topic
	}
	own.Topic = topic
	find, doing := g.port.Lookup, "Exception occurred while fetching or registering schema definition = "+own.Text+", schema name = "+name
	if g.autoRegister {
		find = g.port.Register
	}
	compress := strings.EqualFold(g.compression, "ZLIB")
	r, err := find(ctx, name, own, false)
	if err != nil {
		if refused, ok := errors.AsType[*RefusedError](err); ok && refused.NotFound() && !g.autoRegister {
			doing = "Failed to auto-register schema. Auto registration of schema is not enabled."
		}
		return r, framing{}, g.words.encodeError(topic, doing, err)
	}
	var frame framing
	if compress {
		frame.pack = g.zlib.deflate
	}
	if frame.prefix, err = gluePrefix(r.GUID, compress); err != nil {
		return r, framing{}, g.words.encodeError(topic, "", err)
	}
	return r, frame, nil
}

// unframe implements system.
func (g *glueSystem) unframe(topic string, b, _ []byte) (ref schemaRef, body []byte, err error) {
	switch {
	case len(b) == 0:
		err = schema.NewError("java.nio.BufferUnderflowException", "there are no bytes", nil)
	case b[0] != glueVersion && g.other != nil:
		return g.other.unframe(topic, b, nil)
	case b[0] != glueVersion:
		err = schema.NewError(glueException, "Didn't find secondary deserializer.", nil)
	default:
		ref, body, err = glueUnframe(b, &g.zlib)
	}
	if err != nil {
		err = g.words.decodeError(topic, "", err)
	}
	return ref, body, err
}

// reading implements system.
func (g *glueSystem) reading(ctx context.Context, topic string, ref schemaRef, record func(Registered) (string, error)) (foundSchema, error) {
	if !ref.byGUID() && g.other != nil {
		return g.other.reading(ctx, topic, ref, record)
	}
	r, err := g.port.ByGUID(ctx, uuid(ref.guid[:]))
	switch {
	case err != nil:
		err = g.words.decodeError(topic, "Failed to get schema version Id = "+uuid(ref.guid[:]), err)
	case r.Type != g.words.typ:
		err = g.words.decodeError(topic, "", schema.NewError(glueException, "the schema is of type "+r.Type+" and not "+g.words.typ+": another converter wrote the record", nil))
	}
	r.Version = noVersion
	return foundSchema{Registered: r}, err
}
