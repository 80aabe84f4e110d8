package transform

import (
	"encoding/base64"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// castValue casts a value; s is its schema, nil for schemaless data.
func castValue(s *schema.Schema, v any, to schema.Type) (any, error) {
	if v == nil {
		return nil, nil
	}
	from := schema.TypeOf(v)
	if s != nil {
		from = s.Type
	}
	switch {
	case from == schema.Invalid:
		return nil, schema.Errorf("Cast transformation was passed a value of type class %s which is not supported by Connect's data API",
			schema.JavaClass(v))
	case from > schema.Bytes:
		return nil, schema.Errorf("Cast transformation does not support casting from %s; supported types are %s", from, typesTo(schema.Bytes))
	case to == schema.String:
		return castText(v)
	case to == schema.Invalid || to > schema.String:
		return nil, schema.Errorf("%s is not supported in the Cast transformation.", to)
	}
	if t, ok := v.(time.Time); ok && s != nil {
		var err error
		if v, err = plainTime(s, t); err != nil {
			return nil, err
		}
	}
	if text, ok := v.(string); ok {
		return castFromText(text, to)
	}
	return castNumber(v, to)
}

// plainTime is what a date, time or timestamp is in Kafka's bytes.
func plainTime(s *schema.Schema, t time.Time) (any, error) {
	switch s.Name {
	case schema.DateName:
		return schema.DateToDays(t)
	case schema.TimeName:
		return schema.TimeToMillis(t)
	case schema.TimestampName:
		return schema.EpochMillis(t), nil
	}
	return t, nil
}

func castText(v any) (any, error) {
	switch t := v.(type) {
	case string:
		return v, nil // as it is: to make it anew would cost an allocation
	case []byte:
		return base64.StdEncoding.EncodeToString(t), nil
	case time.Time:
		return dateText(t), nil
	}
	return schema.Text(v), nil
}

// dateText is how Connect writes a date whatever its schema: as a time below one day, else as a date at midnight, else as
// both.
func dateText(t time.Time) string {
	ms := t.UnixMilli()
	pattern := dateFormat{items: isoTimestamp()}
	switch {
	case ms < dayMillis:
		pattern.items = pattern.items[isoTimeFrom:]
	case ms%dayMillis == 0:
		pattern.items = pattern.items[:isoDateTo]
	}
	return string(pattern.appendTime(make([]byte, 0, 24), ms))
}

func castFromText(text string, to schema.Type) (any, error) {
	fail := func() (any, error) {
		return nil, schema.NewError(schema.DataException, "Value ("+text+") was out of range for requested data type", numberFormat(text))
	}
	switch to {
	case schema.Boolean:
		return strings.EqualFold(text, "true"), nil
	case schema.Float32, schema.Float64:
		bits := 64
		if to == schema.Float32 {
			bits = 32
		}
		f, ok := schema.ParseFloat(text, bits)
		switch {
		case !ok:
			return fail()
		case bits == 32:
			return float32(f), nil
		}
		return f, nil
	}
	bits := 8 << (to - schema.Int8)
	n, ok := parseWhole(text, bits)
	if !ok {
		return fail()
	}
	return wrap(n, to), nil
}

// wrap is a whole number in a type of whole numbers, cut off as Java does.
func wrap(n int64, to schema.Type) any {
	switch to {
	case schema.Int8:
		return int8(n) //nolint:gosec // that is the point
	case schema.Int16:
		return int16(n) //nolint:gosec // as above
	case schema.Int32:
		return int32(n) //nolint:gosec // as above
	}
	return n
}

// castNumber casts a number or boolean.
func castNumber(v any, to schema.Type) (any, error) {
	var n int64
	switch v := v.(type) {
	case bool:
		if to == schema.Boolean {
			return v, nil
		}
		if v {
			n = 1
		}
	case int8:
		n = int64(v)
	case int16:
		n = int64(v)
	case int32:
		n = int64(v)
	case int64:
		n = v
	case float32:
		return castReal(float64(v), to), nil
	case float64:
		return castReal(v, to), nil
	case schema.Decimal:
		return castDecimal(v, to), nil
	case *big.Int:
		return castDecimal(schema.Decimal{Unscaled: v}, to), nil
	default:
		return nil, schema.Errorf("Unexpected type in Cast transformation: class %s", schema.JavaClass(v))
	}
	switch to {
	case schema.Float32:
		return float32(n), nil
	case schema.Float64:
		return float64(n), nil
	case schema.Boolean:
		return n != 0, nil
	}
	return wrap(n, to), nil
}

// castReal narrows in two steps where Java does: to 32 bits, stopping at the ends of the range, and then by cutting off.
func castReal(f float64, to schema.Type) any {
	switch to {
	case schema.Float32:
		return float32(f)
	case schema.Float64:
		return f
	case schema.Boolean:
		return clampLong(f) != 0
	case schema.Int64:
		return clampLong(f)
	}
	return wrap(int64(clampInt(f)), to)
}

func castDecimal(d schema.Decimal, to schema.Type) any {
	switch to {
	case schema.Float32:
		f, err := strconv.ParseFloat(d.String(), 32)
		if err != nil {
			return float32(math.Inf(d.Int().Sign()))
		}
		return float32(f)
	case schema.Float64:
		return d.Float64()
	case schema.Boolean:
		return wrapDecimal(d) != 0
	}
	return wrap(wrapDecimal(d), to)
}
