package schema

import (
	"math"
	"math/big"
	"math/bits"
	"slices"
	"time"
	"unicode/utf8"
)

// hashOf is the value's Java hashCode. Java's HashMap visits its entries in an order that follows from it, and users'
// topics show that order. Values whose Java hash differs from run to run (byte arrays, structs) get one of their content.
func hashOf(v any) uint32 {
	switch v := v.(type) {
	case nil:
		return 0
	case string:
		return hashString(v)
	case bool:
		if v {
			return 1231
		}
		return 1237
	case int8:
		return uint32(int32(v))
	case int16:
		return uint32(int32(v))
	case int32:
		return uint32(v)
	case int64:
		return fold(uint64(v))
	case float32:
		return floatBits(v)
	case float64:
		return fold(doubleBits(v))
	case []byte:
		h := uint32(1)
		for _, b := range v {
			h = 31*h + uint32(int32(int8(b)))
		}
		return h
	case time.Time:
		return fold(uint64(v.UnixMilli()))
	case Decimal:
		return 31*hashBig(v.Int()) + uint32(v.Scale)
	case *big.Int:
		return hashBig(v)
	}
	return hashParts(v)
}

func hashParts(v any) uint32 {
	switch v := v.(type) {
	case []any:
		h := uint32(1)
		for _, e := range v {
			h = 31*h + hashOf(e)
		}
		return h
	case *Map:
		h := uint32(0)
		for k, e := range v.All() {
			h += hashOf(k) ^ hashOf(e)
		}
		return h
	case *Struct:
		return hashOf(v.values)
	}
	return 0
}

// hashString counts in UTF-16 units, as Java does.
func hashString(s string) uint32 {
	h := uint32(0)
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return hashRunes(h, s[i:])
		}
		h = 31*h + uint32(s[i])
	}
	return h
}

func hashRunes(h uint32, s string) uint32 {
	for _, r := range s {
		if r >= 0x10000 {
			r -= 0x10000
			h = 31*h + uint32(0xd800+r>>10)
			r = 0xdc00 + r&0x3ff
		}
		h = 31*h + uint32(r)
	}
	return h
}

func hashBig(v *big.Int) uint32 {
	h := uint32(0)
	top := true
	for _, word := range slices.Backward(v.Bits()) {
		for shift := bits.UintSize - 32; shift >= 0; shift -= 32 {
			part := uint32(uint64(word) >> shift)
			if top && part == 0 {
				continue
			}
			top = false
			h = 31*h + part
		}
	}
	if v.Sign() < 0 {
		return -h
	}
	return h
}

func fold(v uint64) uint32 { return uint32(v ^ v>>32) }

// floatBits and doubleBits are floatToIntBits and doubleToLongBits: all NaNs are one.
func floatBits(f float32) uint32 {
	if f != f {
		return 0x7fc00000
	}
	return math.Float32bits(f)
}

func doubleBits(f float64) uint64 {
	if f != f {
		return 0x7ff8000000000000
	}
	return math.Float64bits(f)
}
