package registry_test

import (
	"testing"

	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/convert/registry"
)

// A simple name that two vendors have is Confluent's, whoever looks for it.
func TestConverters_SimpleNames(t *testing.T) {
	t.Parallel()
	for name, glue := range map[string]bool{
		"AvroConverter": false, "Avro": false, "JsonSchemaConverter": false, "JsonSchema": false, "Protobuf": false,
		"AWSKafkaAvroConverter": true, "AWSKafkaAvro": true, glueAvroClass: true, glueJSONClass: true,
	} {
		if !registry.Has(name) || registry.Glue(name) != glue {
			t.Errorf("%s is one: %v, and Glue's: %v; want true, %v", name, registry.Has(name), registry.Glue(name), glue)
		}
		w, err := connector.ParseWorker(map[string]string{"value.converter": name, "key.converter": name},
			connector.Plugins{Converters: append(convert.Converters(), registry.Converters()...), HeaderConverters: convert.HeaderConverters()})
		if err != nil || registry.Glue(w.Value.Class) != glue {
			t.Errorf("%s is %s of a worker, %v", name, w.Value.Class, err)
		}
	}
	if registry.Has("StringConverter") {
		t.Error("StringConverter needs a registry")
	}
}
