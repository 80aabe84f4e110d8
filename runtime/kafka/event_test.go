package kafka_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/events"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// triggerEvents are the examples of what a Kafka trigger sends.
var triggerEvents = []string{
	"kafka-plain.json",
	"kafka-tombstones.json",
	"kafka-headers.json",
	"kafka-partitions.json",
	"kafka-self-managed.json",
	"kafka-poison.json",
	"kafka-largest.json",
}

// otherEvents are what a function gets besides.
var otherEvents = []string{"schedule-tick.json", "sink-tick.json", "task-hand-over.json"}

func event(tb testing.TB, name string) []byte {
	tb.Helper()
	body, err := fs.ReadFile(events.Files, name)
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

func decode(tb testing.TB, payload []byte) kafka.Event {
	tb.Helper()
	e, err := kafka.Decode(payload)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func TestDecode_AgreesWithReference(t *testing.T) {
	t.Parallel()
	for _, name := range triggerEvents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := reference(event(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, decode(t, event(t, name))); diff != "" {
				t.Errorf("reference (-), decoder (+):\n%s", diff)
			}
		})
	}
}

func TestDecode_ReadsTheLargestEventAsTheReferenceDoes(t *testing.T) {
	t.Parallel()
	payload := largest(t, 1000, 2)
	want, err := reference(payload)
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, payload)
	if got.Len() < 3500 || !reflect.DeepEqual(want, got) {
		t.Errorf("%d records, or they differ", got.Len())
	}
}

func TestDecode_ReadsEnvelope(t *testing.T) {
	t.Parallel()
	managed := decode(t, event(t, "kafka-plain.json"))
	if managed.Source != "aws:kafka" || !strings.HasPrefix(managed.Arn, "arn:aws:kafka:") || !strings.Contains(managed.Bootstrap, ",") {
		t.Errorf("managed: %q %q %q", managed.Source, managed.Arn, managed.Bootstrap)
	}
	own := decode(t, event(t, "kafka-self-managed.json"))
	if own.Source != "SelfManagedKafka" || own.Arn != "" || own.Bootstrap != "kafka-1.shop.example:9093" {
		t.Errorf("self-managed: %q %q %q", own.Source, own.Arn, own.Bootstrap)
	}
	want := []kafka.Batch{{ID: "orders-0", Topic: "orders", Messages: []kafka.Message{{
		Offset: 15, Timestamp: 1760000000015, Key: []byte("order-15"), Value: []byte(`{"id":15}`),
	}}}}
	if diff := cmp.Diff(want, own.Batches); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestDecode_TellsNullFromEmpty(t *testing.T) {
	t.Parallel()
	e := decode(t, event(t, "kafka-tombstones.json"))
	var got []string
	for _, m := range e.Batches[0].Messages {
		got = append(got, fmt.Sprintf("%d key %s value %s %s", m.Offset, show(m.Key), show(m.Value), m.TimestampType))
	}
	want := []string{
		`7 key "order-1" value null CREATE_TIME`,
		`8 key "order-2" value null CREATE_TIME`,
		`9 key "order-3" value "" CREATE_TIME`,
		`10 key null value "no key" CREATE_TIME`,
		`11 key null value "no key either" CREATE_TIME`,
		`12 key "" value "an empty key" CREATE_TIME`,
		`13 key null value null LOG_APPEND_TIME`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func show(b []byte) string {
	if b == nil {
		return "null"
	}
	return strconv.Quote(string(b))
}

func TestDecode_KeepsHeaders(t *testing.T) {
	t.Parallel()
	e := decode(t, event(t, "kafka-headers.json"))
	var got [][]kafka.Header
	for _, m := range e.Batches[0].Messages {
		got = append(got, m.Headers)
	}
	want := [][]kafka.Header{
		{{Key: "trace", Value: []byte("4bf92f")}, {Key: "currency", Value: []byte("€")}, {Key: "raw", Value: []byte{128, 255, 0, 1, 127}}},
		{{Key: "retry", Value: []byte("1")}, {Key: "source", Value: []byte("shop")}, {Key: "retry", Value: []byte("2")}},
		{{Key: "null"}, {Key: "empty", Value: []byte{}}, {Key: "größe", Value: []byte("10")}, {Key: "unsigned", Value: []byte("ü")}},
		nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestDecode_KeepsOrderOfPartitions(t *testing.T) {
	t.Parallel()
	e := decode(t, event(t, "kafka-partitions.json"))
	var got []string
	for _, b := range e.Batches {
		got = append(got, fmt.Sprintf("%s %s %d: %d", b.ID, b.Topic, b.Partition, len(b.Messages)))
	}
	want := []string{"eu-shop-orders-3 eu-shop-orders 3: 2", "eu-shop-orders-0 eu-shop-orders 0: 1", "eu-shop-orders-11 eu-shop-orders 11: 3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if e.Len() != 6 {
		t.Errorf("Len is %d", e.Len())
	}
}

func TestDecode_TrustsTheRecordsOwnCoordinates(t *testing.T) {
	t.Parallel()
	e := decode(t, []byte(`{"records":{"a-0":[{"topic":"a","partition":0,"offset":1},{"topic":"a","partition":1,"offset":5},{"topic":"a","partition":1,"offset":6}],
		"empty-0":[],"null-0":null,"a-1":[{"topic":"a","partition":1,"offset":7}]}}`))
	var got []string
	for _, b := range e.Batches {
		got = append(got, fmt.Sprintf("%s: %s/%d from %d, %d records", b.ID, b.Topic, b.Partition, b.Messages[0].Offset, len(b.Messages)))
	}
	want := []string{"a-0: a/0 from 1, 1 records", "a-0: a/1 from 5, 2 records", "a-1: a/1 from 7, 1 records"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestDecode_ReadsEscapes(t *testing.T) {
	t.Parallel()
	e := decode(t, []byte(`{"records":{"\u0061\ud83d\ude00-0":[{"t\u006fpic":"\u0061\ud83d\ude00","partition":0,"offset":1,
		"value":"\u0059Q\u003d=","key":"\/\/\/\/","headers":[{"\"\\\/\b\f\n\r\t\ud800":[1]}]}]}}`))
	want := []kafka.Batch{{ID: "a😀-0", Topic: "a😀", Messages: []kafka.Message{{
		Offset: 1, Timestamp: -1, TimestampType: kafka.NoTimestampType, Value: []byte("a"), Key: []byte{255, 255, 255},
		Headers: []kafka.Header{{Key: "\"\\/\b\f\n\r\t\ufffd", Value: []byte{1}}},
	}}}}
	if diff := cmp.Diff(want, e.Batches); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestDecode_NamesTheFault(t *testing.T) {
	t.Parallel()
	record := func(fields string) string {
		return `{"records":{"orders-0":[{"topic":"orders","partition":0,"offset":1},{` + fields + `}]}}`
	}
	for _, test := range []struct{ name, payload, want string }{
		{"nothing", ``, `byte 0: the text ends, expected an object`},
		{"no object", `[]`, `byte 0: found '[', expected an object`},
		{"not an event", `{"connector":"orders"}`, `there is no object named records`},
		{"null records", `{"records":null}`, `there is no object named records`},
		{"trailing garbage", `{"records":{}} x`, `byte 15: found 'x', expected nothing more after the event`},
		{"cut short", `{"records":{"orders-0":[{"topic":"ord`, `record 0 of orders-0: byte 37: the text ends, expected the end of a string`},
		{"cut in a value", `{"records":{"orders-0":[{"value":"YWFh`, `record 0 of orders-0: byte 38: the text ends, expected the end of a string`},
		{"cut in a header", `{"records":{"orders-0":[{"headers":[{"a":[1,2`, `record 0 of orders-0: byte 45: the text ends, expected the end of an array`},
		{"bad base64", record(`"value":"YQ=a"`), `record 1 of orders-0: byte 77: the value is not base64`},
		{"base64 with a blank", record(`"key":"YWFh YWFh"`), `record 1 of orders-0: byte 75: the key is not base64`},
		{"raw line break in base64", record("\"value\":\"YWFh\nYWFh\""), `record 1 of orders-0: byte 82: found '\n', expected no control character in a string`},
		{"raw line breaks that leave base64", record("\"value\":\"YWFh\n\n\n\n\""), `record 1 of orders-0: byte 82: found '\n', expected no control character in a string`},
		{"no topic", record(`"partition":0,"offset":1`), `record 1 of orders-0: byte 94: the record has no topic`},
		{"no partition", record(`"topic":"orders","partition":null,"offset":1`), `record 1 of orders-0: byte 114: the record has no partition`},
		{"no offset", record(`"topic":"orders","partition":0`), `record 1 of orders-0: byte 100: the record has no offset`},
		{"fraction", record(`"offset":1.5`), `record 1 of orders-0: byte 79: found '.', expected a comma or the end of the object`},
		{"leading zero", record(`"offset":01`), `record 1 of orders-0: byte 78: found '0', expected a whole number in the offset`},
		{"too large", record(`"offset":9223372036854775808`), `record 1 of orders-0: byte 78: the number is too large in the offset`},
		{"negative offset", record(`"offset":-1`), `record 1 of orders-0: byte 78: the offset -1 is out of range`},
		{"partition too large", record(`"partition":2147483648`), `record 1 of orders-0: byte 81: the partition 2147483648 is out of range`},
		{"word for a number", record(`"offset":"one"`), `record 1 of orders-0: byte 78: the offset is not a whole number`},
		{"number for a value", record(`"value":1`), `record 1 of orders-0: byte 77: found '1', expected a string or null for the value`},
		{"header byte too large", record(`"headers":[{"a":[256]}]`), `record 1 of orders-0: byte 86: 256 in the header "a" is not a byte`},
		{"header byte too small", record(`"headers":[{"a":[-129]}]`), `record 1 of orders-0: byte 86: -129 in the header "a" is not a byte`},
		{"header byte with a leading zero", record(`"headers":[{"a":[01]}]`), `record 1 of orders-0: byte 86: found '0', expected a whole number`},
		{"header ending in a comma", record(`"headers":[{"a":[1,]}]`), `record 1 of orders-0: byte 88: found ']', expected a number in the header "a"`},
		{"header of a minus", record(`"headers":[{"a":[-]}]`), `record 1 of orders-0: byte 87: found ']', expected a whole number`},
		{"header not bytes", record(`"headers":[{"a":"b"}]`), `record 1 of orders-0: byte 85: found '"', expected an array or null for the header "a"`},
		{"header of arrays", record(`"headers":[{"a":[[]]}]`), `record 1 of orders-0: byte 86: found '[', expected a number in the header "a"`},
		{"bad escape", record(`"topic":"\x"`), `record 1 of orders-0: byte 79: found 'x', expected an escape that JSON knows`},
		{"bad code point", record(`"topic":"\u12g4"`), `record 1 of orders-0: byte 79: found 'u', expected four hexadecimal digits`},
		{"bad unknown field", record(`"new":[1,{"a":tru}]`), `record 1 of orders-0: byte 83: found 't', expected true`},
		{"nested too deep", `{"new":` + strings.Repeat("[", 20000), `byte 10008: the value is nested too deep`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := kafka.Decode([]byte(test.payload))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff("decoding trigger event: "+test.want, err.Error()); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
		})
	}
}

func TestDecoder_LeavesEarlierBytesAlone(t *testing.T) {
	t.Parallel()
	var d kafka.Decoder
	type kept struct{ got, want []byte }
	var all []kept
	keep := func(b []byte) {
		if b != nil {
			all = append(all, kept{got: b, want: bytes.Clone(b)})
		}
	}
	for range 3 {
		for _, name := range triggerEvents {
			payload := event(t, name)
			want := decode(t, payload)
			e, err := d.Decode(payload)
			if err != nil {
				t.Fatal(err)
			}
			clear(payload) // nothing may refer to it
			if !reflect.DeepEqual(want, e) {
				t.Fatalf("%s: fresh decoder (-), used decoder (+):\n%s", name, cmp.Diff(want, e))
			}
			for _, b := range e.Batches {
				for _, m := range b.Messages {
					keep(m.Key)
					keep(m.Value)
					for _, h := range m.Headers {
						keep(h.Value)
					}
				}
			}
		}
	}
	for i, k := range all {
		if !bytes.Equal(k.got, k.want) {
			t.Fatalf("bytes %d changed from %q to %q", i, k.want, k.got)
		}
		if cap(k.got) != len(k.got) {
			t.Fatalf("bytes %d could be appended to over their neighbour", i)
		}
	}
}

func TestDecoder_RecoversFromErrors(t *testing.T) {
	t.Parallel()
	var d kafka.Decoder
	payload := event(t, "kafka-headers.json")
	want := decode(t, payload)
	for cut := range payload {
		if _, err := d.Decode(payload[:cut]); err == nil && len(bytes.TrimSpace(payload[cut:])) > 0 {
			t.Fatalf("no error for the first %d bytes", cut)
		}
	}
	e, err := d.Decode(payload)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("fresh decoder (-), used decoder (+):\n%s", diff)
	}
}

func TestDecoder_AllocatesPerEventNotPerRecord(t *testing.T) {
	payload := largest(t, 1000, 2)
	var d kafka.Decoder
	allocs := testing.AllocsPerRun(20, func() {
		if _, err := d.Decode(payload); err != nil {
			t.Fatal(err)
		}
	})
	// One piece of memory per 512 kB of records, and nothing else.
	if most := float64(len(payload)*3/4/(512<<10) + 2); allocs > most {
		t.Errorf("%v allocations for %d bytes, want at most %v", allocs, len(payload), most)
	}
}

func TestIsEvent_TellsEventsFromTheRest(t *testing.T) {
	t.Parallel()
	for _, name := range triggerEvents {
		if !kafka.IsEvent(event(t, name)) {
			t.Errorf("%s is not taken for an event", name)
		}
	}
	for _, name := range otherEvents {
		if kafka.IsEvent(event(t, name)) {
			t.Errorf("%s is taken for an event", name)
		}
	}
	for payload, want := range map[string]bool{
		``:                                    false,
		`[]`:                                  false,
		`"records"`:                           false,
		`{}`:                                  false,
		`{"records":{}}`:                      false,
		`{"eventSource":"aws:kafka"}`:         false,
		`{"a":{"records":1,"eventSource":2}}`: false,
		`{"records":{"a-0":[{"key":"}"}]},"eventSource":"aws:kafka"}`: true,
		` {"eventSource":"aws:kafka" , "records" : oops`:              true,
		`{"eventSource":oops,"records":{}}`:                           false,
	} {
		if got := kafka.IsEvent([]byte(payload)); got != want {
			t.Errorf("IsEvent(%s) = %v", payload, got)
		}
	}
}

// FuzzDecode compares the decoder with the reference: the same result, or an error from both.
func FuzzDecode(f *testing.F) {
	for _, name := range append(triggerEvents, otherEvents...) {
		if name != "kafka-largest.json" {
			f.Add(event(f, name))
		}
	}
	f.Add([]byte(`{"records":{"\u0061-0":[{"topic":"\ud83d\ude00","partition":"1","offset":-0,"value":"YQ\u003d=","headers":[{"a":[],"b":null,"a":[-1,255]}],"x":[{},[1e5,-0.1],"\u00e9",true]}]}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		want, wantErr := reference(payload)
		var d kafka.Decoder
		got, err := d.Decode(payload)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("decoder: %v\nreference: %v", err, wantErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("reference (-), decoder (+):\n%s", diff)
		}
		if err != nil {
			return
		}
		again, err := d.Decode(payload)
		if err != nil || !cmp.Equal(want, again) {
			t.Fatalf("the second time: %v\n%s", err, cmp.Diff(want, again))
		}
	})
}
