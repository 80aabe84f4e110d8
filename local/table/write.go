package table

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// Messages about an item that is too large.
const (
	putTooLarge    = "Item size has exceeded the maximum allowed size"
	updateTooLarge = "Item size to update has exceeded the maximum allowed size"
)

const maxBatchWrite = 25

// An action is what PutItem, UpdateItem, DeleteItem and the actions of a transaction have in common.
type action struct {
	TableName                           *string
	Item                                item
	Key                                 item
	UpdateExpression                    *string
	ConditionExpression                 *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           exprValues
	ReturnValuesOnConditionCheckFailure string
}

type writeRequest struct {
	legacy
	action
	ReturnValues                string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

// A verb is what a write does to its item.
type verb byte

const (
	verbPut verb = iota
	verbUpdate
	verbDelete
	verbCheck
)

// A write is an action ready to run.
type write struct {
	verb      verb
	table     string
	item      item // what to put
	key       item // what to update, delete or check
	condition condition
	update    *update
	showOld   bool // the item that fails the condition is part of the answer
}

// A change is what a write comes to for the item it found. It is made before anything is written, so that a request can still be refused.
type change struct {
	schema        *schema
	place         []byte
	before, after item // nil for none
	idle          bool // nothing to write
}

// prepare checks an action and parses its expressions.
func (a *action) prepare(v verb) (*write, error) {
	if err := oneOf("returnValuesOnConditionCheckFailure", a.ReturnValuesOnConditionCheckFailure, "ALL_OLD", "NONE"); err != nil {
		return nil, err
	}
	if v != verbUpdate {
		a.UpdateExpression = nil
	}
	s, err := newScope(a.ExpressionAttributeNames, a.ExpressionAttributeValues, a.UpdateExpression, a.ConditionExpression)
	if err != nil {
		return nil, err
	}
	w := &write{verb: v, item: a.Item, key: a.Key, showOld: a.ReturnValuesOnConditionCheckFailure == "ALL_OLD"}
	if v == verbUpdate {
		if w.update, err = parseUpdate(s, a.UpdateExpression); err != nil {
			return nil, err
		}
	}
	if w.condition, _, err = parseCondition(s, "ConditionExpression", a.ConditionExpression); err != nil {
		return nil, err
	}
	if err := s.finish(); err != nil {
		return nil, err
	}
	if v == verbPut {
		if err := checkItem(w.item, putTooLarge); err != nil {
			return nil, err
		}
	}
	w.table, err = tableName(a.TableName)
	return w, err
}

// checkItem holds an item against the limits of every table.
func checkItem(it item, tooLarge string) error {
	if it == nil {
		return invalid("1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null")
	}
	for name, v := range it {
		switch {
		case name == "":
			return invalid("One or more parameter values were invalid: Empty attribute name")
		case v.depth() > maxDepth:
			return tooDeep()
		}
	}
	if it.size() > maxItem {
		return invalid("%s", tooLarge)
	}
	return nil
}

// find finds the item of a write and where it lies.
func (w *write) find(tx *bolt.Tx) (*change, error) {
	s, err := findSchema(tx, w.table)
	if err != nil {
		return nil, err
	}
	c := &change{schema: s}
	if w.verb == verbPut {
		c.place, err = s.keyOf(w.item)
	} else {
		c.place, err = s.exactKey(w.key)
	}
	if err != nil {
		return nil, err
	}
	c.before, err = s.get(tx, c.place)
	return c, err
}

// decide holds the condition against the item found and computes the item to write.
func (w *write) decide(c *change) error {
	if w.condition != nil && !w.condition.holds(c.before) {
		if w.showOld {
			return failedCondition(c.before)
		}
		return failedCondition(nil)
	}
	switch w.verb {
	case verbPut:
		c.after = w.item
	case verbDelete:
		c.idle = c.before == nil
	case verbCheck:
		c.after, c.idle = c.before, true
	case verbUpdate:
		return w.updated(c)
	}
	return nil
}

// checkKey refuses updates of key attributes.
func (w *write) checkKey(s *schema) error {
	if w.verb != verbUpdate {
		return nil
	}
	for _, where := range w.update.touched {
		if s.isKey(where[0].name) {
			return invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", where[0].name)
		}
	}
	return nil
}

func (w *write) updated(c *change) error {
	before := c.before
	if before == nil {
		before = w.key
	}
	after, err := w.update.apply(before)
	if err != nil {
		return err
	}
	c.after = after
	return checkItem(after, updateTooLarge)
}

// write puts the outcome into the transaction.
func (c *change) write(tx *bolt.Tx) error {
	switch items := c.schema.items(tx); {
	case c.idle:
		return nil
	case c.after == nil:
		return items.Delete(c.place)
	default:
		return items.Put(c.place, appendStored(nil, c.after))
	}
}

func (t *Table) putItem(r *writeRequest) ([]byte, error)    { return t.writeOne(r, verbPut) }
func (t *Table) updateItem(r *writeRequest) ([]byte, error) { return t.writeOne(r, verbUpdate) }
func (t *Table) deleteItem(r *writeRequest) ([]byte, error) { return t.writeOne(r, verbDelete) }

func (t *Table) writeOne(r *writeRequest, v verb) ([]byte, error) {
	if err := r.refuse(); err != nil {
		return nil, err
	}
	used, err := newCapacity(r.ReturnConsumedCapacity, "")
	if err != nil {
		return nil, err
	}
	if err := oneOf("returnItemCollectionMetrics", r.ReturnItemCollectionMetrics, "SIZE", "NONE"); err != nil {
		return nil, err
	}
	if err := oneOf("returnValues", r.ReturnValues, "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"); err != nil {
		return nil, err
	}
	if v != verbUpdate && r.ReturnValues != "" && r.ReturnValues != "NONE" && r.ReturnValues != "ALL_OLD" {
		return nil, invalid("Return values set to invalid value")
	}
	w, err := r.prepare(v)
	if err != nil {
		return nil, err
	}
	var c *change
	err = t.writes.run(func(tx *bolt.Tx) (bool, error) {
		var err error
		if c, err = w.find(tx); err != nil {
			return false, err
		}
		if err := w.checkKey(c.schema); err != nil {
			return false, err
		}
		if err := w.decide(c); err != nil {
			return false, err
		}
		return !c.idle, c.write(tx)
	})
	if err != nil {
		return nil, err
	}
	o := newObject()
	if shown := w.shown(c, r.ReturnValues); len(shown) > 0 {
		o.item("Attributes", shown)
	}
	used.add(w.table, writeUnits(c.before, c.after))
	used.write(o)
	return o.close(), nil
}

// shown are the attributes ReturnValues asks for.
func (w *write) shown(c *change, wanted string) item {
	from := c.after
	switch wanted {
	case "ALL_OLD":
		return c.before
	case "ALL_NEW":
		return c.after
	case "UPDATED_OLD":
		from = c.before
	case "UPDATED_NEW":
	default:
		return nil
	}
	shown := item{}
	for _, where := range w.update.touched {
		// An attribute is shown whole even if only a part of it was changed.
		if _, ok := where.find(from); ok {
			shown[where[0].name] = from[where[0].name]
		}
	}
	return shown
}

type batchWriteRequest struct {
	RequestItems map[string][]struct {
		PutRequest    *struct{ Item item }
		DeleteRequest *struct{ Key item }
	}
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

// batchWriteItem does all writes in one transaction, which is more than the service promises, so nothing is ever left unprocessed.
func (t *Table) batchWriteItem(r *batchWriteRequest) ([]byte, error) {
	used, err := newCapacity(r.ReturnConsumedCapacity, "")
	if err != nil {
		return nil, err
	}
	writes, err := r.prepare()
	if err != nil {
		return nil, err
	}
	changes := make([]*change, len(writes))
	err = t.writes.run(func(tx *bolt.Tx) (bool, error) {
		for i, w := range writes {
			c, err := w.find(tx)
			if err == nil {
				err = w.decide(c)
			}
			if err != nil {
				return false, err
			}
			for _, earlier := range changes[:i] {
				if earlier.schema.Name == c.schema.Name && bytes.Equal(earlier.place, c.place) {
					return false, invalid("Provided list of item keys contains duplicates")
				}
			}
			changes[i] = c
		}
		return true, writeAll(tx, changes)
	})
	if err != nil {
		return nil, err
	}
	o := newObject()
	o.raw("UnprocessedItems", []byte("{}"))
	for i, c := range changes {
		used.add(writes[i].table, writeUnits(c.before, c.after))
	}
	used.writeAll(o)
	return o.close(), nil
}

func writeAll(tx *bolt.Tx, changes []*change) error {
	for _, c := range changes {
		if err := c.write(tx); err != nil {
			return err
		}
	}
	return nil
}

func (r *batchWriteRequest) prepare() ([]*write, error) {
	if len(r.RequestItems) == 0 {
		return nil, tooFew("requestItems")
	}
	var writes []*write
	for name, requests := range r.RequestItems {
		if len(requests) == 0 {
			return nil, tooFew("requestItems." + name + ".member")
		}
		for _, one := range requests {
			if (one.PutRequest == nil) == (one.DeleteRequest == nil) {
				return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
			}
			a, v := &action{TableName: &name}, verbDelete
			if one.PutRequest != nil {
				a.Item, v = one.PutRequest.Item, verbPut
			} else {
				a.Key = one.DeleteRequest.Key
			}
			w, err := a.prepare(v)
			if err != nil {
				return nil, err
			}
			writes = append(writes, w)
		}
	}
	if len(writes) > maxBatchWrite {
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	}
	return writes, nil
}
