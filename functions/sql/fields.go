package sql

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// origin is where in a record a column's value is.
type origin uint8

const (
	fromValue      origin = iota // a field of the value
	fromKey                      // a field of the key
	fromWholeValue               // the value, which is no struct
	fromWholeKey                 // the key, which is no struct
	fromTopic
	fromPartition
	fromOffset
)

// field is a column that records of one pair of schemas have a value for.
type field struct {
	name   string
	schema *schema.Schema
	key    bool // of the primary key
	from   origin
	index  int // of the field in its struct
	// unit is what a field of timestamp.fields.list counts, 0 for others. Its schema is that of a Timestamp.
	unit time.Duration
}

// String is how Connect's messages show it.
func (f field) String() string {
	return "SinkRecordField{schema=" + f.schema.String() + ", name='" + f.name + "', isPrimaryKey=" + strconv.FormatBool(f.key) + "}"
}

// fields are the columns of records of one pair of schemas.
type fields struct {
	// keys are those of the primary key, others the rest, in the order in which statements name them.
	keys, others []field
	// all has them in the order of a new table's columns.
	all []field
}

// value returns a field's value in a record.
func (f *field) value(r *connect.Record, nullToDefault bool) (any, error) {
	v := f.raw(r, nullToDefault)
	if f.unit == 0 || v == nil {
		return v, nil
	}
	return counted(v, f.unit)
}

func (f *field) raw(r *connect.Record, nullToDefault bool) any {
	switch f.from {
	case fromTopic:
		return r.Topic
	case fromPartition:
		return r.Kafka.Partition
	case fromOffset:
		return r.Kafka.Offset
	case fromWholeKey:
		return r.Key.Value
	case fromWholeValue:
		return r.Value.Value
	case fromKey:
		return member(r.Key.Value, f.index, nullToDefault)
	case fromValue:
	}
	return member(r.Value.Value, f.index, nullToDefault)
}

func member(v any, index int, nullToDefault bool) any {
	s, ok := v.(*schema.Struct)
	switch {
	case !ok:
		return nil
	case nullToDefault:
		return s.At(index)
	}
	return s.Raw(index)
}

// fieldsOf says which columns records with these schemas are written to. A nil value is that of a record that deletes.
func (s *sinkSettings) fieldsOf(table string, key, value *schema.Schema) (fields, error) {
	keys, err := s.keyFields(table, key, value)
	if err != nil {
		return fields{}, err
	}
	f := fields{keys: keys}
	switch {
	case value == nil:
	case value.Type == schema.StructType:
		for i := range value.Fields {
			one := &value.Fields[i]
			if named(keys, one.Name) || len(s.whitelist) > 0 && !slices.Contains(s.whitelist, one.Name) {
				continue
			}
			f.others = append(f.others, field{name: one.Name, schema: one.Schema, index: i})
		}
	case value.Type == schema.String && s.stringColumn != "":
		f.others = []field{{name: s.stringColumn, schema: value, from: fromWholeValue}}
	default:
		return fields{}, connectError("Value schema must be of type Struct")
	}
	if len(f.keys)+len(f.others) == 0 {
		return fields{}, connectError("No fields found using key and value schemas for table: %s", table)
	}
	for _, list := range [][]field{f.keys, f.others} {
		if err := s.counting(list); err != nil {
			return fields{}, err
		}
	}
	f.order(value)
	return f, nil
}

func named(list []field, name string) bool {
	return slices.ContainsFunc(list, func(f field) bool { return f.name == name })
}

// order puts the columns of a new table into the original's order: Kafka's coordinates, then the fields of the value, then
// what is left by name.
func (f *fields) order(value *schema.Schema) {
	left := slices.Concat(f.keys, f.others)
	take := func(name string) {
		if i := slices.IndexFunc(left, func(f field) bool { return f.name == name }); i >= 0 {
			f.all = append(f.all, left[i])
			left = slices.Delete(left, i, i+1)
		}
	}
	for _, name := range kafkaKeys() {
		take(name)
	}
	if value != nil {
		for i := range value.Fields {
			take(value.Fields[i].Name)
		}
	}
	slices.SortFunc(left, func(a, b field) int { return strings.Compare(a.name, b.name) })
	f.all = append(f.all, left...)
}

// keyFields are the columns of the primary key.
func (s *sinkSettings) keyFields(table string, key, value *schema.Schema) ([]field, error) {
	switch s.pkMode() {
	case pkKafka:
		names := s.pkFields
		if len(names) == 0 {
			names = kafkaKeys()
		}
		return []field{
			{name: names[0], schema: schema.Of(schema.String), key: true, from: fromTopic},
			{name: names[1], schema: schema.Of(schema.Int32), key: true, from: fromPartition},
			{name: names[2], schema: schema.Of(schema.Int64), key: true, from: fromOffset},
		}, nil
	case pkRecordKey:
		switch {
		case key == nil:
			return nil, connectError("PK mode for table '%s' is RECORD_KEY, but record key schema is missing", table)
		case key.Type == schema.StructType:
			return s.pick(table, "RECORD_KEY", "key", key, fromKey)
		case !key.Type.IsPrimitive():
			return nil, connectError("Key schema must be primitive type or Struct, but is of type: %s", key.Type)
		case len(s.pkFields) != 1:
			return nil, connectError("Need exactly one PK column defined since the key schema for records is a primitive type,"+
				" defined columns are: [%s]", strings.Join(s.pkFields, ", "))
		}
		return []field{{name: s.pkFields[0], schema: key, key: true, from: fromWholeKey}}, nil
	case pkRecordValue:
		if value == nil {
			return nil, connectError("PK mode for table '%s' is RECORD_VALUE, but record value schema is missing", table)
		}
		return s.pick(table, "RECORD_VALUE", "value", value, fromValue)
	case pkNone:
	}
	return nil, nil
}

// pick returns the fields of a struct that pk.fields names, or all of them.
func (s *sinkSettings) pick(table, mode, part string, in *schema.Schema, from origin) ([]field, error) {
	var picked []field
	if len(s.pkFields) == 0 {
		for i, f := range in.Fields {
			picked = append(picked, field{name: f.Name, schema: f.Schema, key: true, from: from, index: i})
		}
		return picked, nil
	}
	for _, name := range s.pkFields {
		f := in.Field(name)
		if f == nil {
			return nil, connectError("PK mode for table '%s' is %s with configured PK fields [%s], but record %s schema does not contain field: %s",
				table, mode, strings.Join(s.pkFields, ", "), part, name)
		}
		if !named(picked, name) {
			picked = append(picked, field{name: name, schema: f.Schema, key: true, from: from, index: f.Index})
		}
	}
	return picked, nil
}

// check refuses records that cannot become rows, in the words of Confluent's connector.
func (s *sinkSettings) check(r *connect.Record) error {
	deletes := s.deletes && r.Value.Value == nil
	if s.pkMode() == pkRecordKey || deletes {
		k := r.Key.Schema
		if r.Key.Value == nil || k == nil || k.Type != schema.StructType && !k.Type.IsPrimitive() {
			return s.requires(r, "a non-null key and non-null Struct or primitive key schema", "key", r.Key)
		}
	}
	v := r.Value.Schema
	if !deletes && (r.Value.Value == nil || v == nil || v.Type != schema.StructType && v.Type != schema.String) {
		return s.requires(r, "a non-null Struct or String value and non-null Struct or String schema", "value", r.Value)
	}
	if !deletes && v.Type == schema.String && s.stringColumn == "" {
		return connectError("Sink connector '%s' found a String value at (topic='%s',partition=%d,offset=%d), but"+
			" 'string.output.value.column.name' does not say which column it is for.", s.name, r.Topic, r.Kafka.Partition, r.Kafka.Offset)
	}
	if !deletes && v.Type == schema.String {
		return s.checkText(r)
	}
	return nil
}

func (s *sinkSettings) requires(r *connect.Record, what, part string, d connect.Datum) error {
	timestamp := "null"
	if !r.Time.IsZero() {
		timestamp = strconv.FormatInt(r.Time.UnixMilli(), 10)
	}
	class := "null"
	if d.Value != nil {
		class = schema.JavaClass(d.Value)
		class = class[strings.LastIndexByte(class, '.')+1:]
	}
	typ := "null"
	if d.Schema != nil {
		typ = d.Schema.Type.String()
	}
	return connectError("Sink connector '%s' is configured with 'delete.enabled=%t' and 'pk.mode=%s' and therefore requires records with %s,"+
		" but found record at (topic='%s',partition=%d,offset=%d,timestamp=%s) with a %s %s and %s %s schema.",
		s.name, s.deletes, s.pkMode(), what, r.Topic, r.Kafka.Partition, r.Kafka.Offset, timestamp, class, part, typ, part)
}

// settingError is about the settings, and so about every record: none of them is at fault alone.
func settingError(format string, args ...any) error {
	return schema.NewError(config.ExceptionClass, fmt.Sprintf(format, args...), nil)
}

// ofSettings tells whether an error is about the settings.
func ofSettings(err error) bool {
	e, ok := errors.AsType[*schema.Error](err)
	return ok && e.Class == config.ExceptionClass
}

// connectError is an exception of Connect's own.
func connectError(format string, args ...any) error {
	return schema.NewError(schema.ConnectException, fmt.Sprintf(format, args...), nil)
}
