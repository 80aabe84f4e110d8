package convert

import (
	"context"
	"unsafe"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Text is Connect's StringConverter: any value in the words of Java's toString, and bytes read as a string.
type Text struct {
	encoding string
	charset  charset
	scratch  []byte
}

const stringDoc = "Any value as text, in Java's words; reads text."

// optionalString is the schema of what Text reads.
var optionalString = schema.Of(schema.String, schema.Optional())

// Define implements config.Definer.
func (t *Text) Define(d *config.Def) {
	defineType(d)
	d.String(&t.encoding, "converter.encoding", "UTF-8", "The name of the Java character set to use for encoding strings as byte arrays.",
		config.High, config.WidthMedium, config.Display("Encoding"))
}

// Validate implements connect.Validator: the encoding must be known.
func (t *Text) Validate() error {
	if t.charset != unset {
		return nil
	}
	var ok bool
	if t.charset, ok = charsetOf(t.encoding); !ok {
		return schema.NewError(serializationException, "Unsupported encoding "+t.encoding, nil)
	}
	return nil
}

// Encode implements connect.Converter. In UTF-8 a string's bytes are not copied.
func (t *Text) Encode(_ context.Context, _ string, d connect.Datum) ([]byte, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if d.Value == nil {
		return nil, nil
	}
	s, isString := d.Value.(string)
	if t.charset == utf8Charset && isString {
		return bytesOf(s), nil
	}
	if !isString {
		t.scratch = schema.AppendText(t.scratch[:0], d.Value)
		if t.charset == utf8Charset {
			return append(make([]byte, 0, len(t.scratch)), t.scratch...), nil
		}
		s = string(t.scratch)
	}
	return t.charset.encode(s), nil
}

// Decode implements connect.Converter. A string of right UTF-8 shares b's memory.
func (t *Text) Decode(_ context.Context, _ string, b []byte) (connect.Datum, error) {
	if err := t.Validate(); err != nil {
		return connect.Datum{}, err
	}
	if b == nil {
		return connect.Datum{Schema: optionalString}, nil
	}
	return connect.Datum{Schema: optionalString, Value: t.charset.decode(b)}, nil
}

// bytesOf returns the memory of a string, which must not be written to. The bytes of a record are immutable anyway.
func bytesOf(s string) []byte {
	if s == "" {
		return []byte{} // no bytes, but not null
	}
	return unsafe.Slice(unsafe.StringData(s), len(s))
}

// stringOf returns a string in the memory of b, which must not change any more. The bytes of a record do not.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
