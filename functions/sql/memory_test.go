//go:build linux

package sql_test

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
)

// mostMemory is what the process may have in memory, ever.
const mostMemory = 64 << 20

// A table of any length is read in one invocation of the real function, in little memory.
func TestFaults_ReadsALongTable(t *testing.T) {
	t.Parallel()
	rows := int64(100_000)
	if os.Getenv("SLUICE_ROUNDS") != "" {
		rows = 10_000_000
	}
	program := bootstrap(t, "sql-source")
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		s.numbered(t, 0)
		s.fill(t, rows)
		b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.DisableClientMetrics())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		admin := kadm.NewClient(client)
		if _, err := admin.CreateTopic(t.Context(), 1, 1, nil, "t-t"); err != nil {
			t.Fatal(err)
		}
		r := s.reads(t, map[string]string{
			"connector.class": "JdbcSource", "mode": "incrementing", "table.whitelist": "t", "batch.max.rows": "1000",
			"value.converter.schemas.enable": "false", "poll.interval.ms": "3600000",
			"sluice.horizon": "none", // transactions of other tests, which some servers do not tell from those of this one, would hold it
		})
		v := newVictim(t, "long", program, b.Addr(), r.settings)
		_, took, err := v.invoke([]byte(`{"connector": "long"}`), never)
		if err != nil {
			t.Fatal(err)
		}
		ends, err := admin.ListEndOffsets(t.Context(), "t-t")
		if err != nil {
			t.Fatal(err)
		}
		end, _ := ends.Lookup("t-t", 0)
		memory := v.memory()
		if end.Offset != rows || memory > mostMemory {
			t.Errorf("%d rows of %d in one invocation, with %d MB at most", end.Offset, rows, memory>>20)
		}
		t.Logf("%d rows in %s, %.0f each second, with %d MB at most", rows, took.Round(time.Millisecond), float64(rows)/took.Seconds(), memory>>20)
	})
}

// memory is the most that the process ever had in memory, in bytes.
func (v *victim) memory() int64 {
	v.t.Helper()
	pid, err := os.ReadFile(v.pid)
	if err != nil {
		v.t.Fatal(err)
	}
	status, err := os.Open(fmt.Sprintf("/proc/%s/status", strings.TrimSpace(string(pid))))
	if err != nil {
		v.t.Fatal(err)
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			if err != nil {
				v.t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	v.t.Fatal("the system does not say how much memory a process had")
	return 0
}
