package storage

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Partitioner encodes what a record's file is chosen by, as Confluent's partitioners do.
type Partitioner interface {
	Encode(r *connect.Record, now time.Time) (string, error)
}

// partitionException is what partitioners raise.
const partitionException = "io.confluent.connect.storage.errors.PartitionException"

// byKafka is the DefaultPartitioner.
type byKafka struct {
	last int32
	text string // of the last partition
}

func (p *byKafka) Encode(r *connect.Record, _ time.Time) (string, error) {
	if p.text == "" || p.last != r.Kafka.Partition {
		p.last, p.text = r.Kafka.Partition, "partition="+strconv.Itoa(int(r.Kafka.Partition))
	}
	return p.text, nil
}

// byFields is the FieldPartitioner.
type byFields struct {
	names  []string
	delim  string
	format bool // name=value rather than value
}

func (p byFields) Encode(r *connect.Record, _ time.Time) (string, error) {
	s, ok := r.Value.Value.(*schema.Struct)
	if !ok {
		return "", schema.NewError(partitionException, "Error encoding partition.",
			fmt.Errorf("the value is %s, and only structs have fields to partition by", schema.JavaClass(r.Value.Value)))
	}
	var out strings.Builder
	for i, name := range p.names {
		if i > 0 {
			out.WriteString(p.delim)
		}
		v, err := nested(s, name)
		if err != nil {
			return "", schema.NewError(partitionException, "Error encoding partition.", err)
		}
		switch v.(type) {
		case int8, int16, int32, int64, string, bool:
		default:
			return "", schema.NewError(partitionException, "Error encoding partition.",
				fmt.Errorf("field %s is %s, which cannot be partitioned by", name, schema.JavaClass(v)))
		}
		if p.format {
			out.WriteString(name)
			out.WriteByte('=')
		}
		out.WriteString(schema.Text(v))
	}
	return out.String(), nil
}

// nested returns a field, or the field of a field when the name has points and no field is called so.
func nested(s *schema.Struct, name string) (any, error) {
	if v, ok := s.Get(name); ok {
		return v, nil
	}
	outer, inner, ok := strings.Cut(name, ".")
	if !ok {
		return nil, fmt.Errorf("there is no field %s", name)
	}
	v, ok := s.Get(outer)
	if !ok {
		return nil, fmt.Errorf("there is no field %s", outer)
	}
	switch v := v.(type) {
	case *schema.Struct:
		return nested(v, inner)
	case *schema.Map:
		return entry(v, inner)
	}
	return nil, fmt.Errorf("field %s has no fields", outer)
}

func entry(m *schema.Map, name string) (any, error) {
	if v, ok := m.Get(name); ok {
		return v, nil
	}
	outer, inner, ok := strings.Cut(name, ".")
	if v, found := m.Get(outer); ok && found {
		switch v := v.(type) {
		case *schema.Struct:
			return nested(v, inner)
		case *schema.Map:
			return entry(v, inner)
		}
	}
	return nil, fmt.Errorf("there is no field %s", name)
}

// byTime is the TimeBasedPartitioner.
type byTime struct {
	pattern  *Pattern
	duration time.Duration
	zone     *time.Location
	extract  Extractor

	start int64 // of the period last written, and its text
	text  string
}

func (p *byTime) Encode(r *connect.Record, now time.Time) (string, error) {
	at, err := p.extract.Extract(r, now)
	if err != nil {
		return "", err
	}
	start := periodStart(at, p.duration.Milliseconds(), p.zone)
	if p.text == "" || start != p.start {
		p.start, p.text = start, p.pattern.Format(time.UnixMilli(start).In(p.zone))
	}
	return p.text, nil
}

// periodStart is the beginning of the period that an instant lies in. Periods are counted in local time, as Joda-Time
// does it.
func periodStart(at, period int64, zone *time.Location) int64 {
	_, offset := time.UnixMilli(at).In(zone).Zone()
	local := at + int64(offset)*1000
	local = local / period * period
	t := time.UnixMilli(local).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone).UnixMilli()
}

// Extractors of time.
type (
	wallclock   struct{}
	recordTime  struct{}
	recordField struct{ name string }
)

func (wallclock) Extract(_ *connect.Record, now time.Time) (int64, error) {
	return now.UnixMilli(), nil
}

func (recordTime) Extract(r *connect.Record, _ time.Time) (int64, error) {
	if r.Time.IsZero() {
		return 0, schema.NewError(schema.ConnectException, "Unable to determine timestamp using timestamp.extractor Record", nil)
	}
	return schema.EpochMillis(r.Time), nil
}

func (f recordField) Extract(r *connect.Record, _ time.Time) (int64, error) {
	var v any
	var err error
	switch value := r.Value.Value.(type) {
	case *schema.Struct:
		v, err = nested(value, f.name)
	case *schema.Map:
		v, err = entry(value, f.name)
	default:
		err = fmt.Errorf("the value is %s and has no fields", schema.JavaClass(value))
	}
	if err != nil {
		return 0, schema.NewError(partitionException, "Error encoding partition.", fmt.Errorf("extracting the time: %w", err))
	}
	switch v := v.(type) {
	case int32:
		return int64(v), nil
	case int64:
		return v, nil
	case float32:
		return int64(v), nil
	case float64:
		return int64(v), nil
	case time.Time:
		return schema.EpochMillis(v), nil
	case string:
		if at, ok := parseISO(v); ok {
			return at, nil
		}
		return 0, schema.NewError(partitionException, fmt.Sprintf("Error extracting timestamp from record field: %s: %q is no ISO 8601 date", f.name, v), nil)
	}
	return 0, schema.NewError(partitionException, fmt.Sprintf("Unsupported type '%s' for user-defined timestamp field.", schema.JavaClass(v)), nil)
}

// parseISO reads what Joda-Time's dateTimeParser reads, but for weeks and days of the year. Without an offset it is UTC.
func parseISO(text string) (int64, bool) {
	for _, layout := range []string{
		"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02T15Z07:00", "2006-01-02T15", "2006-01-02", "2006-01", "2006",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UnixMilli(), true
		}
	}
	return 0, false
}
