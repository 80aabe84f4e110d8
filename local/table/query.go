package table

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"

	bolt "go.etcd.io/bbolt"
)

type searchRequest struct {
	legacy
	TableName                 *string
	IndexName                 *string
	Select                    string
	ConsistentRead            bool
	KeyConditionExpression    *string
	FilterExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues exprValues
	Limit                     *int
	ExclusiveStartKey         item
	ScanIndexForward          *bool
	Segment, TotalSegments    *int
	ReturnConsumedCapacity    string
}

// A search is a Query or Scan ready to run.
type search struct {
	*searchRequest
	name       string
	key        condition // nil for a Scan
	filter     condition
	filtered   []path // what the filter looks at
	projection *projection
	used       *capacity
}

// A page is what a search found.
type page struct {
	items   []byte // a JSON array without its closing bracket
	count   int
	scanned int
	size    int
	last    item // where to go on; nil at the end
}

func (t *Table) query(r *searchRequest) ([]byte, error) {
	s, err := r.prepare()
	if err != nil {
		return nil, err
	}
	if s.key == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	return t.search(s)
}

func (t *Table) scan(r *searchRequest) ([]byte, error) {
	r.KeyConditionExpression, r.ScanIndexForward = nil, nil
	s, err := r.prepare()
	if err != nil {
		return nil, err
	}
	switch segment, total := r.Segment, r.TotalSegments; {
	case segment == nil && total == nil:
	case total == nil:
		return nil, invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case segment == nil:
		return nil, invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case *total < 1 || *total > 1000000 || *segment < 0 || *segment >= *total:
		return nil, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *segment, *total)
	}
	return t.search(s)
}

// prepare checks the request and parses its expressions.
func (r *searchRequest) prepare() (*search, error) {
	if err := r.refuse(); err != nil {
		return nil, err
	}
	used, err := newCapacity(r.ReturnConsumedCapacity, "")
	if err != nil {
		return nil, err
	}
	if r.Limit != nil && *r.Limit < 1 {
		return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *r.Limit)
	}
	if err := r.checkSelect(); err != nil {
		return nil, err
	}
	scope, err := newScope(r.ExpressionAttributeNames, r.ExpressionAttributeValues, r.KeyConditionExpression, r.FilterExpression, r.ProjectionExpression)
	if err != nil {
		return nil, err
	}
	s := &search{searchRequest: r, used: used}
	if s.filter, s.filtered, err = parseCondition(scope, "FilterExpression", r.FilterExpression); err != nil {
		return nil, err
	}
	if s.projection, err = parseProjection(scope, r.ProjectionExpression); err != nil {
		return nil, err
	}
	if s.key, _, err = parseCondition(scope, "KeyConditionExpression", r.KeyConditionExpression); err != nil {
		return nil, err
	}
	if err := scope.finish(); err != nil {
		return nil, err
	}
	s.name, err = tableName(r.TableName)
	return s, err
}

func (r *searchRequest) checkSelect() error {
	if err := oneOf("select", r.Select, "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"); err != nil {
		return err
	}
	switch {
	case r.Select == "ALL_PROJECTED_ATTRIBUTES":
		return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case r.Select == "SPECIFIC_ATTRIBUTES" && r.ProjectionExpression == nil:
		return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case r.Select == "COUNT" && r.ProjectionExpression != nil:
		return invalid("Cannot specify the ProjectionExpression when choosing to get only the Count")
	case r.Select == "ALL_ATTRIBUTES" && r.ProjectionExpression != nil:
		return invalid("Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES")
	}
	return nil
}

func (t *Table) search(s *search) ([]byte, error) {
	found := page{items: []byte{'['}}
	err := t.view(func(tx *bolt.Tx) error {
		schema, err := findSchema(tx, s.name)
		if err != nil {
			return err
		}
		stretch, err := s.stretch(schema)
		if err != nil {
			return err
		}
		return s.collect(schema, schema.items(tx).Cursor(), stretch, &found)
	})
	if err != nil {
		return nil, err
	}
	o := newObject()
	if s.Select != "COUNT" {
		o.raw("Items", append(found.items, ']'))
	}
	o.num("Count", float64(found.count))
	o.num("ScannedCount", float64(found.scanned))
	if found.last != nil {
		o.item("LastEvaluatedKey", found.last)
	}
	s.used.add(s.name, readUnits(found.size, s.ConsistentRead))
	s.used.write(o)
	return o.close(), nil
}

func (s *search) backward() bool { return s.ScanIndexForward != nil && !*s.ScanIndexForward }

// stretch is the part of the table the search goes through, from where an earlier page left off.
func (s *search) stretch(schema *schema) (span, error) {
	if s.IndexName != nil {
		return span{}, invalid("The table does not have the specified index: %s", clip(*s.IndexName))
	}
	var all span
	if s.key != nil {
		for _, where := range s.filtered {
			if schema.isKey(where[0].name) {
				return span{}, invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", where[0].name)
			}
		}
		var err error
		if all, err = schema.keySpan(s.key); err != nil {
			return span{}, err
		}
	}
	if s.ExclusiveStartKey == nil {
		return all, nil
	}
	start, err := schema.exactKey(s.ExclusiveStartKey)
	if bad, ok := errors.AsType[*apiError](err); ok {
		return span{}, invalid("The provided starting key is invalid: %s", bad.message)
	}
	if err != nil {
		return span{}, err
	}
	if !all.contains(start) {
		return span{}, invalid("The provided starting key is outside query boundaries based on provided conditions")
	}
	if s.backward() {
		return span{all.from, start}, nil
	}
	return span{next(start), all.to}, nil
}

// collect goes through the stretch until its end or the end of the page. The item that crosses the page's size still belongs to it.
func (s *search) collect(schema *schema, cursor *bolt.Cursor, stretch span, found *page) error {
	advance := cursor.Next
	place, data := cursor.Seek(stretch.from)
	if s.backward() {
		advance = cursor.Prev
		if place, data = cursor.Last(); stretch.to != nil {
			// Seek stops at or behind the end, which does not belong to the stretch; behind all keys it stops nowhere.
			if at, _ := cursor.Seek(stretch.to); at != nil {
				place, data = cursor.Prev()
			} else {
				place, data = cursor.Last()
			}
		}
	}
	var previous item
	for ; place != nil && stretch.contains(place); place, data = advance() {
		it, err := readStored(data)
		if err != nil {
			return fmt.Errorf("reading an item of table %s: %w", schema.Name, err)
		}
		if !s.inSegment(schema, it) {
			continue
		}
		if found.size >= maxPage {
			found.last = schema.key(previous)
			return nil
		}
		previous = it
		found.scanned++
		found.size += it.size()
		if s.filter == nil || s.filter.holds(it) {
			s.take(it, found)
		}
		if s.Limit != nil && found.scanned == *s.Limit {
			found.last = schema.key(it)
			return nil
		}
	}
	return nil
}

func (s *search) take(it item, found *page) {
	found.count++
	if s.Select == "COUNT" {
		return
	}
	if len(found.items) > 1 {
		found.items = append(found.items, ',')
	}
	found.items = appendItem(found.items, s.projection.of(it))
}

func (s *search) inSegment(schema *schema, it item) bool {
	if s.TotalSegments == nil {
		return true
	}
	h := fnv.New32a()
	// It never fails.
	_, _ = h.Write(bytes.Clone(hashPrefix(it[schema.Hash.Name])))
	return int(h.Sum32()%uint32(*s.TotalSegments)) == *s.Segment
}

// key is the key of an item.
func (s *schema) key(it item) item {
	key := item{}
	for _, part := range s.parts() {
		key[part.Name] = it[part.Name]
	}
	return key
}
