package kafka_test

import (
	"testing"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// The bytes reported per operation, and the payload itself, are all the memory a warm decoder needs: about 1.8 times the
// payload for 1 kB records. A first event adds 96 bytes for each record.
func BenchmarkDecoder(b *testing.B) {
	for _, bench := range []struct {
		name    string
		payload []byte
	}{
		{"largest of 1kB", largest(b, 1000, 0)},
		{"3500 of 1kB", largest(b, 1000, 0, 3500)},
		{"100 of 1kB", largest(b, 1000, 0, 100)},
		{"largest of 200B", largest(b, 200, 0)},
		{"largest of 200B, 2 headers", largest(b, 200, 2)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.payload)))
			b.ReportAllocs()
			var d kafka.Decoder
			for b.Loop() {
				if _, err := d.Decode(bench.payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode_Cold(b *testing.B) {
	payload := largest(b, 1000, 0, 3500)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := kafka.Decode(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncoder(b *testing.B) {
	e, err := kafka.Decode(largest(b, 1000, 1, 3500))
	if err != nil {
		b.Fatal(err)
	}
	body := kafka.AppendEvent(nil, &e)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		body = kafka.AppendEvent(body[:0], &e)
	}
}
