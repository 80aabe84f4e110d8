package transform

import (
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const insertDoc = "Adds fields with the record's topic, partition, offset or timestamp, or a fixed text."

const insertion = "field insertion"

// insertField is InsertField.
type insertField struct {
	side
	topic, partition, offset, timestamp, static inserted
	staticValue                                 string
	hasStaticValue                              bool
	nulls                                       nulls
	cache                                       cache[*schema.Schema]
}

// inserted is a field that may be added.
type inserted struct {
	spec     string
	given    bool
	name     string
	required bool
}

// parse takes the suffix apart: ! makes the field required, ? optional, which it is without one as well.
func (f *inserted) parse() {
	f.name, f.required = strings.CutSuffix(f.spec, "!")
	if !f.required {
		f.name = strings.TrimSuffix(f.spec, "?")
	}
}

// add adds the field to those of a schema.
func (f *inserted) add(fields []schema.Field, s *schema.Schema) []schema.Field {
	if !f.given {
		return fields
	}
	s.Optional = !f.required
	return append(fields, schema.F(f.name, s))
}

const optionalityDoc = " A ! behind the name makes the field required, a ? optional, which is the default."

// Define implements config.Definer.
func (t *insertField) Define(d *config.Def) {
	field := func(f *inserted, name, doc string) {
		d.String(&f.spec, name, "", doc+optionalityDoc, config.NullDefault(), config.Given(&f.given))
	}
	field(&t.topic, "topic.field", "Name of a field for the topic.")
	field(&t.partition, "partition.field", "Name of a field for the Kafka partition.")
	field(&t.offset, "offset.field", "Name of a field for the Kafka offset. Only sinks have one.")
	field(&t.timestamp, "timestamp.field", "Name of a field for the record's timestamp.")
	field(&t.static, "static.field", "Name of a field for a fixed text.")
	d.String(&t.staticValue, "static.value", "", "The fixed text.", config.NullDefault(), config.Given(&t.hasStaticValue))
	t.nulls.define(d)
}

// Validate implements connect.Validator.
func (t *insertField) Validate() error {
	any := false
	for _, f := range []*inserted{&t.topic, &t.partition, &t.offset, &t.timestamp, &t.static} {
		f.parse()
		any = any || f.given
	}
	switch {
	case !any:
		return config.Errorf("topic.field", "No field insertion configured")
	case t.static.given && !t.hasStaticValue:
		return config.Invalid("static.value", nil, "No value specified for static field: "+t.static.name)
	}
	return nil
}

// Apply implements connect.Transform.
func (t *insertField) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	if d.Value == nil {
		return true, nil
	}
	if d.Schema == nil {
		return t.applyMap(r, d)
	}
	v, err := needStruct(d.Value, insertion)
	if err != nil {
		return false, err
	}
	s, err := t.cache.get(v.Schema(), t.extend)
	if err != nil {
		return false, err
	}
	out := schema.NewStruct(s)
	n := len(v.Schema().Fields)
	for i := range n {
		if err := put(out, i, t.nulls.get(v, i)); err != nil {
			return false, err
		}
	}
	if err := t.insert(r, true, func(_ string, v any) error {
		n++
		if v == nil {
			return nil
		}
		return put(out, n-1, v)
	}); err != nil {
		return false, err
	}
	d.Schema, d.Value = s, out
	return true, nil
}

func (t *insertField) applyMap(r *connect.Record, d *connect.Datum) (bool, error) {
	m, err := needMap(d.Value, insertion)
	if err != nil {
		return false, err
	}
	out := hashMap(m)
	if err := t.insert(r, false, func(name string, v any) error {
		if v != nil {
			out.Set(name, v)
		}
		return nil
	}); err != nil {
		return false, err
	}
	d.Value = out
	return true, nil
}

// insert hands over each field with its value, nil for what the record does not have.
func (t *insertField) insert(r *connect.Record, withSchema bool, add func(name string, v any) error) error {
	if t.topic.given {
		if err := add(t.topic.name, r.Topic); err != nil {
			return err
		}
	}
	if t.partition.given {
		var v any
		if r.Partition != connect.AnyPartition {
			v = r.Partition
		}
		if err := add(t.partition.name, v); err != nil {
			return err
		}
	}
	if t.offset.given {
		if !fromSink(r) {
			return schema.Errorf("Only SinkRecord supported for [%s], found: org.apache.kafka.connect.source.SourceRecord", insertion)
		}
		if err := add(t.offset.name, r.Kafka.Offset); err != nil {
			return err
		}
	}
	if t.timestamp.given {
		var v any
		switch {
		case !hasTime(r):
		case withSchema:
			v = r.Time
		default:
			v = r.Time.UnixMilli()
		}
		if err := add(t.timestamp.name, v); err != nil {
			return err
		}
	}
	if t.static.given {
		return add(t.static.name, t.staticValue)
	}
	return nil
}

// extend is the schema with the fields added.
func (t *insertField) extend(s *schema.Schema) (*schema.Schema, error) {
	fields := make([]schema.Field, len(s.Fields), len(s.Fields)+5)
	copy(fields, s.Fields)
	fields = t.topic.add(fields, schema.Of(schema.String))
	fields = t.partition.add(fields, schema.Of(schema.Int32))
	fields = t.offset.add(fields, schema.Of(schema.Int64))
	fields = t.timestamp.add(fields, schema.TimestampOf())
	fields = t.static.add(fields, schema.Of(schema.String))
	return schema.NewStructOf(fields, basics(s))
}
