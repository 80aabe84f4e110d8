package sql

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// unit is what the fields of timestamp.fields.list count.
func (s *sinkSettings) unit() time.Duration {
	if strings.EqualFold(s.timePrecision, "nanoseconds") {
		return time.Nanosecond
	}
	return time.Microsecond
}

// counting makes Timestamps of the fields that timestamp.fields.list names, if they can count.
func (s *sinkSettings) counting(list []field) error {
	for i := range list {
		f := &list[i]
		if !slices.Contains(s.timeFields, f.name) || f.schema.Type != schema.Int64 && f.schema.Type != schema.String ||
			f.schema.Name == schema.TimestampName {
			continue
		}
		var opts []schema.Option
		if f.schema.Optional {
			opts = append(opts, schema.Optional())
		}
		if f.schema.Default != nil {
			at, err := counted(f.schema.Default, s.unit())
			if err != nil {
				return fmt.Errorf("reading the default of the field %s: %w", f.name, err)
			}
			opts = append(opts, schema.Default(at))
		}
		f.schema, f.unit = schema.TimestampOf(opts...), s.unit()
	}
	return nil
}

// counted is the instant so many units after 1970. Databases have microseconds.
func counted(v any, unit time.Duration) (time.Time, error) {
	var count big.Int
	switch v := v.(type) {
	case int64:
		count.SetInt64(v)
	case string:
		if _, ok := count.SetString(v, 10); !ok {
			return time.Time{}, connectError("timestamp.fields.list has a field with the text %q, which is not a number", v)
		}
	default:
		return time.Time{}, unsupported(nil, v)
	}
	perSecond, rest := big.NewInt(int64(time.Second/unit)), new(big.Int)
	count.DivMod(&count, perSecond, rest)
	if !count.IsInt64() {
		return time.Time{}, connectError("timestamp.fields.list has a field with the number %v, which no timestamp can be", v)
	}
	return time.Unix(count.Int64(), rest.Int64()*int64(unit)).UTC().Round(time.Microsecond), nil
}

// checkText refuses settings that are about the fields of structs when the value is text, as Confluent's connector does.
func (s *sinkSettings) checkText(r *connect.Record) error {
	var given []string
	if len(s.whitelist) > 0 {
		given = append(given, "fields.whitelist")
	}
	if len(s.timeFields) > 0 {
		given = append(given, "timestamp.fields.list")
	}
	if s.precisionGiven {
		given = append(given, "timestamp.precision.mode")
	}
	if len(given) == 0 {
		return nil
	}
	return connectError("Sink connector '%s' is configured with [%s], which are not applicable to String values, but found a String"+
		" value at (topic='%s',partition=%d,offset=%d).", s.name, strings.Join(given, ", "), r.Topic, r.Kafka.Partition, r.Kafka.Offset)
}
