package protobuf

import (
	"math/big"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// appendGlueLogical appends the message of a logical type's value as AWS Glue's converter does.
func appendGlueLogical(dst []byte, s *schema.Schema, v any) ([]byte, error) {
	if s.Name == schema.DecimalName {
		d, ok := v.(schema.Decimal)
		if !ok {
			return nil, schema.Errorf("Invalid schema type %s for value class %s", s.Type, schema.JavaClass(v))
		}
		return appendGlueDecimal(dst, d)
	}
	t, ok := v.(time.Time)
	if !ok {
		return nil, schema.Errorf("Invalid schema type %s for value class %s", s.Type, schema.JavaClass(v))
	}
	const day = secondsPerDay * 1000
	ms := schema.EpochMillis(t)
	ofDay := (ms%day + day) % day
	switch s.Name {
	case schema.DateName:
		return appendDate(dst, schema.Instant(ms-ofDay))
	case schema.TimeName:
		return appendTime(dst, schema.Instant(ofDay))
	}
	return appendTimestamp(dst, t)
}

// nanosPerUnit is what a fraction counts to make a unit.
const nanosPerUnit = 1_000_000_000

// appendGlueDecimal writes a decimal as whole units and billionths of one. What has no place in them fails: Java writes
// another number then.
func appendGlueDecimal(dst []byte, d schema.Decimal) ([]byte, error) {
	billionths := new(big.Int).Set(d.Int())
	switch shift := 9 - d.Scale; {
	case shift >= 0:
		billionths.Mul(billionths, tenTo(shift))
	default:
		var rest big.Int
		if billionths.QuoRem(billionths, tenTo(-shift), &rest); rest.Sign() != 0 {
			return nil, tooFine(d)
		}
	}
	var fraction big.Int
	units, _ := new(big.Int).QuoRem(billionths, big.NewInt(nanosPerUnit), &fraction)
	if !units.IsInt64() {
		return nil, tooFine(d)
	}
	dst = appendNumber(dst, 1, uint64(units.Int64()))
	dst = appendNumber(dst, 2, uint64(fraction.Int64()))
	dst = appendNumber(dst, 3, uint64(precision(d)))
	return appendNumber(dst, 4, uint64(int64(d.Scale))), nil
}

func tooFine(d schema.Decimal) error {
	return &FormError{"java.lang.ArithmeticException", "The decimal " + d.String() + " has more digits than its message has a place for: 64 bits in front of the point, nine digits behind it"}
}

// mostScale is how many digits a decimal may have behind its point, or zeros in front of it.
const mostScale = 1000

func tenTo(n int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// glueDecimalOf reads a decimal.
func glueDecimalOf(b []byte) (any, error) {
	var parts [5]int64
	err := eachField(b, func(number protowire.Number, typ protowire.Type, b []byte) error {
		if number <= 4 && typ == protowire.VarintType {
			n, _ := protowire.ConsumeVarint(b)
			parts[number] = int64(n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	scale := int32(parts[4])
	if scale > mostScale || scale < -mostScale {
		return nil, schema.Errorf("A decimal has the scale %d", scale)
	}
	n := new(big.Int).Mul(big.NewInt(parts[1]), big.NewInt(nanosPerUnit))
	n.Add(n, big.NewInt(int64(int32(parts[2]))))
	if shift := 9 - scale; shift >= 0 {
		var rest big.Int
		if n.QuoRem(n, tenTo(shift), &rest); rest.Sign() != 0 {
			return nil, schema.NewError("java.lang.ArithmeticException", "Rounding necessary", nil)
		}
	} else {
		n.Mul(n, tenTo(-shift))
	}
	return schema.Decimal{Unscaled: n, Scale: scale}, nil
}
