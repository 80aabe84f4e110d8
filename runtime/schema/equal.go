package schema

import (
	"bytes"
	"math/big"
	"time"
)

// Equal tells whether two Connect values are equal as Java's equals has it: only values of one type can be, NaN is equal
// to NaN and 0.0 is not -0.0, decimals differ when their scales do, instants are compared by their milliseconds, maps
// whatever their order. Byte slices are compared by content. Go values that are no Connect values are equal to nothing.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		b, ok := b.(string)
		return ok && a == b
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case int8:
		b, ok := b.(int8)
		return ok && a == b
	case int16:
		b, ok := b.(int16)
		return ok && a == b
	case int32:
		b, ok := b.(int32)
		return ok && a == b
	case int64:
		b, ok := b.(int64)
		return ok && a == b
	case float32:
		b, ok := b.(float32)
		return ok && floatBits(a) == floatBits(b)
	case float64:
		b, ok := b.(float64)
		return ok && doubleBits(a) == doubleBits(b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.UnixMilli() == b.UnixMilli()
	case Decimal:
		b, ok := b.(Decimal)
		return ok && a.Scale == b.Scale && a.Int().Cmp(b.Int()) == 0
	case *big.Int:
		b, ok := b.(*big.Int)
		return ok && a.Cmp(b) == 0
	}
	return equalParts(a, b)
}

func equalParts(a, b any) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && equalLists(a, b)
	case *Map:
		b, ok := b.(*Map)
		return ok && equalMaps(a, b)
	case *Struct:
		b, ok := b.(*Struct)
		return ok && (a == b || a.schema.Equal(b.schema) && equalLists(a.values, b.values))
	}
	return false
}

func equalLists(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalMaps(a, b *Map) bool {
	if a.Len() != b.Len() {
		return false
	}
	for k, v := range a.All() {
		w, ok := b.Get(k)
		if !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}
