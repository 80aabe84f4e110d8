package worker

import (
	"context"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// pipeline is what lies between a connector and Kafka: converters, transforms and the policy for what goes wrong there.
type pipeline struct {
	key, value           connect.Converter
	keyHeaded            connect.HeadedConverter // key, if it is one that keeps something in a header
	valueHeaded          connect.HeadedConverter // value, likewise
	header               connect.HeaderConverter
	keyClass, valueClass string
	headerClass          string
	chain                []step
	policy               policy

	// report counts what goes wrong. It is that of the invocation.
	report *Report
	// began, if not nil, is when the record at work first failed, in an earlier invocation perhaps.
	began func(ctx context.Context) (time.Time, error)
}

// step is one transform of the chain.
type step struct {
	class     string
	transform connect.Transform
	predicate connect.Predicate // nil: for every record
	negate    bool
}

// transform runs the chain over r in place. keep false means a transform dropped it.
func (p *pipeline) transform(ctx context.Context, r *connect.Record) (keep bool, err error) {
	var before connect.Record
	for i := range p.chain {
		s := &p.chain[i]
		if p.policy.timeout != 0 { // a transform that fails half-way and is tried again starts from the same record
			before = *r
		}
		if keep, err = s.apply(r); err != nil {
			keep, err = p.transformAgain(ctx, s, r, before, err)
		}
		if err != nil || !keep {
			return false, err
		}
	}
	return true, nil
}

func (p *pipeline) transformAgain(ctx context.Context, s *step, r *connect.Record, before connect.Record, failed error) (keep bool, err error) {
	staged := &connect.StageError{Stage: connect.StageTransform, Class: s.class, Err: failed}
	err = p.again(ctx, staged, func() (err error) {
		*r = before
		keep, err = s.apply(r)
		return err
	})
	return keep, err
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
	if out.Key, err = encodePart(ctx, p.key, p.keyHeaded, r.Key, out); err != nil {
		err = p.again(ctx, &connect.StageError{Stage: connect.StageKeyConverter, Class: p.keyClass, Err: err}, func() (err error) {
			out.Key, err = encodePart(ctx, p.key, p.keyHeaded, r.Key, out)
			return err
		})
	}
	if err != nil {
		return false, err
	}
	if out.Value, err = encodePart(ctx, p.value, p.valueHeaded, r.Value, out); err != nil {
		err = p.again(ctx, &connect.StageError{Stage: connect.StageValueConverter, Class: p.valueClass, Err: err}, func() (err error) {
			out.Value, err = encodePart(ctx, p.value, p.valueHeaded, r.Value, out)
			return err
		})
	}
	return err == nil, err
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
	if r.Key, err = decodePart(ctx, p.key, p.keyHeaded, b.Topic, m.Key, m.Headers); err != nil {
		err = p.again(ctx, &connect.StageError{Stage: connect.StageKeyConverter, Class: p.keyClass, Err: err}, func() (err error) {
			r.Key, err = decodePart(ctx, p.key, p.keyHeaded, b.Topic, m.Key, m.Headers)
			return err
		})
	}
	if err != nil {
		return false, err
	}
	if r.Value, err = decodePart(ctx, p.value, p.valueHeaded, b.Topic, m.Value, m.Headers); err != nil {
		err = p.again(ctx, &connect.StageError{Stage: connect.StageValueConverter, Class: p.valueClass, Err: err}, func() (err error) {
			r.Value, err = decodePart(ctx, p.value, p.valueHeaded, b.Topic, m.Value, m.Headers)
			return err
		})
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
