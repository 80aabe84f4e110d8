package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// connectWorker is a worker to compare with; nil if there is none.
type connectWorker struct{ url string }

func newConnect(b *testing.B) *connectWorker {
	b.Helper()
	url := os.Getenv("SLUICE_TEST_CONNECT")
	if url == "" || os.Getenv("SLUICE_TEST_KAFKA") == "" {
		b.Log("without SLUICE_TEST_CONNECT and SLUICE_TEST_KAFKA there is no Kafka Connect to compare with")
		return nil
	}
	return &connectWorker{strings.TrimSuffix(url, "/")}
}

func (k *connectWorker) start(b *testing.B, name string, config map[string]string) {
	b.Helper()
	body, err := json.Marshal(config)
	if err != nil {
		b.Fatal(err)
	}
	k.call(b, http.MethodPut, "/connectors/"+name+"/config", body)
}

func (k *connectWorker) stop(b *testing.B, name string) {
	b.Helper()
	k.call(b, http.MethodDelete, "/connectors/"+name, nil)
}

func (k *connectWorker) call(b *testing.B, method, path string, body []byte) {
	b.Helper()
	for range 50 {
		request, err := http.NewRequestWithContext(b.Context(), method, k.url+path, bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode/100 == 2 {
			return
		}
		wait(b, 200*time.Millisecond) // 409 while it rebalances
	}
	b.Fatalf("%s %s did not succeed", method, path)
}

func wait(b *testing.B, d time.Duration) {
	b.Helper()
	select {
	case <-time.After(d):
	case <-b.Context().Done():
		b.Fatal(b.Context().Err())
	}
}

// cpu is the processor time used so far by the running processes whose command line holds text.
func cpu(text string) time.Duration {
	var ticks int64
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(line), text) {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(filepath.Dir(path), "stat"))
		if err != nil {
			continue
		}
		// The name in parentheses may hold blanks; what follows it does not.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		for _, field := range fields[11:13] {
			n, err := strconv.ParseInt(field, 10, 64)
			if err == nil {
				ticks += n
			}
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 everywhere that matters
}

// until waits for a condition, looked at every few milliseconds.
func until(b *testing.B, what string, done func() bool) {
	b.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			b.Fatalf("%s did not happen", what)
		}
		wait(b, 10*time.Millisecond)
	}
}

// result is one run of one contestant.
type result struct {
	took, cpu time.Duration
}

// medians of the runs of one contestant.
func medians(runs []result) result {
	var took, used []time.Duration
	for _, r := range runs {
		took, used = append(took, r.took), append(used, r.cpu)
	}
	return result{median(took), median(used)}
}

// print shows the contestants' medians side by side, and how many times as long and as much CPU as Sluice they took.
func print(b *testing.B, records int, order []string, all map[string][]result) {
	b.Helper()
	own := medians(all[sluice])
	b.Logf("%-24s %12s %14s %12s %12s %12s", "medians", "seconds", "records/s", "CPU seconds", "× seconds", "× CPU")
	for _, name := range order {
		if len(all[name]) == 0 {
			continue
		}
		m := medians(all[name])
		t, c := m.took, m.cpu
		b.Logf("%-24s %12.2f %14.0f %12.2f %12.2f %12.2f", name, t.Seconds(), float64(records)/t.Seconds(), c.Seconds(),
			t.Seconds()/own.took.Seconds(), c.Seconds()/max(own.cpu.Seconds(), 0.01))
		unit := strings.ReplaceAll(name, " ", "-")
		b.ReportMetric(float64(records)/t.Seconds(), unit+"-records/s")
		if c > 0 {
			b.ReportMetric(c.Seconds(), unit+"-CPU-s")
		}
	}
}

func count(name string) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		return 0
	}
	return n
}

// unique names things of one run, since a real broker keeps those of earlier ones.
func unique(name string, round int) string {
	return fmt.Sprintf("bench-%s-%d-%d", name, time.Now().UnixNano(), round)
}
