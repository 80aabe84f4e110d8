package hdfs_test

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/sluice-connect/sluice/functions/hdfs"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest"
)

func TestSink_Suite(t *testing.T) {
	t.Parallel()
	connecttest.Sink(t, connecttest.SinkSuite{
		Connector: hdfs.Sink, Required: []string{"hdfs.url", "flush.size"},
		Fresh: func(t *testing.T) connecttest.SinkTarget {
			t.Helper()
			server, url := serve(t)
			return connecttest.SinkTarget{
				Settings: settings(url, "flush.size", "1", "format.class", "io.confluent.connect.hdfs.string.StringFormat"),
				Record: func(n int) connect.Record {
					return connect.Record{Topic: "t", Value: connect.Datum{Value: strconv.Itoa(n)}, Kafka: connect.Kafka{Topic: "t", Offset: int64(n)}}
				},
				Bad: func(n int) connect.Record {
					return connect.Record{Topic: "t", Kafka: connect.Kafka{Topic: "t", Offset: int64(n)}}
				},
				Read: func(t *testing.T) []int {
					t.Helper()
					var numbers []int
					files := server.Files()
					for _, name := range slices.Sorted(maps.Keys(files)) {
						n, err := strconv.Atoi(string(bytes.TrimSpace(files[name])))
						if err != nil {
							t.Fatal(err)
						}
						numbers = append(numbers, n)
					}
					return numbers
				},
				Idempotent: true, State: &storagetest.StateClient{State: &storagetest.State{}},
				Break: func(*testing.T) func() {
					server.Break(true)
					return func() { server.Break(false) }
				},
			}
		},
	})
}
