package trigger_test

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// The test binary is also a function, which appends values to the file FILE, and a desk over the folder DESK.
func TestMain(m *testing.M) {
	if path := os.Getenv("FILE"); path != "" {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			panic(err)
		}
		lambda.StartWithOptions(&appender{w: bufio.NewWriterSize(file, 1<<20)})
	}
	if dir := os.Getenv("DESK"); dir != "" {
		if err := desk(dir); err != nil {
			panic(err)
		}
		select {} // until it is killed
	}
	os.Exit(m.Run())
}

type appender struct {
	decoder kafka.Decoder
	w       *bufio.Writer
}

func (a *appender) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	e, err := a.decoder.Decode(payload)
	if err != nil {
		return nil, err
	}
	for i := range e.Batches {
		for j := range e.Batches[i].Messages {
			a.w.Write(e.Batches[i].Messages[j].Value)
		}
	}
	return []byte("{}"), a.w.Flush()
}

// BenchmarkTrigger moves 200 MB of 1 kB records from a topic on disk to nothing, and to a function in a process of its own that writes a file.
func BenchmarkTrigger(b *testing.B) {
	const records, value = 200_000, 1000
	server, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	fill(b, server.Addr(), records, value)

	b.Run("nothing", func(b *testing.B) {
		benchmark(b, server.Addr(), records, value, func(context.Context, []byte) ([]byte, error) { return nil, nil })
	})
	b.Run("process", func(b *testing.B) {
		service, err := function.NewService(function.Options{Temp: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		defer service.Close(context.Background())
		path := filepath.Join(b.TempDir(), "out")
		if err := service.Deploy(function.Function{Name: "f", Bootstrap: os.Args[0], Env: map[string]string{"FILE": path}, Log: b.Output()}); err != nil {
			b.Fatal(err)
		}
		n := benchmark(b, server.Addr(), records, value, func(ctx context.Context, payload []byte) ([]byte, error) {
			result, err := service.Invoke(ctx, "f", payload)
			return result.Payload, err
		})
		if info, err := os.Stat(path); err != nil || info.Size() != int64(n)*records*value {
			b.Errorf("the file: %v, %v", info.Size(), err)
		}
	})
}

func benchmark(b *testing.B, addr string, records, value int, invoke func(context.Context, []byte) ([]byte, error)) int {
	b.ReportAllocs()
	rounds := 0
	for b.Loop() {
		rounds++
		move(b, addr, b.Name()+strconv.Itoa(b.N)+"-"+strconv.Itoa(rounds), records, invoke)
	}
	b.SetBytes(int64(records * value))
	return rounds
}

// move delivers a topic's records, once, to a group that did not exist before.
func move(t testing.TB, addr, group string, records int, invoke func(context.Context, []byte) ([]byte, error)) {
	done := make(chan struct{})
	left := records
	tr := trigger.New(trigger.Options{OnDelivery: func(d trigger.Delivery) {
		if left -= d.Done; left == 0 {
			close(done)
		}
	}})
	err := tr.Put(trigger.Mapping{
		Name: "m", Group: group, Topic: "t", Client: []kgo.Opt{kgo.SeedBrokers(addr)}, Invoke: invoke, BatchSize: trigger.MaxBatchSize, Window: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	<-done
	tr.Close(context.Background())
}

func fill(b testing.TB, addr string, records, value int) {
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DisableClientMetrics(), kgo.DefaultProduceTopic("t"), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if _, err := kadm.NewClient(c).CreateTopic(b.Context(), 1, 1, nil, "t"); err != nil {
		b.Fatal(err)
	}
	bytes := make([]byte, value)
	for i := range bytes {
		bytes[i] = byte(i * 7)
	}
	for range records {
		c.Produce(b.Context(), &kgo.Record{Value: bytes}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	if err := c.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}
