package kafka_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// largest builds an event of records of about size bytes each until the trigger's limit is reached, or as many as
// most if that is not 0. The bytes are random, as nothing in the way compresses.
func largest(tb testing.TB, size, headers int, most ...int) []byte {
	tb.Helper()
	random := rand.NewChaCha8([32]byte{1})
	enc := kafka.Encoder{Source: "aws:kafka", Arn: "arn:aws:kafka:eu-west-1:111122223333:cluster/shop/1", Bootstrap: "b-1.shop.example:9098"}
	for partition := int32(0); ; partition++ {
		for i := range 1000 {
			m := kafka.Message{Offset: 7_000_000 + int64(i), Timestamp: 1760000000000, Key: []byte(fmt.Sprint("order-", i)), Value: make([]byte, size)}
			random.Read(m.Value)
			for h := range headers {
				m.Headers = append(m.Headers, kafka.Header{Key: fmt.Sprint("header-", h), Value: m.Value[:16]})
			}
			if len(most) > 0 && enc.Len() == most[0] || !enc.Add("orders", partition, &m) {
				return enc.Bytes()
			}
		}
	}
}

func TestEncoder_RoundTrips(t *testing.T) {
	t.Parallel()
	for _, name := range triggerEvents {
		want := decode(t, event(t, name))
		if diff := cmp.Diff(want, decode(t, kafka.AppendEvent(nil, &want))); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", name, diff)
		}
	}
	odd := kafka.Event{Source: "\"\\\x00\x1f€😀", Batches: []kafka.Batch{{ID: "a\n-1", Topic: "a\n", Partition: 1, Messages: []kafka.Message{{
		Timestamp: -1, TimestampType: kafka.NoTimestampType, Headers: []kafka.Header{{Key: "\t"}, {Key: "\t", Value: []byte{0, 127, 128, 255}}, {Key: "", Value: []byte{}}},
	}}}}}
	if diff := cmp.Diff(odd, decode(t, kafka.AppendEvent(nil, &odd))); diff != "" {
		t.Errorf("odd: want (-), got (+):\n%s", diff)
	}
}

func TestEncoder_KeepsTheLimit(t *testing.T) {
	t.Parallel()
	body := largest(t, 1000, 1)
	if len(body) > kafka.MaxEventSize || len(body) < kafka.MaxEventSize-2000 {
		t.Errorf("the largest event has %d bytes", len(body))
	}
	if !json.Valid(body) {
		t.Error("the largest event is not JSON")
	}

	enc := kafka.Encoder{Limit: 500}
	m := kafka.Message{Value: make([]byte, 100)}
	if got := len(enc.Bytes()); got != enc.Size() {
		t.Errorf("empty: Size is %d, Bytes has %d", enc.Size(), got)
	}
	for p := int32(0); enc.Add("orders", p/2, &m); p++ {
		if got := len(enc.Bytes()); got != enc.Size() || got > 500 {
			t.Errorf("Size is %d, Bytes has %d, the limit is 500", enc.Size(), got)
		}
	}
	if e := decode(t, enc.Bytes()); e.Len() != enc.Len() || e.Len() != 1 {
		t.Errorf("%d of %d records", e.Len(), enc.Len())
	}
	enc.Reset()
	m.Value = make([]byte, 400)
	if enc.Add("orders", 0, &m) || enc.Len() != 0 || decodeLen(t, enc.Bytes()) != 0 {
		t.Error("a record above the limit was added")
	}
}

func decodeLen(tb testing.TB, payload []byte) int {
	e := decode(tb, payload)
	return e.Len()
}

func TestResponse_RoundTrips(t *testing.T) {
	t.Parallel()
	var r kafka.Response
	if got := string(r.AppendJSON(nil)); got != `{"batchItemFailures":[]}` || !r.OK() {
		t.Errorf("empty: %s", got)
	}
	r.Fail("orders-3", 44)
	r.Fail("orders-0", 7)
	r.Fail("orders-3", 41)
	r.Fail("orders-3", 50)
	want := `{"batchItemFailures":[{"itemIdentifier":{"partition":"orders-3","offset":41}},{"itemIdentifier":{"partition":"orders-0","offset":7}}]}`
	if got := string(r.AppendJSON(nil)); got != want || r.OK() {
		t.Errorf("got %s", got)
	}
	if marshalled, err := json.Marshal(&r); err != nil || string(marshalled) != want {
		t.Errorf("marshalled %s, %v", marshalled, err)
	}
	back, err := kafka.ParseResponse([]byte(want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Failures(), back.Failures()); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestParseResponse_ReadsWhatATriggerReads(t *testing.T) {
	t.Parallel()
	for _, success := range []string{"", " \n", "null", "{}", `{"other":1}`, `{"batchItemFailures":null}`, `{"batchItemFailures":[]}`} {
		if r, err := kafka.ParseResponse([]byte(success)); err != nil || !r.OK() {
			t.Errorf("%q: %v, %v", success, r.Failures(), err)
		}
	}
	for _, bad := range []string{
		"[]", `"ok"`, "{", `{"batchItemFailures":{}}`, `{"batchItemFailures":[{}]}`,
		`{"batchItemFailures":[{"itemIdentifier":"orders-3"}]}`,
		`{"batchItemFailures":[{"itemIdentifier":{"partition":"orders-3"}}]}`,
		`{"batchItemFailures":[{"itemIdentifier":{"offset":1}}]}`,
	} {
		if _, err := kafka.ParseResponse([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func FuzzParseResponse(f *testing.F) {
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":{"partition":"orders-3","offset":41}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := kafka.ParseResponse(body)
		if err != nil {
			return
		}
		again, err := kafka.ParseResponse(r.AppendJSON(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.Failures(), again.Failures()); diff != "" {
			t.Errorf("want (-), got (+):\n%s", diff)
		}
	})
}

// A record that does not fit leaves no trace, also if it is the first of its partition.
func TestEncoder_GoesOnAfterWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	e := kafka.Encoder{Limit: 400}
	small, large := &kafka.Message{Value: []byte("x")}, &kafka.Message{Value: make([]byte, 400)}
	if !e.Add("a", 0, small) || e.Add("b", 1, large) || !e.Add("a", 0, small) {
		t.Fatal("the wrong ones were added")
	}
	event, err := kafka.Decode(e.Bytes())
	if err != nil || len(event.Batches) != 1 || event.Batches[0].ID != "a-0" || len(event.Batches[0].Messages) != 2 {
		t.Errorf("%+v, %v", event, err)
	}
}
