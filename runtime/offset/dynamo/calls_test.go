package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// TestStore_Calls counts the calls that methods take: they are what a connector at rest costs.
func TestStore_Calls(t *testing.T) {
	t.Parallel()
	db, err := table.Open("")
	ok(t, err)
	server := httptest.NewServer(db)
	t.Cleanup(func() {
		server.Close()
		ok(t, db.Close())
	})
	s, ctx := open(t, server.URL, dynamo.Options{}), t.Context()
	c, err := s.Put(ctx, offset.Connector{Name: "orders"}, offset.Keep)
	ok(t, err)
	plan := claim(t, s, c, offset.PlanTask, "plan")
	c, err = s.Publish(ctx, c, plan, make([]map[string]string, 98))
	ok(t, err)

	var l, revoked offset.Lease
	many := func(n int) (o connect.Offsets, p []connect.Partition) {
		o = connect.Offsets{}
		for i := range n {
			p = append(p, partition(t, fmt.Sprint(i)))
			o[p[i]] = connect.At("id", 1)
		}
		return o, p
	}
	commit := func(n int, status *offset.Status) func() error {
		o, _ := many(n)
		return func() error { return s.Commit(ctx, l, offset.Commit{Offsets: o, Status: status}) }
	}
	offsets := func(n int) func() error {
		_, p := many(n)
		return func() error { _, err := s.Offsets(ctx, "orders", p); return err }
	}
	look := func(n int) func() error {
		return func() error { _, _, err := s.Look(ctx, "orders", n); return err }
	}
	for _, test := range []struct {
		name string
		do   func() error
		want map[string]int64
	}{
		{"Look", look(99), map[string]int64{"BatchGetItem": 1}},
		{"Look many", look(100), map[string]int64{"BatchGetItem": 2}},
		{"Acquire", func() error { l = claim(t, s, c, 0, "holder"); return nil }, map[string]int64{"UpdateItem": 1}},
		{"Renew", func() error { return s.Renew(ctx, l) }, map[string]int64{"UpdateItem": 1}},
		{"Check", func() error { return s.Check(ctx, l) }, map[string]int64{"GetItem": 1}},
		{"Offsets", offsets(100), map[string]int64{"BatchGetItem": 1}},
		{"Offsets many", offsets(101), map[string]int64{"BatchGetItem": 2}},
		{"Offsets none", offsets(0), map[string]int64{}},
		{"Commit", commit(99, &offset.Status{}), map[string]int64{"TransactWriteItems": 1}},
		{"Commit many", commit(100, nil), map[string]int64{"TransactWriteItems": 2}},
		{"Commit none", commit(0, nil), map[string]int64{}},
		{"Release", func() error { return s.Release(ctx, l, offset.Outcome{}) }, map[string]int64{"UpdateItem": 1}},
		{"Put", func() error {
			revoked = claim(t, s, c, 0, "holder-2")
			c, err = s.Put(ctx, c, offset.Restart)
			return err
		}, map[string]int64{"UpdateItem": 1, "GetItem": 1, "TransactWriteItems": 1}},
		{"Release revoked", func() error { return s.Release(ctx, revoked, offset.Outcome{}) }, map[string]int64{"UpdateItem": 2}},
		{"Publish", func() error {
			c, err = s.Publish(ctx, c, plan, make([]map[string]string, 97))
			return err
		}, map[string]int64{"GetItem": 1, "TransactWriteItems": 1}},
		{"Marker", func() error { _, err := s.Marker(ctx, "orders", "t", 0); return err }, map[string]int64{"GetItem": 1}},
		{"PutMarker", func() error {
			_, err := s.PutMarker(ctx, "orders", offset.Marker{Topic: "t"})
			return err
		}, map[string]int64{"UpdateItem": 1}},
	} {
		before := db.Counts()
		if err := test.do(); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		got := map[string]int64{}
		for operation, n := range db.Counts() {
			if n -= before[operation]; n != 0 {
				got[operation] = n
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// script is a DynamoDB that answers as it is told.
type script struct {
	dynamo.API
	calls int
	write func(ctx context.Context, call int) error
	read  func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error)
	token map[string]bool
}

func (s *script) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	s.calls++
	s.token[*in.ClientRequestToken] = true
	return &dynamodb.TransactWriteItemsOutput{}, s.write(ctx, s.calls)
}

func (s *script) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	s.calls++
	return s.read(in)
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code} }

func cancelled(codes ...string) error {
	err := &types.TransactionCanceledException{}
	for _, code := range codes {
		err.CancellationReasons = append(err.CancellationReasons, types.CancellationReason{Code: &code})
	}
	return err
}

// TestStore_RepeatsWhatMayPass commits against every kind of error, in no time at all.
func TestStore_RepeatsWhatMayPass(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		err   error
		calls int // until it succeeds or gives up, where 4th would succeed
		want  error
	}{
		{"throttled", apiError("ThrottlingException"), 4, nil},
		{"no throughput", apiError("ProvisionedThroughputExceededException"), 4, nil},
		{"request limit", apiError("RequestLimitExceeded"), 4, nil},
		{"server", apiError("InternalServerError"), 4, nil},
		{"in progress", apiError("TransactionInProgressException"), 4, nil},
		{"conflict", cancelled("None", "TransactionConflict"), 4, nil},
		{"throttled inside", cancelled("ThrottlingError", "None"), 4, nil},
		{"condition", cancelled("ConditionalCheckFailed", "None"), 1, offset.ErrFenced},
		{"condition and conflict", cancelled("ConditionalCheckFailed", "TransactionConflict"), 1, offset.ErrFenced},
		{"too large", cancelled("None", "ValidationError"), 1, errAny},
		{"too large and conflict", cancelled("TransactionConflict", "ItemCollectionSizeLimitExceeded"), 1, errAny},
		{"forbidden", apiError("AccessDeniedException"), 1, errAny},
		{"invalid", apiError("ValidationException"), 1, errAny},
		{"other body", apiError("IdempotentParameterMismatchException"), 1, errAny},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := &script{token: map[string]bool{}, write: func(_ context.Context, call int) error {
					if call == 4 {
						return nil
					}
					return test.err
				}}
				err := dynamo.New(api, "t", dynamo.Options{}).Commit(t.Context(), offset.Lease{Nonce: "n"}, offset.Commit{Topics: []string{"a"}})
				if api.calls != test.calls || len(api.token) != 1 || (err != nil) != (test.want != nil) {
					t.Fatalf("%d calls, tokens %v: %v", api.calls, api.token, err)
				}
				if test.want == offset.ErrFenced != errors.Is(err, offset.ErrFenced) {
					t.Fatal(err)
				}
			})
		})
	}
}

// errAny is any error but those that callers tell apart.
var errAny = errors.New("any")

// TestStore_WaitsNoLongerThanItShould measures how long a call goes on.
func TestStore_WaitsNoLongerThanItShould(t *testing.T) {
	t.Parallel()
	silent := func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }
	busy := func(context.Context, int) error { return apiError("ThrottlingException") }
	commit := func(ctx context.Context, s *dynamo.Store) error {
		return s.Commit(ctx, offset.Lease{Nonce: "n"}, offset.Commit{Topics: []string{"a"}})
	}
	for name, test := range map[string]struct {
		write    func(ctx context.Context, call int) error
		deadline time.Duration
		least    time.Duration
		most     time.Duration
		want     error
	}{
		"silent": {write: silent, least: 8 * time.Second, most: 12 * time.Second},
		"busy":   {write: busy, least: 8 * time.Second, most: 10 * time.Second},
		"silent, with a deadline": {
			write: silent, deadline: 3 * time.Second, least: 3 * time.Second, most: 3 * time.Second, want: context.DeadlineExceeded,
		},
		"busy, with a deadline": {
			write: busy, deadline: 3 * time.Second, least: 3 * time.Second, most: 3 * time.Second, want: context.DeadlineExceeded,
		},
		"silent once": {write: func(ctx context.Context, call int) error {
			if call > 1 {
				return nil
			}
			return silent(ctx, call)
		}, least: 2 * time.Second, most: 2100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				begin := time.Now()
				err := commit(ctx, dynamo.New(&script{token: map[string]bool{}, write: test.write}, "t", dynamo.Options{}))
				if took := time.Since(begin); took < test.least || took > test.most {
					t.Errorf("took %v, want %v to %v: %v", took, test.least, test.most, err)
				}
				if name != "silent once" && err == nil || test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
			})
		})
	}
}

// TestStore_ReadsWhatDynamoDBLeftOut answers a batch ten items at a time, then not at all.
func TestStore_ReadsWhatDynamoDBLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		some := 10
		api := &script{read: func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
			keys := in.RequestItems["t"]
			n := min(some, len(keys.Keys))
			out := &dynamodb.BatchGetItemOutput{Responses: map[string][]map[string]types.AttributeValue{}}
			for _, key := range keys.Keys[:n] {
				key["partition"] = &types.AttributeValueMemberS{Value: fmt.Sprintf(`{"sk":%q}`, key["sk"].(*types.AttributeValueMemberS).Value)}
				key["offset"] = &types.AttributeValueMemberS{Value: `{"id":1}`}
				out.Responses["t"] = append(out.Responses["t"], key)
			}
			if n < len(keys.Keys) {
				keys.Keys = keys.Keys[n:]
				out.UnprocessedKeys = map[string]types.KeysAndAttributes{"t": keys}
			}
			return out, nil
		}}
		s := dynamo.New(api, "t", dynamo.Options{})
		var partitions []connect.Partition
		for i := range 130 {
			partitions = append(partitions, partition(t, fmt.Sprint(i)))
		}
		found, err := s.Offsets(t.Context(), "orders", partitions)
		if len(found) != 130 || err != nil {
			t.Fatalf("%d found: %v", len(found), err)
		}
		some = 0
		if _, err := s.Offsets(t.Context(), "orders", partitions); err == nil {
			t.Fatal("items that were never read were taken for absent")
		}
	})
}
