//go:build unix

package fault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// The whole desk is killed at any moment and started again, with lines going from a file through a topic to a file.
func TestFaults_DeskKilled(t *testing.T) {
	t.Parallel()
	deskKilled(t, "")
}

// The same with a real Kafka, which stays.
func TestFaults_DeskKilledRealBroker(t *testing.T) {
	t.Parallel()
	brokers := os.Getenv("SLUICE_TEST_KAFKA")
	if brokers == "" {
		if os.Getenv("SLUICE_CI") != "" {
			t.Fatal("SLUICE_TEST_KAFKA names no Kafka broker")
		}
		t.Skip("needs a Kafka broker: SLUICE_TEST_KAFKA=host:port")
	}
	deskKilled(t, brokers)
}

func deskKilled(t *testing.T, brokers string) {
	t.Helper()
	p := newPlan(t, 2, 5)
	programs(t)
	var kills, ends, repeated, gaveUp atomic.Int64
	p.run(t, 10, func(i int, random *rand.Rand) error {
		d := &desk{dir: t.TempDir(), name: fmt.Sprintf("fault%d.%d", p.seed, i), brokers: brokers, random: random}
		defer d.kill()
		err := d.round(t.Context(), between(random, 2, 4))
		if err != nil {
			log, _ := os.ReadFile(filepath.Join(d.dir, "desk.log"))
			err = fmt.Errorf("%w; the desk's log ends:\n%s", err, log[max(0, len(log)-4000):])
		}
		kills.Add(int64(d.kills))
		ends.Add(int64(d.ends))
		repeated.Add(int64(d.repeated))
		if d.gaveUp != "" {
			gaveUp.Add(1)
			t.Logf("round %d: an invocation of the source gave up: %s", i, d.gaveUp)
		}
		return err
	})
	t.Logf("%d × killed, %d × told to end, %d × too busy; %d lines came more than once", kills.Load(), ends.Load(), gaveUp.Load(), repeated.Load())
}

// desk is the whole program with a source and a sink.
type desk struct {
	dir, name, brokers string
	random             *rand.Rand
	in                 *input
	cmd                *exec.Cmd
	log                *os.File

	starts                []int64 // offsets of the source when the desk was killed
	restarts              []int   // offsets of the sink's group then
	kills, ends, repeated int
	gaveUp                string // why an invocation of the source did, if one did
}

func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *desk) connector(name string, settings map[string]string) error {
	all := map[string]string{"name": d.name + "-" + name, "key.converter": text, "value.converter": text, "sluice.lease.ms": "6000"}
	maps.Copy(all, settings)
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return os.WriteFile(d.path(name+".json"), body, 0o644)
}

// round kills the desk some times, lets it finish and compares.
func (d *desk) round(ctx context.Context, times int) error {
	d.in = &input{path: d.path("in")}
	err := errors.Join(
		d.connector("source", map[string]string{
			"connector.class": "FileStreamSource", "file": d.in.path, "topic": d.name, "batch.size": strconv.Itoa(between(d.random, 10, 200)),
			"sluice.source.idle.ms":             oneOf(d.random, "0", "700", "2000"),
			"sluice.offset.flush.interval.ms":   oneOf(d.random, "0", "10", "60000"),
			"topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1",
		}),
		d.connector("sink", map[string]string{"connector.class": "FileStreamSink", "file": d.path("out"), "topics": d.name}),
		d.in.grow(10))
	if err != nil {
		return err
	}
	for i := range times {
		if err := d.start(ctx); err != nil {
			return err
		}
		if err := d.growFor(ctx, time.Duration(between(d.random, 50, 7000))*time.Millisecond); err != nil {
			return err
		}
		if i > 0 && d.random.IntN(3) == 0 {
			err = d.end(ctx)
		} else {
			d.kill()
			d.kills++
		}
		if err == nil {
			_, err = d.note(ctx)
		}
		if err != nil {
			return err
		}
	}
	if err := d.finish(ctx); err != nil {
		return err
	}
	return d.compare(ctx)
}

// start starts the desk, again if the machine was too busy for it to reach its own broker and table in time.
func (d *desk) start(ctx context.Context) (err error) {
	for range 5 {
		if err = d.startOnce(ctx); !errors.Is(err, errTooBusy) {
			return err
		}
	}
	return err
}

var errTooBusy = errors.New("it ended, since what it needs did not answer")

// startOnce starts the desk and waits until it says so.
func (d *desk) startOnce(ctx context.Context) error {
	var err error
	if d.log, err = os.OpenFile(d.path("desk.log"), os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return err
	}
	from, err := d.log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	args := []string{
		"up", "--data", d.path("data"), "--rest", "127.0.0.1:0", "--registry", "127.0.0.1:0", "--functions", built.functions, "--log", "json",
		"--tick", "1s", "--batch-window", "10ms", "--batch-size", strconv.Itoa(between(d.random, 20, 500)),
	}
	if d.brokers != "" {
		args = append(args, "--brokers", d.brokers)
	} else {
		args = append(args, "--kafka", "127.0.0.1:0")
	}
	d.cmd = exec.Command(built.desk, append(args, d.path("source.json"), d.path("sink.json"))...)
	d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr = d.dir, d.log, d.log
	if err := d.cmd.Start(); err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = poll(limit, 10*time.Millisecond, func() (bool, error) {
		said, err := os.ReadFile(d.log.Name())
		if err == nil && d.gone() {
			err = errors.New("it ended")
			if bytes.Contains(said[from:], []byte("sluice: reaching ")) {
				err = errTooBusy
			}
		}
		return err == nil && bytes.Contains(said[from:], []byte(`"msg":"started"`)), err
	})
	if err != nil {
		return fmt.Errorf("starting the desk: %w", err)
	}
	return nil
}

// gone tells whether the process has ended, without taking note of it.
func (d *desk) gone() bool {
	var info syscall.WaitStatus
	pid, err := syscall.Wait4(d.cmd.Process.Pid, &info, syscall.WNOHANG, nil)
	return err != nil || pid != 0
}

// growFor adds lines for a time.
func (d *desk) growFor(ctx context.Context, long time.Duration) error {
	limit, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	err := poll(limit, 20*time.Millisecond, func() (bool, error) { return false, d.in.grow(between(d.random, 1, 30)) })
	if limit.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// kill ends the desk at once.
func (d *desk) kill() {
	if d.cmd == nil {
		return
	}
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
	d.log.Close()
	d.cmd = nil
}

// end tells the desk to end, as Ctrl-C does.
func (d *desk) end(ctx context.Context) error {
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	hanging := context.AfterFunc(ctx, func() { _ = d.cmd.Process.Kill() })
	defer hanging()
	timer := time.AfterFunc(patience, func() { _ = d.cmd.Process.Kill() })
	defer timer.Stop()
	err := d.cmd.Wait()
	d.log.Close()
	d.cmd = nil
	d.ends++
	if err != nil {
		return fmt.Errorf("the desk was told to end: %w", err)
	}
	return nil
}

// finish runs the desk until all is at its destination and committed. Who was killed last may still hold its lease, and what
// came twice into the topic has to come twice out of it. Every run is longer than the one before: a desk that ends while it
// joins a real cluster's group leaves a member behind that the next ones wait for.
func (d *desk) finish(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	long := 2 * time.Second
	return poll(limit, time.Millisecond, func() (bool, error) {
		if err := d.start(limit); err != nil {
			return false, err
		}
		if err := d.await(limit); err != nil {
			return false, err
		}
		select {
		case <-time.After(long):
			long *= 2
		case <-limit.Done():
		}
		if err := d.end(limit); err != nil {
			return false, err
		}
		return d.note(limit)
	})
}

// note takes down where the source and the sink will go on, and tells whether that is the end.
func (d *desk) note(ctx context.Context) (all bool, err error) {
	err = d.look(ctx, func(brokers string, position int64) error {
		d.starts = append(d.starts, position)
		client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...), kgo.DisableClientMetrics())
		if err != nil {
			return err
		}
		defer client.Close()
		admin := kadm.NewClient(client)
		committed, err := admin.FetchOffsets(ctx, "connect-"+d.name+"-sink")
		for errors.Is(err, kerr.CoordinatorNotAvailable) && ctx.Err() == nil {
			// A cluster that has just begun is still making its topic of offsets.
			committed, err = admin.FetchOffsets(ctx, "connect-"+d.name+"-sink")
		}
		if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return fmt.Errorf("asking for the group's offsets: %w", err)
		}
		at, _ := committed.Lookup(d.name, 0)
		d.restarts = append(d.restarts, int(max(0, at.At)))
		ends, err := admin.ListEndOffsets(ctx, d.name)
		if err != nil {
			return fmt.Errorf("asking how much there is in the topic: %w", err)
		}
		end, ok := ends.Lookup(d.name, 0)
		all = ok && end.Err == nil && at.At == end.Offset && position == d.in.position()
		return nil
	})
	return all, err
}

// look opens what a desk that does not run left behind: a copy of it, for opening repairs.
func (d *desk) look(ctx context.Context, do func(brokers string, position int64) error) error {
	dir, err := os.MkdirTemp(d.dir, "look-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(d.path("data"))); err != nil {
		return err
	}
	tab, err := table.Open(filepath.Join(dir, "data", "table.db"))
	if err != nil {
		return err
	}
	defer tab.Close()
	server := httptest.NewServer(tab)
	defer server.Close()
	store, err := dynamo.Open(ctx, dynamo.Options{Table: "sluice", Region: "us-east-1", Endpoint: server.URL, AccessKey: "x", SecretKey: "x", Attempt: patience / 4, Patience: patience})
	if err != nil {
		return err
	}
	entries, err := store.AllOffsets(ctx, d.name+"-source")
	if err != nil {
		return err
	}
	position := int64(0)
	for _, e := range entries {
		if position, _, err = e.Start().Int64("position"); err != nil {
			return err
		}
	}
	if d.brokers != "" {
		return do(d.brokers, position)
	}
	b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: filepath.Join(dir, "data", "kafka")})
	if err != nil {
		return err
	}
	defer b.Close()
	return do(b.Addr(), position)
}

// await waits until the last line is at its destination.
func (d *desk) await(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last := []byte(line(len(d.in.ends)) + "\n")
	err := poll(limit, 50*time.Millisecond, func() (bool, error) {
		out, err := os.ReadFile(d.path("out"))
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return bytes.HasSuffix(out, last), err
	})
	if err != nil {
		return fmt.Errorf("line %d does not arrive: %w", len(d.in.ends), err)
	}
	return nil
}
