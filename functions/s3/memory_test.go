package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// envFiller makes this test's binary a process that does nothing but fill open files, and say how much memory it took.
const envFiller = "SLUICE_TEST_FILL"

func TestMain(m *testing.M) {
	if url := os.Getenv(envFiller); url != "" {
		if err := fill(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	manyPlaces = 1000
	fillEvents = 10
	eventRows  = 4000
	rowPad     = 1000 // so that an event has about 4 MB, as much as a trigger's 6 MB in base64 hold
)

var placed = schema.StructOf([]schema.Field{
	schema.F("id", schema.Of(schema.Int64)), schema.F("p", schema.Of(schema.Int32)), schema.F("pad", schema.Of(schema.String)),
}, schema.Named("row"), schema.Versioned(1))

// fill puts events whose records go to a thousand places, which stay open throughout and are completed at the end.
func fill(url string) error {
	settings := confluent(url, "flush.size", strconv.Itoa(fillEvents*eventRows), "partitioner.class", "FieldPartitioner", "partition.field.name", "p")
	task, err := tryOpen(settings, &storagetest.State{})
	if err != nil {
		return err
	}
	pad := strings.Repeat("x", rowPad)
	records := make([]connect.Record, eventRows)
	for event := range fillEvents {
		for i := range records {
			id := int64(event*eventRows + i)
			records[i] = connect.Record{Topic: "t", Kafka: connect.Kafka{Topic: "t", Offset: id}, Value: connect.Datum{
				Schema: placed, Value: schema.StructFrom(placed, []any{id, int32(id % manyPlaces), pad}),
			}}
		}
		if err := task.Put(context.Background(), records); err != nil {
			return err
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		if peak, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			fmt.Println(strings.Fields(peak)[0])
		}
	}
	return nil
}

// A thousand open files of one partition take no more memory than one.
func TestSink_MemoryWithManyOpenFiles(t *testing.T) {
	if os.Getenv("SLUICE_CI") == "" {
		t.Skip("it writes 40 MB in pieces; SLUICE_CI=1 runs it")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("there is no /proc that tells the memory of a process")
	}
	server, url := serve(t)
	child := exec.CommandContext(t.Context(), os.Args[0])
	var out, complaints bytes.Buffer
	child.Env, child.Stdout, child.Stderr = append(os.Environ(), envFiller+"="+url), &out, &complaints
	if err := child.Run(); err != nil {
		t.Fatalf("%v: %s", err, complaints.String())
	}
	peak, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kB", peak)
	if n := len(server.Objects("test")); n != manyPlaces {
		t.Errorf("%d objects", n)
	}
	if peak > 96<<10 {
		t.Errorf("the process took %d kB", peak)
	}
}
