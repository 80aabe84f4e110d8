// Package outline describes the converters of package registry to programs that convert nothing: their classes and their
// settings, without what reads and writes their formats. That is the control function, which lists converters and must be
// ready at once, while what the formats need prepares itself when a process starts, for longer than all the rest of it.
//
// The settings stand in a file per class, written from those of package registry by its test: go test -update.
package outline

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

//go:embed *.json
var files embed.FS

// Converters are registry.Converters with the same classes and settings. What the settings say is not judged, and they
// convert nothing.
func Converters() []connect.Plugin[connect.Converter] {
	return []connect.Plugin[connect.Converter]{
		outlined("io.confluent.connect.avro.AvroConverter"),
		outlined("io.confluent.connect.protobuf.ProtobufConverter"),
		outlined("io.confluent.connect.json.JsonSchemaConverter"),
		outlined("com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter"),
		inFull(outlined("com.amazonaws.services.schemaregistry.kafkaconnect.jsonschema.JsonSchemaConverter")),
		outlined("com.amazonaws.services.schemaregistry.kafkaconnect.protobuf.ProtobufSchemaConverter"),
	}
}

// NeededBy tells whether a connector with this configuration takes a function that has these converters: because it
// converts with one, or because the worker's settings name one, for a function that does not know it cannot read those.
func NeededBy(config, worker map[string]string) bool {
	for _, settings := range []map[string]string{config, worker} {
		for _, setting := range []string{"key.converter", "value.converter"} {
			if has(strings.TrimSpace(settings[setting])) {
				return true
			}
		}
	}
	return false
}

// has tells whether one of them goes by that name.
func has(class string) bool {
	return slices.ContainsFunc(Converters(), func(p connect.Plugin[connect.Converter]) bool {
		simple := p.Class[strings.LastIndexByte(p.Class, '.')+1:]
		return class == p.Class || !p.InFull && (class == simple || class == strings.TrimSuffix(simple, "Converter"))
	})
}

func outlined(class string) connect.Plugin[connect.Converter] {
	return connect.Plugin[connect.Converter]{Class: class, New: func() connect.Converter { return converter(class) }}
}

func inFull(p connect.Plugin[connect.Converter]) connect.Plugin[connect.Converter] {
	p.InFull = true
	return p
}

// converter is the class that it outlines.
type converter string

// Define implements config.Definer.
func (c converter) Define(d *config.Def) {
	text, err := files.ReadFile(string(c) + ".json")
	var keys []config.KeyInfo
	if err == nil {
		err = json.Unmarshal(text, &keys)
	}
	if err != nil {
		panic(fmt.Sprintf("reading the outline of %s, which was written with this program: %v", c, err))
	}
	for _, k := range keys {
		declare(d, k)
	}
}

// declare declares a setting so that it is described as k.
func declare(d *config.Def, k config.KeyInfo) {
	importance := config.Medium
	switch k.Importance {
	case config.High.String():
		importance = config.High
	case config.Low.String():
		importance = config.Low
	}
	options := []config.Option{importance, config.Display(k.Display), config.Dependents(k.Dependents...)}
	if k.Group != nil {
		options = append(options, config.Group(*k.Group, k.OrderInGroup))
	}
	var def any
	switch {
	case k.Required:
		options = append(options, config.Required())
	case k.Default != nil:
		def = *k.Default
	}
	for _, width := range []config.Width{config.WidthShort, config.WidthMedium, config.WidthLong} {
		if k.Width == width.String() {
			options = append(options, width)
		}
	}
	d.Any(new(any), k.Name, k.Type, def, k.Doc, options...)
}

// Encode implements connect.Converter. It fails.
func (c converter) Encode(context.Context, string, connect.Datum) ([]byte, error) {
	return nil, c.refuse()
}

// Decode implements connect.Converter. It fails.
func (c converter) Decode(context.Context, string, []byte) (connect.Datum, error) {
	return connect.Datum{}, c.refuse()
}

func (c converter) refuse() error {
	return fmt.Errorf("converting with %s: this program only knows its settings", string(c))
}
