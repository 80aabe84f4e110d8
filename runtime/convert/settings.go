package convert

import (
	"context"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// TypeKey is the setting that tells a converter what it converts. The runtime sets it, users do not.
const TypeKey = "converter.type"

// The values of TypeKey.
const (
	KeyType    = "key"
	ValueType  = "value"
	HeaderType = "header"
)

// defineType declares the setting that every converter but the simple header converter has. No converter needs its
// value.
func defineType(d *config.Def) {
	var unused string
	d.String(&unused, TypeKey, "", "How this converter will be used.", config.Required(),
		config.Check(config.In(KeyType, ValueType, HeaderType)), config.Low)
}

// header makes a header converter of a converter, which pays no heed to the header's name.
type header struct{ connect.Converter }

// EncodeHeader implements connect.HeaderConverter.
func (h header) EncodeHeader(ctx context.Context, topic, _ string, d connect.Datum) ([]byte, error) {
	return h.Encode(ctx, topic, d)
}

// DecodeHeader implements connect.HeaderConverter.
func (h header) DecodeHeader(ctx context.Context, topic, _ string, b []byte) (connect.Datum, error) {
	return h.Decode(ctx, topic, b)
}

// Validate passes the question on.
func (h header) Validate() error {
	if v, ok := h.Converter.(connect.Validator); ok {
		return v.Validate()
	}
	return nil
}
