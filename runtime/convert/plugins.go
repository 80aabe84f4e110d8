package convert

import (
	"strings"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// Converters are the converters of keys and values.
func Converters() []connect.Plugin[connect.Converter] {
	return []connect.Plugin[connect.Converter]{
		{Class: "org.apache.kafka.connect.storage.StringConverter", Doc: stringDoc, New: func() connect.Converter { return &Text{} }},
		{Class: "org.apache.kafka.connect.json.JsonConverter", Doc: jsonDoc, New: func() connect.Converter { return &JSON{} }},
		{Class: "org.apache.kafka.connect.converters.ByteArrayConverter", Doc: bytesDoc, New: func() connect.Converter { return &Bytes{} }},
		{Class: "org.apache.kafka.connect.converters.BooleanConverter", Doc: "One byte, 0 or 1.", New: func() connect.Converter { return &Boolean{} }},
		{Class: "org.apache.kafka.connect.converters.ShortConverter", Doc: "16 bits, big-endian.", New: func() connect.Converter { return short() }},
		{Class: "org.apache.kafka.connect.converters.IntegerConverter", Doc: "32 bits, big-endian.", New: func() connect.Converter { return integer() }},
		{Class: "org.apache.kafka.connect.converters.LongConverter", Doc: "64 bits, big-endian.", New: func() connect.Converter { return long() }},
		{Class: "org.apache.kafka.connect.converters.FloatConverter", Doc: "An IEEE number of 32 bits, big-endian.", New: func() connect.Converter { return float() }},
		{Class: "org.apache.kafka.connect.converters.DoubleConverter", Doc: "An IEEE number of 64 bits, big-endian.", New: func() connect.Converter { return double() }},
	}
}

// HeaderConverters are the converters of headers: the simple one, and all those of values.
func HeaderConverters() []connect.Plugin[connect.HeaderConverter] {
	all := []connect.Plugin[connect.HeaderConverter]{
		{Class: SimpleHeaderClass, Doc: simpleDoc, New: func() connect.HeaderConverter { return &SimpleHeader{} }},
	}
	for _, c := range Converters() {
		all = append(all, connect.Plugin[connect.HeaderConverter]{
			Class: c.Class,
			Doc:   c.Doc,
			New:   func() connect.HeaderConverter { return header{c.New()} },
		})
	}
	return all
}

// SimpleHeaderClass is the header converter that Connect takes when none is configured.
const SimpleHeaderClass = "org.apache.kafka.connect.storage.SimpleHeaderConverter"

// FindConverter returns the converter of a name as configurations have it: the full class name, the simple one, or that
// without the suffix Converter.
func FindConverter(name string) (connect.Plugin[connect.Converter], bool) {
	return find(Converters(), name, "Converter")
}

// FindHeaderConverter is FindConverter for header converters. SimpleHeaderConverter is also called Simple.
func FindHeaderConverter(name string) (connect.Plugin[connect.HeaderConverter], bool) {
	if name == "Simple" {
		name = SimpleHeaderClass
	}
	return find(HeaderConverters(), name, "Converter")
}

func find[P any](plugins []connect.Plugin[P], name, suffix string) (connect.Plugin[P], bool) {
	for _, p := range plugins {
		simple := p.Class[strings.LastIndexAny(p.Class, ".$")+1:]
		if name != "" && (name == p.Class || name == simple || name == strings.TrimSuffix(simple, suffix)) {
			return p, true
		}
	}
	return connect.Plugin[P]{}, false
}
