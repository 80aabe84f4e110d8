package trigger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Status tells how a mapping fares.
type Status struct {
	Name, Topic, Group string
	State              State
	// Missing tells that the topic does not exist yet; the mapping waits for it.
	Missing bool
	// Problems says what keeps it from working, each with its likely cause; empty when all is well.
	Problems []string
	// LastResult is how the latest invocation went: OK, or the error. LastAt is when; zero before the first.
	LastResult string
	LastAt     time.Time
	// InFlight is how many invocations are under way.
	InFlight int
	// Invocations, Failed and Delivered count since the mapping was put: invocations that ended, those among them that failed, records that are done with.
	Invocations, Failed, Delivered int64
	// Partitions are those this desk reads now.
	Partitions []Partition
}

// Partition is how far a partition is, as last seen while reading.
type Partition struct {
	ID   int32
	Next int64 // the offset after the last record that is done with; -1 before the first
	End  int64 // the offset the next record written will have; -1 if not known yet
	// Blocked says why it does not go on, if it does not.
	Blocked string
}

// tally is what a mapping counts and remembers. The mapping's lock guards it.
type tally struct {
	invocations, failed, delivered int64
	inFlight                       int
	result                         string
	at                             time.Time
	problems                       map[string]string
	missing                        bool // there is no topic
}

// setProblem notes what is wrong with one thing; an empty text says that it works again.
func (m *mapping) setProblem(thing, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if text == "" {
		delete(m.tally.problems, thing)
		return
	}
	if m.tally.problems == nil {
		m.tally.problems = map[string]string{}
	}
	m.tally.problems[thing] = text
}

func (m *mapping) setMissing(missing bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tally.missing = missing
}

func (m *mapping) status() Status {
	m.mu.Lock()
	w, t := m.wish.mapping, m.tally
	s := Status{
		Name: m.name, Topic: w.Topic, Group: w.Group, State: m.state, LastResult: t.result, LastAt: t.at, InFlight: t.inFlight, Missing: t.missing,
		Invocations: t.invocations, Failed: t.failed, Delivered: t.delivered,
	}
	for _, thing := range slices.Sorted(maps.Keys(t.problems)) {
		s.Problems = append(s.Problems, t.problems[thing])
	}
	pollers := slices.Clone(m.pollers)
	m.mu.Unlock()
	for _, p := range pollers {
		s.Partitions = p.describe(s.Partitions)
	}
	slices.SortFunc(s.Partitions, func(a, b Partition) int { return cmp.Compare(a.ID, b.ID) })
	return s
}

// began and finished count invocations.
func (m *mapping) began() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tally.inFlight++
}

func (m *mapping) finished(d Delivery) {
	m.mu.Lock()
	t := &m.tally
	t.inFlight--
	t.invocations++
	t.delivered += int64(d.Done)
	t.at, t.result = time.Now(), "OK"
	if d.Err != nil {
		t.failed++
		t.result = d.Err.Error()
	}
	m.mu.Unlock()
	if report := m.trigger.opts.OnDelivery; report != nil {
		report(d)
	}
}

// Lag is how far behind a group is in one partition, as the brokers say.
type Lag struct {
	Partition int32
	Committed int64 // -1 if nothing is committed
	End       int64 // the offset the next record written will have
	Lag       int64 // records from Committed, or from the oldest one, to End
}

// Lag asks the brokers how far behind a mapping is, whether or not it is reading.
func (t *Trigger) Lag(ctx context.Context, name string) ([]Lag, error) {
	m, err := t.find(name)
	if err != nil {
		return nil, err
	}
	w, _ := m.wishes()
	lags, err := readLag(ctx, w.mapping)
	if err != nil {
		return nil, fmt.Errorf("reading the lag of mapping %s: %w", name, err)
	}
	return lags, nil
}

// committed reads the offsets of a group. One that does not exist yet has none.
func committed(ctx context.Context, admin *kadm.Client, group string) (kadm.OffsetResponses, error) {
	offsets, err := admin.FetchOffsets(ctx, group)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, nil
	}
	return offsets, err
}

func readLag(ctx context.Context, m Mapping) ([]Lag, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.DisableClientMetrics()}, m.Client...)...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := admin.ListEndOffsets(ctx, m.Topic)
	if err != nil {
		return nil, err
	}
	starts, err := admin.ListStartOffsets(ctx, m.Topic)
	if err != nil {
		return nil, err
	}
	committed, err := committed(ctx, admin, m.Group)
	if err != nil {
		return nil, err
	}
	if err := ends.Error(); err != nil {
		return nil, err
	}
	var lags []Lag
	for _, o := range ends[m.Topic] {
		l := Lag{Partition: o.Partition, Committed: -1, End: o.Offset}
		start, _ := starts.Lookup(m.Topic, o.Partition)
		if c, ok := committed.Lookup(m.Topic, o.Partition); ok && c.Err == nil && c.At >= 0 {
			l.Committed = c.At
		}
		l.Lag = max(0, l.End-max(start.Offset, l.Committed))
		lags = append(lags, l)
	}
	slices.SortFunc(lags, func(a, b Lag) int { return cmp.Compare(a.Partition, b.Partition) })
	return lags, nil
}
