package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The wait before a call is repeated starts at a random part of backoff, which doubles up to backoffMax.
const (
	backoff    = 25 * time.Millisecond
	backoffMax = time.Second
)

// try makes a call until it is answered, for as long as patience and context allow. repeated tells that an attempt
// before the last one may have been carried out although its answer was lost.
func try[T any](ctx context.Context, s *Store, do func(ctx context.Context) (T, error)) (out T, repeated bool, err error) {
	end := time.Now().Add(s.patience)
	wait := backoff
	for {
		s.calls.Add(1)
		attempt, cancel := context.WithTimeout(ctx, s.attempt)
		out, err = do(attempt)
		cancel()
		if err == nil || !temporary(err) {
			return out, repeated, s.explain(err)
		}
		if !refused(err) {
			repeated = true
		}
		if ctx.Err() != nil {
			return out, repeated, fmt.Errorf("%w; last: %w", context.Cause(ctx), err)
		}
		pause := rand.N(wait) + 1
		if time.Now().Add(pause).After(end) {
			return out, repeated, fmt.Errorf("giving up after %v: %w", s.patience, err)
		}
		if stopped := sleep(ctx, pause); stopped != nil {
			return out, repeated, fmt.Errorf("%w; last: %w", stopped, err)
		}
		wait = min(2*wait, backoffMax)
	}
}

// sleep waits, or returns why the context ended.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// refused tells of a temporary error that the call was certainly not carried out.
func refused(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "TransactionConflictException",
		"TransactionCanceledException":
		return true
	}
	return false
}

// temporary tells whether a call that failed so is worth another attempt: throttled, in conflict with another
// transaction, failed inside DynamoDB, or without a whole answer.
func temporary(err error) bool {
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return temporaryReasons(cancelled.CancellationReasons)
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ThrottlingException", "Throttling", "ProvisionedThroughputExceededException", "RequestLimitExceeded",
			"TransactionConflictException", "TransactionInProgressException",
			"InternalServerError", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException":
			return true
		}
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() >= 500 {
		return true
	}
	if errors.As(err, &api) {
		return false
	}
	var (
		sending *smithyhttp.RequestSendError
		cut     *smithy.DeserializationError
		network net.Error
	)
	return errors.As(err, &sending) || errors.As(err, &cut) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// temporaryReasons tells whether a transaction was cancelled for no other reasons than those that pass. A failed
// condition is none: it was compared with what is committed.
func temporaryReasons(reasons []types.CancellationReason) bool {
	passing := false
	for _, r := range reasons {
		switch text(r.Code) {
		case "", "None":
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "InternalServerError":
			passing = true
		default:
			return false
		}
	}
	return passing
}

// explain adds the likely cause of an error that is the table's, if it is known.
func (s *Store) explain(err error) error {
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		return fmt.Errorf("%w; is there a table %q in this region and account?", err, s.table)
	}
	return err
}

// unmet is a condition that did not hold.
type unmet struct {
	// action is the number of the action in its transaction; item is what the table has, nil if nothing.
	action int
	item   item
}

func (u *unmet) Error() string { return "a condition did not hold" }

// update makes one conditional update and returns the item after it. The error is *unmet if the condition did not hold.
func (s *Store) update(ctx context.Context, key item, e *expression) (after item, repeated bool, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: key, UpdateExpression: e.update(), ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values, ReturnValues: types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	out, repeated, err := try(ctx, s, func(ctx context.Context) (*dynamodb.UpdateItemOutput, error) {
		return s.api.UpdateItem(ctx, in)
	})
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if err := checkFormat(failed.Item); err != nil {
			return nil, repeated, err
		}
		return nil, repeated, &unmet{item: failed.Item}
	}
	if err != nil {
		return nil, repeated, err
	}
	return out.Attributes, repeated, nil
}

// transact makes one transaction. The error is *unmet if a condition did not hold; then nothing was written.
func (s *Store) transact(ctx context.Context, actions []types.TransactWriteItem) error {
	token := requestToken()
	in := &dynamodb.TransactWriteItemsInput{TransactItems: actions, ClientRequestToken: &token}
	_, _, err := try(ctx, s, func(ctx context.Context) (*dynamodb.TransactWriteItemsOutput, error) {
		return s.api.TransactWriteItems(ctx, in)
	})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return err
	}
	for i, r := range cancelled.CancellationReasons {
		if text(r.Code) != "ConditionalCheckFailed" {
			continue
		}
		if err := checkFormat(r.Item); err != nil {
			return err
		}
		return &unmet{action: i, item: r.Item}
	}
	return err
}

// get reads one item, strongly consistent; nil if it is not there.
func (s *Store) get(ctx context.Context, key item) (item, error) {
	out, _, err := try(ctx, s, func(ctx context.Context) (*dynamodb.GetItemOutput, error) {
		return s.api.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: key, ConsistentRead: yes()})
	})
	if err != nil {
		return nil, err
	}
	return out.Item, checkFormat(out.Item)
}

// batchMax is how many items one BatchGetItem may ask for.
const batchMax = 100

// batch reads items by key, strongly consistent, in no order. It asks again for those that DynamoDB left out.
func (s *Store) batch(ctx context.Context, keys []item) ([]item, error) {
	var found []item
	end, wait := time.Now().Add(s.patience), backoff
	for len(keys) > 0 {
		n := min(len(keys), batchMax)
		in := &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			s.table: {Keys: keys[:n], ConsistentRead: yes()},
		}}
		out, _, err := try(ctx, s, func(ctx context.Context) (*dynamodb.BatchGetItemOutput, error) {
			return s.api.BatchGetItem(ctx, in)
		})
		if err != nil {
			return nil, err
		}
		for _, it := range out.Responses[s.table] {
			if err := checkFormat(it); err != nil {
				return nil, err
			}
			found = append(found, it)
		}
		left := out.UnprocessedKeys[s.table].Keys
		keys = append(keys[n:len(keys):len(keys)], left...)
		if len(left) < n {
			end, wait = time.Now().Add(s.patience), backoff
		}
		if len(left) == 0 {
			continue
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("giving up after %v: %d items are left unread, probably for lack of throughput", s.patience, len(left))
		}
		if err := sleep(ctx, rand.N(wait)+1); err != nil {
			return nil, err
		}
		wait = min(2*wait, backoffMax)
	}
	return found, nil
}

// query reads all items of a partition key whose sort key begins so, strongly consistent.
func (s *Store) query(ctx context.Context, pk, prefix string) ([]item, error) {
	e := newExpression()
	condition := e.text("pk = ?", str(pk))
	if prefix != "" {
		condition += e.text(" AND begins_with(sk, ?)", str(prefix))
	}
	in := &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: &condition, ExpressionAttributeValues: e.values, ConsistentRead: yes(),
	}
	var found []item
	for {
		out, _, err := try(ctx, s, func(ctx context.Context) (*dynamodb.QueryOutput, error) { return s.api.Query(ctx, in) })
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			if err := checkFormat(it); err != nil {
				return nil, err
			}
			found = append(found, it)
		}
		if len(out.LastEvaluatedKey) == 0 {
			return found, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
