package registry

import (
	"slices"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/convert"
)

// common are the settings that all converters with a registry share.
type common struct {
	connection

	kind                     string
	keyStrategy, strategy    string
	keyWriter, valueWriter   string
	keyReader, valueReader   string
	autoRegister, normalize  bool
	useLatest, latestStrict  bool
	useID                    int
	idStrict                 bool
	perSubject, latestAtMost int
	latestTTL                int
}

func (c *common) define(d *config.Def) {
	d.String(&c.kind, convert.TypeKey, "", "How this converter will be used.", config.Required(),
		config.Check(config.In(convert.KeyType, convert.ValueType, convert.HeaderType)), config.Low)
	c.connection.define(d, config.Required())
	d.Bool(&c.autoRegister, "auto.register.schemas", true, "Whether schemas that the registry does not know are registered.")
	d.Bool(&c.normalize, "normalize.schemas", false, "Whether the registry compares schemas without what means nothing, such as the order of properties.")
	d.Int(&c.useID, "use.schema.id", -1, "The number of the schema to write with, if auto.register.schemas is false. -1 is none.", config.Low)
	d.Bool(&c.idStrict, "id.compatibility.strict", true, "Whether that schema must be able to read what is written.", config.Low)
	d.Bool(&c.useLatest, "use.latest.version", false,
		"Whether to write with the subject's latest schema, if auto.register.schemas is false, and to read as it.", config.Low)
	d.Bool(&c.latestStrict, "latest.compatibility.strict", true, "Whether that schema must be able to read what is written.", config.Low)
	d.Int(&c.latestAtMost, "latest.cache.size", 1000, "How many latest schemas are remembered.", config.Low)
	d.Int(&c.latestTTL, "latest.cache.ttl.sec", -1, "How many seconds a latest schema is remembered, -1 for ever.", config.Low)
	d.Int(&c.perSubject, "max.schemas.per.subject", 1000, "How many schemas of a subject are remembered.", config.Low)
	d.Class(&c.keyStrategy, "key.subject.name.strategy", topicStrategy, "How the subject of keys is named.", config.Resolve(strategies), config.Low)
	d.Class(&c.strategy, "value.subject.name.strategy", topicStrategy, "How the subject of values is named.", config.Resolve(strategies), config.Low)
	d.Class(&c.keyWriter, "key.schema.id.serializer", prefixWriter, "Where the schema of a key is noted.", config.Resolve(oneOf(prefixWriter, headerWriter)), config.Low)
	d.Class(&c.valueWriter, "value.schema.id.serializer", prefixWriter, "Where the schema of a value is noted.", config.Resolve(oneOf(prefixWriter, headerWriter)), config.Low)
	d.Class(&c.keyReader, "key.schema.id.deserializer", dualReader, "Where the schema of a key is looked for.", config.Resolve(oneOf(dualReader, prefixReader)), config.Low)
	d.Class(&c.valueReader, "value.schema.id.deserializer", dualReader, "Where the schema of a value is looked for.", config.Resolve(oneOf(dualReader, prefixReader)), config.Low)
}

// defineReading declares what is needed to read only, from a registry that need not be there.
func (c *common) defineReading(d *config.Def) {
	c.connection.define(d)
	c.keyStrategy, c.strategy, c.keyReader, c.valueReader = topicStrategy, topicStrategy, prefixReader, prefixReader
	c.latestTTL = -1
}

// The classes that note the number of a schema, and look for it.
const (
	prefixWriter = "io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer"
	headerWriter = "io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer"
	prefixReader = "io.confluent.kafka.serializers.schema.id.PrefixSchemaIdDeserializer"
	dualReader   = "io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer"
)

func (c *common) isKey() bool { return c.kind == convert.KeyType }

// subjects is the strategy that counts, with the setting that names it.
func (c *common) subjects() (setting, class string) {
	if c.isKey() {
		return "key.subject.name.strategy", c.keyStrategy
	}
	return "value.subject.name.strategy", c.strategy
}

func (c *common) inHeader() bool {
	if c.isKey() {
		return c.keyWriter == headerWriter
	}
	return c.valueWriter == headerWriter
}

func (c *common) looksAtHeader() bool {
	if c.isKey() {
		return c.keyReader == dualReader
	}
	return c.valueReader == dualReader
}

func (c *common) headerName() string {
	if c.isKey() {
		return "__key_schema_id"
	}
	return "__value_schema_id"
}

// open connects to the registry, which asks it nothing yet.
func (c *common) open() (NumberedPort, error) {
	cl, err := c.connection.open()
	if err != nil {
		return nil, err
	}
	cl.latestTTL = time.Duration(c.latestTTL) * time.Second
	return cl, nil
}

func oneOf(classes ...string) config.Resolver {
	return func(name string) (string, bool) { return name, slices.Contains(classes, name) }
}
