package avro

import (
	"cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Options are the settings of the mapping, which everything that writes Avro has: converters and sinks of files.
type Options struct {
	// Namespace is that of the names that Avro wants and Connect does not have, and of what marks in Connect what only Avro
	// has. "" is Confluent's.
	Namespace string
	// Elder is the mapping of converters that come from an elder one of Confluent's, as AWS Glue's does: it knows neither fixed
	// types nor generalized sums, and marks the defaults of fields without MetaData, too.
	Elder bool
	// Enhanced keeps the symbols of enums and the namespaces of union branches.
	Enhanced bool
	// GeneralizedSums writes enums and unions in the way that the Protobuf and JSON Schema converters share.
	GeneralizedSums bool
	// MetaData adds connect.* properties and reads documentation and parameters.
	MetaData bool
	// Scrub makes invalid names valid.
	Scrub bool
	// DiscardTypeDocDefault keeps Avro's own documentation and defaults instead of a copy in parameters.
	DiscardTypeDocDefault bool
	// OptionalMapKeys lets maps with optional text keys be Avro maps.
	OptionalMapKeys bool
	// FlattenSingletons reads a union of one branch as that branch.
	FlattenSingletons bool
	// NullsOverDefaults writes an optional field that is null as null although it has a default.
	NullsOverDefaults bool
	// CacheSize is for how many schemas the work is kept.
	CacheSize int
}

// Define implements config.Definer.
func (o *Options) Define(d *config.Def) {
	o.DefineBasic(d)
	d.Bool(&o.Scrub, "scrub.invalid.names", false, "Whether to replace what is not valid in names.")
	d.Bool(&o.DiscardTypeDocDefault, "discard.type.doc.default", false,
		"Whether only the documentation and defaults of Avro's own are kept.", config.Low)
	d.Bool(&o.OptionalMapKeys, "allow.optional.map.keys", false,
		"Whether maps whose keys are optional strings become Avro maps, too.", config.Low)
	d.Bool(&o.FlattenSingletons, "flatten.singleton.unions", true, "Whether a union of one schema is read as that schema.", config.Low)
	d.Bool(&o.NullsOverDefaults, "ignore.default.for.nullables", false,
		"Whether an optional field that is null stays null although it has a default.")
	d.Bool(&o.GeneralizedSums, "generalized.sum.type.support", false,
		"Whether enums and unions are represented in the same way as by the converters of Protobuf and JSON Schema.")
}

// DefineBasic declares the settings that converters with other registries have, too.
func (o *Options) DefineBasic(d *config.Def) {
	d.Bool(&o.Enhanced, "enhanced.avro.schema.support", false,
		"Whether to keep the symbols of enums and the namespaces of the records in unions.")
	d.Bool(&o.MetaData, "connect.meta.data", true,
		"Whether Avro schemas get properties that keep what Avro has no place for, and whether those are read.", config.Low)
	d.Int(&o.CacheSize, "schemas.cache.config", 1000, "For how many schemas the conversion is kept.", config.Low)
}

// Defaults are the options that no setting changed.
func Defaults() Options {
	return Options{MetaData: true, FlattenSingletons: true, CacheSize: 1000}
}

// The parameters of Connect schemas that hold what Avro has and Connect does not. Those that begin with a dot are in the
// namespace of the options.
const (
	recordDocParam    = ".record.doc"
	fieldDocParam     = ".field.doc."
	enumDocParam      = ".enum.doc."
	enumDefaultParam  = ".enum.default."
	fieldDefaultParam = ".field.default"
	enumParam         = ".Enum"
	plainRecordDoc    = "connect.record.doc"
	plainEnumDoc      = "connect.enum.doc"
	fixedParam        = "connect.fixed.size"
	precisionParam    = "connect.decimal.precision"
)

// ConfluentNamespace is the namespace of Confluent's converters.
const ConfluentNamespace = "io.confluent.connect.avro"

// namespace is the Namespace that counts.
func (o *Options) namespace() string { return cmp.Or(o.Namespace, ConfluentNamespace) }

// in puts a name that begins with a dot into the namespace.
func (o *Options) in(name string) string { return o.namespace() + name }

// enum is the parameter that marks an enum under these options.
func (o *Options) enum() string {
	if o.GeneralizedSums {
		return schema.GeneralizedEnum
	}
	return o.in(enumParam)
}
