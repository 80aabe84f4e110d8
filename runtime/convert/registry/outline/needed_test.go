package outline_test

import (
	"testing"

	"github.com/sluice-connect/sluice/runtime/convert/registry/outline"
)

func TestNeededBy_WhoNamesAConverter(t *testing.T) {
	t.Parallel()
	const text = "org.apache.kafka.connect.storage.StringConverter"
	type settings = map[string]string
	for _, c := range []struct {
		config, worker settings
		want           bool
	}{
		{nil, nil, false},
		{settings{"value.converter": text, "header.converter": "AvroConverter"}, settings{"key.converter": text}, false},
		{settings{"value.converter": " io.confluent.connect.avro.AvroConverter "}, nil, true},
		{settings{"key.converter": "Protobuf"}, settings{"key.converter": text}, true},
		{nil, settings{"value.converter": "AWSKafkaAvroConverter"}, true},
		// Nothing is converted with it, but who does not know it cannot read the worker's settings.
		{settings{"key.converter": text, "value.converter": text}, settings{"key.converter": "JsonSchemaConverter"}, true},
	} {
		if got := outline.NeededBy(c.config, c.worker); got != c.want {
			t.Errorf("%v with the worker's %v: %v, want %v", c.config, c.worker, got, c.want)
		}
	}
}
