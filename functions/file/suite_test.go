package file_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/functions/file"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest"
)

func TestSink_Suite(t *testing.T) {
	t.Parallel()
	connecttest.Sink(t, connecttest.SinkSuite{
		Connector: file.Sink,
		Fresh: func(t *testing.T) connecttest.SinkTarget {
			t.Helper()
			dir := filepath.Join(t.TempDir(), "dir")
			path := filepath.Join(dir, "out.txt")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			return connecttest.SinkTarget{
				Settings: map[string]string{"file": path},
				Record: func(n int) connect.Record {
					return connect.Record{Value: connect.Datum{Value: strconv.Itoa(n)}, Kafka: connect.Kafka{Topic: "t", Offset: int64(n)}}
				},
				Read: func(t *testing.T) []int {
					t.Helper()
					content, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					var numbers []int
					for line := range strings.Lines(string(content)) {
						n, err := strconv.Atoi(strings.TrimSuffix(line, "\n"))
						if err != nil {
							t.Fatal(err)
						}
						numbers = append(numbers, n)
					}
					return numbers
				},
				Break: func(t *testing.T) (repair func()) {
					t.Helper()
					away := dir + ".away"
					if err := os.Rename(dir, away); err != nil {
						t.Fatal(err)
					}
					return func() {
						if err := os.Rename(away, dir); err != nil {
							t.Fatal(err)
						}
					}
				},
			}
		},
	})
}

func TestSource_Suite(t *testing.T) {
	t.Parallel()
	connecttest.Source(t, connecttest.SourceSuite{
		Connector: file.Source, Required: []string{"topic"},
		Fresh: func(t *testing.T) connecttest.SourceOrigin {
			t.Helper()
			path := temp(t, "")
			return connecttest.SourceOrigin{
				Settings: map[string]string{"file": path, "topic": "t", "batch.size": "4"},
				Add: func(t *testing.T, from, to int) {
					t.Helper()
					for n := from; n < to; n++ {
						grow(t, path, strconv.Itoa(n)+"\n")
					}
				},
				Number: func(r connect.Record) int {
					n, err := strconv.Atoi(r.Value.Value.(string))
					if err != nil {
						return -1
					}
					return n
				},
			}
		},
	})
}
