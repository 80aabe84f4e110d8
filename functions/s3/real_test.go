package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	aws3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
)

// bucket is a folder of the real server's bucket.
type bucket struct {
	t      *testing.T
	client *aws3.Client
	prefix string
}

func realBucket(t *testing.T, url string) bucket {
	t.Helper()
	return bucket{t: t, prefix: fmt.Sprintf("run-%d/", rand.Uint64()), client: aws3.New(aws3.Options{
		Region: "us-east-1", UsePathStyle: true, BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("test", "testtest", ""),
	})}
}

// read reads all objects.
func (b bucket) read() map[string][]byte {
	b.t.Helper()
	all := map[string][]byte{}
	pages := aws3.NewListObjectsV2Paginator(b.client, &aws3.ListObjectsV2Input{Bucket: aws.String("test"), Prefix: &b.prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		for _, o := range page.Contents {
			out, err := b.client.GetObject(b.t.Context(), &aws3.GetObjectInput{Bucket: aws.String("test"), Key: o.Key})
			if err != nil {
				b.t.Fatal(err)
			}
			data, err := io.ReadAll(out.Body)
			if err := errors.Join(err, out.Body.Close()); err != nil {
				b.t.Fatal(err)
			}
			all[(*o.Key)[len(b.prefix):]] = data
		}
	}
	return all
}

func TestReal_LargeAndSmallObjects(t *testing.T) {
	t.Parallel()
	url := real(t)
	b := realBucket(t, url)
	const events, size = 120, 100
	state := &storagetest.State{}
	settings := confluent(url, "flush.size", strconv.Itoa(events*size-50), "topics.dir", b.prefix+"topics", "sluice.staging.dir", b.prefix+".staging")
	for event := range events {
		put(t, openSink(t, settings, state), rows("t", event*size, size, 1000))
	}
	got := ids(t, b.read()["topics/t/partition=0/t+0+0000000000.json"])
	if len(got) != events*size-50 {
		t.Fatalf("%d records", len(got))
	}
	for i := range got {
		if got[i] != int64(i) {
			t.Fatalf("record %d is %d", i, got[i])
		}
	}
	put(t, openSink(t, settings, state), rows("t", events*size-100, 100, 1000)) // delivered again
	if n := len(b.read()); n != 2 {                                             // the object and what is left in one piece
		t.Errorf("%d objects", n)
	}
}

func TestReal_ObjectsInTheWay(t *testing.T) {
	t.Parallel()
	url := real(t)
	b := realBucket(t, url)
	settings := confluent(url, "topics.dir", b.prefix+"topics")
	put(t, openSink(t, settings, &storagetest.State{}), rows("t", 0, 3, 2))
	put(t, openSink(t, settings, &storagetest.State{}), rows("t", 0, 3, 2)) // a replay to the same bytes
	err := openSink(t, settings, &storagetest.State{}).Put(context.Background(), slices.Concat(rows("t", 0, 2, 2), rows("t", 4, 1, 2)))
	if !errors.Is(err, storage.ErrTaken) {
		t.Errorf("another object: %v", err)
	}
}

// The source reads what the sink wrote, from a real server, in every format, a few records at a time.
func TestReal_SourceReadsWhatTheSinkWrote(t *testing.T) {
	t.Parallel()
	url := real(t)
	for _, format := range []string{"json.JsonFormat", "avro.AvroFormat", "parquet.ParquetFormat"} {
		b := realBucket(t, url)
		class := "io.confluent.connect.s3.format." + format
		sink := openSink(t, confluent(url, "flush.size", "25", "topics.dir", b.prefix+"topics", "sluice.staging.dir", b.prefix+"staging", "format.class", class), &storagetest.State{})
		for from := 0; from < 100; from += 20 {
			put(t, sink, rows("t", from, 20, 2))
		}
		settings := confluentSource(url, "topics.dir", b.prefix+"topics", "format.class", class, "sluice.after.reading", "delete")
		offsets := table{}
		if got := drain(t, settings, offsets); len(got) != 100 || len(offsets) != 1 {
			t.Errorf("%s: %d records, %d offsets", format, len(got), len(offsets))
		}
		if left := b.read(); len(left) > 0 {
			t.Errorf("%s: %d objects are left", format, len(left))
		}
	}
}
