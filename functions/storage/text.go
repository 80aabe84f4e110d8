package storage

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// lines is a format of one line for each record: Confluent's JsonFormat and ByteArrayFormat.
type lines struct {
	extension string
	codec     *Codec
	line      func(dst []byte, topic string, d connect.Datum) ([]byte, error)
	end       string

	scratch []byte
}

// Extension implements Format.
func (l *lines) Extension() string { return l.extension }

// Append implements Format.
func (l *lines) Append(dst []byte, s *Stretch) ([]byte, error) {
	out := dst
	if l.codec.On() {
		out = l.scratch[:0]
	}
	for i, r := range s.Records {
		d := part(r, s.File.View)
		if s.File.View == Headers {
			d = headersOf(r)
		}
		var err error
		if out, err = l.line(out, s.File.Topic, d); err != nil {
			return dst, &RecordError{i, err}
		}
		out = append(out, l.end...)
	}
	if !l.codec.On() {
		return out, nil
	}
	l.scratch = out
	return l.codec.Append(dst, out)
}

// newJSONLines is Confluent's JsonFormat.
func newJSONLines(codec *Codec, decimals string) (Format, error) {
	settings := map[string]string{"schemas.enable": "false"}
	if decimals != "" {
		settings["decimal.format"] = decimals
	}
	c, err := jsonConverter(settings)
	if err != nil {
		return nil, err
	}
	return &lines{extension: ".json" + gzipExtension(codec), codec: codec, end: "\n", line: jsonLine(c)}, nil
}

func jsonLine(c connect.Converter) func(dst []byte, topic string, d connect.Datum) ([]byte, error) {
	return func(dst []byte, topic string, d connect.Datum) ([]byte, error) {
		text, err := c.Encode(context.Background(), topic, d)
		if err != nil {
			return dst, err
		}
		if text == nil {
			return append(dst, "null"...), nil
		}
		return append(dst, text...), nil
	}
}

// newByteArrays is Confluent's ByteArrayFormat.
func newByteArrays(codec *Codec, extension, separator string) Format {
	return &lines{extension: extension + gzipExtension(codec), codec: codec, end: separator, line: appendBytes}
}

// newTexts is Confluent's StringFormat.
func newTexts(codec *Codec) Format {
	return &lines{extension: ".txt" + gzipExtension(codec), codec: codec, end: "\n", line: func(dst []byte, _ string, d connect.Datum) ([]byte, error) {
		return schema.AppendText(dst, d.Value), nil
	}}
}

func appendBytes(dst []byte, _ string, d connect.Datum) ([]byte, error) {
	switch v := d.Value.(type) {
	case []byte:
		return append(dst, v...), nil
	case nil:
		return dst, nil
	}
	return dst, schema.Errorf("Invalid schema type for ByteArrayConverter: %s", schema.JavaClass(d.Value))
}

func gzipExtension(codec *Codec) string {
	if codec.Name == "gzip" {
		return ".gz"
	}
	return ""
}

// headersSchema is the schema of a file of headers: a list of names and values as texts.
func headersSchema() *schema.Schema {
	return schema.ArrayOf(schema.StructOf([]schema.Field{
		schema.F("key", schema.Of(schema.String)), schema.F("value", schema.Of(schema.String, schema.Optional())),
	}, schema.Named("RecordHeader")))
}

func headersOf(r *connect.Record) connect.Datum {
	s := headersSchema()
	list := make([]any, len(r.Headers))
	for i, h := range r.Headers {
		var text any
		switch v := h.Value.Value.(type) {
		case nil:
		case []byte:
			text = base64.StdEncoding.EncodeToString(v)
		default:
			text = schema.Text(v)
		}
		list[i] = schema.StructFrom(s.Value, []any{h.Key, text})
	}
	return connect.Datum{Schema: s, Value: list}
}

// errNoKey is what files of keys say of a record without one.
func errNoKey(r *connect.Record) error {
	return schema.Errorf("Key cannot be null for SinkRecord: %s", fmt.Sprintf("%s-%d at offset %d", r.Kafka.Topic, r.Kafka.Partition, r.Kafka.Offset))
}
