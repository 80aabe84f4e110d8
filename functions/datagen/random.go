package datagen

// random is java.util.Random, whose algorithm its documentation fixes: the same seed gives the same values as there.
type random struct{ state uint64 }

const (
	multiplier = 0x5DEECE66D
	mask       = 1<<48 - 1
)

func newRandom(seed int64) *random {
	r := &random{}
	r.seed(seed)
	return r
}

func (r *random) seed(seed int64) { r.state = (uint64(seed) ^ multiplier) & mask }

// bits returns the next n bits, as Java's int.
func (r *random) bits(n uint) int32 {
	r.state = (r.state*multiplier + 0xB) & mask
	return int32(r.state >> (48 - n))
}

func (r *random) int32() int32 { return r.bits(32) }

// below returns a number from 0 to n-1. n must be positive.
func (r *random) below(n int32) int32 {
	if n&(n-1) == 0 {
		return int32(int64(n) * int64(r.bits(31)) >> 31)
	}
	for {
		u := r.bits(31)
		v := u % n
		if u-v+(n-1) >= 0 { // not in the last, incomplete run of n numbers
			return v
		}
	}
}

func (r *random) int64() int64 { return int64(r.bits(32))<<32 + int64(r.bits(32)) }

func (r *random) bool() bool { return r.bits(1) != 0 }

func (r *random) float32() float32 { return float32(r.bits(24)) / (1 << 24) }

func (r *random) float64() float64 {
	return float64(int64(r.bits(26))<<27+int64(r.bits(27))) / (1 << 53)
}

func (r *random) fill(b []byte) {
	for i := 0; i < len(b); {
		n := r.int32()
		for range min(4, len(b)-i) {
			b[i] = byte(n)
			n >>= 8
			i++
		}
	}
}
