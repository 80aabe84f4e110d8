package schema

import (
	"strconv"
	"time"
)

// Names of the logical types.
const (
	DecimalName   = "org.apache.kafka.connect.data.Decimal"
	DateName      = "org.apache.kafka.connect.data.Date"
	TimeName      = "org.apache.kafka.connect.data.Time"
	TimestampName = "org.apache.kafka.connect.data.Timestamp"
)

// The parameters by which converters with generalized sums mark texts that are enums and structs that are unions.
const (
	GeneralizedEnum  = "org.apache.kafka.connect.data.Enum"
	GeneralizedUnion = "org.apache.kafka.connect.data.Union"
)

// ScaleParam is the parameter of a Decimal schema that holds its scale.
const ScaleParam = "scale"

// DecimalOf returns the schema of decimals with the given number of digits behind the point.
func DecimalOf(scale int32, opts ...Option) *Schema {
	opts = append([]Option{Named(DecimalName), Versioned(1), WithParam(ScaleParam, strconv.Itoa(int(scale)))}, opts...)
	return Of(Bytes, opts...)
}

// DateOf returns the schema of days without a time of day.
func DateOf(opts ...Option) *Schema {
	return Of(Int32, append([]Option{Named(DateName), Versioned(1)}, opts...)...)
}

// TimeOf returns the schema of times of day.
func TimeOf(opts ...Option) *Schema {
	return Of(Int32, append([]Option{Named(TimeName), Versioned(1)}, opts...)...)
}

// TimestampOf returns the schema of instants in milliseconds.
func TimestampOf(opts ...Option) *Schema {
	return Of(Int64, append([]Option{Named(TimestampName), Versioned(1)}, opts...)...)
}

// EpochMillis is the value of a java.util.Date: milliseconds since 1970 in UTC, cut towards the past.
func EpochMillis(t time.Time) int64 { return t.UnixMilli() }

// DateToDays is what a value of a Date schema is in bytes: days since 1970. It fails when there is a time of day.
func DateToDays(t time.Time) (int32, error) {
	ms := t.UnixMilli()
	if ms%millisPerDay != 0 {
		return 0, Errorf("Kafka Connect Date type should not have any time fields set to non-zero values.")
	}
	return int32(ms / millisPerDay), nil // Java cuts it off as well
}

// DaysToDate is the inverse of DateToDays.
func DaysToDate(days int32) time.Time { return time.UnixMilli(int64(days) * millisPerDay).UTC() }

// TimeToMillis is what a value of a Time schema is in bytes: milliseconds since midnight. It fails when there is a day.
func TimeToMillis(t time.Time) (int32, error) {
	ms := t.UnixMilli()
	if ms < 0 || ms > millisPerDay {
		return 0, Errorf("Kafka Connect Time type should not have any date fields set to non-zero values.")
	}
	return int32(ms), nil
}

// MillisToTime is the inverse of TimeToMillis. It fails when ms is no time of day.
func MillisToTime(ms int32) (time.Time, error) {
	if ms < 0 || ms > millisPerDay {
		return time.Time{}, Errorf("Time values must use number of milliseconds greater than 0 and less than 86400000")
	}
	return Instant(int64(ms)), nil
}

// Instant is the value of a java.util.Date: ms milliseconds since 1970, in UTC.
func Instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// DecimalScale is the scale that a Decimal schema asks for.
func DecimalScale(s *Schema) (int32, error) {
	text, ok := s.Param(ScaleParam)
	if !ok {
		if len(s.Params) == 0 {
			return 0, NewError("java.lang.NullPointerException", "the Decimal schema has no parameters", nil)
		}
		return 0, Errorf("Invalid Decimal schema: scale parameter not found.")
	}
	scale, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, NewError(DataException, "Invalid scale parameter found in Decimal schema: ",
			NewError("java.lang.NumberFormatException", `For input string: "`+text+`"`, nil))
	}
	return int32(scale), nil
}

// DecimalToBytes is what a value of a Decimal schema is in bytes. It fails when the scales differ.
func DecimalToBytes(s *Schema, d Decimal) ([]byte, error) {
	scale, err := DecimalScale(s)
	if err != nil {
		return nil, err
	}
	if d.Scale != scale {
		return nil, Errorf("Decimal value has mismatching scale for given Decimal schema. Schema has scale %d, value has scale %d.",
			scale, d.Scale)
	}
	return d.Bytes(), nil
}
