package dynamo

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// API is what the store needs of a DynamoDB client. *dynamodb.Client has it. It should make one attempt per call.
type API interface {
	reader
	writer
	definer
}

type reader interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

type writer interface {
	UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

type definer interface {
	CreateTable(ctx context.Context, in *dynamodb.CreateTableInput, opts ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DescribeTable(ctx context.Context, in *dynamodb.DescribeTableInput, opts ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
}

// Options say where the table is and how long to wait for it.
type Options struct {
	// Table is its name.
	Table string
	// Region defaults to AWS_REGION, then AWS_DEFAULT_REGION.
	Region string
	// Endpoint is the URL of another DynamoDB than the region's. Defaults to AWS_ENDPOINT_URL_DYNAMODB, then
	// AWS_ENDPOINT_URL; empty ones count as unset.
	Endpoint string
	// AccessKey, SecretKey and SessionToken default to AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
	AccessKey, SecretKey, SessionToken string
	// Attempt is how long to wait for one answer. Defaults to 2 s.
	Attempt time.Duration
	// Patience is how long to repeat a call that is throttled or gets no answer, as far as its context allows. Defaults
	// to 10 s.
	Patience time.Duration
	// Now is the clock by which leases run out. Defaults to time.Now.
	Now func() time.Time
}

// Store is a DynamoDB table. Safe for concurrent use, by any number of processes.
type Store struct {
	api               API
	table             string
	now               func() time.Time
	attempt, patience time.Duration
	calls             atomic.Int64
}

// Calls counts the requests made so far, repeated ones too: each costs money.
func (s *Store) Calls() int64 { return s.calls.Load() }

var (
	_ offset.Store = (*Store)(nil)
	_ API          = (*dynamodb.Client)(nil)
)

// New returns the store in a table that the client reaches. Of the options it heeds Attempt, Patience and Now.
func New(client API, table string, o Options) *Store {
	s := &Store{api: client, table: table, now: o.Now, attempt: o.Attempt, patience: o.Patience}
	if s.now == nil {
		s.now = time.Now
	}
	if s.attempt <= 0 {
		s.attempt = 2 * time.Second
	}
	if s.patience <= 0 {
		s.patience = 10 * time.Second
	}
	return s
}
