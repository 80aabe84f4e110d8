package s3_test

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/sluice-connect/sluice/functions/s3"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest"
)

func TestSink_Suite(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings map[string]string
		required []string
	}{
		"Confluent": {confluent("", "flush.size", "1", "format.class", "io.confluent.connect.s3.format.bytearray.ByteArrayFormat"), []string{"s3.bucket.name", "flush.size", "format.class"}},
		"Aiven": {map[string]string{
			"connector.class": "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "aws.s3.bucket.name": "test", "aws.s3.region": "us-east-1",
			"aws.access.key.id": "test", "aws.secret.access.key": "testtest", "file.name.template": "topics/{{topic}}-{{partition}}-{{start_offset:padding=true}}",
			"format.output.type": "csv", "format.output.fields.value.encoding": "none", "file.compression.type": "none",
		}, []string{"aws.s3.bucket.name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connecttest.Sink(t, connecttest.SinkSuite{
				Connector: s3.Sink, Required: test.required,
				Fresh: func(t *testing.T) connecttest.SinkTarget {
					t.Helper()
					server, url := serve(t)
					target := connecttest.SinkTarget{
						Settings: with(test.settings, "store.url", url, "aws.s3.endpoint", url, "s3.part.retries", "0", "aws.s3.backoff.max.retries", "0"),
						Record: func(n int) connect.Record {
							return connect.Record{Topic: "t", Value: connect.Datum{Value: []byte(strconv.Itoa(n))}, Kafka: connect.Kafka{Topic: "t", Offset: int64(n)}}
						},
						Bad: func(n int) connect.Record {
							return connect.Record{Topic: "t", Value: connect.Datum{Value: "a text, and no bytes"}, Kafka: connect.Kafka{Topic: "t", Offset: int64(n)}}
						},
						Read: func(t *testing.T) []int {
							t.Helper()
							var numbers []int
							objects := server.Objects("test")
							for _, key := range slices.Sorted(maps.Keys(objects)) {
								for line := range bytes.SplitSeq(bytes.TrimSpace(objects[key].Data), []byte{'\n'}) {
									n, err := strconv.Atoi(string(line))
									if err != nil {
										t.Fatal(err)
									}
									numbers = append(numbers, n)
								}
							}
							return numbers
						},
						Idempotent: true, State: &storagetest.StateClient{State: &storagetest.State{}},
						Break: func(*testing.T) func() {
							server.Break(true)
							return func() { server.Break(false) }
						},
					}
					return target
				},
			})
		})
	}
}
