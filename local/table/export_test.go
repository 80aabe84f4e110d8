package table

import (
	"encoding/json"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// ReservedWords are the words an expression cannot use as names.
func ReservedWords() []string { return strings.Fields(reservedWords) }

// SetNoSync turns off syncing, to measure what it costs.
func (t *Table) SetNoSync(off bool) { t.db.NoSync = off }

// DB is the file underneath, to damage it and to check it.
func (t *Table) DB() *bolt.DB { return t.db }

// TryExpressions parses text as every kind of expression and applies what parses to an item.
func TryExpressions(text string, itemJSON []byte) error {
	var it item
	if err := json.Unmarshal(itemJSON, &it); err != nil {
		return err
	}
	v := value{kind: kindN, text: "1"}
	fresh := func() *scope {
		s, _ := newScope(map[string]string{"#n": "name"}, exprValues{":v": v}, &text)
		return s
	}
	if c, _, err := parseCondition(fresh(), "ConditionExpression", &text); err == nil {
		c.holds(it)
		s := &schema{Hash: keyPart{"pk", "S"}, Range: keyPart{"sk", "S"}}
		_, _ = s.keySpan(c)
	}
	if p, err := parseProjection(fresh(), &text); err == nil {
		p.of(it)
	}
	if u, err := parseUpdate(fresh(), &text); err == nil {
		if after, err := u.apply(it); err == nil && checkItem(after, updateTooLarge) == nil {
			_, err := readStored(appendStored(nil, after))
			return err
		}
	}
	return nil
}

// DecodeItem reads the wire form, and writes what it read in the wire and in the stored form.
func DecodeItem(data []byte) (wire, stored []byte, err error) {
	var it item
	if err := json.Unmarshal(data, &it); err != nil {
		return nil, nil, err
	}
	return appendItem(nil, it), appendStored(nil, it), nil
}

// ReadStored reads the stored form and writes it in the wire form.
func ReadStored(data []byte) ([]byte, error) {
	it, err := readStored(data)
	return appendItem(nil, it), err
}

// SameItem compares two items in the wire form.
func SameItem(a, b []byte) bool {
	var x, y item
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return value{kind: kindM, m: x}.equal(value{kind: kindM, m: y})
}

// CompareNumbers compares two numbers by value and by the bytes they have as keys.
func CompareNumbers(a, b string) (byValue, byKey int, err error) {
	x, err := parseDecimal(a)
	if err != nil {
		return 0, 0, err
	}
	y, err := parseDecimal(b)
	if err != nil {
		return 0, 0, err
	}
	sign := func(n int) int { return max(-1, min(1, n)) }
	return sign(x.compare(y)), strings.Compare(string(x.appendOrdered(nil)), string(y.appendOrdered(nil))), nil
}

// Tokens is how many client request tokens the file holds.
func (t *Table) Tokens() (n int) {
	_ = t.db.View(func(tx *bolt.Tx) error {
		n = tx.Bucket(tokensBucket()).Stats().KeyN
		return nil
	})
	return n
}

// ReadItem reads the stored form and drops it.
func ReadItem(data []byte) { _, _ = readStored(data) }
