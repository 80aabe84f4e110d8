package protobuf

import (
	"encoding/binary"
	"math/big"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sluice-connect/sluice/runtime/schema"
)

const (
	secondsPerDay = 24 * 60 * 60
	// What google.protobuf.Timestamp can hold: the years 1 to 9999.
	minSeconds, maxSeconds = -62135596800, 253402300799
)

// isLogical tells whether values of the schema are messages of their own kind.
func isLogical(s *schema.Schema) bool {
	switch s.Name {
	case schema.DecimalName, schema.DateName, schema.TimeName, schema.TimestampName:
		return true
	}
	return false
}

// appendLogical appends the message of a logical type's value.
func appendLogical(dst []byte, s *schema.Schema, v any) ([]byte, error) {
	if s.Name == schema.DecimalName {
		d, ok := v.(schema.Decimal)
		if !ok {
			return nil, schema.Errorf("Invalid type for Decimal, expected BigDecimal but was class %s", schema.JavaClass(v))
		}
		dst = protowire.AppendTag(dst, 1, protowire.BytesType)
		dst = protowire.AppendBytes(dst, d.Bytes())
		dst = appendNumber(dst, 2, uint64(precision(d)))
		return appendNumber(dst, 3, uint64(int64(d.Scale))), nil
	}
	t, ok := v.(time.Time)
	if !ok {
		name := lastName(s.Name)
		return nil, schema.Errorf("Invalid type for %s, expected Date but was class %s", name, schema.JavaClass(v))
	}
	switch s.Name {
	case schema.DateName:
		return appendDate(dst, t)
	case schema.TimeName:
		return appendTime(dst, t)
	}
	return appendTimestamp(dst, t)
}

// appendNumber appends a field unless it is 0.
func appendNumber(dst []byte, number protowire.Number, n uint64) []byte {
	if n == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, number, protowire.VarintType), n)
}

// precision is the number of digits of a decimal.
func precision(d schema.Decimal) int {
	digits := new(big.Int).Abs(d.Int()).String()
	return len(digits)
}

func appendDate(dst []byte, t time.Time) ([]byte, error) {
	if schema.EpochMillis(t)%(secondsPerDay*1000) != 0 {
		return nil, schema.Errorf("Kafka Connect Date type should not have any time fields set to non-zero values.")
	}
	year, month, day := schema.CivilDate(t)
	if year <= 0 {
		year = 1 - year // of its era, as Java's calendar counts
	}
	dst = appendNumber(dst, 1, uint64(int64(year)))
	dst = appendNumber(dst, 2, uint64(month))
	return appendNumber(dst, 3, uint64(day)), nil
}

func appendTime(dst []byte, t time.Time) ([]byte, error) {
	ms := schema.EpochMillis(t)
	if ms < 0 || ms > secondsPerDay*1000 {
		return nil, schema.Errorf("Time values must use number of millis greater than 0 and less than 86400000")
	}
	seconds := ms / 1000 % secondsPerDay
	dst = appendNumber(dst, 1, uint64(seconds/3600))
	dst = appendNumber(dst, 2, uint64(seconds/60%60))
	dst = appendNumber(dst, 3, uint64(seconds%60))
	return appendNumber(dst, 4, uint64(ms%1000*1_000_000)), nil
}

func appendTimestamp(dst []byte, t time.Time) ([]byte, error) {
	ms := schema.EpochMillis(t)
	seconds, rest := ms/1000, ms%1000
	if rest < 0 {
		seconds, rest = seconds-1, rest+1000
	}
	if err := checkSeconds(seconds, rest*1_000_000); err != nil {
		return nil, err
	}
	dst = appendNumber(dst, 1, uint64(seconds))
	return appendNumber(dst, 2, uint64(rest*1_000_000)), nil
}

func checkSeconds(seconds, nanos int64) error {
	if seconds < minSeconds || seconds > maxSeconds || nanos < 0 || nanos > 999_999_999 {
		return schema.NewError(illegalArgument, "Timestamp is not valid. See proto definition for valid values. "+
			"Seconds must be in range [-62,135,596,800, +253,402,300,799]. Nanos must be in range [0, +999,999,999].", nil)
	}
	return nil
}

// logicalValue reads the message of a logical type's value.
func logicalValue(s *schema.Schema, b []byte) (any, error) {
	var parts [5]int64
	var unscaled []byte
	isDecimal := s.Name == schema.DecimalName
	err := eachField(b, func(number protowire.Number, typ protowire.Type, b []byte) error {
		switch {
		case number > 4:
		case typ == protowire.VarintType:
			n, _ := protowire.ConsumeVarint(b)
			parts[number] = int64(n)
		case typ == protowire.BytesType && number == 1 && isDecimal:
			unscaled, _ = protowire.ConsumeBytes(b)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	switch s.Name {
	case schema.DecimalName:
		return decimalOf(unscaled, uint32(parts[2]), int32(parts[3]))
	case schema.DateName:
		return dateOf(int32(parts[1]), int32(parts[2]), int32(parts[3]))
	case schema.TimeName:
		return timeOf(int32(parts[1]), int32(parts[2]), int32(parts[3]), int32(parts[4]))
	}
	seconds, nanos := parts[1], int64(int32(parts[2]))
	if err := checkSeconds(seconds, nanos); err != nil {
		return nil, err
	}
	return schema.Instant(seconds*1000 + nanos/1_000_000), nil
}

// decimalOf rounds to the precision, half up, as Java does.
func decimalOf(unscaled []byte, digits uint32, scale int32) (any, error) {
	d, err := schema.DecimalFromBytes(unscaled, scale)
	if err != nil {
		return nil, schema.NewError("java.lang.NumberFormatException", "Zero length BigInteger", err)
	}
	if over := precision(d) - int(digits); digits > 0 && over > 0 {
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(over)), nil)
		half := new(big.Int).Rsh(unit, 1)
		n := new(big.Int).Abs(d.Int())
		n.Add(n, half).Quo(n, unit)
		if d.Int().Sign() < 0 {
			n.Neg(n)
		}
		rounded := schema.Decimal{Unscaled: n, Scale: d.Scale - int32(over)}
		if precision(rounded) > int(digits) { // 99.5 became 100
			rounded = schema.Decimal{Unscaled: n.Quo(n, big.NewInt(10)), Scale: rounded.Scale - 1}
		}
		return rounded, nil
	}
	return d, nil
}

func dateOf(year, month, day int32) (any, error) {
	wrong := func(field string) error { return schema.NewError(illegalArgument, field, nil) }
	switch {
	case year < 1:
		return nil, wrong("YEAR")
	case month < 1 || month > 12:
		return nil, wrong("MONTH")
	case day < 1 || day > 31:
		return nil, wrong("DAY_OF_MONTH")
	}
	t := schema.Instant(schema.CivilDays(int(year), time.Month(month), int(day)) * secondsPerDay * 1000)
	if y, m, d := schema.CivilDate(t); y != int(year) || m != time.Month(month) || d != int(day) {
		return nil, wrong("DAY_OF_MONTH")
	}
	return t, nil
}

func timeOf(hours, minutes, seconds, nanos int32) (any, error) {
	for _, part := range []struct {
		name         string
		value, limit int32
	}{
		{"HourOfDay", hours, 23}, {"MinuteOfHour", minutes, 59}, {"SecondOfMinute", seconds, 59}, {"NanoOfSecond", nanos, 999_999_999},
	} {
		if part.value < 0 || part.value > part.limit {
			return nil, schema.NewError("java.time.DateTimeException", "Invalid value for "+part.name, nil)
		}
	}
	ms := (int64(hours)*3600+int64(minutes)*60+int64(seconds))*1000 + int64(nanos)/1_000_000
	return schema.Instant(ms), nil
}

// eachField calls f with every field of a message and the bytes of its value, which are whole.
func eachField(b []byte, f func(number protowire.Number, typ protowire.Type, value []byte) error) error {
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return badTag(b)
		}
		b = b[n:]
		if typ == protowire.EndGroupType {
			return &FormError{invalidBuffer, "Protocol message end-group tag did not match expected tag."}
		}
		n = protowire.ConsumeFieldValue(number, typ, b)
		if n < 0 {
			return truncated()
		}
		if err := f(number, typ, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// badTag tells a tag that is cut off from one that cannot be.
func badTag(b []byte) error {
	v, n := binary.Uvarint(b)
	switch {
	case n == 0:
		return truncated()
	case n < 0:
		return &FormError{invalidBuffer, "CodedInputStream encountered a malformed varint."}
	case v>>3 == 0:
		return &FormError{invalidBuffer, "Protocol message contained an invalid tag (zero)."}
	}
	return &FormError{invalidBuffer, "Protocol message tag had invalid wire type."}
}
