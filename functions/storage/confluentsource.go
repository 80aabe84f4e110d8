package storage

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// ConfluentSource are the settings that Confluent's file sources have in common.
type ConfluentSource struct {
	// Names is the default of filename.regex, whose groups are a topic and a partition.
	Names string

	mode, formatClass        string
	bytesExtension, bytesEnd string
	bytesEndGiven            bool
	batch, files             int
	dir, delim               string
	names                    string
	topics                   []string
	since                    int64
	onError                  string
	partitioner, path        string
	fields                   []string
	window                   int
	avro                     avro.Options
}

// The values of mode.
const (
	modeRestore = "RESTORE_BACKUP"
	modeGeneric = "GENERIC"
)

// Define declares the settings, as Confluent's connectors do.
func (c *ConfluentSource) Define(d *config.Def) {
	d.String(&c.mode, "mode", modeRestore, "RESTORE_BACKUP reads what the sink wrote, back into topics and partitions that the names of files say. "+
		"GENERIC reads any files into the topics of topic.regex.list.", config.Check(config.CaseInsensitiveIn(modeRestore, modeGeneric)), config.High, config.Group("Connector", 1))
	d.String(&c.formatClass, "format.class", "", "The format of files: JsonFormat, AvroFormat, ParquetFormat, ByteArrayFormat or StringFormat. Files whose extension is "+
		"another are left alone; .gz, .snappy and .zst behind it are understood.", config.NullDefault(), config.High, config.Group("Connector", 2))
	d.List(&c.topics, "topic.regex.list", nil, "For GENERIC: topic:regex, separated by commas. A file goes to the topic of the first regular expression that is found in its name.",
		config.High, config.Group("Connector", 3))
	d.Int(&c.batch, "record.batch.max.size", 200, "How many records a poll returns at most.", config.Check(config.AtLeast(1)), config.Medium, config.Group("Connector", 4))
	d.Int(&c.files, "task.batch.size", 10, "Ignored: a task reads its files one after the other.", config.Check(config.AtLeast(1)), config.Low, config.Group("Connector", 5))
	d.Long(&c.since, "file.discovery.starting.timestamp", 0, "Files last changed before this time, in milliseconds since 1970, are left alone.",
		config.Check(config.AtLeast(0)), config.Low, config.Group("Connector", 6))
	d.String(&c.onError, "behavior.on.error", "FAIL", "What happens at a record that cannot be read: FAIL stops the task, IGNORE and LOG pass over it. Where nobody knows where the next "+
		"record begins, the rest of the file is passed over.", config.Check(config.CaseInsensitiveIn("FAIL", "IGNORE", "LOG")), config.Low, config.Group("Connector", 7))
	d.String(&c.bytesExtension, "format.bytearray.extension", ".bin", "The extension of byte array files.", config.Low, config.Group("Connector", 8))
	d.String(&c.bytesEnd, "format.bytearray.separator", "", "What stands behind each record of a byte array file. Defaults to the end of a line.",
		config.NullDefault(), config.Given(&c.bytesEndGiven), config.Low, config.Group("Connector", 9))
	d.Int(&c.window, "sluice.late.files", defaultWindow, "For how many files of a folder it is remembered which ones were read, beside the name up to which all of them were: "+
		"a file that comes late is found as long as its name is not less than all of theirs.", config.Check(config.Between(0, 20_000)), config.Low, config.Group("Connector", 10))
	d.Include(&c.avro)
	d.String(&c.dir, "topics.dir", "topics", "The folder of all files.", config.High, config.Group("Storage", 1))
	d.String(&c.delim, "directory.delim", "/", "What stands between folders.", config.Medium, config.Group("Storage", 2))
	d.String(&c.names, "filename.regex", c.Names, "The regular expression of names of files. Its first two groups are the topic and the partition.",
		config.Internal())
	d.String(&c.partitioner, "partitioner.class", "io.confluent.connect.storage.partitioner.DefaultPartitioner", "Ignored: folders of all partitioners are read.", config.High, config.Group("Partitioner", 1))
	d.List(&c.fields, "partition.field.name", nil, "Ignored, as partitioner.class is.", config.Medium, config.Group("Partitioner", 2))
	d.String(&c.path, "path.format", "", "Ignored, as partitioner.class is.", config.Medium, config.Group("Partitioner", 3))
}

// Source makes the core of a source of the settings, but for its shelf.
func (c *ConfluentSource) Source() (*Source, error) {
	s := &Source{
		Root: c.root(), Batch: c.batch, Since: time.UnixMilli(c.since), Window: c.window, Tolerant: !strings.EqualFold(c.onError, "FAIL"),
		Partition: func(stream string) map[string]any { return map[string]any{"folder": stream} },
	}
	var err error
	if s.Reading, err = c.reading(); err != nil {
		return nil, err
	}
	s.Route, err = c.route()
	return s, err
}

// root is topics.dir with a delimiter behind it.
func (c *ConfluentSource) root() string {
	if c.dir == "" {
		return ""
	}
	return strings.TrimSuffix(c.dir, c.delim) + c.delim
}

func (c *ConfluentSource) reading() (Reading, error) {
	switch simple(c.formatClass) {
	case "":
		return nil, missing("format.class")
	case "JsonFormat":
		converter, err := jsonConverter(map[string]string{"schemas.enable": "false"})
		return &textReading{extension: ".json", split: splitBy("\n"), item: jsonItem(converter)}, err
	case "ByteArrayFormat":
		end := "\n"
		if c.bytesEndGiven && c.bytesEnd != "" {
			end = c.bytesEnd
		}
		return &textReading{extension: c.bytesExtension, split: splitBy(end), item: bytesItem(bytesSchema.With(schema.Optional()))}, nil
	case "StringFormat":
		return &textReading{extension: ".txt", split: splitBy("\n"), item: stringItem}, nil
	case "AvroFormat":
		return &avroReading{extension: ".avro", data: avro.New(c.avro)}, nil
	case "ParquetFormat":
		return &parquetReading{extension: ".parquet", data: avro.New(c.avro)}, nil
	}
	return nil, config.Invalid("format.class", c.formatClass, "formats are JsonFormat, AvroFormat, ParquetFormat, ByteArrayFormat and StringFormat")
}

// split takes a name apart into its folder, with a delimiter behind it, and the rest.
func (c *ConfluentSource) split(name string) (folder, base string) {
	i := strings.LastIndex(name, c.delim) + len(c.delim)
	if i < len(c.delim) {
		return "", name
	}
	return name[:i], name[i:]
}

func (c *ConfluentSource) route() (func(name string) (Route, bool, error), error) {
	if strings.EqualFold(c.mode, modeGeneric) {
		return c.generic()
	}
	re, err := regexp.Compile(c.names)
	if err == nil && re.NumSubexp() < 2 {
		err = fmt.Errorf("it has %d groups, and the first two are to be the topic and the partition", re.NumSubexp())
	}
	if err != nil {
		return nil, config.Invalid("filename.regex", c.names, err.Error())
	}
	return func(name string) (Route, bool, error) {
		folder, base := c.split(name)
		if aside(folder, c.delim) || isView(base) {
			return Route{}, false, nil
		}
		groups := re.FindStringSubmatch(base)
		if groups == nil {
			return Route{}, false, schema.NewError(schema.ConnectException, fmt.Sprintf("Storage Object key not in expected format: '%s'", name), nil)
		}
		partition, err := strconv.ParseInt(groups[2], 10, 32)
		if err != nil {
			return Route{}, false, fmt.Errorf("the partition in the name of %s: %w", name, err)
		}
		return Route{Topic: groups[1], Partition: int32(partition), Stream: folder, Series: groups[1] + "+" + groups[2], Share: hash(folder)}, true, nil
	}, nil
}

// aside tells whether a folder is one where sinks put things that are not complete.
func aside(folder, delim string) bool {
	return strings.Contains(delim+folder, delim+"+tmp"+delim) || strings.Contains(delim+folder, delim+".sluice"+delim)
}

// isView tells whether a file has the keys or the headers of records, and not their values.
func isView(base string) bool {
	return strings.Contains(base, "."+string(Keys)+".") || strings.Contains(base, "."+string(Headers)+".")
}

// generic routes files by topic.regex.list.
func (c *ConfluentSource) generic() (func(name string) (Route, bool, error), error) {
	type rule struct {
		topic string
		re    *regexp.Regexp
	}
	var rules []rule
	for _, text := range c.topics {
		topic, expression, ok := strings.Cut(text, ":")
		if !ok || topic == "" {
			return nil, config.Invalid("topic.regex.list", c.topics, "elements look like topic:regex")
		}
		re, err := regexp.Compile(expression)
		if err != nil {
			return nil, config.Invalid("topic.regex.list", c.topics, err.Error())
		}
		rules = append(rules, rule{topic, re})
	}
	if len(rules) == 0 {
		return nil, config.Invalid("topic.regex.list", c.topics, "the mode GENERIC needs topics")
	}
	return func(name string) (Route, bool, error) {
		folder, _ := c.split(name)
		if aside(folder, c.delim) {
			return Route{}, false, nil
		}
		for _, r := range rules {
			if r.re.MatchString(name) {
				return Route{Topic: r.topic, Partition: connect.AnyPartition, Stream: folder, Share: hash(folder)}, true, nil
			}
		}
		return Route{}, false, nil
	}, nil
}

// CheckOffsets checks offsets that a user wants to set.
func (c *ConfluentSource) CheckOffsets(offsets connect.Offsets) error {
	return checkOffsets(offsets, "folder")
}

// checkOffsets checks offsets of partitions that have these members.
func checkOffsets(offsets connect.Offsets, members ...string) error {
	for partition, at := range offsets {
		fields := partition.Fields()
		for _, name := range members {
			if _, ok := fields[name]; !ok {
				return schema.NewError(schema.ConnectException, fmt.Sprintf("Partition objects should contain the key '%s'", name), nil)
			}
		}
		if at.IsZero() {
			continue
		}
		if member(at, lastFileRead) == "" {
			return schema.NewError(schema.ConnectException, fmt.Sprintf("Offset objects should either be null or contain the key '%s'", lastFileRead), nil)
		}
		if err := (&stream{name: partition.JSON()}).restore(at); err != nil {
			return schema.NewError(schema.ConnectException, err.Error(), nil)
		}
	}
	return nil
}
