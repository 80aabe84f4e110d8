package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"

	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

func parseAvro(text string) (*avro.Schema, error) {
	s, err := avro.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the Avro schema of a file: %w", err)
	}
	return s, nil
}

// shredder takes records in Avro apart into the columns of Parquet, with the schema that Java's AvroSchemaConverter
// makes of Avro's: lists have two levels.
type shredder struct {
	schema *parquet.Schema
	root   column
	// picky tells that there are records that it refuses although they are of the schema.
	picky bool

	columns [][]parquet.Value // of the record at hand: a repeated one has several values, which must stand together
	row     parquet.Row
	in      []byte
}

// column is how values of one Avro schema are taken apart. rep and def are the levels reached so far. nothing stands for
// a value that is not there.
type column interface {
	shred(s *shredder, rep, def int) error
	nothing(s *shredder, rep, def int)
}

func newShredder(a *avro.Schema) (*shredder, error) {
	if a.Type != avro.Record {
		return nil, fmt.Errorf("writing Parquet: values are %s, and only records have columns", a.Type)
	}
	b := &shredBuilder{}
	node, root, err := b.build(a, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("writing Parquet: %w", err)
	}
	return &shredder{schema: parquet.NewSchema(a.FullName(), node), root: root, picky: b.picky, columns: make([][]parquet.Value, b.columns)}, nil
}

// shred returns the columns of a record. They share its memory, and last until the next call.
func (s *shredder) shred(row []byte) (parquet.Row, error) {
	s.row, s.in = s.row[:0], row
	for i := range s.columns {
		s.columns[i] = s.columns[i][:0]
	}
	if err := s.root.shred(s, 0, 0); err != nil {
		return nil, err
	}
	for _, values := range s.columns {
		s.row = append(s.row, values...)
	}
	return s.row, nil
}

func (s *shredder) add(v parquet.Value, rep, def, column int) {
	s.columns[column] = append(s.columns[column], v.Level(rep, def, column))
}

var errTorn = errors.New("a record in Avro is torn")

func (s *shredder) long() (int64, error) {
	v, n := binary.Varint(s.in)
	if n <= 0 {
		return 0, errTorn
	}
	s.in = s.in[n:]
	return v, nil
}

func (s *shredder) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(s.in)) {
		return nil, errTorn
	}
	b := s.in[:n:n]
	s.in = s.in[n:]
	return b, nil
}

func (s *shredder) bytes() ([]byte, error) {
	n, err := s.long()
	if err != nil {
		return nil, err
	}
	return s.take(n)
}

// shredBuilder numbers the columns.
type shredBuilder struct {
	columns int
	names   []string // of the records around, because a record that holds itself has no columns
	picky   bool
}

// build makes the node and the column of a schema at the levels that values of it have when they are there.
func (b *shredBuilder) build(a *avro.Schema, rep, def int) (parquet.Node, column, error) {
	switch a.Type {
	case avro.Record:
		return b.record(a, rep, def)
	case avro.Array:
		node, items, err := b.element(a.Items, rep+1, def+1)
		if err != nil {
			return nil, nil, err
		}
		list := group{fields: []parquet.Field{field{parquet.Repeated(node), "array"}}, typ: parquet.List(parquet.String()).Type()}
		return parquet.Required(list), &repeated{depth: rep + 1, items: items}, nil
	case avro.Map:
		key := &leaf{column: b.columns, read: readText}
		b.columns++
		node, items, err := b.build(a.Items, rep+1, def+1)
		if err != nil {
			return nil, nil, err
		}
		pairs := group{fields: []parquet.Field{field{parquet.Required(parquet.String()), "key"}, field{node, "value"}}}
		m := group{fields: []parquet.Field{field{parquet.Repeated(pairs), "key_value"}}, typ: parquet.Map(parquet.String(), parquet.String()).Type()}
		return parquet.Required(m), &repeated{depth: rep + 1, items: pair{key, items}}, nil
	case avro.Union:
		return b.union(a, rep, def)
	}
	node, read, err := primitive(a)
	if err != nil {
		return nil, nil, err
	}
	b.columns++
	return parquet.Required(node), &leaf{column: b.columns - 1, read: read, size: int64(a.Size), symbols: a.Symbols}, nil
}

// element is the element of a list. Lists of two levels, which the original writes, have no place for nulls.
func (b *shredBuilder) element(a *avro.Schema, rep, def int) (parquet.Node, column, error) {
	if a.Type != avro.Union || len(a.Branches) != 2 || a.Branches[0].Type != avro.Null && a.Branches[1].Type != avro.Null {
		return b.build(a, rep, def)
	}
	there := 0
	if a.Branches[0].Type == avro.Null {
		there = 1
	}
	b.picky = true
	node, part, err := b.build(a.Branches[there], rep, def)
	return node, &present{branch: int64(there), column: part}, err
}

// present is a value that may be null in Avro and must not be here.
type present struct {
	branch int64
	column
}

func (p *present) shred(s *shredder, rep, def int) error {
	i, err := s.long()
	if err != nil {
		return err
	}
	if i != p.branch {
		return errors.New("a list has a null, for which the lists of these Parquet files have no place")
	}
	return p.column.shred(s, rep, def)
}

func (b *shredBuilder) record(a *avro.Schema, rep, def int) (parquet.Node, column, error) {
	for _, name := range b.names {
		if name == a.FullName() {
			return nil, nil, fmt.Errorf("record %s holds itself", name)
		}
	}
	if len(a.Fields) == 0 {
		return nil, nil, fmt.Errorf("record %s has no fields", a.FullName())
	}
	b.names = append(b.names, a.FullName())
	defer func() { b.names = b.names[:len(b.names)-1] }()
	var fields []parquet.Field
	var parts record
	for i := range a.Fields {
		if a.Fields[i].Type.Type == avro.Null {
			continue // it has no column
		}
		node, part, err := b.build(a.Fields[i].Type, rep, def)
		if err != nil {
			return nil, nil, fmt.Errorf("field %s: %w", a.Fields[i].Name, err)
		}
		fields = append(fields, field{node, a.Fields[i].Name})
		parts = append(parts, part)
	}
	return parquet.Required(group{fields: fields}), parts, nil
}

// union is an optional value, or a group of which one member is there.
func (b *shredBuilder) union(a *avro.Schema, rep, def int) (parquet.Node, column, error) {
	u := &union{}
	var fields []parquet.Field
	real := 0
	for _, branch := range a.Branches {
		if branch.Type != avro.Null {
			real++
		}
	}
	if real == 0 {
		return nil, nil, errors.New("a union of nothing but null has no columns")
	}
	nullable := real < len(a.Branches)
	level := def
	if nullable {
		level++
	}
	if real > 1 {
		u.members = true
		level++
	}
	for _, branch := range a.Branches {
		if branch.Type == avro.Null {
			u.branches = append(u.branches, nil)
			continue
		}
		node, part, err := b.build(branch, rep, level)
		if err != nil {
			return nil, nil, err
		}
		u.branches, u.level = append(u.branches, part), level
		fields = append(fields, field{parquet.Optional(node), fmt.Sprintf("member%d", len(fields))})
	}
	switch {
	case real == 1 && nullable:
		return fields[0].(field).Node, u, nil //nolint:forcetypeassert // made above
	case real == 1:
		return parquet.Required(fields[0]), u, nil
	case nullable:
		return parquet.Optional(group{fields: fields}), u, nil
	}
	return parquet.Required(group{fields: fields}), u, nil
}

// record is a group.
type record []column

func (r record) shred(s *shredder, rep, def int) error {
	for _, part := range r {
		if err := part.shred(s, rep, def); err != nil {
			return err
		}
	}
	return nil
}

func (r record) nothing(s *shredder, rep, def int) {
	for _, part := range r {
		part.nothing(s, rep, def)
	}
}

// pair is an entry of a map.
type pair struct{ key, value column }

func (p pair) shred(s *shredder, rep, def int) error {
	if err := p.key.shred(s, rep, def); err != nil {
		return err
	}
	return p.value.shred(s, rep, def)
}

func (p pair) nothing(s *shredder, rep, def int) {
	p.key.nothing(s, rep, def)
	p.value.nothing(s, rep, def)
}

// repeated is a list or a map. depth is the repetition level of its elements.
type repeated struct {
	depth int
	items column
}

func (r *repeated) shred(s *shredder, rep, def int) error {
	none := true
	for {
		n, err := s.long()
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		if n < 0 {
			n = -n
			if _, err := s.long(); err != nil {
				return err
			}
		}
		for range n {
			if err := r.items.shred(s, rep, def+1); err != nil {
				return err
			}
			rep, none = r.depth, false
		}
	}
	if none {
		r.items.nothing(s, rep, def)
	}
	return nil
}

func (r *repeated) nothing(s *shredder, rep, def int) { r.items.nothing(s, rep, def) }

// union is an optional value, or one of several. level is the definition level of what is there.
type union struct {
	branches []column
	members  bool
	level    int
}

func (u *union) shred(s *shredder, rep, def int) error {
	i, err := s.long()
	if err != nil || i < 0 || i >= int64(len(u.branches)) {
		return errors.Join(err, errTorn)
	}
	if u.branches[i] == nil {
		u.nothing(s, rep, def)
		return nil
	}
	for j, branch := range u.branches {
		switch {
		case j == int(i):
			if err := branch.shred(s, rep, u.level); err != nil {
				return err
			}
		case branch != nil:
			branch.nothing(s, rep, u.level-1)
		}
	}
	return nil
}

func (u *union) nothing(s *shredder, rep, def int) {
	for _, branch := range u.branches {
		if branch != nil {
			branch.nothing(s, rep, def)
		}
	}
}
