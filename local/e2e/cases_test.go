package e2e_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/e2e/desk"
	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// patience is how long a case may take.
const patience = time.Minute

func TestCases_OnTheEmbeddedBroker(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: filepath.Join(s.data, "kafka")})
	if err != nil {
		t.Fatal(err)
	}
	s.feed(b.Addr())
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	s.run("--kafka", "127.0.0.1:0")

	// What was left must be whole after the end, too.
	if b, err = broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: filepath.Join(s.data, "kafka")}); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s.afterwards(b.Addr())
}

func TestCases_OnARealBroker(t *testing.T) {
	t.Parallel()
	brokers := os.Getenv("SLUICE_TEST_KAFKA")
	if brokers == "" {
		if os.Getenv("SLUICE_CI") != "" {
			t.Fatal("SLUICE_TEST_KAFKA names no Kafka broker")
		}
		t.Skip("needs a Kafka broker: SLUICE_TEST_KAFKA=host:port, which local/reference/servers sets")
	}
	s := newSuite(t)
	s.clear(brokers)
	s.feed(brokers)
	s.run("--brokers", brokers)
	s.afterwards(brokers)
}

// suite is all cases on one desk.
type suite struct {
	*testing.T
	binaries desk.Binaries
	data     string
	cases    []*testCase
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	binaries, err := desk.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &suite{T: t, binaries: binaries, data: filepath.Join(t.TempDir(), "data"), cases: loadCases(t, t.TempDir())}
}

// feed writes the input of all cases.
func (s *suite) feed(brokers string) {
	s.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableClientMetrics())
	if err != nil {
		s.Fatal(err)
	}
	defer client.Close()
	for _, c := range s.cases {
		if err := c.feed(s.Context(), client); err != nil {
			s.Fatalf("feeding %s: %v", c.name, err)
		}
		if err := c.write(c.Files); err != nil {
			s.Fatalf("feeding %s: %v", c.name, err)
		}
	}
}

// clear removes what an earlier run left on a real broker.
func (s *suite) clear(brokers string) {
	s.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.DisableClientMetrics())
	if err != nil {
		s.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	var topics, groups []string
	for _, c := range s.cases {
		topics, groups = append(topics, c.topics()...), append(groups, c.groups()...)
	}
	// A topic that is not there is as good as one that was removed.
	if _, err := admin.DeleteTopics(s.Context(), topics...); err != nil {
		s.Fatal(err)
	}
	// Deleting a group asks for its coordinator, which a fresh cluster does not have yet.
	there, err := admin.ListGroups(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	groups = slices.DeleteFunc(groups, func(group string) bool { return !slices.Contains(there.Groups(), group) })
	if _, err := admin.DeleteGroups(s.Context(), groups...); len(groups) > 0 && err != nil {
		s.Fatal(err)
	}
}

// run starts a desk with the connectors of all cases, and ends it when each case has what it expects.
func (s *suite) run(args ...string) {
	s.Helper()
	args = append(args, "--data", s.data, "--rest", "127.0.0.1:0", "--registry", "127.0.0.1:0", "--no-demo", "--worker", filepath.Join(s.binaries.Root, "local", "e2e", "testdata", "worker.properties"))
	for _, c := range s.cases {
		files, err := c.connectorFiles()
		if err != nil {
			s.Fatal(err)
		}
		args = append(args, files...)
	}
	// The desk outlives the cases, which run in parallel, and no longer this test.
	ctx, cancel := context.WithTimeout(s.Context(), 4*patience)
	defer cancel()
	process, err := s.binaries.Up(ctx, s.TempDir(), args...)
	if err != nil {
		s.Fatal(err)
	}
	defer process.Kill() // it has ended by then, unless the test failed
	store := openStore(s.T, process.Table)
	s.T.Run("case", func(t *testing.T) {
		for _, c := range s.cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				live(t, c, store, process.Kafka)
			})
		}
	})
	took, err := process.Interrupt()
	if err != nil || took > 2*time.Second {
		s.Errorf("the desk took %v to end, and said: %v", took, err)
	}
	if s.Failed() {
		lines := process.Lines()
		s.Logf("the desk printed:\n%s", strings.Join(lines[max(0, len(lines)-60):], "\n"))
	}
}

func openStore(t *testing.T, url string) offset.Store {
	t.Helper()
	store, err := dynamo.Open(t.Context(), dynamo.Options{
		Table: "sluice", Region: "us-east-1", Endpoint: url, AccessKey: "desk", SecretKey: "desk",
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// live waits until a case has what it expects.
func live(t *testing.T, c *testCase, store offset.Store, brokers string) {
	t.Helper()
	o, err := newObserver(c, store, brokers)
	if err != nil {
		t.Fatal(err)
	}
	defer o.client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if c.Append != nil {
		// The first part is done when its offsets are stored.
		o.await(ctx, t, func(lines []any) string {
			for _, line := range lines {
				if of, ok := line.(map[string]any)["offsets"].([]any); ok && len(of) == 0 {
					return "no offsets"
				}
			}
			return ""
		})
		if err := c.write(c.Append); err != nil {
			t.Fatal(err)
		}
	}
	o.await(ctx, t, c.differs)
}

// await looks until there is nothing to complain about.
func (o *observer) await(ctx context.Context, t *testing.T, complaint func(lines []any) string) {
	t.Helper()
	last := "nothing was seen"
	for {
		lines, err := o.look(ctx)
		if ctx.Err() != nil {
			t.Fatalf("not as Kafka Connect left it (-want +got):\n%s", last)
		}
		if err != nil { // a cluster that makes its coordinators, for example
			last = err.Error()
			continue
		}
		if last = complaint(lines); last == "" {
			return
		}
	}
}

// differs compares what there is with what is expected.
func (c *testCase) differs(lines []any) string {
	return cmp.Diff(c.expected, pardon(c.expected, slices.Clone(lines)))
}

// afterwards compares again when the desk has ended: nothing may have come after what was expected.
func (s *suite) afterwards(brokers string) {
	s.Helper()
	s.T.Run("afterwards", func(t *testing.T) {
		stored, err := table.Open(filepath.Join(s.data, "table.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer stored.Close()
		endpoint := httptest.NewServer(stored)
		defer endpoint.Close()
		store := openStore(t, endpoint.URL)
		for _, c := range s.cases {
			t.Run(c.name, func(t *testing.T) {
				o, err := newObserver(c, store, brokers)
				if err != nil {
					t.Fatal(err)
				}
				defer o.client.Close()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				lines, err := o.toTheEnd(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if diff := c.differs(lines); diff != "" {
					t.Errorf("not as Kafka Connect left it (-want +got):\n%s", diff)
				}
			})
		}
	})
}
