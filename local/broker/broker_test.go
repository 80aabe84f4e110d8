package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
)

// The test binary is also the process that holds a broker and is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("BROKER_DIR"); dir != "" {
		b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: dir, Log: os.Stderr})
		if err != nil {
			panic(err)
		}
		fmt.Println(b.Addr())
		select {}
	}
	os.Exit(m.Run())
}

func open(t testing.TB, opts broker.Options) *broker.Broker {
	t.Helper()
	opts.Addr = "127.0.0.1:0"
	b, err := broker.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func client(t testing.TB, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.DisableClientMetrics())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// count reads a topic from its beginning to its end and checks that every value is there once.
func count(t *testing.T, addr, topic string) int {
	t.Helper()
	c := client(t, addr, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ends, err := kadm.NewClient(c).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var end int64
	ends.Each(func(o kadm.ListedOffset) { end += o.Offset })
	seen := map[string]int{}
	for n := int64(0); n < end; {
		fetches := c.PollFetches(t.Context())
		if err := fetches.Err0(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Value)]++; n++ })
	}
	for value, times := range seen {
		if times != 1 {
			t.Errorf("%s is there %d times", value, times)
		}
	}
	return len(seen)
}

func TestBroker_SurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BROKER_DIR="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr = strings.TrimSpace(addr)

	c := client(t, addr)
	acked := make(chan struct{}, 1<<20)
	stop := make(chan struct{})
	go func() { // writes until the broker is gone
		for i := 0; ; i++ {
			select {
			case <-stop:
				close(acked)
				return
			default:
			}
			r := &kgo.Record{Topic: "orders", Value: fmt.Append(nil, i)}
			if c.ProduceSync(context.Background(), r).FirstErr() == nil {
				acked <- struct{}{}
			}
		}
	}()
	for range 500 {
		<-acked
	}
	commit(t, c, "connect-orders", "orders", 321)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	close(stop)
	c.Close() // what was sent and not answered would be tried for ever
	total := 500
	for range acked {
		total++
	}

	b := open(t, broker.Options{Dir: dir, Log: t.Output()})
	if got := count(t, b.Addr(), "orders"); got < total || got > total+1 { // one may have been written and not acknowledged
		t.Errorf("%d records came back, %d were acknowledged", got, total)
	}
	if got := committed(t, client(t, b.Addr()), "connect-orders", "orders"); got != 321 {
		t.Errorf("the group is at %d, want 321", got)
	}
}

func commit(t *testing.T, c *kgo.Client, group, topic string, offset int64) {
	t.Helper()
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: topic, At: offset, LeaderEpoch: -1})
	if err := kadm.NewClient(c).CommitAllOffsets(t.Context(), group, offsets); err != nil {
		t.Fatal(err)
	}
}

func committed(t *testing.T, c *kgo.Client, group, topic string) int64 {
	t.Helper()
	offsets, err := kadm.NewClient(c).FetchOffsets(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := offsets.Lookup(topic, 0)
	return o.At
}

func TestBroker_ReopensAndClosesQuickly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 3 {
		b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		c := client(t, b.Addr())
		if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: fmt.Append(nil, round)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if got := count(t, b.Addr(), "orders"); got != round+1 {
			t.Errorf("%d records in round %d", got, round)
		}
		start := time.Now()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("closing took %s", d)
		}
	}
}

func TestBroker_MakesTopics(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		opts broker.Options
		want int
	}{
		{broker.Options{}, 1},
		{broker.Options{Partitions: 3}, 3},
		{broker.Options{NoAutoCreate: true}, 0},
	} {
		b := open(t, c.opts)
		k := client(t, b.Addr(), kgo.UnknownTopicRetries(0))
		err := k.ProduceSync(t.Context(), &kgo.Record{Topic: "new"}).FirstErr()
		if (err == nil) != (c.want > 0) {
			t.Errorf("%+v: %v", c.opts, err)
		}
		topics, err := kadm.NewClient(k).ListTopics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := len(topics["new"].Partitions); got != c.want {
			t.Errorf("%+v: %d partitions, want %d", c.opts, got, c.want)
		}
	}
}

func TestOpen_SaysWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = broker.Open(broker.Options{Addr: l.Addr().String(), Dir: t.TempDir()})
	want := "starting the broker: " + l.Addr().String() + " is in use: does another desk or a Kafka run there?"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}

	dir := t.TempDir()
	open(t, broker.Options{Dir: dir})
	_, err = broker.Open(broker.Options{Addr: "127.0.0.1:0", Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "does another desk run on it?") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a second broker on the folder: %v", err)
	}
}

func BenchmarkProduce(b *testing.B) {
	for _, sync := range []bool{false, true} {
		for _, batch := range []int{1, 1000} {
			b.Run(fmt.Sprintf("sync=%t/records=%d", sync, batch), func(b *testing.B) {
				server := open(b, broker.Options{Dir: b.TempDir(), Sync: sync})
				c := client(b, server.Addr(), kgo.DefaultProduceTopic("t"), kgo.ProducerBatchCompression(kgo.NoCompression()))
				value := make([]byte, 1000)
				records := make([]*kgo.Record, batch)
				for b.Loop() {
					for i := range records {
						records[i] = &kgo.Record{Value: value}
					}
					if err := c.ProduceSync(b.Context(), records...).FirstErr(); err != nil {
						b.Fatal(err)
					}
				}
				b.SetBytes(int64(batch * len(value)))
			})
		}
	}
}
