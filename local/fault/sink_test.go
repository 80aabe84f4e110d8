//go:build unix

package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// sink is a file sink, its topic and its trigger.
type sink struct {
	*rig
	name     string
	random   *rand.Rand
	path     string
	life     *life
	settings map[string]string
	trigger  *trigger.Trigger
	torn     bool // a line was seen unfinished
	// answer, if set, takes the place of what the trigger is told an invocation came to.
	answer func(event *kafka.Event, answer []byte, err error) ([]byte, error)
	// partial: the trigger honours partial answers.
	partial bool
	// batch is the most records of an event, where the test decides that before.
	batch int
	// forgetful: what was delivered may come again, since the trigger's own commits may fail.
	forgetful bool

	numbers    int         // how many were written to the topic
	partitions []partition // by number

	mu       sync.Mutex
	problems []string
}

// partition is what was written to a partition, and what became of it.
type partition struct {
	values []string // by offset
	good   []int    // numbers of the records that are not poison, in order
	before []int    // by offset: how many of those come before

	restarts []int // places in good at which a delivery began that came after one that failed
	failed   bool  // the last delivery
	underway int   // deliveries that have not ended
	done     int64 // the offset behind what was delivered with success
}

const jsonConverter = "org.apache.kafka.connect.json.JsonConverter"

// newSink makes the connector.
func newSink(t *testing.T, r *rig, name string, random *rand.Rand, partitions int, settings map[string]string) (*sink, error) {
	s := &sink{rig: r, name: name, random: random, path: filepath.Join(t.TempDir(), "out"), partitions: make([]partition, partitions)}
	s.life = r.watch.add(name)
	s.settings = map[string]string{
		"connector.class": "FileStreamSink", "topics": name, "file": s.path,
		"value.converter": jsonConverter, "value.converter.schemas.enable": "false",
		"errors.tolerance": "all", "errors.deadletterqueue.topic.name": s.dead(),
		"errors.deadletterqueue.topic.replication.factor": "1",
	}
	maps.Copy(s.settings, settings)
	return s, errors.Join(r.createTopic(name, partitions), r.createTopic(s.dead(), 1),
		r.put(name, offset.Keep, s.settings), r.deploy(name, "sink", time.Minute))
}

func (s *sink) dead() string { return s.name + "-dead" }

// pull starts the trigger.
func (s *sink) pull(change func(*trigger.Mapping)) error {
	s.trigger = trigger.New(trigger.Options{RetryMin: 2 * time.Millisecond, RetryMax: 50 * time.Millisecond})
	m := trigger.Mapping{
		Name: s.name, Topic: s.name, Bootstrap: s.brokers, Invoke: s.invoke,
		// Nobody should lose its partitions because the machine is slow.
		Client:    []kgo.Opt{kgo.SeedBrokers(s.brokers), kgo.SessionTimeout(time.Minute)},
		BatchSize: between(s.random, 5, 300), Window: time.Duration(between(s.random, 1, 30)) * time.Millisecond,
		Pollers: between(s.random, 1, len(s.partitions)),
	}
	if change != nil {
		change(&m)
	}
	return s.trigger.Put(m)
}

// close ends the trigger.
func (s *sink) close() {
	if s.trigger != nil {
		closing, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.trigger.Close(closing)
	}
}

// invoke is what the trigger calls.
func (s *sink) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	event, err := kafka.Decode(payload)
	if err != nil {
		return nil, err
	}
	s.delivering(&event)
	result, err := s.functions.Invoke(ctx, s.name, payload)
	answer := result.Payload
	if s.answer != nil {
		answer, err = s.answer(&event, answer, err)
	}
	response := kafka.Response{}
	if err == nil && s.partial {
		if response, err = kafka.ParseResponse(answer); err != nil {
			return nil, err
		}
	}
	s.delivered(&event, response, err)
	return answer, err
}

func (s *sink) delivering(event *kafka.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range event.Batches {
		p, first := &s.partitions[b.Partition], b.Messages[0].Offset
		if first > p.done || first < p.done && !s.forgetful {
			s.problems = append(s.problems, fmt.Sprintf("offset %d of partition %d is delivered, and %d is due", first, b.Partition, p.done))
		}
		// Who did not reach the broker for long loses its partitions, also while it delivers some of them: then the next
		// one delivers the same again.
		if p.failed || first < p.done || p.underway > 0 && s.forgetful {
			p.restarts = append(p.restarts, p.before[first])
		}
		p.underway++
	}
}

func (s *sink) delivered(event *kafka.Event, response kafka.Response, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range event.Batches {
		p := &s.partitions[b.Partition]
		p.failed = err != nil
		p.underway--
		if err == nil {
			p.done = b.Messages[len(b.Messages)-1].Offset + 1
		}
	}
	for _, f := range response.Failures() {
		for _, b := range event.Batches {
			if b.ID == f.ID {
				p := &s.partitions[b.Partition]
				p.failed, p.done = true, f.Offset
			}
		}
	}
}

// feed writes n records, of which about one in poison is poison; 0 for none.
func (s *sink) feed(n, poison int) error {
	var records []*kgo.Record
	s.mu.Lock()
	for range n {
		s.numbers++
		p := &s.partitions[s.numbers%len(s.partitions)]
		value := fmt.Sprintf("{poison %d", s.numbers)
		good := poison == 0 || s.random.IntN(poison) > 0
		if good {
			quoted, err := json.Marshal(line(s.numbers))
			if err != nil {
				return err
			}
			value = string(quoted)
		}
		records = append(records, &kgo.Record{Topic: s.name, Partition: int32(s.numbers % len(s.partitions)), Value: []byte(value)})
		p.values = append(p.values, value)
		p.before = append(p.before, len(p.good))
		if good {
			p.good = append(p.good, s.numbers)
		}
	}
	s.mu.Unlock()
	return s.client.ProduceSync(s.t.Context(), records...).FirstErr()
}

// finish waits until everything is delivered. It gives up when nothing is for long.
func (s *sink) finish() error {
	far, since := int64(0), time.Now()
	err := poll(s.t.Context(), 20*time.Millisecond, func() (bool, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		done, all := int64(0), int64(0)
		for i := range s.partitions {
			done += s.partitions[i].done
			all += int64(len(s.partitions[i].values))
		}
		if done > far {
			far, since = done, time.Now()
		}
		if time.Since(since) > patience {
			return false, fmt.Errorf("nothing was for %s, after %d of %d records", patience, done, all)
		}
		return done == all, nil
	})
	if err != nil {
		return fmt.Errorf("not everything is delivered: %w; log:\n\t%s", err, s.log(s.name))
	}
	return nil
}

// compare checks the file against the topic, and counts what came more than once.
func (s *sink) compare() (repeated int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.problems) > 0 {
		return 0, errors.New(strings.Join(s.problems, "; "))
	}
	all, err := readFile(s.path)
	if err != nil {
		return 0, err
	}
	got := make([][]int, len(s.partitions))
	for _, n := range all {
		got[n%len(got)] = append(got[n%len(got)], n)
	}
	for i := range s.partitions {
		p := &s.partitions[i]
		if err := compare(got[i], p.good, p.restarts); err != nil {
			return 0, fmt.Errorf("partition %d: %w", i, err)
		}
		repeated += len(got[i]) - len(p.good)
	}
	return repeated, nil
}

// letters returns how often each poison record is in the dead-letter topic; it is an error if one is not, or if something
// else is.
func (s *sink) letters() (map[string]int, error) {
	records, err := s.readTopic(s.dead())
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	for _, p := range s.partitions {
		for _, value := range p.values {
			if strings.HasPrefix(value, "{poison ") {
				count[value] = 0
			}
		}
	}
	for _, r := range records {
		if _, ok := count[string(r.Value)]; !ok {
			return nil, fmt.Errorf("a dead letter that was never poison: %q", r.Value)
		}
		count[string(r.Value)]++
	}
	for value, n := range count {
		if n == 0 {
			return nil, fmt.Errorf("there is no dead letter of %s", value)
		}
	}
	return count, nil
}

// once checks that there is one dead letter of each poison record.
func (s *sink) once() error {
	count, err := s.letters()
	if err != nil {
		return err
	}
	for value, n := range count {
		if n != 1 {
			return fmt.Errorf("%s has %s dead letters", value, strconv.Itoa(n))
		}
	}
	return nil
}

// forgetStatus makes the tasks such that have not run yet, which then say that they do.
func (r *rig) forgetStatus(name string) error {
	for {
		c, tasks, err := r.store.Look(r.t.Context(), name, 1)
		if err != nil || len(tasks) == 0 {
			return err
		}
		err = r.store.PutTaskStatus(r.t.Context(), name, 0, c.Generation, offset.Status{}, offset.Done{})
		if !errors.Is(err, offset.ErrStale) {
			return err
		}
	}
}
