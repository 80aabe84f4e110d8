package table

import (
	"bytes"
	"encoding/json"
	"slices"

	bolt "go.etcd.io/bbolt"
)

const (
	maxBatchGet    = 100
	maxBatchAnswer = 16 << 20 // bytes of items in one BatchGetItem
	maxTransaction = 100
)

// Requests that still use the parameters expressions replaced are refused rather than answered wrongly.
type legacy struct {
	AttributesToGet, AttributeUpdates, ConditionalOperator, Expected, KeyConditions, QueryFilter, ScanFilter json.RawMessage
}

func (l *legacy) refuse() error {
	for _, p := range []struct {
		name  string
		given json.RawMessage
	}{
		{"AttributesToGet", l.AttributesToGet},
		{"AttributeUpdates", l.AttributeUpdates},
		{"ConditionalOperator", l.ConditionalOperator},
		{"Expected", l.Expected},
		{"KeyConditions", l.KeyConditions},
		{"QueryFilter", l.QueryFilter},
		{"ScanFilter", l.ScanFilter},
	} {
		if p.given != nil && !bytes.Equal(p.given, []byte("null")) {
			return invalid("The parameter %s is not supported by this endpoint; use expressions", p.name)
		}
	}
	return nil
}

type getItemRequest struct {
	legacy
	TableName                *string
	Key                      item
	ConsistentRead           bool
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
	ReturnConsumedCapacity   string
}

// lookup prepares what a Get needs beside its key.
func lookup(given, expression *string, names map[string]string) (name string, p *projection, err error) {
	s, err := newScope(names, nil, expression)
	if err != nil {
		return "", nil, err
	}
	if p, err = parseProjection(s, expression); err != nil {
		return "", nil, err
	}
	if err = s.finish(); err != nil {
		return "", nil, err
	}
	name, err = tableName(given)
	return name, p, err
}

// read finds the item of a key, and the place where it lies.
func read(tx *bolt.Tx, name string, key item) (item, []byte, error) {
	s, err := findSchema(tx, name)
	if err != nil {
		return nil, nil, err
	}
	place, err := s.exactKey(key)
	if err != nil {
		return nil, nil, err
	}
	it, err := s.get(tx, place)
	return it, place, err
}

func (t *Table) getItem(r *getItemRequest) ([]byte, error) {
	if err := r.refuse(); err != nil {
		return nil, err
	}
	used, err := newCapacity(r.ReturnConsumedCapacity, "")
	if err != nil {
		return nil, err
	}
	name, p, err := lookup(r.TableName, r.ProjectionExpression, r.ExpressionAttributeNames)
	if err != nil {
		return nil, err
	}
	var it item
	err = t.view(func(tx *bolt.Tx) (err error) {
		it, _, err = read(tx, name, r.Key)
		return err
	})
	if err != nil {
		return nil, err
	}
	o := newObject()
	if it != nil {
		o.item("Item", p.of(it))
	}
	used.add(name, readUnits(max(1, it.size()), r.ConsistentRead))
	used.write(o)
	return o.close(), nil
}

// keysRequest is what one BatchGetItem asks of one table.
type keysRequest struct {
	AttributesToGet          json.RawMessage `json:",omitempty"`
	Keys                     []item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

type batchGetRequest struct {
	RequestItems           map[string]*keysRequest
	ReturnConsumedCapacity string
}

// MarshalJSON writes the wire form, for keys that come back unprocessed.
func (it item) MarshalJSON() ([]byte, error) { return appendItem(nil, it), nil }

func (t *Table) batchGetItem(r *batchGetRequest) ([]byte, error) {
	used, err := newCapacity(r.ReturnConsumedCapacity, "")
	if err != nil {
		return nil, err
	}
	total := 0
	for name, keys := range r.RequestItems {
		if keys == nil || len(keys.Keys) == 0 {
			return nil, invalid("1 validation error detected: Value at 'requestItems.%s.member.keys' failed to satisfy constraint: Member must have length greater than or equal to 1", name)
		}
		total += len(keys.Keys)
	}
	switch {
	case total == 0:
		return nil, tooFew("requestItems")
	case total > maxBatchGet:
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	answers, left := newObject(), map[string]*keysRequest{}
	room := maxBatchAnswer
	err = t.view(func(tx *bolt.Tx) error {
		for given, keys := range r.RequestItems {
			list, err := keys.collect(tx, given, &room, used, left)
			if err != nil {
				return err
			}
			answers.raw(given, list)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	o := newObject()
	o.raw("Responses", answers.close())
	rest, err := json.Marshal(left)
	o.raw("UnprocessedKeys", rest)
	used.writeAll(o)
	return o.close(), err
}

// collect answers for one table of a batch while there is room; the keys that are left over go to left.
func (k *keysRequest) collect(tx *bolt.Tx, given string, room *int, used *capacity, left map[string]*keysRequest) ([]byte, error) {
	if err := (&legacy{AttributesToGet: k.AttributesToGet}).refuse(); err != nil {
		return nil, err
	}
	name, p, err := lookup(&given, k.ProjectionExpression, k.ExpressionAttributeNames)
	if err != nil {
		return nil, err
	}
	list := []byte{'['}
	seen := map[string]bool{}
	for i, key := range k.Keys {
		it, place, err := read(tx, name, key)
		if err != nil {
			return nil, err
		}
		if seen[string(place)] {
			return nil, invalid("Provided list of item keys contains duplicates")
		}
		seen[string(place)] = true
		if it.size() > *room {
			rest := *k
			rest.Keys = slices.Clone(k.Keys[i:])
			left[given] = &rest
			// Nothing more fits, for other tables either, so that no small item overtakes a large one for ever.
			*room = 0
			break
		}
		*room -= it.size()
		used.add(name, readUnits(max(1, it.size()), k.ConsistentRead))
		if it == nil {
			continue
		}
		if len(list) > 1 {
			list = append(list, ',')
		}
		list = appendItem(list, p.of(it))
	}
	return append(list, ']'), nil
}

type transactGetRequest struct {
	TransactItems []struct {
		Get *struct {
			TableName                *string
			Key                      item
			ProjectionExpression     *string
			ExpressionAttributeNames map[string]string
		}
	}
	ReturnConsumedCapacity string
}

func (t *Table) transactGetItems(r *transactGetRequest) ([]byte, error) {
	used, err := newCapacity(r.ReturnConsumedCapacity, "ReadCapacityUnits")
	switch {
	case err != nil:
		return nil, err
	case len(r.TransactItems) == 0:
		return nil, tooFew("transactItems")
	case len(r.TransactItems) > maxTransaction:
		return nil, tooMany("transactItems", maxTransaction)
	}
	list := []byte{'['}
	seen := map[string]bool{}
	err = t.view(func(tx *bolt.Tx) error {
		for i, action := range r.TransactItems {
			get := action.Get
			if get == nil {
				return invalid("1 validation error detected: Value null at 'transactItems.%d.member.get' failed to satisfy constraint: Member must not be null", i+1)
			}
			name, p, err := lookup(get.TableName, get.ProjectionExpression, get.ExpressionAttributeNames)
			if err != nil {
				return err
			}
			it, place, err := read(tx, name, get.Key)
			if err != nil {
				return err
			}
			if seen[name+"/"+string(place)] {
				return invalid("Transaction request cannot include multiple operations on one item")
			}
			seen[name+"/"+string(place)] = true
			used.add(name, 2*readUnits(max(1, it.size()), true))
			if i > 0 {
				list = append(list, ',')
			}
			o := newObject()
			if it != nil {
				o.item("Item", p.of(it))
			}
			list = append(list, o.close()...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	o := newObject()
	o.raw("Responses", append(list, ']'))
	used.writeAll(o)
	return o.close(), nil
}
