package trigger_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/trigger"
)

const killRecords = 3000

// desk is broker, trigger and functions in one process, over a folder. It tells every delivery, until it is killed or all is delivered.
func desk(dir string) error {
	ctx := context.Background()
	b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: filepath.Join(dir, "kafka")})
	if err != nil {
		return err
	}
	if err := seed(ctx, b.Addr()); err != nil {
		return err
	}
	service, err := function.NewService(function.Options{Temp: dir})
	if err != nil {
		return err
	}
	err = service.Deploy(function.Function{
		Name: "f", Bootstrap: os.Args[0], Env: map[string]string{"FILE": filepath.Join(dir, "out")}, Log: os.Stderr, Timeout: 10 * time.Second,
	})
	if err != nil {
		return err
	}
	tr := trigger.New(trigger.Options{OnDelivery: func(d trigger.Delivery) { fmt.Println(d.Done) }})
	err = tr.Put(trigger.Mapping{
		Name: "m", Topic: "t", Client: []kgo.Opt{kgo.SeedBrokers(b.Addr())}, BatchSize: 50, Window: -1, Pollers: 2,
		Invoke: func(ctx context.Context, payload []byte) ([]byte, error) {
			result, err := service.Invoke(ctx, "f", payload)
			return result.Payload, err
		},
	})
	if err != nil {
		return err
	}
	for {
		lags, err := tr.Lag(ctx, "m")
		left := int64(0)
		for _, l := range lags {
			left += l.Lag
		}
		if err == nil && left == 0 {
			fmt.Println("done")
			return nil
		}
		<-time.After(10 * time.Millisecond)
	}
}

// seed writes the numbers from 0, each on a line of its own, once.
func seed(ctx context.Context, addr string) error {
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DisableClientMetrics(), kgo.DefaultProduceTopic("t"))
	if err != nil {
		return err
	}
	defer c.Close()
	if resp, err := kadm.NewClient(c).CreateTopic(ctx, 2, 1, nil, "t"); err != nil || resp.Err != nil {
		return nil // an earlier desk has done it
	}
	var records []*kgo.Record
	for i := range killRecords {
		records = append(records, &kgo.Record{Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, "%d\n", i)})
	}
	return c.ProduceSync(ctx, records...).FirstErr()
}

func TestDesk_KilledLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kills := 0
	for finished := false; !finished; {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "DESK="+dir)
		cmd.Stderr = t.Output()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; !finished && (kills >= 4 || n < 3+kills); n++ {
			if !lines.Scan() {
				t.Fatal("the desk ended by itself")
			}
			finished = lines.Text() == "done"
		}
		kills++
		cmd.Process.Kill()
		cmd.Wait()
	}
	written, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	times := make([]int, killRecords)
	for line := range bytes.Lines(written) {
		n, err := strconv.Atoi(string(bytes.TrimSpace(line)))
		if err != nil {
			t.Fatalf("a broken line: %v", err)
		}
		times[n]++
	}
	twice := 0
	for n, k := range times {
		if k == 0 {
			t.Fatalf("record %d was lost", n)
		}
		if k > 1 {
			twice++
		}
	}
	if kills < 5 {
		t.Errorf("the desk was killed %d times only", kills)
	}
	t.Logf("%d of %d records came more than once, over %d kills", twice, killRecords, kills)
}

// Moving a record from the topic to the event costs next to no allocations, broker and client included. Not parallel: it counts everybody's.
func TestTrigger_AllocatesLittlePerRecord(t *testing.T) {
	const records = 20_000
	server, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	fill(t, server.Addr(), records, 100)
	round := 0
	allocs := testing.AllocsPerRun(1, func() {
		round++
		move(t, server.Addr(), strconv.Itoa(round), records, func(context.Context, []byte) ([]byte, error) { return nil, nil })
	})
	if allocs > records/5 {
		t.Errorf("%.2f allocations per record", allocs/records)
	}
}
