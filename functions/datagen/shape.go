package datagen

import (
	"fmt"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Names under which Confluent's converter keeps in a Connect schema what only Avro knows.
const (
	unionName    = "io.confluent.connect.avro.Union"
	enumParam    = "io.confluent.connect.avro.Enum"
	enumDoc      = "io.confluent.connect.avro.enum.doc."
	enumDefault  = "io.confluent.connect.avro.enum.default."
	recordDoc    = "io.confluent.connect.avro.record.doc"
	fieldDoc     = "io.confluent.connect.avro.field.doc."
	fieldDefault = "io.confluent.connect.avro.field.default"
	fixedSize    = "connect.fixed.size"
	precision    = "connect.decimal.precision"
)

// shape returns the Connect schema of an Avro schema, as Confluent's Avro converter translates it.
func (a *avro) shape(opts ...schema.Option) (*schema.Schema, error) {
	switch a.kind {
	case "null":
		return nil, fmt.Errorf("null alone is no type that Connect has")
	case "record":
		return a.recordShape(opts)
	case "union":
		return a.unionShape(opts)
	case "array":
		items, err := a.items.shape()
		return schema.ArrayOf(items, opts...), err
	case "map":
		values, err := a.items.shape()
		return schema.MapOf(schema.Of(schema.String), values, opts...), err
	}
	if s := a.logicalShape(opts); s != nil {
		return s, nil
	}
	own, t := a.scalar()
	return schema.Of(t, append(own, opts...)...), nil
}

// scalar returns the type, and what is said of it, of everything that has no parts.
func (a *avro) scalar() (own []schema.Option, t schema.Type) {
	switch a.kind {
	case "boolean":
		return nil, schema.Boolean
	case "int":
		return nil, schema.Int32
	case "long":
		return nil, schema.Int64
	case "float":
		return nil, schema.Float32
	case "double":
		return nil, schema.Float64
	case "bytes":
		return nil, schema.Bytes
	case "fixed":
		return []schema.Option{schema.Named(a.fullName()), schema.WithParam(fixedSize, strconv.Itoa(a.size))}, schema.Bytes
	case "enum":
		own = append(own, schema.Named(a.fullName()))
		if a.doc != "" {
			own = append(own, schema.WithParam(enumDoc+a.name, a.doc))
		}
		if a.symbol != "" {
			own = append(own, schema.WithParam(enumDefault+a.name, a.symbol))
		}
		own = append(own, schema.WithParam(enumParam, a.fullName()))
		for _, s := range a.symbols {
			own = append(own, schema.WithParam(enumParam+"."+s, s))
		}
	}
	return own, schema.String
}

// logicalShape returns the schema of a logical type that Connect has too.
func (a *avro) logicalShape(opts []schema.Option) *schema.Schema {
	switch a.logicalKind() {
	case "date":
		return schema.DateOf(opts...)
	case "time-millis":
		return schema.TimeOf(opts...)
	case "timestamp-millis":
		return schema.TimestampOf(opts...)
	case "decimal":
		if a.precision > 0 {
			opts = append([]schema.Option{schema.WithParam(precision, strconv.Itoa(a.precision))}, opts...)
		}
		return schema.DecimalOf(int32(a.scale), opts...)
	}
	return nil
}

// logicalKind is the logical type if it fits the type below it.
func (a *avro) logicalKind() string {
	switch a.kind + " " + a.logical {
	case "int date", "int time-millis", "long timestamp-millis", "bytes decimal":
		return a.logical
	}
	return ""
}

func (a *avro) recordShape(opts []schema.Option) (*schema.Schema, error) {
	own := []schema.Option{schema.Named(a.fullName())}
	if a.doc != "" {
		own = append(own, schema.WithParam(recordDoc, a.doc))
	}
	fields := make([]schema.Field, 0, len(a.fields))
	for _, f := range a.fields {
		if f.doc != "" {
			own = append(own, schema.WithParam(fieldDoc+f.name, f.doc))
		}
		s, err := f.shape()
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.name, err)
		}
		fields = append(fields, schema.F(f.name, s))
	}
	return schema.StructOf(fields, append(own, opts...)...), nil
}

// shape is the schema of a field, which may have a default. That of a type that may be null is not taken over.
func (f avroField) shape() (*schema.Schema, error) {
	optional, only := f.typ.optional()
	if !f.hasDefault || optional && only != nil {
		return f.typ.shape()
	}
	marked := schema.WithParam(fieldDefault, "true")
	if f.def == nil {
		return f.typ.shape(marked)
	}
	bare, err := f.typ.shape()
	if err != nil {
		return nil, err
	}
	v, err := f.typ.literal(f.def, bare, latin1)
	if err != nil {
		return nil, fmt.Errorf("default: %w", err)
	}
	return f.typ.shape(marked, schema.Default(v))
}

// optional tells whether a type may be null and, when it is a union of null and one other, that other.
func (a *avro) optional() (optional bool, only *avro) {
	if a.kind != "union" {
		return false, nil
	}
	for _, b := range a.branches {
		if b.kind == "null" {
			optional = true
		} else {
			only = b
		}
	}
	if !optional || len(a.branches) != 2 {
		only = nil
	}
	return optional, only
}

func (a *avro) unionShape(opts []schema.Option) (*schema.Schema, error) {
	optional, only := a.optional()
	if only != nil {
		return only.shape(append(opts, schema.Optional())...)
	}
	own := []schema.Option{schema.Named(unionName)}
	if optional {
		own = append(own, schema.Optional())
	}
	var fields []schema.Field
	for _, b := range a.branches {
		if b.kind == "null" {
			continue
		}
		s, err := b.shape(schema.Optional())
		if err != nil {
			return nil, err
		}
		fields = append(fields, schema.F(b.branchName(), s))
	}
	return schema.StructOf(fields, append(own, opts...)...), nil
}
