package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Record is a record to produce. Set Partition to [AnyPartition] unless you mean it.
type Record = kgo.Record

// RecordHeader is a header of a Record. A nil Value is Kafka's null.
type RecordHeader = kgo.RecordHeader

// ProducerConfig says how to produce.
type ProducerConfig struct {
	// Properties are settings of the Java producer by their names; see [ProducerOptions].
	Properties map[string]string
	// Credentials are needed for AWS_MSK_IAM only.
	Credentials Credentials
	// DeliveryTimeout, if not 0, bounds delivery.timeout.ms from above. It should be shorter than the lease of whoever
	// produces.
	DeliveryTimeout time.Duration
	// Topics says how to create topics that do not exist. If it is empty, the broker may create them.
	Topics []TopicGroup
	// Options are added last. Tests use them.
	Options []kgo.Opt
}

// Producer sends slabs of records. It connects when there is something to send, and again after an Abort.
//
// Produce may be called by one goroutine at a time; Abort by any.
type Producer struct {
	opts    []kgo.Opt
	timeout time.Duration
	limits  *batchLimits
	groups  []TopicGroup
	signed  bool
	secure  bool

	sending sync.Mutex // held by Produce
	mu      sync.Mutex
	session *session
}

// session is the life of one client, from the first Produce to an Abort.
type session struct {
	client *kgo.Client
	watch  *watch
	held   sync.WaitGroup // deliveries with records the library still holds
	topics topicsKnown    // used by Produce only

	mu     sync.Mutex
	open   map[*Delivery]struct{}
	broken error // why nothing may be sent any more
}

// NewProducer checks the settings; it does not connect. Its error lists every problem, each a *[SettingError].
func NewProducer(c ProducerConfig) (*Producer, error) {
	settings := newConfig()
	if err := settings.parse(c.Properties); err != nil {
		return nil, err
	}
	if c.DeliveryTimeout > 0 {
		settings.deliveryTimeout = min(settings.deliveryTimeout, c.DeliveryTimeout)
	}
	// No single request may take longer than all of them together.
	settings.requestTimeout = min(settings.requestTimeout, settings.deliveryTimeout)
	// An address that does not answer should be known by then.
	settings.setupTimeout = min(settings.setupTimeout, settings.deliveryTimeout/2)
	opts, err := settings.clientOptions(c.Credentials)
	if err != nil {
		return nil, err
	}
	limits := &batchLimits{most: int32(settings.batchLimit())}
	opts = append(opts, settings.producerOptions()...)
	opts = append(opts, kgo.ProducerBatchMaxBytesFn(limits.of))
	if len(c.Topics) == 0 {
		// Connect relies on the broker for topics it is not told how to create.
		opts = append(opts, kgo.AllowAutoTopicCreation())
	}
	return &Producer{
		opts:    append(opts, c.Options...),
		timeout: settings.deliveryTimeout,
		limits:  limits,
		groups:  c.Topics,
		signed:  strings.HasPrefix(settings.protocol, "SASL"),
		secure:  strings.HasSuffix(settings.protocol, "SSL"),
	}, nil
}

// Produce hands records over, in their order, and returns without waiting for acknowledgements. It blocks while
// buffer.memory is used up and while a topic is created, and never longer than the delivery time-out.
//
// The records belong to the producer until the delivery is done without an error, or until Abort has returned. Produce
// fills in their Timestamp if it is zero, and Kafka's answer fills in Partition and Offset.
//
// When ctx ends, records that were not yet sent fail; so it has to live until the delivery is done.
//
// After an error that leaves open what became of a record, every further delivery fails with that error until Abort:
// were later records sent, they could overtake earlier ones (Invariant 4).
func (p *Producer) Produce(ctx context.Context, records []Record) *Delivery {
	p.sending.Lock()
	defer p.sending.Unlock()
	d := &Delivery{producer: p, records: records, done: make(chan struct{})}
	ctx, d.cancel = context.WithCancel(ctx)
	if len(records) == 0 {
		d.finish(nil)
		return d
	}
	s, err := p.connect()
	if err == nil {
		d.session = s
		err = s.add(d, p.timeout)
	}
	if err != nil {
		d.finish(err)
		return d
	}
	d.pending.Store(int64(len(records)))
	if err := p.prepareTopics(ctx, s, records); err != nil {
		s.failed(err)
		d.finish(err)
		s.held.Done()
		return d
	}
	promise := d.acked
	for i := range records {
		if ctx.Err() != nil {
			// An aborted client might keep the rest and never say so.
			promise(&records[i], context.Cause(ctx))
			continue
		}
		// A slab is used again, and the library keeps the context it finds in a record.
		records[i].Context = ctx
		s.client.Produce(ctx, &records[i], promise)
	}
	return d
}

// CheckSize returns the *[ProduceError] with which Produce is going to refuse a record that is larger than
// max.request.size, and nil for others. Produce sends what is behind such a record before it is known to be refused.
func (p *Producer) CheckSize(r *Record) error {
	size, most := recordSize(r), int(p.limits.most)
	if size <= most {
		return nil
	}
	return &ProduceError{Topic: r.Topic, Err: &RecordTooLargeError{Topic: r.Topic, Size: size, Limit: most, Setting: maxRequestSize}}
}

// Abort drops everything that is not acknowledged and closes the connections, so that a process that is frozen now
// cannot send it later (Invariant 8). When it returns, all deliveries are done and their records free. The next
// Produce connects anew.
//
// A request that the broker already has is out of its reach: its records may be in the topic although their delivery
// failed with [ErrAborted].
func (p *Producer) Abort() {
	p.mu.Lock()
	s := p.session
	p.session = nil
	p.mu.Unlock()
	if s == nil {
		return
	}
	if s.outstanding() {
		s.watch.cut()
	}
	s.abandon(ErrAborted)
	// A Produce that was blocked has been let go by now, and nothing is added to a client that is closed.
	p.sending.Lock()
	defer p.sending.Unlock()
	s.client.Close()
	s.held.Wait()
}

// Close is Abort for good.
func (p *Producer) Close() { p.Abort() }

// connect returns the session, with a client that will connect when it first has to.
func (p *Producer) connect() (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session != nil {
		return p.session, nil
	}
	s := &session{
		watch: &watch{signed: p.signed, secure: p.secure},
		open:  make(map[*Delivery]struct{}),
	}
	s.watch.fatal = s.abandon
	client, err := kgo.NewClient(append(slices.Clip(p.opts), kgo.WithHooks(s.watch))...)
	if err != nil {
		return nil, fmt.Errorf("preparing the producer: %w", err)
	}
	s.client = client
	p.session = s
	return s, nil
}

// failed notes an error after which nothing more may be sent.
func (s *session) failed(err error) {
	if concernsRecord(err) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
	}
}

// abandon fails all deliveries at once, because none of them can succeed any more.
func (s *session) abandon(err error) {
	s.mu.Lock()
	if s.broken == nil {
		s.broken = err
	}
	open := slices.Collect(maps.Keys(s.open))
	s.mu.Unlock()
	for _, d := range open {
		d.finish(err)
	}
}

// add counts d in, unless the session is broken.
func (s *session) add(d *Delivery, timeout time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	s.open[d] = struct{}{}
	s.held.Add(1)
	d.timer = time.AfterFunc(timeout, func() { d.expire(timeout) })
	return nil
}

func (s *session) forget(d *Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, d)
}

// outstanding says whether the library may still hold records.
func (s *session) outstanding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open) > 0 || s.broken != nil
}
