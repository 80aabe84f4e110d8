package registry

import (
	"strings"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// Converters are the converters that keep schemas in a registry.
func Converters() []connect.Plugin[connect.Converter] {
	return []connect.Plugin[connect.Converter]{
		{Class: "io.confluent.connect.avro.AvroConverter", Doc: avroDoc, New: func() connect.Converter { return &Avro{} }},
		{Class: "io.confluent.connect.protobuf.ProtobufConverter", Doc: protobufDoc, New: func() connect.Converter { return &Protobuf{} }},
		{Class: "io.confluent.connect.json.JsonSchemaConverter", Doc: jsonDoc, New: func() connect.Converter { return &JSON{} }},
		{Class: "com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter", Doc: glueAvroDoc, New: func() connect.Converter { return &GlueAvro{} }},
		{
			Class: "com.amazonaws.services.schemaregistry.kafkaconnect.jsonschema.JsonSchemaConverter", Doc: glueJSONDoc,
			New: func() connect.Converter { return &GlueJSON{} }, InFull: true,
		},
		{
			Class: "com.amazonaws.services.schemaregistry.kafkaconnect.protobuf.ProtobufSchemaConverter", Doc: glueProtobufDoc,
			New: func() connect.Converter { return &GlueProtobuf{} },
		},
	}
}

// Has tells whether a class name, as configurations have it, is that of one of these converters: in full, the simple name, or
// that without the suffix Converter.
func Has(class string) bool { return find(class) != "" }

// find returns the full name of a class, "" if it is none of these.
func find(class string) string {
	for _, p := range Converters() {
		simple := p.Class[strings.LastIndexByte(p.Class, '.')+1:]
		if class == p.Class || !p.InFull && (class == simple || class == strings.TrimSuffix(simple, "Converter")) {
			return p.Class
		}
	}
	return ""
}

// Glue tells whether a class name is that of a converter of AWS Glue.
func Glue(class string) bool { return strings.HasPrefix(find(class), "com.amazonaws.") }
