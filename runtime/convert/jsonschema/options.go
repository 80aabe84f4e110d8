package jsonschema

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Options are the settings of the mapping.
type Options struct {
	// Closed forbids members that the schema does not name.
	Closed bool
	// OptionalForNonRequired makes fields optional that are not required.
	OptionalForNonRequired bool
	// GeneralizedSums represents enums and unions in the way that the Avro and Protobuf converters share.
	GeneralizedSums bool
	// FlattenSingletons reads a union of one schema as that schema.
	FlattenSingletons bool
	// NullsOverDefaults writes null for what is null although it has a default.
	NullsOverDefaults bool
	// Decimals is BASE64 or NUMERIC.
	Decimals string
	// CacheSize is for how many schemas the work is kept.
	CacheSize int
	// Glue is the mapping of AWS Glue's converter, for which only Meta, Decimals and CacheSize count.
	Glue bool
	// Meta keeps in Glue's mapping what of Connect's schemas JSON Schema has no place for.
	Meta bool

	open bool
}

// Define implements config.Definer.
func (o *Options) Define(d *config.Def) {
	d.Bool(&o.open, "object.additional.properties", true, "Whether objects may have members that the schema does not name.")
	d.Bool(&o.OptionalForNonRequired, "use.optional.for.nonrequired", false,
		"Whether members that are not required become optional fields.")
	o.defineDecimals(d)
	d.Bool(&o.FlattenSingletons, "flatten.singleton.unions", true, "Whether a union of one schema is read as that schema.", config.Low)
	d.Bool(&o.NullsOverDefaults, "ignore.default.for.nullables", false,
		"Whether an optional field that is null stays null although it has a default.")
	d.Bool(&o.GeneralizedSums, "generalized.sum.type.support", false,
		"Whether enums and unions are represented in the same way as by the converters of Avro and Protobuf.")
	o.defineCache(d)
}

// DefineGlue declares the settings that Glue's mapping has.
func (o *Options) DefineGlue(d *config.Def) {
	o.Glue = true
	d.Bool(&o.Meta, "connect.meta.data", true, "Whether schemas keep what only Connect knows: names, versions, documentation, parameters and defaults.", config.Low)
	o.defineDecimals(d)
	o.defineCache(d)
}

func (o *Options) defineDecimals(d *config.Def) {
	d.String(&o.Decimals, "decimal.format", "BASE64",
		"How decimals are written: base64 as the bytes of the unscaled number, numeric as a JSON number.",
		config.Check(config.CaseInsensitiveIn("NUMERIC", "BASE64")), config.Low)
}

func (o *Options) defineCache(d *config.Def) {
	d.Int(&o.CacheSize, "schemas.cache.config", 1000, "For how many schemas the conversion is kept.", config.Low)
}

// Validate implements connect.Validator.
func (o *Options) Validate() error {
	o.Closed = !o.open
	return nil
}

// Defaults are the options that no setting changed.
func Defaults() Options {
	return Options{FlattenSingletons: true, Decimals: "BASE64", CacheSize: 1000}
}

// Names and parameters of what JSON Schema has and Connect does not.
const (
	namespace  = "io.confluent.connect.json"
	unionName  = convert.JSONUnionName
	enumParam  = namespace + ".Enum"
	idParam    = namespace + ".Id"
	nullMarker = "<NULL>"
)

// The keywords that keep what JSON Schema has no place for.
const (
	typeKey    = "connect.type"
	versionKey = "connect.version"
	indexKey   = "connect.index"
	paramsKey  = "connect.parameters"
)

// enum is the parameter that marks an enum under these options.
func (o *Options) enum() string {
	if o.GeneralizedSums {
		return schema.GeneralizedEnum
	}
	return enumParam
}
