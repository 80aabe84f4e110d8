package storage

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// Aiven are the settings that Aiven's file sinks have in common. Their files are complete with the event that begins them:
// Aiven's connectors complete files whenever offsets are committed.
type Aiven struct {
	// Folder is put before every name.
	Folder string
	// AvroCodec is how Avro is compressed inside.
	AvroCodec string

	kept          kept
	template      string
	templateGiven bool
	compression   string
	most          int
	zone, source  string
	output        string
	fields        []string
	encoding      string
	envelope      bool
}

// Define declares the settings, as Aiven's connectors do.
func (a *Aiven) Define(def *config.Def) {
	d := keeper{def, &a.kept}
	d.String(&a.template, "file.name.template", "", "The name of files. Variables are {{topic}}, {{partition}}, {{start_offset}}, {{key}} and "+
		"{{timestamp:unit=yyyy}} with the units yyyy, MM, dd and HH; offsets and partitions may have :padding=true. "+
		"Defaults to {{topic}}-{{partition}}-{{start_offset}} and the extension of the compression.",
		config.NullDefault(), config.Given(&a.templateGiven), config.Medium, config.Group("File", 0))
	d.String(&a.compression, "file.compression.type", "gzip", "How files are compressed: none, gzip, snappy or zstd.",
		config.Check(config.CaseInsensitiveIn("none", "gzip", "snappy", "zstd")), config.Medium, config.Group("File", 1))
	d.Int(&a.most, "file.max.records", 0, "How many records a file has at most; 0 for any number.",
		config.Check(config.AtLeast(0)), config.Medium, config.Group("File", 2))
	d.String(&a.zone, "file.name.timestamp.timezone", "UTC", "The time zone of {{timestamp}}.", config.Low, config.Group("File", 3))
	d.String(&a.source, "file.name.timestamp.source", "WALLCLOCK", "What {{timestamp}} is: WALLCLOCK, or EVENT for that of the record.",
		config.Check(config.CaseInsensitiveIn("WALLCLOCK", "EVENT")), config.Low, config.Group("File", 4))
	d.String(&a.output, "format.output.type", "csv", "The format of files: csv, json, jsonl, avro or parquet.",
		config.Check(config.CaseInsensitiveIn("csv", "json", "jsonl", "avro", "parquet")), config.Medium, config.Group("Format", 0))
	d.List(&a.fields, "format.output.fields", []string{fieldValue}, "What is written of records: key, value, offset, timestamp, headers.",
		config.Check(config.ListOf(fieldKey, fieldValue, fieldOffset, fieldTimestamp, fieldHeaders)), config.Medium, config.Group("Format", 1))
	d.String(&a.encoding, "format.output.fields.value.encoding", "base64", "How csv has values: base64 or none.",
		config.Check(config.CaseInsensitiveIn("base64", "none")), config.Medium, config.Group("Format", 2))
	d.String(&a.AvroCodec, "avro.codec", "null", "How avro is compressed inside: null, deflate, snappy, zstandard.",
		config.Check(config.In("null", "deflate", "snappy", "zstandard")), config.Low, config.Group("Format", 4))
	d.Bool(&a.envelope, "format.output.envelope", true, "Whether json and jsonl name the field if there is only one.", config.Medium, config.Group("Format", 3))
}

// Validate checks settings that depend on each other.
func (a *Aiven) Validate() error {
	if !a.envelope && len(a.fields) != 1 {
		return config.Invalid("format.output.envelope", a.envelope, fmt.Sprintf(
			"When format.output.envelope is false, format.output.fields must contain only one field, but contains %d", len(a.fields)))
	}
	if _, err := time.LoadLocation(a.zone); err != nil {
		return config.Invalid("file.name.timestamp.timezone", a.zone, "it is no time zone")
	}
	return nil
}

// Settings are the settings as texts.
func (a *Aiven) Settings() map[string]string { return a.kept.texts() }

// Shape makes the shape of files of the settings.
func (a *Aiven) Shape() (*Shape, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	codec := &Codec{Name: strings.ToLower(a.compression)}
	s := &Shape{Settings: a.Settings(), Nulls: "write", EveryEvent: true}
	var err error
	switch output := strings.ToLower(a.output); output {
	case "csv":
		s.Format = newCSV(codec, a.fields, strings.EqualFold(a.encoding, "none"))
	case "json", "jsonl":
		s.Format, err = newAivenJSON(codec, a.fields, a.envelope, output == "json")
	case "avro":
		s.Format = &container{codec: a.AvroCodec, rows: newRows(avro.Defaults(), a.fields, a.envelope)}
		s.Schemas = None
	case "parquet":
		none := func(string) string { return "" }
		s.Format, err = newColumns(none, codec.Name, newRows(avro.Defaults(), a.fields, a.envelope))
	}
	if err != nil {
		return nil, err
	}
	text := a.template
	if !a.templateGiven {
		text = "{{topic}}-{{partition}}-{{start_offset}}"
		if strings.EqualFold(a.output, "avro") {
			text += ".avro"
		}
		text += aivenExtension(codec)
	}
	layout, err := a.layout(text)
	if err != nil {
		return nil, err
	}
	s.Layout, s.Latest = layout, layout.latest
	return s, nil
}

// variable is a part of a template: text, or a variable with at most one parameter.
type variable struct {
	text             string
	name, param, arg string
}

// The variables of templates.
const (
	varTopic     = "topic"
	varPartition = "partition"
	varOffset    = "start_offset"
	varTimestamp = "timestamp"
	varKey       = "key"
)

// parseTemplate reads a template of text and {{ variable:parameter=value }}.
func parseTemplate(text string) ([]variable, error) {
	var parts []variable
	for text != "" {
		before, rest, found := strings.Cut(text, "{{")
		if before != "" {
			parts = append(parts, variable{text: before})
		}
		if !found {
			break
		}
		inner, after, found := strings.Cut(rest, "}}")
		if !found {
			return nil, fmt.Errorf("the template has a {{ without its }}")
		}
		name, param, _ := strings.Cut(strings.TrimSpace(inner), ":")
		v := variable{name: strings.TrimSpace(name)}
		v.param, v.arg, _ = strings.Cut(strings.TrimSpace(param), "=")
		parts = append(parts, v)
		text = after
	}
	return parts, nil
}

// layout makes the layout of a template.
func (a *Aiven) layout(text string) (*named, error) {
	parts, err := parseTemplate(text)
	if err != nil {
		return nil, config.Invalid("file.name.template", text, err.Error())
	}
	zone, err := time.LoadLocation(a.zone)
	if err != nil {
		return nil, config.Invalid("file.name.timestamp.timezone", a.zone, "it is no time zone")
	}
	n := &named{folder: a.Folder, parts: parts, most: a.most, zone: zone, event: strings.EqualFold(a.source, "EVENT")}
	names := map[string]bool{}
	for _, p := range parts {
		if p.name == "" {
			continue
		}
		names[p.name] = true
		if p.name == varTimestamp && !slices.Contains([]string{"yyyy", "MM", "dd", "HH"}, p.arg) {
			return nil, config.Invalid("file.name.template", text, "unit must be yyyy, MM, dd or HH")
		}
	}
	return n, n.group(names)
}

// group finds out by which variables records are grouped.
func (n *named) group(names map[string]bool) error {
	const unsupported = "unsupported set of template variables, supported sets are: " +
		"topic,partition,start_offset,timestamp; topic,partition,key,start_offset,timestamp; key; key,topic,partition"
	others := maps.Clone(names)
	delete(others, varTimestamp)
	all := slices.Sorted(maps.Keys(others))
	switch strings.Join(all, ",") {
	case "partition,start_offset,topic":
		return nil
	case "key,partition,start_offset,topic":
		n.byKey = true
		return nil
	case "key", "key,partition,topic", "key,topic", "key,partition":
		if !names[varTimestamp] {
			n.latest = true
			return nil
		}
	}
	return schema.NewError("java.lang.IllegalArgumentException", unsupported, nil)
}

// named is the layout of Aiven's sinks: a place is a whole name.
type named struct {
	folder        string
	parts         []variable
	most          int
	zone          *time.Location
	event         bool
	byKey, latest bool
}

// Place implements Layout.
func (n *named) Place(r *connect.Record, now time.Time, open Open) (string, error) {
	group := r.Topic
	if n.byKey {
		group += "\x00" + keyText(r)
	}
	head, ok := open.Heads[group]
	if !ok {
		head = r.Kafka.Offset
		open.Heads[group] = head
	}
	place := n.render(r, head, now)
	if n.most > 0 && !n.latest {
		if count := open.Count(place); count == 0 || count >= n.most {
			open.Heads[group] = r.Kafka.Offset
			place = n.render(r, r.Kafka.Offset, now)
		}
	}
	return place, nil
}

// Name implements Layout.
func (n *named) Name(f *File) string { return f.Place }

func (n *named) render(r *connect.Record, head int64, now time.Time) string {
	out := append([]byte(nil), n.folder...)
	at := now
	if n.event {
		at = r.Time
	}
	at = at.In(n.zone)
	for _, p := range n.parts {
		padding := p.param == "padding" && strings.EqualFold(p.arg, "true")
		switch p.name {
		case "":
			out = append(out, p.text...)
		case varTopic:
			out = append(out, r.Topic...)
		case varPartition:
			if padding {
				out = fmt.Appendf(out, "%010d", r.Kafka.Partition)
				continue
			}
			out = strconv.AppendInt(out, int64(r.Kafka.Partition), 10)
		case varOffset:
			if padding {
				out = fmt.Appendf(out, "%020d", head)
				continue
			}
			out = strconv.AppendInt(out, head, 10)
		case varKey:
			out = append(out, keyText(r)...)
		case varTimestamp:
			out = at.AppendFormat(out, map[string]string{"yyyy": "2006", "MM": "01", "dd": "02", "HH": "15"}[p.arg])
		}
	}
	return string(out)
}

func keyText(r *connect.Record) string {
	if r.Key.Value == nil {
		return "null"
	}
	return schema.Text(r.Key.Value)
}
