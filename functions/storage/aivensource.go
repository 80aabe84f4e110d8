package storage

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// AivenSource are the settings that Aiven's file sources have in common.
type AivenSource struct {
	// Bucket and Folder are where files are; names are matched without the folder.
	Bucket, Folder string
	// Window is for how many files it is remembered which ones were read.
	Window int

	template             string
	topic                string
	topics               []string
	format, distribution string
	start                string
	batch, block         int
	compression          string
	fields               []string
	encoding             string
	tolerance            string
}

// Define declares the settings, as Aiven's connectors do.
func (a *AivenSource) Define(d *config.Def) {
	d.String(&a.template, "file.name.template", "", "What names of files look like: a regular expression in which {{topic}}, {{partition}}, {{start_offset}} and {{timestamp}} stand for "+
		"what they stand for in names. .* takes every file.", config.NullDefault(), config.High, config.Group("File", 0))
	d.String(&a.topic, "topic", "", "The topic of files whose name says none.", config.NullDefault(), config.High, config.Group("File", 1))
	d.List(&a.topics, "topics", nil, "Another name of topic: the first one counts.", config.High, config.Group("File", 2))
	d.String(&a.format, "input.format", "bytes", "The format of files: avro, parquet, jsonl, bytes; or json, an array, and csv, which Aiven's sinks write.",
		config.Check(config.CaseInsensitiveIn("avro", "parquet", "jsonl", "json", "csv", "bytes")), config.Medium, config.Group("Format", 0))
	d.String(&a.distribution, "distribution.type", "object_hash", "How files are shared out to tasks: object_hash, by their names, or partition, by the partition in their names.",
		config.Check(config.CaseInsensitiveIn("object_hash", "partition")), config.Medium, config.Group("File", 3))
	d.String(&a.start, "native.start.key", "", "Files whose name is not greater are left alone.", config.NullDefault(), config.Low, config.Group("File", 4))
	d.Int(&a.batch, "max.poll.records", 500, "How many records a poll returns at most.", config.Check(config.AtLeast(1)), config.Medium, config.Group("Other", 0))
	d.Int(&a.block, "transformer.max.buffer.size", 4096, "How many bytes a record of the format bytes has.", config.Check(config.AtLeast(1)), config.Low, config.Group("Format", 1))
	d.String(&a.compression, "file.compression.type", "", "How files of text are compressed: none, gzip, snappy or zstd. Without it, their extension tells.",
		config.NullDefault(), config.Medium, config.Group("Format", 2))
	d.List(&a.fields, "format.output.fields", []string{fieldValue}, "What the columns of csv are, in their order: key, value, offset, timestamp, headers.",
		config.Check(config.ListOf(fieldKey, fieldValue, fieldOffset, fieldTimestamp, fieldHeaders)), config.Low, config.Group("Format", 3))
	d.String(&a.encoding, "format.output.fields.value.encoding", "base64", "How csv has values: base64 or none.",
		config.Check(config.CaseInsensitiveIn("base64", "none")), config.Low, config.Group("Format", 4))
	d.String(&a.tolerance, "errors.tolerance", "none", "", config.Borrowed())
}

// folderSlices is how many slices the files of a folder have. It does not depend on the number of tasks, so that this may change; more
// tasks than slices have nothing to do.
const folderSlices = 8

// Tasks is how many tasks there is work for.
func (a *AivenSource) Tasks(limit int) int { return min(limit, folderSlices) }

// Source makes the core of a source of the settings, but for its shelf.
func (a *AivenSource) Source() (*Source, error) {
	s := &Source{
		Root: a.Folder, Batch: a.batch, Window: a.Window, Tolerant: strings.EqualFold(a.tolerance, "all"),
		Partition: func(stream string) map[string]any {
			folder, slice, _ := strings.Cut(stream, "\x00")
			return map[string]any{"bucket": a.Bucket, "folder": folder, "slice": slice}
		},
	}
	var err error
	if s.Reading, err = a.reading(); err != nil {
		return nil, err
	}
	s.Route, err = a.route()
	return s, err
}

func (a *AivenSource) reading() (Reading, error) {
	codec := strings.ToLower(a.compression)
	if codec != "" && !slices.Contains([]string{"none", "gzip", "snappy", "zstd"}, codec) {
		return nil, config.Invalid("file.compression.type", a.compression, "compressions are none, gzip, snappy and zstd")
	}
	text := &textReading{codec: codec}
	switch strings.ToLower(a.format) {
	case "avro":
		return &avroReading{data: avro.New(avro.Defaults())}, nil
	case "parquet":
		return &parquetReading{data: avro.New(avro.Defaults())}, nil
	case "json", "jsonl":
		converter, err := jsonConverter(map[string]string{"schemas.enable": "false"})
		if err != nil {
			return nil, err
		}
		text.split, text.item = splitBy("\n"), jsonItem(converter)
		if strings.EqualFold(a.format, "json") {
			text.split = splitJSON
		}
	case "csv":
		text.split, text.item = splitBy("\n"), csvItem(a.fields, strings.EqualFold(a.encoding, "none"))
	default:
		text.split, text.item = splitBlocks(a.block), bytesItem(nil)
	}
	return text, nil
}

// The groups of a template's regular expression.
const (
	groupTopic     = "topic"
	groupPartition = "partition"
)

// expression makes a regular expression of the template.
func (a *AivenSource) expression() (*regexp.Regexp, error) {
	if a.template == "" {
		return nil, missing("file.name.template")
	}
	text := strings.NewReplacer("{{topic}}", `(?P<`+groupTopic+`>[a-zA-Z0-9\-_.]+)`, "{{partition}}", `(?P<`+groupPartition+`>\d+)`,
		"{{start_offset}}", `(?:\d+)`, "{{timestamp}}", `(?:\d+)`).Replace(a.template)
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, config.Invalid("file.name.template", a.template, err.Error())
	}
	return re, nil
}

func (a *AivenSource) route() (func(name string) (Route, bool, error), error) {
	re, err := a.expression()
	if err != nil {
		return nil, err
	}
	topic, partition := re.SubexpIndex(groupTopic), re.SubexpIndex(groupPartition)
	fallback := a.topic
	if fallback == "" && len(a.topics) > 0 {
		fallback = a.topics[0]
	}
	if topic < 0 && fallback == "" {
		return nil, config.Invalid("topic", a.topic, "there is no topic: neither does file.name.template say {{topic}}")
	}
	byPartition := strings.EqualFold(a.distribution, "partition")
	if byPartition && partition < 0 {
		return nil, config.Invalid("distribution.type", a.distribution, "file.name.template says no {{partition}}")
	}
	return func(name string) (Route, bool, error) {
		groups := re.FindStringSubmatch(strings.TrimPrefix(name, a.Folder))
		if groups == nil || name <= a.start {
			return Route{}, false, nil
		}
		r := Route{Topic: fallback, Partition: connect.AnyPartition, Key: connect.Datum{Value: []byte(name)}}
		if topic >= 0 {
			r.Topic = groups[topic]
			r.Series = r.Topic
		}
		if partition >= 0 {
			n, err := strconv.ParseInt(groups[partition], 10, 32)
			if err != nil {
				return Route{}, false, schema.Errorf("Unable to extract Partition id from %s.", name)
			}
			r.Partition, r.Series = int32(n), r.Series+"-"+groups[partition]
		}
		r.Share = hash(name) % folderSlices
		if byPartition {
			r.Share = uint64(r.Partition) % folderSlices //nolint:gosec // it is made of digits
		}
		folder := name[:strings.LastIndexByte(name, '/')+1]
		r.Stream = folder + "\x00" + strconv.FormatUint(r.Share, 10)
		return r, true, nil
	}, nil
}

// CheckOffsets checks offsets that a user wants to set.
func (a *AivenSource) CheckOffsets(offsets connect.Offsets) error {
	return checkOffsets(offsets, "bucket", "folder", "slice")
}
