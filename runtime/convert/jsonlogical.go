package convert

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// logical makes a value of a logical type; ok false means the schema has none.
func (r *jsonReader) logical(s *schema.Schema, i uint32) (v any, ok bool, err error) {
	switch s.Name {
	case schema.DecimalName:
		v, err = r.decimal(s, i)
		return v, true, err
	case schema.DateName:
		days, err := r.int32(i, "Date")
		if err != nil {
			return nil, true, err
		}
		return schema.DaysToDate(days), true, nil
	case schema.TimeName:
		ms, err := r.int32(i, "Time")
		if err != nil {
			return nil, true, err
		}
		t, err := schema.MillisToTime(ms)
		if err != nil {
			return nil, true, err
		}
		return t, true, nil
	case schema.TimestampName:
		if r.kind(i) != intNode {
			return nil, true, schema.Errorf("Invalid type for Timestamp, underlying representation should be integral but was %s", r.kind(i))
		}
		return schema.Instant(r.integer(i)), true, nil
	}
	return nil, false, nil
}

// int32 is a node that Java reads as an int.
func (r *jsonReader) int32(i uint32, name string) (int32, error) {
	if r.kind(i) == intNode {
		if n, err := strconv.ParseInt(stringOf(r.text(i)), 10, 32); err == nil {
			return int32(n), nil
		}
	}
	return 0, schema.Errorf("Invalid type for %s, underlying representation should be integer but was %s", name, r.kind(i))
}

func (r *jsonReader) decimal(s *schema.Schema, i uint32) (any, error) {
	switch r.kind(i) {
	case intNode, realNode:
		d, err := schema.ParseDecimal(string(r.text(i)))
		if err != nil {
			return nil, fmt.Errorf("reading a decimal: %w", err) // the scanner has checked it
		}
		return d, nil
	case stringNode:
		b, err := decodeBase64(r.string(i))
		if err != nil {
			return nil, schema.NewError(schema.DataException, "Invalid bytes for Decimal field", err)
		}
		scale, err := schema.DecimalScale(s)
		if err != nil {
			return nil, schema.NewError(schema.DataException, "Invalid bytes for Decimal field", err)
		}
		d, err := schema.DecimalFromBytes(b, scale)
		if err != nil {
			return nil, schema.NewError(schema.DataException, "Invalid bytes for Decimal field", err)
		}
		return d, nil
	default:
		return nil, schema.Errorf("Invalid type for Decimal, underlying representation should be numeric or bytes but was %s", r.kind(i))
	}
}

// bytes reads base64; what is no string gives nil, as in Java.
func (r *jsonReader) bytes(i uint32) (any, error) {
	if r.kind(i) != stringNode {
		return nil, nil
	}
	b, err := decodeBase64(r.string(i))
	if err != nil {
		return nil, schema.NewError(schema.DataException, "Invalid bytes field", err)
	}
	return b, nil
}

var errBase64 = errors.New("not base64")

// decodeBase64 reads the standard alphabet with padding. Blanks may stand between groups of four, and a padded group need
// not be the last, as in Connect's reader.
func decodeBase64(text string) ([]byte, error) {
	out := make([]byte, 0, len(text)/4*3+3)
	for i := 0; i < len(text); {
		if text[i] <= ' ' {
			i++
			continue
		}
		if len(text)-i < 4 {
			return nil, errBase64
		}
		a, b, c, d := sixBits(text[i]), sixBits(text[i+1]), sixBits(text[i+2]), sixBits(text[i+3])
		group := text[i+2 : i+4]
		i += 4
		switch {
		case a|b > 63:
			return nil, errBase64
		case c|d <= 63:
			out = append(out, a<<2|b>>4, b<<4|c>>2, c<<6|d)
		case c <= 63 && group[1] == '=':
			out = append(out, a<<2|b>>4, b<<4|c>>2)
		case group == "==":
			out = append(out, a<<2|b>>4)
		default:
			return nil, errBase64
		}
	}
	return out, nil
}

// sixBits is the value of a character of base64, or more than 63.
func sixBits(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c - 'A'
	case c >= 'a' && c <= 'z':
		return c - 'a' + 26
	case c >= '0' && c <= '9':
		return c - '0' + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return 0xff
}
