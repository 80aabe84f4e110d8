package table_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/sluice-connect/sluice/local/table"
)

func TestOpen_FindsEverythingAgain(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	run := func(test func(b bundle)) {
		tab, err := table.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(tab)
		test(bundle{newClient(server.URL), "kept", false})
		server.Close()
		if err := tab.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run(func(b bundle) {
		if _, err := b.CreateTable(t.Context(), creation(b.name)); err != nil {
			t.Fatal(err)
		}
		b.put(t, sample())
		check(t, b.transact(t, "token", b.putAction("1")), "")
		_, err := b.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
			TableName:               &b.name,
			TimeToLiveSpecification: &types.TimeToLiveSpecification{Enabled: aws.Bool(true), AttributeName: aws.String("ends")},
		})
		check(t, err, "")
	})
	run(func(b bundle) {
		if diff := cmp.Diff(sample(), b.get(t, "s")); diff != "" {
			t.Error(diff)
		}
		check(t, b.transact(t, "token", b.putAction("2")), "IdempotentParameterMismatchException")
		out, err := b.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &b.name})
		if err != nil || *out.TimeToLiveDescription.AttributeName != "ends" {
			t.Error(err, out)
		}
	})
}

func TestOpen_LeavesNothingBehind(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	tab, err := table.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer tab.Close()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v)", entries, err)
	}
}

func TestOpen_TellsWhyNot(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	tab, err := table.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Open(path); err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Errorf("open twice: %v", err)
	}
	if err := tab.DB().Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte("99")) }); err != nil {
		t.Fatal(err)
	}
	if err := tab.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Open(path); err == nil || !strings.Contains(err.Error(), "format 99") {
		t.Errorf("a newer format: %v", err)
	}
	if err := os.WriteFile(path, []byte("something else, and long enough to be looked at"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("no table at all: %v", err)
	}
}

func TestServeHTTP_TellsOfDamage(t *testing.T) {
	t.Parallel()
	tab, client := open(t, "")
	b := newTable(t, client, false)
	b.put(t, obj{"pk": "p", "sk": "s"})
	if err := tab.DB().Update(func(tx *bolt.Tx) error {
		items := tx.Bucket([]byte("items")).Bucket([]byte(b.name))
		place, _ := items.Cursor().First()
		return items.Put(bytes.Clone(place), []byte{1, 200, 200})
	}); err != nil {
		t.Fatal(err)
	}
	_, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.name, Key: key("s")})
	check(t, err, "InternalServerError: the stored item is damaged")
	_, err = client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: &b.name, Key: key("s")})
	check(t, err, "InternalServerError: the stored item is damaged")
	_, err = client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &b.name})
	check(t, err, "InternalServerError: the stored item is damaged")
}

func TestWrites_OfManyHaveOneWinner(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		const writers, rounds = 16, 20
		for round := range rounds {
			var won atomic.Int64
			var group sync.WaitGroup
			for i := range writers {
				group.Go(func() {
					in := &dynamodb.UpdateItemInput{
						TableName: &b.name, Key: key("lease"),
						UpdateExpression:    aws.String("SET holder = :me, epoch = if_not_exists(epoch, :none) + :one"),
						ConditionExpression: aws.String("attribute_not_exists(epoch) OR epoch = :seen"),
					}
					in.ExpressionAttributeValues = avs(obj{":me": i, ":none": 0, ":one": 1, ":seen": round})
					if _, err := b.UpdateItem(t.Context(), in); err == nil {
						won.Add(1)
					} else if outcome(err) != condFailed {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if won.Load() != 1 {
				t.Fatalf("round %d had %d winners", round, won.Load())
			}
		}
		var group sync.WaitGroup
		for range writers {
			group.Go(func() {
				for range rounds {
					_, err := b.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
						TableName: &b.name, Key: key("counter"), UpdateExpression: aws.String("ADD n :one"),
						ExpressionAttributeValues: avs(obj{":one": 1}),
					})
					check(t, err, "")
				}
			})
		}
		group.Wait()
		if got := b.get(t, "counter")["n"]; got != num(fmt.Sprint(writers*rounds)) {
			t.Errorf("counted %v", got)
		}
	})
}

// writeUntilKilled is the child of the test below: it writes as fast as it can and reports every answer on its standard output.
func writeUntilKilled(path string) {
	tab, err := table.Open(path)
	if err != nil {
		fmt.Println("error", err)
		return
	}
	server := httptest.NewServer(tab)
	client := newClient(server.URL)
	ctx := context.Background()
	name := "kept"
	if _, err := client.CreateTable(ctx, creation(name)); err != nil && outcome(err) != "ResourceInUseException" {
		fmt.Println("error", err)
		return
	}
	var lock sync.Mutex
	var group sync.WaitGroup
	for writer := range 4 {
		group.Go(func() {
			for i := 0; ; i++ {
				// A transaction of two items, of which one grows, so that pages split and move.
				sk := fmt.Sprintf("%d-%d-%d", os.Getpid(), writer, i)
				_, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
					{Put: &types.Put{TableName: &name, Item: avs(obj{"pk": "p", "sk": sk, "d": strings.Repeat("x", i%700)})}},
					{Update: &types.Update{TableName: &name, Key: key(fmt.Sprintf("last-%d", writer)), UpdateExpression: aws.String("SET sks = :s"), ExpressionAttributeValues: avs(obj{":s": sk})}},
				}})
				lock.Lock()
				if err != nil {
					fmt.Println("error", err)
				}
				fmt.Println(sk)
				lock.Unlock()
			}
		})
	}
	group.Wait()
}

func TestKill_LosesNothingAnswered(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	answered := 0
	var known []string
	for _, after := range []int{0, 1, 7, 40, 200, 90} {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), "TABLE_TEST_WRITER="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		for n := 0; ; n++ {
			if n == after {
				// Kill is SIGKILL: the process gets no chance to tidy up.
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			// What it said before it died counts too; a last line cut short does not.
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			known = append(known, strings.TrimSpace(line))
		}
		_ = child.Wait()
		answered += verifyKept(t, path, known)
	}
	t.Logf("%d answers checked", answered)
}

// verifyKept opens the file and looks for every item that was answered.
func verifyKept(t *testing.T, path string, known []string) int {
	t.Helper()
	tab, err := table.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer tab.Close()
	for _, problem := range problems(tab.DB()) {
		t.Error(problem)
	}
	server := httptest.NewServer(tab)
	defer server.Close()
	b := bundle{newClient(server.URL), "kept", false}
	for _, sk := range known {
		if strings.HasPrefix(sk, "error") {
			t.Error(sk)
		} else if b.get(t, sk) == nil {
			t.Errorf("%s was answered and is lost", sk)
		}
	}
	for writer := range 4 {
		if len(known) == 0 {
			break
		}
		// The two halves of each transaction came together.
		if last := b.get(t, fmt.Sprintf("last-%d", writer)); last != nil && b.get(t, last["sks"].(string)) == nil {
			t.Errorf("half of the transaction %v is missing", last["sks"])
		}
	}
	return len(known)
}

// problems checks the file's pages.
func problems(db *bolt.DB) (found []error) {
	if err := db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			found = append(found, err)
		}
		return nil
	}); err != nil {
		found = append(found, err)
	}
	return found
}

// BenchmarkPut measures one writer and many, with and without syncing, through the SDK and HTTP.
func BenchmarkPut(b *testing.B) {
	for _, noSync := range []bool{false, true} {
		for _, writers := range []int{1, 8} {
			b.Run(fmt.Sprintf("nosync=%v/writers=%d", noSync, writers), func(b *testing.B) {
				tab, client := open(b, tempFile(b))
				tab.SetNoSync(noSync)
				bun := newTable(b, client, false)
				measure(b, writers, func(n int64) error {
					_, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{
						TableName: &bun.name,
						Item:      avs(obj{"pk": "p", "sk": fmt.Sprint(n % 1000), "d": strings.Repeat("x", 500)}),
					})
					return err
				})
			})
		}
	}
}

func BenchmarkGet(b *testing.B) {
	_, client := open(b, tempFile(b))
	bun := newTable(b, client, false)
	bun.put(b, sample())
	measure(b, 1, func(int64) error {
		_, err := client.GetItem(context.Background(), &dynamodb.GetItemInput{TableName: &bun.name, Key: key("s")})
		return err
	})
}

func BenchmarkOpen(b *testing.B) {
	path := tempFile(b)
	for b.Loop() {
		tab, err := table.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		tab.Close()
	}
}

// measure spreads b.N calls over writers and reports their median and 99th percentile in microseconds.
func measure(b *testing.B, writers int, call func(n int64) error) {
	var next atomic.Int64
	var lock sync.Mutex
	var took []time.Duration
	var group sync.WaitGroup
	b.ResetTimer()
	for range writers {
		group.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				start := time.Now()
				err := call(n)
				lock.Lock()
				took = append(took, time.Since(start))
				lock.Unlock()
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
