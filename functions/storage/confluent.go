package storage

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// Confluent are the settings that Confluent's file sinks have in common.
type Confluent struct {
	// Prefix is the package of the system's own classes, such as io.confluent.connect.s3.format.
	Prefix string
	// Ends tells that names end with the last offset, too, as those on HDFS do.
	Ends bool
	// DefaultFormat is the default of format.class; there is none if it is empty.
	DefaultFormat string
	// PlainParquet leaves the codec out of the extension of Parquet files.
	PlainParquet bool
	// Dir makes the folder of a topic of topics.dir. Defaults to topics.dir itself.
	Dir func(topic, dir string) string
	// DefaultPadding is the default of filename.offset.zero.pad.width. Defaults to 10.
	DefaultPadding int

	kept                        kept
	flush                       int
	flushGiven                  bool
	rotate, schedule            int64
	onChange                    bool
	places                      int
	formatClass                 string
	keys, headers               bool
	keysClass, headersClass     string
	avroCodec, parquetCodec     string
	decimals                    string
	bytesExtension, bytesEnd    string
	bytesEndGiven               bool
	compatibility, nulls, tombs string
	dir, dirDelim, fileDelim    string
	pad                         int
	avro                        avro.Options

	partitioner      string
	fields           []string
	fieldNames       bool
	path             string
	duration         int64
	locale, zone     string
	extractor, field string
}

// Define declares the settings, as Confluent's connectors do.
func (c *Confluent) Define(def *config.Def) {
	d := keeper{def, &c.kept}
	format := []config.Option{config.High, config.Group("Connector", 1)}
	if c.DefaultFormat == "" {
		format = append(format, config.NullDefault())
	}
	d.String(&c.formatClass, "format.class", c.DefaultFormat, "The format of files: JsonFormat, AvroFormat, ParquetFormat, ByteArrayFormat or StringFormat.",
		format...)
	d.Int(&c.flush, "flush.size", 0, "How many records of a topic partition complete its files.",
		config.NullDefault(), config.Given(&c.flushGiven), config.Check(positive()), config.High, config.Group("Connector", 2))
	d.Long(&c.rotate, "rotate.interval.ms", -1, "How far, in milliseconds, the times of a file's records may lie apart; -1 for any distance. "+
		"Times are those of the timestamp extractor, so that only a partitioner by time has any.", config.High, config.Group("Connector", 3))
	d.Long(&c.schedule, "rotate.schedule.interval.ms", -1, "Completes files at multiples of this many milliseconds since midnight in timezone, "+
		"whether records come or not; -1 for never.", config.Medium, config.Group("Connector", 4))
	d.Bool(&c.onChange, "rotate.file.on.partition.change", true, "Whether a record that belongs into another folder than the one before "+
		"completes files. Only with rotate.interval.ms.", config.Low, config.Group("Connector", 5))
	d.Int(&c.places, "partitioner.max.open.files", -1, "How many folders may have open files, for each topic partition; -1 for any number.",
		config.Low, config.Group("Connector", 6))
	d.String(&c.compatibility, "schema.compatibility", "NONE", "Which changes of the schema the records of one file may have: NONE, BACKWARD, FORWARD or FULL.",
		config.Check(config.In("NONE", "BACKWARD", "FORWARD", "FULL")), config.High, config.Group("Connector", 7))
	d.String(&c.nulls, "behavior.on.null.values", "fail", "What happens to records without a value: fail, ignore, or write, which needs store.kafka.keys.",
		config.Check(config.CaseInsensitiveIn("fail", "ignore", "write")), config.Low, config.Group("Connector", 8))
	d.String(&c.tombs, "tombstone.encoded.partition", "tombstone", "The folder of records without a value.", config.Low, config.Group("Connector", 9))
	d.Bool(&c.keys, "store.kafka.keys", false, "Whether keys are written, into files of their own.", config.Low, config.Group("Connector", 10))
	d.Bool(&c.headers, "store.kafka.headers", false, "Whether headers are written, into files of their own.", config.Low, config.Group("Connector", 11))
	d.String(&c.keysClass, "keys.format.class", "", "The format of keys. Defaults to that of values.", config.NullDefault(), config.Low, config.Group("Connector", 12))
	d.String(&c.headersClass, "headers.format.class", "", "The format of headers. Defaults to that of values.", config.NullDefault(), config.Low, config.Group("Connector", 13))
	c.defineFormats(d)
	c.definePartitioner(d)
}

func (c *Confluent) defineFormats(d keeper) {
	padding := c.DefaultPadding
	if padding == 0 {
		padding = 10
	}
	d.String(&c.avroCodec, "avro.codec", "null", "How Avro files are compressed: null, deflate, snappy, zstandard.",
		config.Check(config.In("null", "deflate", "snappy", "bzip2", "zstandard")), config.Low, config.Group("Connector", 14))
	d.String(&c.parquetCodec, "parquet.codec", "snappy", "How Parquet files are compressed: none, gzip, snappy, lz4, brotli, zstd.",
		config.Check(config.In("none", "uncompressed", "gzip", "snappy", "lz4", "brotli", "zstd")), config.Low, config.Group("Connector", 15))
	d.String(&c.decimals, "json.decimal.format", "BASE64", "How JSON has decimals: BASE64 or NUMERIC.",
		config.Check(config.CaseInsensitiveIn("BASE64", "NUMERIC")), config.Low, config.Group("Connector", 16))
	d.String(&c.bytesExtension, "format.bytearray.extension", ".bin", "The extension of byte array files.", config.Low, config.Group("Connector", 17))
	d.String(&c.bytesEnd, "format.bytearray.separator", "", "What stands behind each record of a byte array file. Defaults to the end of a line.",
		config.NullDefault(), config.Given(&c.bytesEndGiven), config.Low, config.Group("Connector", 18))
	d.Include(&c.avro)
	d.keepAvro(&c.avro)
	d.String(&c.dir, "topics.dir", "topics", "The folder of all files.", config.High, config.Group("Storage", 1))
	d.String(&c.dirDelim, "directory.delim", "/", "What stands between folders.", config.Medium, config.Group("Storage", 2))
	d.String(&c.fileDelim, "file.delim", "+", "What stands between the parts of a file's name.", config.Medium, config.Group("Storage", 3))
	d.Int(&c.pad, "filename.offset.zero.pad.width", padding, "How many digits offsets have in names.",
		config.Check(config.AtLeast(0)), config.Low, config.Group("Storage", 4))
}

func (c *Confluent) definePartitioner(d keeper) {
	d.String(&c.partitioner, "partitioner.class", "io.confluent.connect.storage.partitioner.DefaultPartitioner",
		"What folders are made of: DefaultPartitioner, FieldPartitioner, TimeBasedPartitioner, DailyPartitioner or HourlyPartitioner.",
		config.High, config.Group("Partitioner", 1))
	d.List(&c.fields, "partition.field.name", nil, "The fields of the FieldPartitioner.", config.Medium, config.Group("Partitioner", 2))
	d.Bool(&c.fieldNames, "partition.field.format.path", true, "Whether the FieldPartitioner writes names of fields, too.", config.Low, config.Group("Partitioner", 3))
	d.Long(&c.duration, "partition.duration.ms", -1, "How much time a folder of the TimeBasedPartitioner spans.", config.Medium, config.Group("Partitioner", 4))
	d.String(&c.path, "path.format", "", "The folders of the TimeBasedPartitioner, as a pattern of Joda-Time.", config.Medium, config.Group("Partitioner", 5))
	d.String(&c.locale, "locale", "", "The locale of partitioners by time, such as en-US.", config.Medium, config.Group("Partitioner", 6))
	d.String(&c.zone, "timezone", "", "The time zone of partitioners by time and of rotate.schedule.interval.ms.", config.Medium, config.Group("Partitioner", 7))
	d.String(&c.extractor, "timestamp.extractor", "Wallclock", "The time of a record: Wallclock, Record or RecordField.", config.Medium, config.Group("Partitioner", 8))
	d.String(&c.field, "timestamp.field", "timestamp", "The field that RecordField takes.", config.Medium, config.Group("Partitioner", 9))
}

// TopicsDir is the folder of all files.
func (c *Confluent) TopicsDir() string { return c.dir }

// FileDelim is what stands between the parts of a file's name.
func (c *Confluent) FileDelim() string { return c.fileDelim }

// AvroCodec is how Avro files are compressed.
func (c *Confluent) AvroCodec() string { return c.avroCodec }

// Settings are the settings as texts.
func (c *Confluent) Settings() map[string]string { return c.kept.texts() }

// Shape makes the shape of files of the settings.
func (c *Confluent) Shape(codec *Codec) (*Shape, error) {
	if c.formatClass == "" {
		return nil, missing("format.class")
	}
	if !c.flushGiven {
		return nil, missing("flush.size")
	}
	s := &Shape{
		Settings: c.Settings(), Schemas: Compatibility(c.compatibility), Nulls: strings.ToLower(c.nulls),
		Rotation: Rotation{
			Records: c.flush, Interval: time.Duration(max(0, c.rotate)) * time.Millisecond, OnChange: c.onChange,
			Schedule: time.Duration(max(0, c.schedule)) * time.Millisecond, Places: c.places,
		},
		Views: map[View]Format{},
	}
	partitioner, err := c.partitions(s)
	if err != nil {
		return nil, err
	}
	if s.Nulls == "write" && !c.keys {
		return nil, config.Invalid("behavior.on.null.values", c.nulls, "it needs store.kafka.keys=true: of a record without a value, only the key can be written")
	}
	if s.Rotation.Schedule > 0 {
		if s.Rotation.Zone, err = zoneOf(c.zone); err != nil {
			return nil, err
		}
	}
	s.Layout = &folders{c: c, partitioner: partitioner}
	if s.Format, err = c.format("format.class", c.formatClass, codec); err != nil {
		return nil, err
	}
	if c.keys {
		if s.Views[Keys], err = c.format("keys.format.class", orElse(c.keysClass, c.formatClass), codec); err != nil {
			return nil, err
		}
	}
	if c.headers {
		if s.Views[Headers], err = c.format("headers.format.class", orElse(c.headersClass, c.formatClass), codec); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// missing is Kafka's error about a setting that must be given. The settings of two connectors share one declaration, so
// that neither's can be declared as required.
func missing(name string) error {
	return config.Errorf(name, "Missing required configuration %q which has no default value.", name)
}

func positive() config.Validator {
	return config.Func("[1,...]", func(name string, value any) error {
		if n, ok := value.(int32); ok && n < 1 {
			return config.Invalid(name, value, "Value must be at least 1")
		}
		return nil
	})
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// simple is the simple name of a class.
func simple(class string) string { return class[strings.LastIndexByte(class, '.')+1:] }

func (c *Confluent) format(key, class string, codec *Codec) (Format, error) {
	switch simple(class) {
	case "JsonFormat":
		return newJSONLines(codec, strings.ToUpper(c.decimals))
	case "ByteArrayFormat":
		end := "\n"
		if c.bytesEndGiven {
			end = c.bytesEnd
		}
		return newByteArrays(codec, c.bytesExtension, end), nil
	case "StringFormat":
		return newTexts(codec), nil
	case "AvroFormat":
		if c.avroCodec == "bzip2" {
			return nil, config.Invalid("avro.codec", c.avroCodec, "codecs are null, deflate, snappy and zstandard")
		}
		return &container{extension: ".avro", codec: c.avroCodec, rows: newRows(c.avro, nil, false)}, nil
	case "ParquetFormat":
		extension := parquetExtension
		if c.PlainParquet {
			extension = func(string) string { return ".parquet" }
		}
		return newColumns(extension, c.parquetCodec, newRows(c.avro, nil, false))
	}
	return nil, config.Invalid(key, class, "formats are JsonFormat, AvroFormat, ParquetFormat, ByteArrayFormat and StringFormat")
}

// partitions makes the partitioner, and notes what rotation wants to know of it.
func (c *Confluent) partitions(s *Shape) (Partitioner, error) {
	path, duration := c.path, time.Duration(c.duration)*time.Millisecond
	switch simple(c.partitioner) {
	case "DefaultPartitioner":
		return &byKafka{}, nil
	case "FieldPartitioner":
		if len(c.fields) == 0 {
			return nil, config.Invalid("partition.field.name", c.fields, "the FieldPartitioner needs the names of fields")
		}
		return byFields{names: c.fields, delim: c.dirDelim, format: c.fieldNames}, nil
	case "TimeBasedPartitioner":
		if c.duration <= 0 {
			return nil, config.Invalid("partition.duration.ms", c.duration, "Partition duration needs to be a positive.")
		}
		if path == "" || path == c.dirDelim {
			return nil, config.Invalid("path.format", path, "Path format cannot be empty.")
		}
	case "DailyPartitioner":
		path = strings.Join([]string{"'year'=YYYY", "'month'=MM", "'day'=dd"}, c.dirDelim)
		duration = 24 * time.Hour
	case "HourlyPartitioner":
		path = strings.Join([]string{"'year'=YYYY", "'month'=MM", "'day'=dd", "'hour'=HH"}, c.dirDelim)
		duration = time.Hour
	default:
		return nil, config.Invalid("partitioner.class", c.partitioner,
			"partitioners are DefaultPartitioner, FieldPartitioner, TimeBasedPartitioner, DailyPartitioner and HourlyPartitioner")
	}
	if c.locale == "" {
		return nil, config.Invalid("locale", c.locale, "Locale cannot be empty.")
	}
	zone, err := zoneOf(c.zone)
	if err != nil {
		return nil, err
	}
	pattern, err := ParsePattern(path, c.locale)
	if err != nil {
		return nil, config.Invalid("path.format", path, err.Error())
	}
	if s.Extract, err = c.extract(); err != nil {
		return nil, err
	}
	_, s.Rotation.Wallclock = s.Extract.(wallclock)
	return &byTime{pattern: pattern, duration: duration, zone: zone, extract: s.Extract}, nil
}

func zoneOf(name string) (*time.Location, error) {
	if name == "" {
		return nil, config.Invalid("timezone", name, "Timezone cannot be empty.")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		if t, err := time.Parse("-07:00", name); err == nil { // Joda-Time knows offsets as zones
			return t.Location(), nil
		}
		return nil, config.Invalid("timezone", name, fmt.Sprintf("The datetime zone id '%s' is not recognised", name))
	}
	return zone, nil
}

func (c *Confluent) extract() (Extractor, error) {
	name := simple(c.extractor)
	if i := strings.LastIndexByte(name, '$'); i >= 0 {
		name = name[i+1:]
	}
	switch strings.TrimSuffix(name, "TimestampExtractor") {
	case "Wallclock":
		return wallclock{}, nil
	case "Record":
		return recordTime{}, nil
	case "RecordField":
		return recordField{c.field}, nil
	}
	return nil, config.Invalid("timestamp.extractor", c.extractor, "extractors are Wallclock, Record and RecordField")
}

// folders is the layout of Confluent's sinks: topics.dir/topic/encoded partition/topic+partition+offset.ext.
type folders struct {
	c           *Confluent
	partitioner Partitioner
}

// Place implements Layout.
func (f *folders) Place(r *connect.Record, now time.Time, _ Open) (string, error) {
	if r.Value.Value == nil {
		return f.c.tombs, nil
	}
	return f.partitioner.Encode(r, now)
}

// Name implements Layout.
func (f *folders) Name(file *File) string {
	c := f.c
	var out strings.Builder
	dir := c.dir
	if c.Dir != nil {
		dir = c.Dir(file.Topic, dir)
	}
	for _, part := range []string{dir, file.Topic, file.Place} {
		if part != "" {
			out.WriteString(part)
			out.WriteString(c.dirDelim)
		}
	}
	out.WriteString(file.Topic)
	out.WriteString(c.fileDelim)
	out.WriteString(strconv.Itoa(int(file.Partition)))
	out.WriteString(c.fileDelim)
	out.WriteString(padded(file.Start, c.pad))
	if c.Ends {
		out.WriteString(c.fileDelim)
		out.WriteString(padded(file.End, c.pad))
	}
	if file.View != "" {
		out.WriteString("." + string(file.View))
	}
	out.WriteString(file.Extension)
	return out.String()
}

func padded(n int64, width int) string { return fmt.Sprintf("%0*d", max(1, width), n) }
