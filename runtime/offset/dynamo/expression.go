package dynamo

import (
	"crypto/rand"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// expression gathers an update and its condition. In all texts an attribute is written #name, since many names are
// reserved words, and a value is written ?.
type expression struct {
	names  map[string]string
	values map[string]types.AttributeValue

	sets, removes, conditions []string
}

func newExpression() *expression { return &expression{values: map[string]types.AttributeValue{}} }

// text replaces each ? by the next value and notes the names.
func (e *expression) text(format string, values ...types.AttributeValue) string {
	var b strings.Builder
	for len(format) > 0 {
		i := strings.IndexAny(format, "?#")
		if i < 0 {
			break
		}
		b.WriteString(format[:i])
		mark := format[i]
		format = format[i+1:]
		if mark == '?' {
			name := ":" + strconv.Itoa(len(e.values))
			e.values[name] = values[0]
			values = values[1:]
			b.WriteString(name)
			continue
		}
		end := strings.IndexFunc(format, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
		if end < 0 {
			end = len(format)
		}
		if e.names == nil {
			e.names = map[string]string{}
		}
		e.names["#"+format[:end]] = format[:end]
		b.WriteByte('#')
		b.WriteString(format[:end])
		format = format[end:]
	}
	b.WriteString(format)
	return b.String()
}

// when adds a condition; all must hold.
func (e *expression) when(format string, values ...types.AttributeValue) {
	e.conditions = append(e.conditions, e.text(format, values...))
}

// known adds the condition that the item, if there is one, has no later format than this program knows.
func (e *expression) known() {
	e.when("(attribute_not_exists(#v) OR #v <= ?)", num(offset.Format))
}

// assign adds assignments such as "#a = ?".
func (e *expression) assign(format string, values ...types.AttributeValue) {
	e.sets = append(e.sets, e.text(format, values...))
}

// put assigns a value, or removes the attribute if the value is nil.
func (e *expression) put(name string, value types.AttributeValue) {
	if value == nil {
		e.remove(name)
		return
	}
	e.assign("#"+name+" = ?", value)
}

func (e *expression) remove(names ...string) {
	for _, name := range names {
		e.removes = append(e.removes, e.text("#"+name))
	}
}

func (e *expression) update() *string {
	var b strings.Builder
	for _, clause := range []struct {
		verb  string
		parts []string
	}{{"SET ", e.sets}, {" REMOVE ", e.removes}} {
		if len(clause.parts) > 0 {
			b.WriteString(clause.verb)
			b.WriteString(strings.Join(clause.parts, ", "))
		}
	}
	out := strings.TrimSpace(b.String())
	return &out
}

func (e *expression) condition() *string {
	if len(e.conditions) == 0 {
		return nil
	}
	out := strings.Join(e.conditions, " AND ")
	return &out
}

// updating is the update as an action of a transaction. When its condition fails the answer has the item.
func (s *Store) updating(key item, e *expression) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: key, UpdateExpression: e.update(), ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// checking is the condition alone as an action of a transaction.
func (s *Store) checking(key item, e *expression) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &s.table, Key: key, ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// deleting removes an item, be it there or not.
func (s *Store) deleting(key item) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &s.table, Key: key}}
}

func requestToken() string { return rand.Text() }

// What one transaction holds at most. DynamoDB counts whole items, before or after the write, up to 4 MB, of which we
// know only what we write; half of that leaves room for the rest.
const (
	actionsMax = 100
	bytesMax   = 2 << 20
)

// pack cuts actions into transactions, in order. Each has room left for the given number of further actions.
func pack(actions []types.TransactWriteItem, room int) [][]types.TransactWriteItem {
	var packs [][]types.TransactWriteItem
	var pack []types.TransactWriteItem
	bytes := 0
	for _, a := range actions {
		n := sizeOf(a)
		if len(pack) > 0 && (len(pack)+room >= actionsMax || bytes+n > bytesMax) {
			packs, pack, bytes = append(packs, pack), nil, 0
		}
		pack, bytes = append(pack, a), bytes+n
	}
	if len(pack) > 0 {
		packs = append(packs, pack)
	}
	return packs
}

// sizeOf is about how many bytes an action writes.
func sizeOf(a types.TransactWriteItem) int {
	if a.Update == nil {
		return 0
	}
	n := 0
	for _, v := range a.Update.Key {
		n += valueSize(v)
	}
	for _, v := range a.Update.ExpressionAttributeValues {
		n += valueSize(v)
	}
	return n
}

func valueSize(v types.AttributeValue) int {
	const overhead = 16 // its name and type
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value) + overhead
	case *types.AttributeValueMemberB:
		return len(v.Value) + overhead
	case *types.AttributeValueMemberM:
		n := overhead
		for name, member := range v.Value {
			n += len(name) + valueSize(member)
		}
		return n
	}
	return overhead
}
