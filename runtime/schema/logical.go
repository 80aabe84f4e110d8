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
