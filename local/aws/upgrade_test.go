package aws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// versions are two builds of a function: another one than today's, if SLUICE_TEST_OLD names a folder with functions of an
// earlier version, and today's.
func versions(t *testing.T, name string) (before, after string) {
	t.Helper()
	if old := os.Getenv("SLUICE_TEST_OLD"); old != "" {
		return filepath.Join(old, name, "bootstrap"), built(t, name)
	}
	return built(t, name+"-registry"), built(t, name)
}

// started is an invocation that goes on.
func (b *bench) started(name string, payload []byte) <-chan runtime.Result {
	done := make(chan runtime.Result, 1)
	go func() {
		defer close(done)
		answer, err := b.functions.Invoke(b.Context(), name, payload)
		var r runtime.Result
		if err == nil {
			err = json.Unmarshal(answer.Payload, &r)
		}
		if err != nil {
			r.Error = err.Error()
		}
		done <- r
	}()
	return done
}

// ran tells whether an invocation ran and wrote so many records. Early versions do not say.
func ran(r runtime.Result, records int) bool {
	return r.Did == "ran" && r.Written == records || r == runtime.Result{} && os.Getenv("SLUICE_TEST_OLD") != ""
}

// forget keeps nobody waiting who reports.
func (b *bench) forget() {
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case <-b.reports:
			case <-ended:
				return
			}
		}
	}()
	b.Cleanup(func() { close(ended) })
}

// An invocation that the old code began keeps its lease while the new code is deployed and ticked, and the new code goes on
// where it ended: every line comes once, and in order. What the table then holds the old code reads, too.
func TestUpgrade_SourceKeepsItsLease(t *testing.T) {
	needsAWS(t)
	t.Parallel()
	b := newBench(t)
	b.forget()
	before, after := versions(t, "file-source")
	path := filepath.Join(t.TempDir(), "lines")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := 0
	grow := func() {
		if _, err := fmt.Fprintf(file, "%d\n", lines); err != nil {
			t.Fatal(err)
		}
		lines++
	}
	grow()
	// It goes on as long as a line comes every other second.
	b.put("lines", map[string]string{"connector.class": "FileStreamSource", "file": path, "topic": "lines", "sluice.source.idle.ms": "2000"})
	b.deploy("source", before, "")
	tick := []byte(`{"connector":"lines"}`)
	// growing has lines come until somebody answers.
	growing := func(answer <-chan runtime.Result) runtime.Result {
		t.Helper()
		for {
			select {
			case r := <-answer:
				return r
			case <-time.After(20 * time.Millisecond):
				grow()
			}
		}
	}
	old := b.started("source", tick)
	read := b.reader("lines")
	got := read(1) // it is in the midst of it

	b.upgrade("source", after, "")
	if r := growing(b.started("source", tick)); r.Did != "held elsewhere" {
		t.Errorf("beside the old code the new one did this: %+v", r)
	}
	r := <-old
	if !ran(r, lines) {
		t.Errorf("the old code, which held the lease while %d lines came, did this: %+v", lines, r)
	}
	until := lines
	grow()
	if r := <-b.started("source", tick); !ran(r, lines-until) {
		t.Errorf("the new code did this with the next line: %+v", r)
	}
	b.upgrade("source", before, "")
	grow()
	if r := <-b.started("source", tick); !ran(r, 1) {
		t.Errorf("the old code, back again, did this with the next line: %+v", r)
	}
	got = append(got, read(lines-1)...)
	for i, value := range got {
		if value != fmt.Sprint(i) {
			t.Fatalf("line %d of %d is %s", i, lines, value)
		}
	}

	// A table of a later version is left alone by all that do not know it, until somebody does.
	b.format(99)
	grow()
	if r := <-b.started("source", tick); !strings.Contains(r.Error, "has format 99") {
		t.Errorf("a later format is answered with %+v", r)
	}
	b.format(offset.Format)
	if r := <-b.started("source", tick); !ran(r, 1) {
		t.Errorf("then it did this: %+v", r)
	}
}

// A batch of a sink is finished by whoever began it, while the new code has the next one: each record is printed once.
func TestUpgrade_SinkFinishesItsBatch(t *testing.T) {
	needsAWS(t)
	t.Parallel()
	b := newBench(t)
	b.forget()
	before, after := versions(t, "file-sink")
	path := filepath.Join(t.TempDir(), "out")
	b.put("print", map[string]string{"connector.class": "FileStreamSink", "topics": "lines", "file": path})
	held, release := b.holdStatus()
	event := func(partition int32) []byte {
		var e kafka.Encoder
		for i := range 10 {
			e.Add("lines", partition, &kafka.Message{Offset: int64(i), TimestampType: kafka.CreateTime, Value: fmt.Appendf(nil, "%d-%d", partition, i)})
		}
		return e.Bytes()
	}
	b.deploy("sink", before, "print")
	old := b.started("sink", event(0))
	<-held // its records are in the file, and nobody knows
	b.upgrade("sink", after, "print")
	if r := <-b.started("sink", event(1)); r.Error != "" {
		t.Errorf("beside the old code the new one failed: %s", r.Error)
	}
	release()
	if r := <-old; r.Error != "" {
		t.Errorf("the old code failed with its batch: %s", r.Error)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for partition := range 2 {
		for i := range 10 {
			fmt.Fprintf(&want, "%d-%d\n", partition, i)
		}
	}
	if string(text) != want.String() {
		t.Errorf("the file holds %q, want %q", text, want.String())
	}
}

// reader reads a topic from its beginning, so many values each time.
func (b *bench) reader(topic string) func(n int) []string {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.brokers), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	var left []string
	return func(n int) []string {
		b.Helper()
		ctx, cancel := context.WithTimeout(b.Context(), patience)
		defer cancel()
		for len(left) < n {
			fetches := client.PollFetches(ctx)
			if err := ctx.Err(); err != nil {
				b.Fatalf("of %d records of topic %s only %d came", n, topic, len(left))
			}
			fetches.EachRecord(func(r *kgo.Record) { left = append(left, string(r.Value)) })
		}
		out := left[:n]
		left = left[n:]
		return out
	}
}

// format gives the connector's item another version of its format.
func (b *bench) format(version int) {
	b.Helper()
	login := credentials.NewStaticCredentialsProvider(key, key, "")
	client := dynamodb.New(dynamodb.Options{Region: region, Credentials: login, BaseEndpoint: &b.table})
	_, err := client.UpdateItem(b.Context(), &dynamodb.UpdateItemInput{
		TableName: new("sluice"), Key: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "connectors"}, "sk": &types.AttributeValueMemberS{Value: "lines"},
		},
		UpdateExpression: new("SET v = :v"), ConditionExpression: new("attribute_exists(pk)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":v": &types.AttributeValueMemberN{Value: fmt.Sprint(version)}},
	})
	if err != nil {
		b.Fatal(err)
	}
}

// holdStatus stands between functions and the table, and holds the first status of a task that is written, until it is
// released.
func (b *bench) holdStatus() (held <-chan struct{}, release func()) {
	b.Helper()
	table, err := url.Parse(b.table)
	if err != nil {
		b.Fatal(err)
	}
	pass, first, began, ended := httputil.NewSingleHostReverseProxy(table), atomic.Bool{}, make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil && !errors.Is(err, io.EOF) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") && bytes.Contains(body, []byte(`"task#0"`)) && first.CompareAndSwap(false, true) {
			close(began)
			<-ended
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		pass.ServeHTTP(w, r)
	}))
	release = sync.OnceFunc(func() { close(ended) })
	b.Cleanup(func() {
		release()
		server.Close()
	})
	b.table = server.URL
	return began, release
}
