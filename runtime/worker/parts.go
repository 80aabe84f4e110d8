package worker

import (
	"context"
	"errors"
	"slices"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// encodePart encodes a key or a value. headed is c, if that may add a header to out.
func encodePart(ctx context.Context, c connect.Converter, headed connect.HeadedConverter, d connect.Datum, out *kafka.Record) ([]byte, error) {
	if headed == nil {
		return c.Encode(ctx, out.Topic, d)
	}
	b, header, err := headed.EncodeHeaded(ctx, out.Topic, d)
	if err == nil && header != nil {
		out.Headers = append(out.Headers, kafka.RecordHeader{Key: headed.HeaderName(), Value: header})
	}
	return b, err
}

// decodePart is encodePart for the other direction.
func decodePart(ctx context.Context, c connect.Converter, headed connect.HeadedConverter, topic string, b []byte, headers []kafka.Header) (connect.Datum, error) {
	if headed == nil || len(headers) == 0 {
		return c.Decode(ctx, topic, b)
	}
	name := headed.HeaderName()
	for _, h := range slices.Backward(headers) {
		if h.Key == name {
			return headed.DecodeHeaded(ctx, topic, b, h.Value)
		}
	}
	return c.Decode(ctx, topic, b)
}

// unreachable tells whether a record failed because something is out of reach: all records come again.
func unreachable(err error) bool {
	retry, ok := errors.AsType[*connect.RetryError](err)
	return ok && retry.Outage
}
