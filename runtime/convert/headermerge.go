package convert

import (
	"math"
	"math/big"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Schemas of numbers that text can mean.
var (
	int8Schema    = schema.Of(schema.Int8)
	int16Schema   = schema.Of(schema.Int16)
	int32Schema   = schema.Of(schema.Int32)
	int64Schema   = schema.Of(schema.Int64)
	float32Schema = schema.Of(schema.Float32)
	float64Schema = schema.Of(schema.Float64)
)

// parseNumber reads what Java's BigDecimal reads: a whole number as the smallest integer type that holds it, another
// number as the smallest floating-point type that is not infinite, and what neither holds as a Decimal.
func parseNumber(token string) (parsed, bool) {
	d, err := schema.ParseDecimal(token)
	if err != nil {
		return parsed{}, false
	}
	if n, ok := whole(d); ok {
		switch {
		case n == int64(int8(n)):
			return parsed{int8Schema, int8(n)}, true
		case n == int64(int16(n)):
			return parsed{int16Schema, int16(n)}, true
		case n == int64(int32(n)):
			return parsed{int32Schema, int32(n)}, true
		}
		return parsed{int64Schema, n}, true
	}
	if d.Scale != 0 {
		text := d.String()
		if f, err := strconv.ParseFloat(text, 32); err == nil && !math.IsInf(f, 0) {
			return parsed{float32Schema, float32(f)}, true
		}
		if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(f, 0) {
			return parsed{float64Schema, f}, true
		}
	}
	return parsed{schema.DecimalOf(d.Scale), d}, true
}

// whole is the number when it is a 64-bit integer.
func whole(d schema.Decimal) (int64, bool) {
	n := d.Int()
	switch {
	case n.Sign() == 0:
		return 0, true
	case d.Scale < -18, int64(d.Scale) > int64(n.BitLen()): // too large, or less than one
		return 0, false
	case d.Scale < 0:
		n = new(big.Int).Mul(n, power(-d.Scale))
	case d.Scale > 0:
		q, rest := new(big.Int).QuoRem(n, power(d.Scale), new(big.Int))
		if rest.Sign() != 0 {
			return 0, false
		}
		n = q
	}
	return n.Int64(), n.IsInt64()
}

// merger finds the schema that all values of a list, or all keys or values of a map, can have.
type merger struct {
	schema *schema.Schema
	mixed  bool
}

func (m *merger) add(v *parsed) {
	if v == nil || v.schema == nil || m.mixed {
		return
	}
	if m.schema == nil {
		m.schema = v.schema
		return
	}
	m.schema = wider(m.schema, v.schema)
	m.mixed = m.schema == nil
}

// common is nil when there is no such schema.
func (m *merger) common() *schema.Schema { return m.schema }

// wider is the schema of the larger number type, the later one of two of the same type, and else nil.
func wider(a, b *schema.Schema) *schema.Schema {
	numbers := a.Type >= schema.Int8 && a.Type <= schema.Float64 && b.Type >= schema.Int8 && b.Type <= schema.Float64
	switch {
	case a.Type == b.Type:
		return b
	case !numbers:
		return nil
	case a.Type > b.Type:
		return a
	}
	return b
}

// alignList converts the elements to the schema that they have in common.
func alignList(values []any, s *schema.Schema) error {
	if s == nil {
		return nil
	}
	for i, v := range values {
		var ok bool
		if values[i], ok = convertTo(s, v); !ok {
			return errNoValue
		}
	}
	return nil
}

// alignMap converts keys and values to the schemas that they have in common. Values are only when the keys are, too.
func alignMap(m *schema.Map, key, value *schema.Schema) (*parsed, error) {
	if key == nil {
		return &parsed{schema.MapOf(nil, nil), m}, nil
	}
	out := schema.NewHashMap(0)
	for k, v := range m.All() {
		newKey, ok := convertTo(key, k)
		if ok && value != nil {
			v, ok = convertTo(value, v)
		}
		if !ok {
			return nil, errNoValue
		}
		out.Set(newKey, v)
	}
	return &parsed{schema.MapOf(key, value), out}, nil
}

// convertTo makes a value of the schema's type of one whose type is that or smaller. null cannot be converted.
func convertTo(s *schema.Schema, v any) (any, bool) {
	if v == nil {
		return nil, false
	}
	n, isWhole := integerOf(v)
	switch s.Name {
	case schema.DateName:
		if isWhole {
			return schema.Instant(n * millisPerDay), true
		}
		return v, true
	case schema.TimeName:
		if isWhole { // of one day
			return schema.Instant(n), n >= 0 && n <= millisPerDay
		}
		return v, true
	case schema.TimestampName:
		if isWhole {
			return schema.Instant(n), true
		}
		return v, true
	}
	switch s.Type {
	case schema.Int8, schema.Int16, schema.Int32, schema.Int64:
		if !isWhole {
			return v, false
		}
		return narrow(s.Type, n), true
	case schema.Float32, schema.Float64:
		f, ok := floatOf(v)
		if s.Type == schema.Float32 {
			return float32(f), ok
		}
		return f, ok
	default:
		return v, true
	}
}

func narrow(t schema.Type, n int64) any {
	switch t {
	case schema.Int8:
		return int8(n)
	case schema.Int16:
		return int16(n)
	case schema.Int32:
		return int32(n)
	default:
		return n
	}
}

func integerOf(v any) (int64, bool) {
	switch v := v.(type) {
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}

func floatOf(v any) (float64, bool) {
	switch v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	n, ok := integerOf(v)
	return float64(n), ok
}
