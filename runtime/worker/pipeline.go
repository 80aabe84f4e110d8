package worker

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// pipeline is what lies between a connector and Kafka: converters, transforms and the policy for what goes wrong there.
type pipeline struct {
	key, value           connect.Converter
	header               connect.HeaderConverter
	keyClass, valueClass string
	headerClass          string
	chain                []step
	policy               policy
}

// step is one transform of the chain.
type step struct {
	class     string
	transform connect.Transform
	predicate connect.Predicate // nil: for every record
	negate    bool
}

// policy is the part of errors.* that decides whether a failure ends the task.
type policy struct {
	tolerate bool
	// timeout is how long a retriable failure is tried again, negative for ever; delayMax caps the wait between.
	timeout, delayMax time.Duration
	log, logMessages  bool
}

// The wait before the first repetition of a retriable failure; it doubles with each.
const firstDelay = 300 * time.Millisecond

// attempt runs one stage of one record until it succeeds, fails for good or ctx ends.
func (p *pipeline) attempt(ctx context.Context, stage connect.Stage, class string, do func() error) error {
	err := do()
	if err == nil {
		return nil
	}
	start := time.Now()
	for n := 0; ; n++ {
		retry, ok := errors.AsType[*connect.RetryError](err)
		if !ok || p.policy.timeout == 0 {
			return &connect.StageError{Stage: stage, Class: class, Err: err}
		}
		wait := p.policy.delay(n)
		if retry.After > 0 {
			wait = retry.After
		}
		if p.policy.timeout > 0 && time.Since(start)+wait > p.policy.timeout {
			return &connect.StageError{Stage: stage, Class: class, Err: err}
		}
		if pause(ctx, wait) != nil {
			return context.Cause(ctx)
		}
		if err = do(); err == nil {
			return nil
		}
	}
}

// delay is Connect's: it doubles, and above the cap it is anything below it.
func (p policy) delay(n int) time.Duration {
	d := firstDelay << min(n, 40)
	if p.delayMax > 0 && (d > p.delayMax || d <= 0) {
		return rand.N(p.delayMax)
	}
	return d
}

// transform runs the chain over r in place. keep false means a transform dropped it.
func (p *pipeline) transform(ctx context.Context, r *connect.Record) (keep bool, err error) {
	for i := range p.chain {
		s := &p.chain[i]
		before := *r // a transform that fails half-way and is tried again starts from the same record
		err := p.attempt(ctx, connect.StageTransform, s.class, func() (err error) {
			*r = before
			keep, err = s.apply(r)
			return err
		})
		if err != nil || !keep {
			return false, err
		}
	}
	return true, nil
}

func (s *step) apply(r *connect.Record) (keep bool, err error) {
	defer contain(&err)
	if s.predicate != nil {
		match, err := s.predicate.Match(r)
		if err != nil || match == s.negate {
			return true, err
		}
	}
	return s.transform.Apply(r)
}

// encode turns a record of a source into one for Kafka. keep false means a transform dropped it. r is changed.
func (p *pipeline) encode(ctx context.Context, r *connect.Record, out *kafka.Record) (keep bool, err error) {
	if len(p.chain) > 0 {
		if keep, err = p.transform(ctx, r); err != nil || !keep {
			return false, err
		}
	}
	*out = kafka.Record{Topic: r.Topic, Partition: r.Partition, Timestamp: r.Time}
	if len(r.Headers) > 0 {
		if out.Headers, err = p.encodeHeaders(ctx, r); err != nil {
			return false, err
		}
	}
	if out.Key, err = p.key.Encode(ctx, r.Topic, r.Key); err != nil {
		err = p.attempt(ctx, connect.StageKeyConverter, p.keyClass, again(&err, func() (err error) {
			out.Key, err = p.key.Encode(ctx, r.Topic, r.Key)
			return err
		}))
	}
	if err != nil {
		return false, err
	}
	if out.Value, err = p.value.Encode(ctx, r.Topic, r.Value); err != nil {
		err = p.attempt(ctx, connect.StageValueConverter, p.valueClass, again(&err, func() (err error) {
			out.Value, err = p.value.Encode(ctx, r.Topic, r.Value)
			return err
		}))
	}
	return err == nil, err
}

// again makes of a call that failed once the first of a series, so that a record that does not fail costs no closure.
func again(first *error, do func() error) func() error {
	failed := *first
	return func() error {
		if failed != nil {
			err := failed
			failed = nil
			return err
		}
		return do()
	}
}

func (p *pipeline) encodeHeaders(ctx context.Context, r *connect.Record) ([]kafka.RecordHeader, error) {
	headers := make([]kafka.RecordHeader, len(r.Headers))
	for i, h := range r.Headers {
		err := p.attempt(ctx, connect.StageHeaderConverter, p.headerClass, func() error {
			value, err := p.header.EncodeHeader(ctx, r.Topic, h.Key, h.Value)
			headers[i] = kafka.RecordHeader{Key: h.Key, Value: value}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return headers, nil
}

// decode turns a message from Kafka into a record for a sink. keep false means a transform dropped it.
func (p *pipeline) decode(ctx context.Context, b *kafka.Batch, m *kafka.Message, r *connect.Record) (keep bool, err error) {
	*r = connect.Record{
		Topic: b.Topic, Partition: b.Partition, Time: m.Time(),
		Kafka: connect.Kafka{Topic: b.Topic, Partition: b.Partition, Offset: m.Offset, TimeType: timeType(m)},
	}
	if r.Key, err = p.key.Decode(ctx, b.Topic, m.Key); err != nil {
		err = p.attempt(ctx, connect.StageKeyConverter, p.keyClass, again(&err, func() (err error) {
			r.Key, err = p.key.Decode(ctx, b.Topic, m.Key)
			return err
		}))
	}
	if err != nil {
		return false, err
	}
	if r.Value, err = p.value.Decode(ctx, b.Topic, m.Value); err != nil {
		err = p.attempt(ctx, connect.StageValueConverter, p.valueClass, again(&err, func() (err error) {
			r.Value, err = p.value.Decode(ctx, b.Topic, m.Value)
			return err
		}))
	}
	if err != nil {
		return false, err
	}
	if len(m.Headers) > 0 {
		if r.Headers, err = p.decodeHeaders(ctx, b.Topic, m.Headers); err != nil {
			return false, err
		}
	}
	if len(p.chain) == 0 {
		return true, nil
	}
	return p.transform(ctx, r)
}

func (p *pipeline) decodeHeaders(ctx context.Context, topic string, in []kafka.Header) ([]connect.Header, error) {
	headers := make([]connect.Header, len(in))
	for i, h := range in {
		err := p.attempt(ctx, connect.StageHeaderConverter, p.headerClass, func() error {
			value, err := p.header.DecodeHeader(ctx, topic, h.Key, h.Value)
			headers[i] = connect.Header{Key: h.Key, Value: value}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return headers, nil
}

func timeType(m *kafka.Message) connect.TimeType {
	switch m.TimestampType {
	case kafka.CreateTime:
		return connect.CreateTime
	case kafka.LogAppendTime:
		return connect.LogAppendTime
	case kafka.NoTimestampType:
	}
	return connect.NoTime
}
