package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// The contestants.
const (
	plainLoop    = "plain franz-go"
	sluice       = "sluice"
	kafkaConnect = "kafka connect"
)

// rounds of each contestant, in turn. SLUICE_BENCH_LINES replaces the number of lines.
const rounds = 5

func lines() int {
	if n := count("SLUICE_BENCH_LINES"); n > 0 {
		return n
	}
	return 200_000
}

// BenchmarkFileSource moves a file of 1 kB lines into a topic: by the source's function, by a plain produce loop over the
// same file, and by Kafka Connect. What counts is what the topic holds.
func BenchmarkFileSource(b *testing.B) {
	r := newRig(b)
	theirs := newConnect(b)
	n := lines()
	path := linesFile(b, n, 1000)
	for b.Loop() {
		all := map[string][]result{}
		for round := range rounds {
			all[plainLoop] = append(all[plainLoop], r.plainLoop(b, path, n, round))
			all[sluice] = append(all[sluice], r.sluiceSource(b, path, n, round))
			if theirs != nil {
				all[kafkaConnect] = append(all[kafkaConnect], theirs.source(b, r, path, n, round))
			}
		}
		print(b, n, []string{plainLoop, sluice, kafkaConnect}, all)
	}
}

func (r *rig) plainLoop(b *testing.B, path string, n, round int) result {
	b.Helper()
	topic := unique("plain", round)
	r.topic(b, topic)
	// The Java producer does not compress unless told to, and neither does ours.
	client := r.client(b, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(kgo.NoCompression()))
	before := cpu(os.Args[0])
	start := time.Now()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var failed atomic.Value
	scanner := bufio.NewScanner(f)
	scanner.Buffer(make([]byte, 1<<20), 1<<20)
	for scanner.Scan() {
		client.Produce(b.Context(), &kgo.Record{Value: bytes.Clone(scanner.Bytes())}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Store(err)
			}
		})
	}
	if err := client.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	took := time.Since(start)
	if err := failed.Load(); err != nil {
		b.Fatal(err)
	}
	if got := r.count(b, topic); got != int64(n) {
		b.Fatalf("the topic holds %d records and not %d", got, n)
	}
	return result{took, cpu(os.Args[0]) - before}
}

func (r *rig) sluiceSource(b *testing.B, path string, n, round int) result {
	b.Helper()
	name := unique("source", round)
	r.topic(b, name)
	r.connector(b, name, "source", map[string]string{"file": path, "topic": name})
	tick, err := json.Marshal(worker.Tick{Connector: name})
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	r.invoke(b, name, tick)
	took := time.Since(start)
	if got := r.count(b, name); got != int64(n) {
		b.Fatalf("the topic holds %d records and not %d", got, n)
	}
	used := cpu(filepath.Join(r.dir, "file", "source"))
	r.functions.Remove(name)
	return result{took, used}
}

func (k *connectWorker) source(b *testing.B, r *rig, path string, n, round int) result {
	b.Helper()
	name := unique("their-source", round)
	r.topic(b, name)
	before := cpu("org.apache.kafka.connect.cli")
	start := time.Now()
	k.start(b, name, map[string]string{
		"connector.class": "FileStreamSource", "tasks.max": "1", "file": path, "topic": name,
		"key.converter": text, "value.converter": text,
	})
	until(b, "Kafka Connect's last record", func() bool { return r.count(b, name) >= int64(n) })
	took := time.Since(start)
	used := cpu("org.apache.kafka.connect.cli") - before
	k.stop(b, name)
	return result{took, used}
}

// BenchmarkTopicToFile moves a topic of 1 kB records into a file: by the trigger and the sink's function, and by Kafka
// Connect. What counts is the size of the file.
func BenchmarkTopicToFile(b *testing.B) {
	r := newRig(b)
	theirs := newConnect(b)
	n := lines()
	path := linesFile(b, n, 1000)
	for b.Loop() {
		source := unique("filled", 0)
		r.topic(b, source)
		r.connector(b, source, "source", map[string]string{"file": path, "topic": source})
		tick, err := json.Marshal(worker.Tick{Connector: source})
		if err != nil {
			b.Fatal(err)
		}
		r.invoke(b, source, tick)
		all := map[string][]result{}
		for round := range rounds {
			all[sluice] = append(all[sluice], r.sluiceSink(b, source, n, round))
			if theirs != nil {
				all[kafkaConnect] = append(all[kafkaConnect], theirs.sink(b, source, n, round))
			}
		}
		print(b, n, []string{sluice, kafkaConnect}, all)
	}
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func (r *rig) sluiceSink(b *testing.B, topic string, n, round int) result {
	b.Helper()
	name := unique("sink", round)
	out := filepath.Join(b.TempDir(), name)
	defer os.Remove(out) // so that memory does not fill up with files from round to round
	r.connector(b, name, "sink", map[string]string{"topics": topic, "file": out})
	t := trigger.New(trigger.Options{})
	before := cpu(os.Args[0])
	start := time.Now()
	err := t.Put(trigger.Mapping{
		Name: name, Topic: topic, Group: "connect-" + name, Client: []kgo.Opt{kgo.SeedBrokers(r.brokers)},
		BatchSize: trigger.MaxBatchSize, Window: -1, // the last event waits for nothing, as Kafka Connect does not either
		Invoke: func(ctx context.Context, payload []byte) ([]byte, error) {
			answer, err := r.functions.Invoke(ctx, name, payload)
			return answer.Payload, err
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	until(b, "the sink's last record", func() bool { return size(out) >= int64(n)*1000 })
	took := time.Since(start)
	if err := t.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	used := cpu(filepath.Join(r.dir, "file", "sink")) + cpu(os.Args[0]) - before
	r.functions.Remove(name)
	return result{took, used}
}

func (k *connectWorker) sink(b *testing.B, topic string, n, round int) result {
	b.Helper()
	name := unique("their-sink", round)
	out := filepath.Join(b.TempDir(), name)
	defer os.Remove(out) // so that memory does not fill up with files from round to round
	before := cpu("org.apache.kafka.connect.cli")
	start := time.Now()
	k.start(b, name, map[string]string{
		"connector.class": "FileStreamSink", "tasks.max": "1", "file": out, "topics": topic,
		"key.converter": text, "value.converter": text,
	})
	until(b, "Kafka Connect's last record", func() bool { return size(out) >= int64(n)*1000 })
	took := time.Since(start)
	used := cpu("org.apache.kafka.connect.cli") - before
	k.stop(b, name)
	return result{took, used}
}
