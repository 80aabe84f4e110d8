package table

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	maxTransactionSize = 4 << 20 // bytes of all its items
	maxToken           = 36
	tokenLife          = 10 * time.Minute
)

type transactAction struct {
	Put, Update, Delete, ConditionCheck *action
}

type transactWriteRequest struct {
	TransactItems               []transactAction
	ClientRequestToken          string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
	print                       [sha256.Size]byte // of TransactItems
}

// UnmarshalJSON also takes the finger print that tells whether a request is another one's repetition.
func (r *transactWriteRequest) UnmarshalJSON(data []byte) error {
	type plain transactWriteRequest
	if err := json.Unmarshal(data, (*plain)(r)); err != nil {
		return err
	}
	var raw struct{ TransactItems any }
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	// Clients write maps in any order, the library always in the same.
	canonical, err := json.Marshal(raw.TransactItems)
	r.print = sha256.Sum256(canonical)
	return err
}

func (r *transactWriteRequest) prepare() ([]*write, error) {
	switch n := len(r.TransactItems); {
	case n == 0:
		return nil, tooFew("transactItems")
	case n > maxTransaction:
		return nil, tooMany("transactItems", maxTransaction)
	case len(r.ClientRequestToken) > maxToken:
		return nil, tooMany("clientRequestToken", maxToken)
	}
	writes := make([]*write, len(r.TransactItems))
	for i, one := range r.TransactItems {
		var err error
		if writes[i], err = one.prepare(); err != nil {
			return nil, err
		}
	}
	return writes, nil
}

func (a *transactAction) prepare() (*write, error) {
	var given *action
	v := verbPut
	for i, candidate := range []*action{verbPut: a.Put, verbUpdate: a.Update, verbDelete: a.Delete, verbCheck: a.ConditionCheck} {
		if candidate == nil {
			continue
		}
		if given != nil {
			return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		given, v = candidate, verb(i)
	}
	switch {
	case given == nil:
		return nil, invalid("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
	case v == verbCheck && given.ConditionExpression == nil:
		return nil, invalid("1 validation error detected: Value null at 'conditionCheck.conditionExpression' failed to satisfy constraint: Member must not be null")
	}
	return given.prepare(v)
}

func (t *Table) transactWriteItems(r *transactWriteRequest) ([]byte, error) {
	used, err := newCapacity(r.ReturnConsumedCapacity, "WriteCapacityUnits")
	if err != nil {
		return nil, err
	}
	writes, err := r.prepare()
	if err != nil {
		return nil, err
	}
	err = t.writes.run(func(tx *bolt.Tx) (bool, error) {
		now := time.Now()
		if repeated, err := r.repeats(tx, now); repeated || err != nil {
			// The answer to a repetition is about reading, and nothing is written.
			used.kind = "ReadCapacityUnits"
			for _, w := range writes {
				used.add(w.table, 2)
			}
			return false, err
		}
		changes, err := decideAll(tx, writes)
		if err != nil {
			return false, err
		}
		for i, c := range changes {
			used.add(writes[i].table, 2*writeUnits(c.before, c.after))
		}
		return true, errors.Join(writeAll(tx, changes), r.remember(tx, now))
	})
	if err != nil {
		return nil, err
	}
	o := newObject()
	used.writeAll(o)
	return o.close(), nil
}

// decideAll finds out what a transaction comes to without writing anything. Failed conditions and updates of keys cancel it with one reason
// for each action; any other fault of an action is the answer to all.
func decideAll(tx *bolt.Tx, writes []*write) ([]*change, error) {
	changes := make([]*change, len(writes))
	seen := map[string]bool{}
	size := 0
	for i, w := range writes {
		c, err := w.find(tx)
		if err != nil {
			return nil, err
		}
		id := c.schema.Name + "/" + string(c.place)
		if seen[id] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[id], changes[i] = true, c
	}
	reasons := make([]cancellation, len(writes))
	failed := false
	for i, w := range writes {
		reasons[i].code = "None"
		var answer *apiError
		if err := w.checkKey(changes[i].schema); errors.As(err, &answer) {
			reasons[i] = cancellation{code: "ValidationError", message: answer.message}
			failed = true
			continue
		}
		err := w.decide(changes[i])
		switch {
		case err == nil:
			size += changes[i].after.size()
		case errors.As(err, &answer) && strings.HasSuffix(answer.kind, "#ConditionalCheckFailedException"):
			reasons[i] = cancellation{code: "ConditionalCheckFailed", message: answer.message, item: answer.item}
			failed = true
		default:
			return nil, err
		}
	}
	switch {
	case failed:
		return nil, cancelled(reasons)
	case size > maxTransactionSize:
		return nil, invalid("Transaction request cannot include items of more than %d bytes in total", maxTransactionSize)
	}
	return changes, nil
}

// repeats tells whether the request was already done under its token. The same token with other contents is an error.
func (r *transactWriteRequest) repeats(tx *bolt.Tx, now time.Time) (bool, error) {
	known := tx.Bucket(tokensBucket()).Get([]byte(r.ClientRequestToken))
	if r.ClientRequestToken == "" || len(known) != 8+len(r.print) || int64(binary.BigEndian.Uint64(known)) <= now.UnixMilli() {
		return false, nil
	}
	if !bytes.Equal(known[8:], r.print[:]) {
		return false, tokenMismatch()
	}
	return true, nil
}

// remember keeps the token of a transaction that was done, and forgets some whose time is over: two for each new one, so that the file
// does not grow with them.
func (r *transactWriteRequest) remember(tx *bolt.Tx, now time.Time) error {
	if r.ClientRequestToken == "" {
		return nil
	}
	tokens, ends := tx.Bucket(tokensBucket()), tx.Bucket(endsBucket())
	for range 2 {
		k, _ := ends.Cursor().First()
		if k == nil || int64(binary.BigEndian.Uint64(k)) > now.UnixMilli() {
			break
		}
		k = bytes.Clone(k)
		// A token used again after its time has a later end.
		if known := tokens.Get(k[8:]); known != nil && bytes.Equal(known[:8], k[:8]) {
			if err := tokens.Delete(k[8:]); err != nil {
				return err
			}
		}
		if err := ends.Delete(k); err != nil {
			return err
		}
	}
	end := binary.BigEndian.AppendUint64(nil, uint64(now.Add(tokenLife).UnixMilli()))
	return errors.Join(
		tokens.Put([]byte(r.ClientRequestToken), append(bytes.Clone(end), r.print[:]...)),
		ends.Put(append(end, r.ClientRequestToken...), nil))
}
