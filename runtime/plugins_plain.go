//go:build !registry

package runtime

import (
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// registryConverters are none: only builds with the tag registry have converters that keep schemas in a registry, for only
// configurations that name one should pay for them.
func registryConverters() []connect.Plugin[connect.Converter] { return nil }

// elsewhere is what to say of a converter that another build has, "" of any other class.
func elsewhere(class string) string {
	class = strings.TrimSuffix(class[strings.LastIndexByte(class, '.')+1:], "Converter")
	if !slices.Contains([]string{"Avro", "Protobuf", "JsonSchema", "AWSKafkaAvro", "ProtobufSchema"}, class) {
		return ""
	}
	return " This function was built without the converters of schema registries: name it in the connector's file, or deploy with -c registry=true."
}
