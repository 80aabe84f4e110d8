package avro

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// defaultJSON is a Connect default as Avro schemas write it.
func (c *fromConnect) defaultJSON(s *schema.Schema, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	physical, err := toPhysical(s, v)
	if err != nil {
		return nil, err
	}
	switch v := physical.(type) {
	case int8:
		return number(int64(v)), nil
	case int16:
		return number(int64(v)), nil
	case int32:
		return number(int64(v)), nil
	case int64:
		return number(v), nil
	case float32:
		return floatJSON(float64(v), string(schema.AppendFloat32(nil, v))), nil
	case float64:
		return floatJSON(v, string(schema.AppendFloat64(nil, v))), nil
	case bool, string:
		return v, nil
	case []byte:
		return latin1(v), nil
	case []any:
		return c.defaultArray(s, v)
	case *schema.Map:
		return c.defaultMap(s, v)
	case *schema.Struct:
		return c.defaultStruct(v)
	}
	return nil, schema.Errorf("Invalid type used for default value of %s field: class %s", s.Type, schema.JavaClass(v))
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// floatJSON is a JSON number, or a text where JSON has no number.
func floatJSON(f float64, text string) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return text
	}
	return json.Number(text)
}

// latin1 is how Avro writes bytes as JSON text: each is the character of that number.
func latin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

func fromLatin1(text string) []byte {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return b
}

func (c *fromConnect) defaultArray(s *schema.Schema, v []any) (any, error) {
	out := make([]any, len(v))
	for i, e := range v {
		var err error
		if out[i], err = c.defaultJSON(s.Value, e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *fromConnect) defaultMap(s *schema.Schema, v *schema.Map) (any, error) {
	object, entries := Object{}, []any{}
	for k, e := range v.All() {
		value, err := c.defaultJSON(s.Value, e)
		if err != nil {
			return nil, err
		}
		if c.stringKeys(s.Key) {
			name, _ := k.(string)
			object = append(object, Member{name, value})
			continue
		}
		key, err := c.defaultJSON(s.Key, k)
		if err != nil {
			return nil, err
		}
		entries = append(entries, Object{{"key", key}, {"value", value}})
	}
	if c.stringKeys(s.Key) {
		return object, nil
	}
	return entries, nil
}

func (c *fromConnect) defaultStruct(v *schema.Struct) (any, error) {
	out := Object{}
	for i, f := range v.Schema().Fields {
		value, err := c.defaultJSON(f.Schema, v.At(i))
		if err != nil {
			return nil, err
		}
		name := f.Name
		if c.Scrub {
			name = scrub(name)
		}
		out = append(out, Member{name, value})
	}
	return out, nil
}

// toPhysical turns the value of a logical type into what Avro writes for it. Other values stay.
func toPhysical(s *schema.Schema, v any) (any, error) {
	switch s.Name {
	case schema.DecimalName:
		d, ok := v.(schema.Decimal)
		if !ok {
			return nil, schema.Errorf("Invalid type for Decimal, expected BigDecimal but was class %s", schema.JavaClass(v))
		}
		return schema.DecimalToBytes(s, d)
	case schema.DateName, schema.TimeName, schema.TimestampName:
		t, ok := v.(time.Time)
		if !ok {
			kind := s.Name[len("org.apache.kafka.connect.data."):]
			return nil, schema.Errorf("Invalid type for %s, expected Date but was class %s", kind, schema.JavaClass(v))
		}
		switch s.Name {
		case schema.DateName:
			return schema.DateToDays(t)
		case schema.TimeName:
			return schema.TimeToMillis(t)
		}
		return schema.EpochMillis(t), nil
	}
	return v, nil
}

// toLogical is the inverse of toPhysical.
func toLogical(s *schema.Schema, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch s.Name {
	case schema.DecimalName:
		b, ok := v.([]byte)
		if !ok {
			return nil, wrongLogical("Decimal", "bytes", v)
		}
		scale, err := schema.DecimalScale(s)
		if err != nil {
			return nil, err
		}
		d, err := schema.DecimalFromBytes(b, scale)
		if err != nil {
			return nil, schema.NewError("java.lang.NumberFormatException", "Zero length BigInteger", nil)
		}
		return d, nil
	case schema.DateName, schema.TimeName:
		n, ok := v.(int32)
		switch {
		case !ok && s.Name == schema.DateName:
			return nil, wrongLogical("Date", "int32", v)
		case !ok:
			return nil, wrongLogical("Time", "int32", v)
		case s.Name == schema.DateName:
			return schema.DaysToDate(n), nil
		}
		return schema.MillisToTime(n)
	case schema.TimestampName:
		n, ok := v.(int64)
		if !ok {
			return nil, wrongLogical("Timestamp", "int64", v)
		}
		return schema.Instant(n), nil
	}
	return v, nil
}

func wrongLogical(kind, want string, v any) error {
	return schema.Errorf("Invalid type for %s, underlying representation should be %s but was class %s", kind, want, schema.JavaClass(v))
}
