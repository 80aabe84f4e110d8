package s3_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	aws3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const (
	benchRecords = 10_000 // of an event, which are about 4 MB: a trigger of Lambda hands over no more of either
	benchEvents  = 10
)

var orderSchema = schema.StructOf([]schema.Field{
	schema.F("id", schema.Of(schema.Int64)), schema.F("customer", schema.Of(schema.Int32)), schema.F("city", schema.Of(schema.String)),
	schema.F("amount", schema.Of(schema.Float64)), schema.F("paid", schema.Of(schema.Boolean)), schema.F("coupon", schema.Of(schema.String, schema.Optional())),
	schema.F("at", schema.TimestampOf()), schema.F("note", schema.Of(schema.String)),
}, schema.Named("order"), schema.Versioned(1))

// orders are records like those that people have.
func orders(n int) []connect.Record {
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("red green blue large small fast slow round square new old cheap late early north south east west gift sample")
	all := make([]connect.Record, n)
	for i := range all {
		var note []string
		for range 60 {
			note = append(note, words[random.IntN(len(words))])
		}
		at := time.UnixMilli(1700000000000 + int64(i))
		all[i] = connect.Record{
			Topic: "t", Time: at, Kafka: connect.Kafka{Topic: "t", Offset: int64(i)},
			Value: connect.Datum{Schema: orderSchema, Value: schema.StructFrom(orderSchema, []any{
				int64(i), random.Int32N(100_000), words[random.IntN(len(words))], float64(random.IntN(100_000)) / 100, i%2 == 0, nil, at, strings.Join(note, " "),
			})},
		}
	}
	return all
}

// BenchmarkSink writes objects beside a loop that only encodes the same records and puts the bytes into the same bucket:
// objects of an event, and objects of ten. Of these the loop, too, puts what it encoded of every event before it takes the next
// one, because the records of an event must be durable when a function ends, and then, out of memory, the whole. of-raw is the
// sink's speed in terms of the loop's, records/s its speed. The server is the real one if there is one.
func BenchmarkSink(b *testing.B) {
	url := os.Getenv("SLUICE_TEST_S3")
	if url == "" {
		_, url = serve(b)
	}
	records := orders(benchRecords * benchEvents)
	for _, events := range []int{1, benchEvents} {
		for _, format := range []string{"json.JsonFormat", "avro.AvroFormat", "parquet.ParquetFormat"} {
			b.Run(fmt.Sprintf("events=%d/%s", events, format), func(b *testing.B) {
				r := newRawLoop(b, url, format)
				run := rand.Uint64()
				var raw, whole []time.Duration
				for b.Loop() {
					run++
					settings := confluent(url, "flush.size", fmt.Sprint(benchRecords*events), "format.class", "io.confluent.connect.s3.format."+format,
						"topics.dir", fmt.Sprintf("bench-%d", run), "sluice.staging.dir", fmt.Sprintf("bench-%d-staging", run))
					begun := time.Now()
					for file := range slices.Chunk(records, benchRecords*events) {
						r.file(b, file)
					}
					raw = append(raw, time.Since(begun))
					begun = time.Now()
					sink := openSink(b, settings, &storagetest.State{})
					for event := range slices.Chunk(records, benchRecords) {
						if err := sink.Put(b.Context(), event); err != nil {
							b.Fatal(err)
						}
					}
					whole = append(whole, time.Since(begun))
				}
				b.SetBytes(r.bytes / int64(b.N))
				b.ReportMetric(float64(middle(raw))/float64(middle(whole)), "of-raw")
				b.ReportMetric(float64(len(records))/middle(whole).Seconds(), "records/s")
			})
		}
	}
}

// middle is the median, which what else the machine does changes least.
func middle(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// rawLoop encodes and uploads, and does nothing else.
type rawLoop struct {
	format storage.Format
	client *aws3.Client
	bytes  int64
	buffer []byte
}

func newRawLoop(b *testing.B, url, format string) *rawLoop {
	b.Helper()
	c := &storage.Confluent{}
	if err := config.Parse(map[string]string{"format.class": format, "flush.size": "1"}, c); err != nil {
		b.Fatal(err)
	}
	shape, err := c.Shape(&storage.Codec{})
	if err != nil {
		b.Fatal(err)
	}
	return &rawLoop{format: shape.Format, client: aws3.New(aws3.Options{
		Region: "us-east-1", UsePathStyle: true, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("test", "testtest", ""),
	})}
}

// file writes an object of some events.
func (r *rawLoop) file(b *testing.B, records []connect.Record) {
	b.Helper()
	pointers := make([]*connect.Record, len(records))
	for i := range records {
		pointers[i] = &records[i]
	}
	file := &storage.File{Topic: "t", Schema: orderSchema, Count: len(records)}
	r.buffer = r.buffer[:0]
	assembler, columns := r.format.(storage.Assembler)
	once := len(records) == benchRecords
	if !columns || !once {
		for event := range slices.Chunk(pointers, benchRecords) {
			begin := len(r.buffer)
			var err error
			r.buffer, err = r.format.Append(r.buffer, &storage.Stretch{File: file, Records: event, First: begin == 0, Last: once})
			if err != nil {
				b.Fatal(err)
			}
			if !once {
				r.put(b, r.buffer[begin:])
			}
		}
		pointers = nil
	}
	data := r.buffer
	if columns {
		var whole bytes.Buffer
		if err := assembler.Assemble(&whole, file, bytes.NewReader(r.buffer), pointers); err != nil {
			b.Fatal(err)
		}
		data = whole.Bytes()
	}
	r.put(b, data)
	r.bytes += int64(len(data))
}

func (r *rawLoop) put(b *testing.B, data []byte) {
	b.Helper()
	_, err := r.client.PutObject(b.Context(), &aws3.PutObjectInput{
		Bucket: aws.String("test"), Key: aws.String(fmt.Sprintf("bench-raw/%d", rand.Uint64())), Body: bytes.NewReader(data),
	})
	if err != nil {
		b.Fatal(err)
	}
}
