package table

import (
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// The file's buckets, pinned by fileFormat:
//
//	meta    format → fileFormat
//	tables  table name → schema as JSON
//	items   table name → a bucket of place (key.go) → item (stored.go)
//	tokens  client request token → when it ends and what it stands for (transact.go)
//	ends    when a token ends, then the token → nothing
const fileFormat = "1"

func metaBucket() []byte   { return []byte("meta") }
func tablesBucket() []byte { return []byte("tables") }
func itemsBucket() []byte  { return []byte("items") }
func tokensBucket() []byte { return []byte("tokens") }
func endsBucket() []byte   { return []byte("ends") }

// prepare makes the buckets of a new file and checks the format of an old one.
func prepare(db *bolt.DB) error {
	var format []byte
	if err := db.View(func(tx *bolt.Tx) error {
		if b := tx.Bucket(metaBucket()); b != nil {
			format = append(format, b.Get([]byte("format"))...)
		}
		return nil
	}); err != nil {
		return err
	}
	switch string(format) {
	case fileFormat:
		return nil
	case "":
		return db.Update(func(tx *bolt.Tx) error {
			for _, name := range [][]byte{metaBucket(), tablesBucket(), itemsBucket(), tokensBucket(), endsBucket()} {
				if _, err := tx.CreateBucketIfNotExists(name); err != nil {
					return err
				}
			}
			return tx.Bucket(metaBucket()).Put([]byte("format"), []byte(fileFormat))
		})
	}
	return fmt.Errorf("it has format %s, this version reads %s", format, fileFormat)
}

// A schema is what is kept of a table beside its items.
type schema struct {
	Name      string
	Hash      keyPart
	Range     keyPart // no name where the key has one part
	Created   int64   // milliseconds since 1970
	ID        string
	Billing   string // PAY_PER_REQUEST or PROVISIONED
	Read      int64  // provisioned units
	Write     int64
	Protected bool   // from DeleteTable
	TTL       string // the attribute with the time an item ends; "" if the table has none
}

// findSchema reads a table's schema; a table that is not there is an *apiError.
func findSchema(tx *bolt.Tx, name string) (*schema, error) {
	data := tx.Bucket(tablesBucket()).Get([]byte(name))
	if data == nil {
		return nil, noSuchTable(name)
	}
	s := &schema{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("reading the schema of table %s: %w", name, err)
	}
	return s, nil
}

func (s *schema) save(tx *bolt.Tx) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return tx.Bucket(tablesBucket()).Put([]byte(s.Name), data)
}

// items is the bucket of the table's items.
func (s *schema) items(tx *bolt.Tx) *bolt.Bucket {
	return tx.Bucket(itemsBucket()).Bucket([]byte(s.Name))
}

// get reads one item; nil if there is none.
func (s *schema) get(tx *bolt.Tx, place []byte) (item, error) {
	data := s.items(tx).Get(place)
	if data == nil {
		return nil, nil
	}
	it, err := readStored(data)
	if err != nil {
		return nil, fmt.Errorf("reading an item of table %s: %w", s.Name, err)
	}
	return it, nil
}

// view reads inside one transaction.
func (t *Table) view(do func(tx *bolt.Tx) error) error {
	err := t.db.View(do)
	var answer *apiError
	if err == nil || errors.As(err, &answer) {
		return err
	}
	return fmt.Errorf("reading: %w", err)
}
