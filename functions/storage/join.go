package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// joiner puts records together again of the columns of Parquet, in Avro's binary form: the reverse of shredder. Lists may
// have two levels or three.
type joiner struct {
	root    joint
	columns [][]parquet.Value // what is left of the row at hand, by column
}

// joint is how values of one Avro schema are put together. join appends the value that stands next in its columns.
type joint interface {
	join(j *joiner, dst []byte) ([]byte, error)
	// skip passes over a value that is not there, which has one entry in every column.
	skip(j *joiner)
	// first is the first column of the values, -1 if they have none.
	first() int
}

func newJoiner(a *avro.Schema, root *parquet.Column, columns int) (*joiner, error) {
	j, err := buildJoint(a, root, false)
	if err != nil {
		return nil, fmt.Errorf("reading Parquet: %w", err)
	}
	return &joiner{root: j, columns: make([][]parquet.Value, columns)}, nil
}

// append appends a row in Avro's form.
func (j *joiner) append(dst []byte, row parquet.Row) ([]byte, error) {
	for begin := 0; begin < len(row); {
		column, end := row[begin].Column(), begin+1
		for end < len(row) && row[end].Column() == column {
			end++
		}
		if column < 0 || column >= len(j.columns) {
			return dst, errJoin
		}
		j.columns[column], begin = row[begin:end], end
	}
	return j.root.join(j, dst)
}

var errJoin = errors.New("the columns of a row do not fit together")

// next takes the next value of a column.
func (j *joiner) next(column int) (parquet.Value, error) {
	values := j.columns[column]
	if len(values) == 0 {
		return parquet.Value{}, errJoin
	}
	j.columns[column] = values[1:]
	return values[0], nil
}

// reaches tells whether the next value of a column is defined up to a level.
func (j *joiner) reaches(column, level int) bool {
	values := j.columns[column]
	return len(values) > 0 && values[0].DefinitionLevel() >= level
}

// repeats tells whether the next value of a column goes on with a list of a depth.
func (j *joiner) repeats(column, depth int) bool {
	values := j.columns[column]
	return len(values) > 0 && values[0].RepetitionLevel() >= depth
}

// buildJoint pairs an Avro schema with a column. element says that the column is what a list repeats.
func buildJoint(a *avro.Schema, n *parquet.Column, element bool) (joint, error) {
	switch a.Type {
	case avro.Record:
		return buildRecord(a, n)
	case avro.Array:
		if n.Repeated() && !element {
			item, err := buildJoint(a.Items, n, true)
			return &jointList{level: n.MaxDefinitionLevel(), depth: n.MaxRepetitionLevel(), item: item}, err
		}
		if pairs, ok := mapOf(n); ok {
			item, err := buildJoint(a.Items, pairs, true)
			return &jointList{level: pairs.MaxDefinitionLevel(), depth: pairs.MaxRepetitionLevel(), item: item}, err
		}
		items, ok := listOf(n)
		if !ok {
			return nil, fmt.Errorf("column %s is no list", n.Name())
		}
		item, err := buildJoint(a.Items, items, items.Repeated())
		middle := n.Columns()[0]
		return &jointList{level: middle.MaxDefinitionLevel(), depth: middle.MaxRepetitionLevel(), item: item}, err
	case avro.Map:
		pairs, ok := mapOf(n)
		if !ok {
			return nil, fmt.Errorf("column %s is no map", n.Name())
		}
		key, err := buildJoint(&avro.Schema{Type: avro.String}, pairs.Columns()[0], false)
		if err != nil {
			return nil, err
		}
		value, err := buildJoint(a.Items, pairs.Columns()[1], false)
		return &jointList{level: pairs.MaxDefinitionLevel(), depth: pairs.MaxRepetitionLevel(), item: jointRecord{key, value}}, err
	case avro.Union:
		return buildUnion(a, n, element)
	}
	if !n.Leaf() {
		return nil, fmt.Errorf("column %s is a group, and Avro's schema says %s", n.Name(), a.Type)
	}
	write, err := leafWriter(a, n)
	return &jointLeaf{column: n.Index(), level: n.MaxDefinitionLevel(), write: write}, err
}

func buildRecord(a *avro.Schema, n *parquet.Column) (joint, error) {
	var parts jointRecord
	for i := range a.Fields {
		t := a.Fields[i].Type
		child := n.Column(a.Fields[i].Name)
		switch {
		case child == nil && t.Type == avro.Null:
			continue // it has neither a column nor bytes
		case child == nil:
			null := -1
			if t.Type == avro.Union {
				null = slices.IndexFunc(t.Branches, func(b *avro.Schema) bool { return b.Type == avro.Null })
			}
			if null < 0 {
				return nil, fmt.Errorf("there is no column for the field %s", a.Fields[i].Name)
			}
			parts = append(parts, jointNull(null))
			continue
		}
		part, err := buildJoint(t, child, false)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

func buildUnion(a *avro.Schema, n *parquet.Column, element bool) (joint, error) {
	u := &jointUnion{null: -1, level: n.MaxDefinitionLevel()}
	var real []int
	for i, branch := range a.Branches {
		if branch.Type == avro.Null {
			u.null = i
		} else {
			real = append(real, i)
		}
	}
	if len(real) == 1 {
		inner, err := buildJoint(a.Branches[real[0]], n, element)
		u.members = []jointMember{{branch: real[0], level: n.MaxDefinitionLevel(), joint: inner}}
		return u, err
	}
	children := n.Columns()
	if n.Leaf() || len(children) != len(real) {
		return nil, fmt.Errorf("column %s has %d members, and Avro's union %d", n.Name(), len(children), len(real))
	}
	for i, branch := range real {
		inner, err := buildJoint(a.Branches[branch], children[i], false)
		if err != nil {
			return nil, err
		}
		u.members = append(u.members, jointMember{branch: branch, level: children[i].MaxDefinitionLevel(), joint: inner})
	}
	return u, nil
}

// jointRecord is the values of fields, one behind the other.
type jointRecord []joint

func (r jointRecord) join(j *joiner, dst []byte) ([]byte, error) {
	var err error
	for _, part := range r {
		if dst, err = part.join(j, dst); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (r jointRecord) skip(j *joiner) {
	for _, part := range r {
		part.skip(j)
	}
}

func (r jointRecord) first() int {
	for _, part := range r {
		if first := part.first(); first >= 0 {
			return first
		}
	}
	return -1
}

// jointNull is a field without a column: the number of null in its union.
type jointNull int

func (n jointNull) join(_ *joiner, dst []byte) ([]byte, error) {
	return binary.AppendVarint(dst, int64(n)), nil
}
func (n jointNull) skip(*joiner) {}
func (n jointNull) first() int   { return -1 }

// jointList is a list, or the pairs of a map. Every element is a block of its own.
type jointList struct {
	level, depth int
	item         joint
}

func (l *jointList) join(j *joiner, dst []byte) ([]byte, error) {
	column := l.item.first()
	if column < 0 {
		return dst, errJoin
	}
	if !j.reaches(column, l.level) {
		l.item.skip(j)
		return append(dst, 0), nil
	}
	for {
		var err error
		if dst, err = l.item.join(j, binary.AppendVarint(dst, 1)); err != nil {
			return dst, err
		}
		if !j.repeats(column, l.depth) {
			return append(dst, 0), nil
		}
	}
}

func (l *jointList) skip(j *joiner) { l.item.skip(j) }
func (l *jointList) first() int     { return l.item.first() }

// jointUnion is a value that may be missing, or of one of several kinds.
type jointUnion struct {
	null, level int
	members     []jointMember
}

type jointMember struct {
	branch, level int
	joint
}

func (u *jointUnion) join(j *joiner, dst []byte) ([]byte, error) {
	there := -1
	for i := range u.members {
		if first := u.members[i].first(); first >= 0 && j.reaches(first, u.members[i].level) {
			there = i
			break
		}
	}
	if there < 0 {
		if u.null < 0 {
			return dst, errJoin
		}
		u.skip(j)
		return binary.AppendVarint(dst, int64(u.null)), nil
	}
	var err error
	dst = binary.AppendVarint(dst, int64(u.members[there].branch))
	for i := range u.members {
		if i != there {
			u.members[i].skip(j)
		} else if dst, err = u.members[i].join(j, dst); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (u *jointUnion) skip(j *joiner) {
	for i := range u.members {
		u.members[i].skip(j)
	}
}

func (u *jointUnion) first() int {
	for i := range u.members {
		if first := u.members[i].first(); first >= 0 {
			return first
		}
	}
	return -1
}

// jointLeaf is one column.
type jointLeaf struct {
	column, level int
	write         func(dst []byte, v parquet.Value) ([]byte, error)
}

func (l *jointLeaf) join(j *joiner, dst []byte) ([]byte, error) {
	v, err := j.next(l.column)
	if err != nil {
		return dst, err
	}
	if v.DefinitionLevel() < l.level {
		return dst, errors.New("a column has no value, and Avro's schema wants one")
	}
	return l.write(dst, v)
}

func (l *jointLeaf) skip(j *joiner) {
	if values := j.columns[l.column]; len(values) > 0 {
		j.columns[l.column] = values[1:]
	}
}

func (l *jointLeaf) first() int { return l.column }

// leafWriter writes the values of a column as those of an Avro type.
func leafWriter(a *avro.Schema, n *parquet.Column) (func(dst []byte, v parquet.Value) ([]byte, error), error) {
	kind := n.Type().Kind()
	logical, _ := a.Props.Get("logicalType")
	number := func(v parquet.Value) int64 { return int64(v.Int32()) }
	switch {
	case isNothing(n):
		return func(dst []byte, _ parquet.Value) ([]byte, error) { return dst, errJoin }, nil
	case isUnsigned(n, 64):
		return unsigned, nil
	case kind == parquet.Int64:
		number = parquet.Value.Int64
	case isUnsigned(n, 32) && a.Type == avro.Long:
		number = func(v parquet.Value) int64 { return int64(v.Uint32()) }
	}
	whole := kind == parquet.Int32 || kind == parquet.Int64
	text := kind == parquet.ByteArray || kind == parquet.FixedLenByteArray
	switch {
	case a.Type == avro.Boolean && kind == parquet.Boolean:
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			if v.Boolean() {
				return append(dst, 1), nil
			}
			return append(dst, 0), nil
		}, nil
	case (a.Type == avro.Int || a.Type == avro.Long) && whole:
		return func(dst []byte, v parquet.Value) ([]byte, error) { return binary.AppendVarint(dst, number(v)), nil }, nil
	case a.Type == avro.Long && kind == parquet.Int96:
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			return binary.AppendVarint(dst, millisOf(v.Int96())), nil
		}, nil
	case a.Type == avro.Float && kind == parquet.Float:
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v.Float())), nil
		}, nil
	case a.Type == avro.Double && kind == parquet.Double:
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Double())), nil
		}, nil
	case a.Type == avro.Bytes && logical == "decimal" && whole:
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			return appendLong(dst, binary.BigEndian.AppendUint64(nil, uint64(number(v)))), nil //nolint:gosec // two's complement is what a decimal is
		}, nil
	case (a.Type == avro.Bytes || a.Type == avro.String) && text:
		return func(dst []byte, v parquet.Value) ([]byte, error) { return appendLong(dst, v.ByteArray()), nil }, nil
	case a.Type == avro.Fixed && text:
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			if len(v.ByteArray()) != a.Size {
				return dst, errJoin
			}
			return append(dst, v.ByteArray()...), nil
		}, nil
	case a.Type == avro.Enum && text:
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			i := slices.Index(a.Symbols, string(v.ByteArray()))
			if i < 0 {
				return dst, fmt.Errorf("%q is no symbol of the enum %s", v.ByteArray(), a.Name)
			}
			return binary.AppendVarint(dst, int64(i)), nil
		}, nil
	}
	return nil, fmt.Errorf("a column of %s has no values of Avro's %s", kind, a.Type)
}

// unsigned writes a value of 64 bits without a sign, for which Avro has no type.
func unsigned(dst []byte, v parquet.Value) ([]byte, error) {
	if v.Uint64() > math.MaxInt64 {
		return dst, fmt.Errorf("the number %d is larger than 64 bits with a sign can say", v.Uint64())
	}
	return binary.AppendVarint(dst, v.Int64()), nil
}

// appendLong appends bytes with their length before them.
func appendLong(dst, b []byte) []byte { return append(binary.AppendVarint(dst, int64(len(b))), b...) }
