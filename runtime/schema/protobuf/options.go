package protobuf

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Options are the settings of the mapping.
type Options struct {
	// Enhanced keeps the packages of messages, enums and oneofs in names.
	Enhanced bool
	// GeneralizedSums writes enums and oneofs in the way that the Avro and JSON Schema converters share.
	GeneralizedSums bool
	// Scrub makes invalid names valid.
	Scrub bool
	// IntForEnums reads enums as numbers.
	IntForEnums bool
	// OptionalForNullables takes the keyword optional for what makes a field nullable.
	OptionalForNullables bool
	// OptionalForProto2 lets the fields of proto2 that are optional be null.
	OptionalForProto2 bool
	// WrapperForNullables takes the wrapper messages for what makes a field nullable.
	WrapperForNullables bool
	// WrapperForRawPrimitives reads wrapper messages as what they wrap.
	WrapperForRawPrimitives bool
	// StructForNulls reads fields that are not there as their defaults.
	StructForNulls bool
	// IndexForUnions adds a oneof's number to the name of its field.
	IndexForUnions bool
	// FlattenUnions reads the fields of a oneof as those of the message.
	FlattenUnions bool
	// NullsOverDefaults writes an optional field that is null as null although it has a default.
	NullsOverDefaults bool
	// CacheSize is for how many schemas the work is kept.
	CacheSize int
	// Glue is the mapping of AWS Glue's converter, for which only CacheSize counts.
	Glue bool
	// Paths tells in Glue's mapping that messages are numbered as by Confluent's serializers.
	Paths bool
}

// Define implements config.Definer.
func (o *Options) Define(d *config.Def) {
	d.Bool(&o.Enhanced, "enhanced.protobuf.schema.support", false,
		"Whether the names of messages, enums and oneofs keep their package.")
	d.Bool(&o.Scrub, "scrub.invalid.names", false, "Whether to replace what is not valid in names.")
	d.Bool(&o.IntForEnums, "int.for.enums", false, "Whether enums are read as their numbers.")
	d.Bool(&o.OptionalForNullables, "optional.for.nullables", false,
		"Whether nullable fields are those with the keyword optional.")
	d.Bool(&o.OptionalForProto2, "optional.for.proto2", true, "Whether optional fields of proto2 that are not there are null.")
	d.Bool(&o.WrapperForNullables, "wrapper.for.nullables", false,
		"Whether nullable fields of primitive types are those with a wrapper message.")
	d.Bool(&o.WrapperForRawPrimitives, "wrapper.for.raw.primitives", true,
		"Whether a wrapper message is read as what it wraps.")
	d.Bool(&o.StructForNulls, "generate.struct.for.nulls", false,
		"Whether fields that are not there are read as their type's default.")
	d.Bool(&o.IndexForUnions, "generate.index.for.unions", true, "Whether the field of a oneof has the oneof's number in its name.")
	d.Bool(&o.FlattenUnions, "flatten.unions", false, "Whether the fields of a oneof are read as those of the message.")
	d.Bool(&o.NullsOverDefaults, "ignore.default.for.nullables", false,
		"Whether an optional field that is null stays null although it has a default.")
	d.Bool(&o.GeneralizedSums, "generalized.sum.type.support", false,
		"Whether enums and oneofs are represented in the same way as by the converters of Avro and JSON Schema.")
	d.Int(&o.CacheSize, "schemas.cache.config", 1000, "For how many schemas the conversion is kept.", config.Low)
}

// Defaults are the options that no setting changed.
func Defaults() Options {
	return Options{OptionalForProto2: true, WrapperForRawPrimitives: true, IndexForUnions: true, CacheSize: 1000}
}

// The parameters of Connect schemas that hold what Protobuf has and Connect does not.
const (
	namespace      = "io.confluent.connect.protobuf"
	unionPrefix    = namespace + ".Union."
	enumParam      = namespace + ".Enum"
	tagParam       = namespace + ".Tag"
	typeParam      = namespace + ".Type"
	precisionParam = "connect.decimal.precision"
)

// The entries of the option (confluent.field_meta).
const (
	metaType      = "connect.type"
	metaScale     = "scale"
	metaPrecision = "precision"
)

// enum is the parameter that marks an enum under these options.
func (o *Options) enum() string {
	if o.GeneralizedSums {
		return schema.GeneralizedEnum
	}
	return enumParam
}
