package storage

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// The fields of records that Aiven's formats write.
const (
	fieldKey       = "key"
	fieldValue     = "value"
	fieldOffset    = "offset"
	fieldTimestamp = "timestamp"
	fieldHeaders   = "headers"
)

// joined is a format of Aiven's: records with something between them and nothing behind the last.
type joined struct {
	extension          string
	codec              *Codec
	begin, between, at string
	record             func(dst []byte, r *connect.Record) ([]byte, error)

	scratch []byte
}

// Extension implements Format. Aiven's templates name extensions themselves, but for the compression.
func (j *joined) Extension() string { return j.extension }

// Append implements Format.
func (j *joined) Append(dst []byte, s *Stretch) ([]byte, error) {
	out := dst
	if j.codec.On() {
		out = j.scratch[:0]
	}
	if s.First {
		out = append(out, j.begin...)
	}
	for i, r := range s.Records {
		if i > 0 || !s.First {
			out = append(out, j.between...)
		}
		var err error
		if out, err = j.record(out, r); err != nil {
			return dst, &RecordError{i, err}
		}
	}
	if s.Last {
		out = append(out, j.at...)
	}
	if !j.codec.On() {
		return out, nil
	}
	j.scratch = out
	return j.codec.Append(dst, out)
}

// newCSV is Aiven's csv: fields in base64, joined by commas, in the order in which they were asked for.
func newCSV(codec *Codec, fields []string, plain bool) Format {
	return &joined{extension: aivenExtension(codec), codec: codec, between: "\n", record: func(dst []byte, r *connect.Record) ([]byte, error) {
		var err error
		for i, field := range fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendPlain(dst, r, field, plain); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}}
}

func appendPlain(dst []byte, r *connect.Record, field string, plain bool) ([]byte, error) {
	switch field {
	case fieldKey:
		return appendKey(dst, r.Key)
	case fieldValue:
		if r.Value.Schema != nil && r.Value.Schema.Type != schema.Bytes {
			return dst, schema.Errorf("Record value schema type must be BYTES, %s given", r.Value.Schema.Type)
		}
		v, ok := r.Value.Value.([]byte)
		switch {
		case r.Value.Value == nil:
			return dst, nil
		case !ok:
			return dst, schema.Errorf("Value is not a byte array")
		case plain:
			return append(dst, v...), nil
		}
		return base64.StdEncoding.AppendEncode(dst, v), nil
	case fieldOffset:
		return strconv.AppendInt(dst, r.Kafka.Offset, 10), nil
	case fieldTimestamp:
		if r.Time.IsZero() {
			return dst, nil
		}
		return appendISO(dst, r.Time), nil
	case fieldHeaders:
		for _, h := range r.Headers {
			value, err := headerBytes(h)
			if err != nil {
				return dst, err
			}
			dst = base64.StdEncoding.AppendEncode(dst, []byte(h.Key))
			dst = append(dst, ':')
			dst = base64.StdEncoding.AppendEncode(dst, value)
			dst = append(dst, ';')
		}
		return dst, nil
	}
	return dst, fmt.Errorf("there is no output field %s", field)
}

func appendKey(dst []byte, key connect.Datum) ([]byte, error) {
	if s := key.Schema; s != nil && s.Type != schema.Bytes && s.Type != schema.String {
		return dst, schema.Errorf("Record key schema type must be BYTES or STRING, %s given", s.Type)
	}
	switch k := key.Value.(type) {
	case nil:
		return dst, nil
	case []byte:
		return base64.StdEncoding.AppendEncode(dst, k), nil
	case string:
		return base64.StdEncoding.AppendEncode(dst, []byte(k)), nil
	}
	return dst, schema.Errorf("Key is not byte[] or String")
}

// headerBytes are those that the byte array converter makes. Aiven's connector fails for headers that are texts, which
// those read by Connect's own header converter are; here they are their bytes.
func headerBytes(h connect.Header) ([]byte, error) {
	switch v := h.Value.Value.(type) {
	case nil:
		return nil, nil
	case []byte:
		return v, nil
	case string:
		return []byte(v), nil
	}
	return nil, schema.Errorf("Invalid schema type for ByteArrayConverter: %s", schema.JavaClass(h.Value.Value))
}

// appendISO writes an instant as Java's ISO_INSTANT: with milliseconds only if there are any.
func appendISO(dst []byte, t time.Time) []byte {
	t = schema.Instant(schema.EpochMillis(t))
	if t.Nanosecond() == 0 {
		return t.AppendFormat(dst, "2006-01-02T15:04:05Z")
	}
	return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

// newAivenJSON is Aiven's json and jsonl.
func newAivenJSON(codec *Codec, fields []string, envelope, array bool) (Format, error) {
	w := fieldsJSON{fields: hashed(fields), envelope: envelope || len(fields) != 1}
	var err error
	if w.converter, err = jsonConverter(map[string]string{"schemas.enable": "false"}); err != nil {
		return nil, err
	}
	j := &joined{extension: aivenExtension(codec), codec: codec, between: "\n", record: w.append}
	if array {
		j.begin, j.between, j.at = "[\n", ",\n", "\n]"
	}
	return j, nil
}

// hashed are the fields in the order of Java's HashMap, in which Aiven's connector writes them.
func hashed(fields []string) []string {
	m := schema.NewHashMap(0)
	for _, f := range fields {
		m.Set(f, nil)
	}
	all := make([]string, 0, len(fields))
	for f := range m.All() {
		if name, ok := f.(string); ok {
			all = append(all, name)
		}
	}
	return all
}

type fieldsJSON struct {
	fields    []string
	envelope  bool
	converter connect.Converter
}

func (w *fieldsJSON) append(dst []byte, r *connect.Record) ([]byte, error) {
	if !w.envelope {
		return w.field(dst, r, w.fields[0])
	}
	var err error
	dst = append(dst, '{')
	for i, field := range w.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, field...)
		dst = append(dst, `":`...)
		if dst, err = w.field(dst, r, field); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func (w *fieldsJSON) field(dst []byte, r *connect.Record, field string) ([]byte, error) {
	switch field {
	case fieldKey:
		return w.datum(dst, r.Topic, r.Key)
	case fieldValue:
		return w.datum(dst, r.Topic, r.Value)
	case fieldOffset:
		return strconv.AppendInt(dst, r.Kafka.Offset, 10), nil
	case fieldTimestamp:
		if r.Time.IsZero() {
			return append(dst, "null"...), nil
		}
		dst = appendISO(append(dst, '"'), r.Time)
		return append(dst, '"'), nil
	case fieldHeaders:
		dst = append(dst, '[')
		for i, h := range r.Headers {
			if i > 0 {
				dst = append(dst, ',')
			}
			key, err := w.converter.Encode(context.Background(), "", connect.Datum{Value: h.Key})
			if err != nil {
				return dst, err
			}
			dst = append(append(dst, `{"key":`...), key...)
			if dst, err = w.datum(append(dst, `,"value":`...), r.Topic, h.Value); err != nil {
				return dst, err
			}
			dst = append(dst, '}')
		}
		return append(dst, ']'), nil
	}
	return dst, fmt.Errorf("there is no output field %s", field)
}

func (w *fieldsJSON) datum(dst []byte, topic string, d connect.Datum) ([]byte, error) {
	text, err := w.converter.Encode(context.Background(), topic, d)
	if err != nil {
		return dst, err
	}
	if text == nil {
		return append(dst, "null"...), nil
	}
	return append(dst, text...), nil
}

func aivenExtension(codec *Codec) string {
	switch codec.Name {
	case "gzip":
		return ".gz"
	case "snappy":
		return ".snappy"
	case "zstd":
		return ".zst"
	}
	return ""
}
