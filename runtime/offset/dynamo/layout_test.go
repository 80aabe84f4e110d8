package dynamo_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestStore_Layout pins what items look like: a deployed table must be readable by every later version.
func TestStore_Layout(t *testing.T) {
	t.Parallel()
	url, clock := endpoint(t), connecttest.NewClock()
	s := open(t, url, dynamo.Options{Now: clock.Now})
	ctx, at := t.Context(), clock.Now()
	status := offset.Status{
		State: offset.StateFailed, Trace: "boom", Worker: "fn:1", Since: at, Success: at.Add(-time.Hour), Failure: at, Attempts: 2,
		Next: at.Add(time.Minute),
	}
	c, err := s.Put(ctx, offset.Connector{
		Name: "orders", Target: offset.Running, Config: map[string]string{"name": "orders", "a<b": "ü"}, Stale: true,
		Trigger: map[string]string{"schedule": "s-1"}, StackBase: `{"a":"b"}`,
	}, offset.Keep)
	ok(t, err)
	plan := claim(t, s, c, offset.PlanTask, "plan-1")
	c.Status = offset.Status{State: offset.StateRunning, Since: at}
	c, err = s.Publish(ctx, c, plan, []map[string]string{{"task.id": "0"}, {}, {"task.id": "2"}})
	ok(t, err)
	c, err = s.Publish(ctx, c, plan, []map[string]string{{"task.id": "0"}, {}})
	ok(t, err)
	ok(t, s.Release(ctx, plan, offset.Outcome{}))
	first := claim(t, s, c, 0, "holder-0")
	ok(t, s.Commit(ctx, first, offset.Commit{
		Offsets: connect.Offsets{partition(t, "a"): connect.At("id", 7)}, Resume: connect.Offsets{partition(t, "a"): connect.At("id", 9)},
		Topics: []string{"orders"},
	}))
	ok(t, s.Commit(ctx, first, offset.Commit{Resume: connect.Offsets{partition(t, "b"): connect.At("id", 1)}}))
	ok(t, s.Release(ctx, first, offset.Outcome{NotBefore: at.Add(time.Second), Status: &status, Done: offset.Done{In: 7, Out: 6}}))
	claim(t, s, c, 1, "holder-1")
	c, err = s.Put(ctx, c, offset.Stop)
	ok(t, err)
	_, err = s.PutMarker(ctx, "orders", offset.Marker{Topic: "t", Partition: 3, Offset: 12, First: at, Attempts: 1, Dead: []int64{12, 14}})
	ok(t, err)
	_, err = s.PutState(ctx, "orders", "t", 3, []byte{0, 255}, 0)
	ok(t, err)
	ok(t, s.PutGroup(ctx, "orders", "connect-orders", map[connect.TopicPartition]int64{{Topic: "t", Partition: 3}: 12}))
	old, err := s.Put(ctx, offset.Connector{Name: "connectors", Target: offset.Stopped}, offset.Keep)
	ok(t, err)
	ok(t, s.AddTopics(ctx, "connectors", "x"))
	ok(t, s.Delete(ctx, old))

	golden(t, "testdata/layout.golden", dump(t, url, tableName))
}

// dump is every item of the table, a line each, sorted by key.
func dump(t *testing.T, url, table string) []byte {
	t.Helper()
	client := client(url)
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	ok(t, err)
	var lines []string
	for _, it := range out.Items {
		fields := map[string]any{}
		for name, v := range it {
			fields[name] = plain(v)
		}
		key := fields["pk"].(string) + "  " + fields["sk"].(string)
		delete(fields, "pk")
		delete(fields, "sk")
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("    ", "  ")
		ok(t, enc.Encode(fields))
		lines = append(lines, key+"\n    "+b.String())
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, ""))
}

// plain is an attribute value with its type as DynamoDB names it, but strings as themselves.
func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return json.Number(v.Value)
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberB:
		return map[string]any{"B": v.Value}
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, e := range v.Value {
			list = append(list, plain(e))
		}
		return list
	case *types.AttributeValueMemberM:
		m := map[string]any{}
		for name, e := range v.Value {
			m[name] = plain(e)
		}
		return m
	}
	return v
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		ok(t, os.MkdirAll(filepath.Dir(path), 0o755))
		ok(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	ok(t, err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Fatalf("%s (-want +got; -update writes it anew):\n%s", path, diff)
	}
}

// TestStore_RefusesALaterFormat checks that a program which was rolled back touches nothing it does not understand.
func TestStore_RefusesALaterFormat(t *testing.T) {
	t.Parallel()
	url := endpoint(t)
	s := open(t, url, dynamo.Options{})
	ctx := t.Context()
	c, err := s.Put(ctx, offset.Connector{Name: "orders"}, offset.Keep)
	ok(t, err)
	plan := claim(t, s, c, offset.PlanTask, "plan-1")
	c, err = s.Publish(ctx, c, plan, []map[string]string{{}})
	ok(t, err)
	l := claim(t, s, c, 0, "holder")
	p := partition(t, "a")
	ok(t, s.Commit(ctx, l, offset.Commit{Offsets: connect.Offsets{p: connect.At("id", 1)}}))
	raise(t, url, tableName)
	before := dump(t, url, tableName)

	for name, do := range map[string]func() error{
		"Look":       func() error { _, _, err := s.Look(ctx, "orders", 1); return err },
		"List":       func() error { _, err := s.List(ctx); return err },
		"Tasks":      func() error { _, err := s.Tasks(ctx, "orders"); return err },
		"Offsets":    func() error { _, err := s.Offsets(ctx, "orders", []connect.Partition{p}); return err },
		"AllOffsets": func() error { _, err := s.AllOffsets(ctx, "orders"); return err },
		"Put":        func() error { _, err := s.Put(ctx, c, offset.Stop); return err },
		"Publish":    func() error { _, err := s.Publish(ctx, c, plan, nil); return err },
		"Delete":     func() error { return s.Delete(ctx, c) },
		"Alter":      func() error { _, err := s.AlterOffsets(ctx, c, nil, true); return err },
		"Acquire": func() error {
			_, err := s.Acquire(ctx, offset.Claim{Connector: "orders", Generation: c.Generation, Nonce: "n", TTL: time.Minute})
			return err
		},
		"Renew":      func() error { return s.Renew(ctx, l) },
		"Check":      func() error { return s.Check(ctx, l) },
		"Release":    func() error { return s.Release(ctx, l, offset.Outcome{}) },
		"Commit":     func() error { return s.Commit(ctx, l, offset.Commit{Offsets: connect.Offsets{p: connect.At("id", 2)}}) },
		"TaskStatus": func() error { return s.PutTaskStatus(ctx, "orders", 0, c.Generation, offset.Status{}, offset.Done{}) },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "format 2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if diff := cmp.Diff(string(before), string(dump(t, url, tableName))); diff != "" {
		t.Errorf("something was written:\n%s", diff)
	}
}

// raise gives every item the next format.
func raise(t *testing.T, url, table string) {
	t.Helper()
	client := client(url)
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	ok(t, err)
	for _, it := range out.Items {
		it["v"] = &types.AttributeValueMemberN{Value: "2"}
		_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: it})
		ok(t, err)
	}
}

func client(url string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
}

func claim(t *testing.T, s offset.Store, c offset.Connector, task int, nonce string) offset.Lease {
	t.Helper()
	got, err := s.Acquire(t.Context(), offset.Claim{
		Connector: c.Name, Task: task, Generation: c.Generation, Nonce: nonce, Worker: "fn:1", TTL: 15 * time.Second,
	})
	ok(t, err)
	return offset.Lease{Connector: c.Name, Task: task, Generation: c.Generation, Nonce: nonce, Epoch: got.Epoch, TTL: 15 * time.Second}
}

func partition(t *testing.T, name string) connect.Partition {
	t.Helper()
	p, err := connect.NewPartition(map[string]any{"table": name})
	ok(t, err)
	return p
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
