package trigger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// bed is a broker in virtual time, with what a test needs around it. Nothing in it is real: hours pass in milliseconds.
type bed struct {
	t       *testing.T
	cluster *kfake.Cluster
	client  []kgo.Opt
	kgo     *kgo.Client
	admin   *kadm.Client
}

// virtual runs a test in virtual time against a broker with a topic t of some partitions.
func virtual(t *testing.T, partitions int32, test func(*testing.T, *bed)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(network.Listen), kfake.SeedTopics(partitions, "t"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		b := &bed{t: t, cluster: cluster, client: []kgo.Opt{kgo.SeedBrokers("localhost:9092"), kgo.Dialer(network.DialContext)}}
		b.kgo, err = kgo.NewClient(append(slices.Clone(b.client), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic("t"),
			kgo.DisableClientMetrics(), kgo.MetadataMinAge(10*time.Millisecond))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.kgo.Close)
		b.admin = kadm.NewClient(b.kgo)
		test(t, b)
	})
}

// produce writes n records to a partition, all at once.
func (b *bed) produce(partition int32, n int) {
	b.t.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Partition: partition, Value: fmt.Appendf(nil, "%d", partition)}
	}
	b.write(records...)
}

func (b *bed) write(records ...*kgo.Record) {
	b.t.Helper()
	if err := b.kgo.ProduceSync(b.t.Context(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// committed returns the group's offset in each partition of t that has one.
func (b *bed) committed(group string) map[int32]int64 {
	b.t.Helper()
	offsets, err := b.admin.FetchOffsets(b.t.Context(), group)
	if err != nil {
		b.t.Fatal(err)
	}
	found := map[int32]int64{}
	for id, o := range offsets["t"] {
		found[id] = o.At
	}
	return found
}

// members is how many a group has.
func (b *bed) members(group string) int {
	b.t.Helper()
	groups, err := b.admin.DescribeGroups(b.t.Context(), group)
	if err != nil {
		b.t.Fatal(err)
	}
	return len(groups[group].Members)
}

// start makes a trigger with one mapping m of topic t that hands its events to f. It is closed with the test.
func (b *bed) start(opts trigger.Options, f *sink, change func(*trigger.Mapping)) *trigger.Trigger {
	b.t.Helper()
	tr := trigger.New(opts)
	b.t.Cleanup(func() { tr.Close(context.Background()) })
	b.put(tr, f, change)
	return tr
}

func (b *bed) put(tr *trigger.Trigger, f *sink, change func(*trigger.Mapping)) {
	b.t.Helper()
	m := trigger.Mapping{Name: "m", Topic: "t", Client: b.client, Invoke: f.invoke, Bootstrap: "localhost:9092"}
	if change != nil {
		change(&m)
	}
	if err := tr.Put(m); err != nil {
		b.t.Fatal(err)
	}
}

// sink is a function: it notes what it gets and answers as it is told to.
type sink struct {
	answer func(n int, e kafka.Event) ([]byte, error) // n counts from 0; nil answers success
	takes  time.Duration

	mu     sync.Mutex
	start  time.Time
	events []call
	busy   map[string]bool // partitions with an invocation under way
	broken error           // a rule of the trigger was broken
}

type call struct {
	at      time.Duration
	ids     []string // partition/offset
	payload []byte
	failed  bool
}

func newSink() *sink { return &sink{start: time.Now(), busy: map[string]bool{}} }

func (f *sink) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	e, err := kafka.Decode(payload)
	if err != nil {
		return nil, err
	}
	n := f.begin(e, payload)
	if f.takes > 0 {
		select {
		case <-time.After(f.takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	var answer []byte
	if f.answer != nil {
		answer, err = f.answer(n, e)
	}
	f.end(n, e, err)
	return answer, err
}

func (f *sink) begin(e kafka.Event, payload []byte) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := call{at: time.Since(f.start), payload: bytes.Clone(payload)}
	for _, b := range e.Batches {
		if f.busy[b.ID] {
			f.broken = errors.New(b.ID + " has two invocations under way")
		}
		f.busy[b.ID] = true
		for _, m := range b.Messages {
			c.ids = append(c.ids, strconv.Itoa(int(b.Partition))+"/"+strconv.FormatInt(m.Offset, 10))
		}
	}
	f.events = append(f.events, c)
	return len(f.events) - 1
}

func (f *sink) end(n int, e kafka.Event, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events[n].failed = err != nil
	for _, b := range e.Batches {
		f.busy[b.ID] = false
	}
}

func (f *sink) calls() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

// ids lists what every call got.
func (f *sink) ids() [][]string {
	var all [][]string
	for _, c := range f.calls() {
		all = append(all, c.ids)
	}
	return all
}

// seen returns, for each partition, the offsets in the order they came, and checks that each follows the one before.
func (f *sink) seen(t *testing.T) map[string][]int64 {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		t.Error(f.broken)
	}
	all := map[string][]int64{}
	for _, c := range f.events {
		if c.failed {
			continue
		}
		for _, id := range c.ids {
			partition, offset, _ := bytes.Cut([]byte(id), []byte("/"))
			n, _ := strconv.ParseInt(string(offset), 10, 64)
			all[string(partition)] = append(all[string(partition)], n)
		}
	}
	return all
}

// pass lets virtual time go by and everything due in it happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func upTo(n int) []int64 {
	var all []int64
	for i := range n {
		all = append(all, int64(i))
	}
	return all
}

// list names the records of a partition from one offset to before another.
func list(partition, from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("%d/%d", partition, i))
	}
	return all
}

func wait(t *testing.T, tr *trigger.Trigger, state trigger.State) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if err := tr.Wait(ctx, "m", state); err != nil {
		t.Fatal(err)
	}
}

func status(t *testing.T, tr *trigger.Trigger) trigger.Status {
	t.Helper()
	s, err := tr.Status("m")
	if err != nil {
		t.Fatal(err)
	}
	return s
}
