package schema

import (
	"fmt"
	"math/big"
	"strconv"
	"time"
)

// Text is Java's String.valueOf of a Connect value: what string converters write and messages show. See AppendText.
func Text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var room [64]byte
	return string(AppendText(room[:0], v))
}

// AppendText appends Java's text of a Connect value: numbers as Java prints them, null, {a=1, b=x} for maps, [1, 2.5] for
// lists, Struct{a=1,b=x} for structs without their null fields, Tue Nov 14 22:13:20 UTC 2023 for instants. Of bytes Java
// shows the object's identity, [B@1b6d3586; here the digits come from the content. Strings and numbers cost no allocation
// but the room in dst.
func AppendText(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return append(dst, v...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int8:
		return strconv.AppendInt(dst, int64(v), 10)
	case int16:
		return strconv.AppendInt(dst, int64(v), 10)
	case int32:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float32:
		return AppendFloat32(dst, v)
	case float64:
		return AppendFloat64(dst, v)
	case Decimal:
		return v.AppendText(dst)
	case *big.Int:
		return appendBig(dst, v)
	case time.Time:
		return AppendDate(dst, v)
	case []byte:
		dst = append(dst, "[B@"...)
		return strconv.AppendUint(dst, uint64(hashOf(v)&0x7fffffff), 16)
	}
	return appendParts(dst, v)
}

func appendParts(dst []byte, v any) []byte {
	switch v := v.(type) {
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendText(dst, e)
		}
		return append(dst, ']')
	case *Map:
		dst = append(dst, '{')
		first := true
		for s := range v.live {
			if !first {
				dst = append(dst, ", "...)
			}
			first = false
			dst = AppendText(dst, s.Key)
			dst = append(dst, '=')
			dst = AppendText(dst, s.Value)
		}
		return append(dst, '}')
	case *Struct:
		dst = append(dst, "Struct{"...)
		first := true
		for i, e := range v.values {
			if e == nil {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(dst, v.schema.Fields[i].Name...)
			dst = append(dst, '=')
			dst = AppendText(dst, e)
		}
		return append(dst, '}')
	}
	return fmt.Append(dst, v)
}

// AppendDate appends the text of java.util.Date's toString in UTC, which knows no era.
func AppendDate(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := CivilDate(t)
	if year <= 0 {
		year = 1 - year
	}
	dst = t.AppendFormat(dst, "Mon ")
	dst = append(dst, month.String()[:3]...)
	dst = append(dst, ' ', byte('0'+day/10), byte('0'+day%10))
	dst = t.AppendFormat(dst, " 15:04:05 UTC ")
	return strconv.AppendInt(dst, int64(year), 10)
}
