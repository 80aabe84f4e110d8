package transform

import (
	"math"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const timestampDoc = "Converts timestamps between text, numbers since 1970 and Connect's own types."

const converting = "converting timestamp formats"

// The types of timestamps, as the settings name them.
const (
	asText      = "string"
	asUnix      = "unix"
	asDate      = "Date"
	asTime      = "Time"
	asTimestamp = "Timestamp"
)

// timestampConverter is TimestampConverter.
type timestampConverter struct {
	side
	field, target, pattern, precision string
	nulls                             nulls
	format                            *dateFormat
	scratch                           []byte
	cache                             cache[*converted]
}

// converted is a schema after the conversion, and where the field to convert is: -1 for nowhere.
type converted struct {
	schema *schema.Schema
	at     int
	from   string
	err    error // why values of the field cannot be converted
}

// Define implements config.Definer.
func (t *timestampConverter) Define(d *config.Def) {
	d.String(&t.field, "field", "", "Name of the field. Empty means that the whole key or value is a timestamp.", config.High)
	d.String(&t.target, "target.type", "", "What to convert to.", config.Required(),
		config.Check(config.In(asText, asUnix, asDate, asTime, asTimestamp)), config.High)
	d.String(&t.pattern, "format", "", "How timestamps are written as text, in the letters of Java's SimpleDateFormat.")
	d.String(&t.precision, "unix.precision", "milliseconds", "What numbers since 1970 count. Finer parts than milliseconds are lost.",
		config.Check(config.In("nanoseconds", "microseconds", "milliseconds", "seconds")), config.Low)
	t.nulls.define(d)
}

// Validate implements connect.Validator.
func (t *timestampConverter) Validate() error {
	blank := strings.TrimFunc(t.pattern, func(r rune) bool { return r <= ' ' }) == ""
	if blank {
		t.format = nil
		if t.target == asText {
			return config.Errorf("format", "TimestampConverter requires format option to be specified when using string timestamps")
		}
		return nil
	}
	var err error
	if t.format, err = parseDateFormat(t.pattern); err != nil {
		return config.Errorf("format", "Invalid value java.lang.IllegalArgumentException: %v for configuration TimestampConverter "+
			"requires a SimpleDateFormat-compatible pattern for string timestamps: %s", err, t.pattern)
	}
	return nil
}

// Apply implements connect.Transform.
func (t *timestampConverter) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	var err error
	switch {
	case d.Schema == nil:
		err = t.applySchemaless(d)
	case t.field == "":
		err = t.applyWhole(d)
	default:
		err = t.applyField(d)
	}
	return err == nil, err
}

func (t *timestampConverter) applySchemaless(d *connect.Datum) error {
	if d.Value == nil {
		return nil
	}
	if t.field == "" {
		v, err := t.convertAny(d.Value)
		if err == nil {
			d.Value = v
		}
		return err
	}
	m, err := needMap(d.Value, converting)
	if err != nil {
		return err
	}
	v, _ := m.Get(t.field)
	if v, err = t.convertAny(v); err != nil {
		return err
	}
	out := hashMap(m)
	out.Set(t.field, v)
	d.Value = out
	return nil
}

func (t *timestampConverter) applyWhole(d *connect.Datum) error {
	plan, err := t.cache.get(d.Schema, func(s *schema.Schema) (*converted, error) {
		p := &converted{schema: t.targetSchema(s.Optional)}
		p.from, p.err = timestampType(s)
		return p, nil
	})
	if err != nil {
		return err
	}
	if plan.err != nil {
		return plan.err
	}
	v, err := t.convert(d.Value, plan.from)
	if err != nil {
		return err
	}
	d.Schema, d.Value = plan.schema, v
	return nil
}

func (t *timestampConverter) applyField(d *connect.Datum) error {
	var v *schema.Struct
	var err error
	if d.Value != nil {
		if v, err = needStruct(d.Value, converting); err != nil {
			return err
		}
	}
	plan, err := t.cache.get(d.Schema, t.plan)
	if err != nil {
		return err
	}
	if v == nil {
		d.Schema = plan.schema
		return nil
	}
	out, err := t.applyStruct(v, plan)
	if err != nil {
		return err
	}
	d.Schema, d.Value = plan.schema, out
	return nil
}

func (t *timestampConverter) applyStruct(v *schema.Struct, plan *converted) (*schema.Struct, error) {
	out := schema.NewStruct(plan.schema)
	for i := range v.Schema().Fields {
		field := t.nulls.get(v, i)
		if i == plan.at {
			if plan.err != nil {
				return nil, plan.err
			}
			var err error
			if field, err = t.convert(field, plan.from); err != nil {
				return nil, err
			}
		}
		if err := put(out, i, field); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// plan works out the schema after the conversion. A default is converted, too.
func (t *timestampConverter) plan(s *schema.Schema) (*converted, error) {
	if s.Type != schema.StructType {
		return nil, notStruct()
	}
	fields := make([]schema.Field, len(s.Fields))
	p := &converted{at: -1}
	for i, f := range s.Fields {
		fields[i] = f
		if f.Name == t.field {
			fields[i].Schema, p.at = t.targetSchema(f.Schema.Optional), i
			p.from, p.err = timestampType(f.Schema)
		}
	}
	p.schema = schema.StructOf(fields, basics(s))
	p.schema.Optional = s.Optional
	if def, ok := s.Default.(*schema.Struct); ok {
		v, err := t.applyStruct(def, p)
		if err != nil {
			return nil, err
		}
		p.schema.Default = v
	}
	return p, nil
}

func (t *timestampConverter) targetSchema(optional bool) *schema.Schema {
	var s *schema.Schema
	switch t.target {
	case asUnix:
		s = schema.Of(schema.Int64)
	case asDate:
		s = schema.DateOf()
	case asTime:
		s = schema.TimeOf()
	case asTimestamp:
		s = schema.TimestampOf()
	default:
		s = schema.Of(schema.String)
	}
	s.Optional = optional
	return s
}

// timestampType is the type of timestamps that a schema has.
func timestampType(s *schema.Schema) (string, error) {
	switch {
	case s.Name == schema.TimestampName:
		return asTimestamp, nil
	case s.Name == schema.DateName:
		return asDate, nil
	case s.Name == schema.TimeName:
		return asTime, nil
	case s.Type == schema.String:
		return asText, nil
	case s.Type == schema.Int64:
		return asUnix, nil
	}
	return "", schema.NewError(schema.ConnectException, "Schema "+s.String()+" does not correspond to a known timestamp type format", nil)
}

// convertAny converts a value without a schema.
func (t *timestampConverter) convertAny(v any) (any, error) {
	switch v.(type) {
	case nil:
		return nil, nil
	case time.Time:
		return t.convert(v, asTimestamp)
	case int64:
		return t.convert(v, asUnix)
	case string:
		return t.convert(v, asText)
	}
	return nil, schema.Errorf("TimestampConverter does not support class %s objects as timestamps", schema.JavaClass(v))
}

// convert converts a value of a type of timestamps.
func (t *timestampConverter) convert(v any, from string) (any, error) {
	if v == nil {
		return nil, nil
	}
	ms, err := t.read(v, from)
	if err != nil {
		return nil, err
	}
	switch t.target {
	case asUnix:
		return t.toUnix(ms), nil
	case asDate:
		return schema.Instant(floorDiv(ms, dayMillis) * dayMillis), nil
	case asTime:
		return schema.Instant(ms - floorDiv(ms, dayMillis)*dayMillis), nil
	case asTimestamp:
		return schema.Instant(ms), nil
	}
	if from != asText {
		t.format.zone = nil // a zone counts only for the text that names it
	}
	t.scratch = t.format.appendTime(t.scratch[:0], ms)
	return string(t.scratch), nil
}

// read is the instant in milliseconds.
func (t *timestampConverter) read(v any, from string) (int64, error) {
	switch from {
	case asText:
		text, ok := v.(string)
		if !ok {
			return 0, schema.Errorf("Expected string timestamp to be a String, but found class %s", schema.JavaClass(v))
		}
		if t.format == nil {
			return 0, javaError("NullPointerException", "there is no format to read the timestamp "+text+" by")
		}
		ms, ok := t.format.parse(text)
		if !ok {
			return 0, schema.NewError(schema.DataException, "Could not parse timestamp: value ("+text+") does not match pattern ("+t.pattern+")",
				schema.NewError("java.text.ParseException", `Unparseable date: "`+text+`"`, nil))
		}
		return ms, nil
	case asUnix:
		n, ok := v.(int64)
		if !ok {
			return 0, schema.Errorf("Expected Unix timestamp to be a Long, but found class %s", schema.JavaClass(v))
		}
		return t.fromUnix(n), nil
	}
	instant, ok := v.(time.Time)
	if !ok {
		return 0, schema.Errorf("Expected %s to be a java.util.Date, but found class %s", from, schema.JavaClass(v))
	}
	return instant.UnixMilli(), nil
}

func (t *timestampConverter) fromUnix(n int64) int64 {
	switch t.precision {
	case "seconds":
		return times(n, 1000)
	case "microseconds":
		return n / 1000
	case "nanoseconds":
		return n / 1000000
	}
	return n
}

func (t *timestampConverter) toUnix(ms int64) int64 {
	switch t.precision {
	case "seconds":
		return ms / 1000
	case "microseconds":
		return times(ms, 1000)
	case "nanoseconds":
		return times(ms, 1000000)
	}
	return ms
}

// times multiplies and stops at the ends of the range.
func times(n, by int64) int64 {
	switch {
	case n > math.MaxInt64/by:
		return math.MaxInt64
	case n < math.MinInt64/by:
		return math.MinInt64
	}
	return n * by
}
