package table_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

// gone marks an attribute an update takes away.
type gone struct{}

type updateCase struct {
	expr   string
	values obj
	want   obj    // attributes that differ from the sample afterwards
	fails  string // as for check
}

func updateCases() []updateCase {
	const bad = notValid
	const noPath, noType = bad + ": document path provided in the update expression is invalid", bad + ": incorrect data type"
	nines := num(strings.Repeat("9", 38))
	return []updateCase{
		// SET.
		{"SET x = :a", obj{":a": "new"}, obj{"x": "new"}, ""},
		{"set x = s, s = :a", obj{":a": 1}, obj{"x": "hello", "s": num("1")}, ""},
		{"SET n = n + :a, x = if_not_exists(x, :a) - :b", obj{":a": 2, ":b": num("0.5")}, obj{"n": num("7"), "x": num("1.5")}, ""},
		{"SET n = (n - :a)", obj{":a": num("5")}, obj{"n": num("0")}, ""},
		{"SET n = if_not_exists(n, :a)", obj{":a": 2}, nil, ""},
		{"SET n = if_not_exists(x, if_not_exists(y, :a))", obj{":a": 2}, obj{"n": num("2")}, ""},
		{"SET l = list_append(l, :a)", obj{":a": []any{"z"}}, obj{"l": []any{num("1"), "two", obj{"x": num("3")}, "z"}}, ""},
		{"SET x = list_append(if_not_exists(x, :a), :a)", obj{":a": []any{"z"}}, obj{"x": []any{"z", "z"}}, ""},
		{"SET m.c.d = :a", obj{":a": 1}, obj{"m": obj{"a": num("1"), "c": obj{"d": num("1")}, "li": []any{num("9"), num("8")}}}, ""},
		{"SET m.q = :a", obj{":a": 1}, obj{"m": obj{"a": num("1"), "c": obj{"d": "deep"}, "li": []any{num("9"), num("8")}, "q": num("1")}}, ""},
		{"SET l[1] = :a, l[2].x = :a", obj{":a": 1}, obj{"l": []any{num("1"), num("1"), obj{"x": num("1")}}}, ""},
		{"SET l[10] = :a, l[7] = :b", obj{":a": "later", ":b": "first"}, obj{"l": []any{num("1"), "two", obj{"x": num("3")}, "first", "later"}}, ""},
		{"SET n = :a - n", obj{":a": nines}, obj{"n": num("99999999999999999999999999999999999994")}, ""},
		{"SET n = n + :a", obj{":a": nines}, nil, bad},
		{"SET n = n + :a", obj{":a": num("1e-40")}, nil, bad},
		{"SET n = :a + :a", obj{":a": num("9e125")}, nil, bad + ": Number overflow"},
		{"SET s = s + :a", obj{":a": 1}, nil, noType},
		{"SET x = list_append(s, :a)", obj{":a": []any{}}, nil, noType},
		{"SET n = n + :a", obj{":a": "a"}, nil, bad + ": Incorrect operand type"},
		{"SET x = list_append(:a, :b)", obj{":a": 1, ":b": []any{}}, nil, bad + ": Incorrect operand type"},
		{"SET n = zz", nil, nil, bad + ": refers to an attribute that does not exist"},
		{"SET n = if_not_exists(n, zz)", nil, nil, bad + ": refers to an attribute that does not exist"},
		{"SET zz.a = :a", obj{":a": 1}, nil, noPath},
		{"SET s.a = :a", obj{":a": 1}, nil, noPath},
		{"SET l.a = :a", obj{":a": 1}, nil, noPath},
		{"SET m[0] = :a", obj{":a": 1}, nil, noPath},
		// REMOVE.
		{"REMOVE s, m.c, zz, m.zz", nil, obj{"s": gone{}, "m": obj{"a": num("1"), "li": []any{num("9"), num("8")}}}, ""},
		{"REMOVE l[0], l[1], l[9]", nil, obj{"l": []any{obj{"x": num("3")}}}, ""},
		{"REMOVE l[0] SET l[1] = :a", obj{":a": 7}, obj{"l": []any{num("7"), obj{"x": num("3")}}}, ""},
		{"REMOVE l[0] SET l[5] = :a", obj{":a": 7}, obj{"l": []any{"two", obj{"x": num("3")}, num("7")}}, ""},
		{"REMOVE zz.a", nil, nil, noPath},
		{"REMOVE s.a", nil, nil, noPath},
		// ADD.
		{"ADD n :a, x :a, m.a :a", obj{":a": 2}, obj{"n": num("7"), "x": num("2"), "m": obj{"a": num("3"), "c": obj{"d": "deep"}, "li": []any{num("9"), num("8")}}}, ""},
		{"ADD ss :a, ns :b, x :a", obj{":a": ss{"b", "c"}, ":b": ns{"3.0", "4"}}, obj{"ss": ss{"a", "b", "c"}, "ns": ns{"1", "2", "3", "4"}, "x": ss{"b", "c"}}, ""},
		{"ADD s :a", obj{":a": 1}, nil, noType},
		{"ADD ss :a", obj{":a": ns{"1"}}, nil, noType},
		{"ADD x :a", obj{":a": "a"}, nil, bad + ": operator: ADD, operand type: STRING"},
		{"ADD x s", nil, nil, bad + ": Syntax error"},
		{"ADD zz.a :a", obj{":a": 1}, nil, noPath},
		// DELETE.
		{"DELETE ss :a, bs :b", obj{":a": ss{"a", "q"}, ":b": bs{"\x01"}}, obj{"ss": ss{"b"}, "bs": bs{"\x02"}}, ""},
		{"DELETE ss :a, x :a", obj{":a": ss{"a", "b"}}, obj{"ss": gone{}}, ""},
		{"DELETE ss :a", obj{":a": ns{"1"}}, nil, noType},
		{"DELETE n :a", obj{":a": 1}, nil, bad + ": operator: DELETE, operand type: NUMBER"},
		{"DELETE b[1] :a", obj{":a": ns{"1"}}, nil, noPath},
		// All at once, and what cannot be together.
		{"DELETE ss :s ADD n :a REMOVE s SET x = n", obj{":a": 1, ":s": ss{"a"}}, obj{"ss": ss{"b"}, "n": num("6"), "s": gone{}, "x": num("5")}, ""},
		{"SET x = :a SET y = :a", obj{":a": 1}, nil, bad + `: The "SET" section can only be used once`},
		{"SET x = :a, x = :a", obj{":a": 1}, nil, bad + ": overlap with each other"},
		{"SET x.a = :a REMOVE x", obj{":a": 1}, nil, bad + ": path one: [x, a], path two: [x]"},
		{"SET x[0] = :a, x.b = :a", obj{":a": 1}, nil, bad + ": conflict with each other"},
		{"SET pk = :a", obj{":a": "a"}, nil, bad + ": This attribute is part of the key"},
		{"REMOVE sk", nil, nil, bad + ": This attribute is part of the key"},
		// Syntax.
		{"", nil, nil, bad + ": can not be empty"},
		{"SET", nil, nil, bad + `: Syntax error; token: "<EOF>", near: "SET"`},
		{"FOO x", nil, nil, bad + ": Syntax error"},
		{"SET x = :a,", obj{":a": 1}, nil, bad + ": Syntax error"},
		{"SET :a = x", obj{":a": 1}, nil, bad + ": Syntax error"},
		{"SET x = n + n + n", nil, nil, bad + ": Syntax error"},
		{"SET x = foo(:a)", obj{":a": 1}, nil, bad + ": Invalid function name"},
		{"SET x = size(s)", nil, nil, bad + ": not allowed in an update expression"},
		{"SET x = if_not_exists(:a, :a)", obj{":a": 1}, nil, bad + ": requires a document path"},
		{"SET x = list_append(:a)", obj{":a": []any{}}, nil, bad + ": Incorrect number of operands"},
		{"SET owner = :a", obj{":a": 1}, nil, bad + ": reserved keyword: owner"},
		{"SET x = :a", obj{":a": 1, ":b": 1}, nil, bad + ": unused in expressions"},
	}
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		for _, c := range updateCases() {
			t.Run(fmt.Sprintf("%.60s", c.expr), func(t *testing.T) {
				b.put(t, sample())
				out, err := b.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
					TableName: &b.name, Key: key("s"), UpdateExpression: &c.expr,
					ExpressionAttributeValues: avs(c.values), ReturnValues: types.ReturnValueAllNew,
				})
				check(t, err, c.fails)
				want := sample()
				for name, v := range c.want {
					if want[name] = v; v == any(gone{}) {
						delete(want, name)
					}
				}
				if diff := cmp.Diff(want, b.get(t, "s")); diff != "" {
					t.Errorf("the item: %s", diff)
				}
				if err == nil && c.fails == "" {
					if diff := cmp.Diff(want, plains(out.Attributes)); diff != "" {
						t.Errorf("the answer: %s", diff)
					}
				}
			})
		}
	})
}

func TestUpdates_MakeItems(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		for i, c := range []struct {
			expr   *string
			values obj
			want   obj // nil: no item
			fails  string
		}{
			{nil, nil, obj{}, ""},
			{aws.String("SET epoch = if_not_exists(epoch, :z) + :a"), obj{":a": 1, ":z": 0}, obj{"epoch": num("1")}, ""},
			{aws.String("ADD epoch :a"), obj{":a": 1}, obj{"epoch": num("1")}, ""},
			{aws.String("REMOVE x"), nil, obj{}, ""},
			{aws.String("SET x.y = :a"), obj{":a": 1}, nil, notValid},
			{aws.String("SET x = x + :a"), obj{":a": 1}, nil, notValid},
		} {
			sk := fmt.Sprint(i)
			_, err := b.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: &b.name, Key: key(sk), UpdateExpression: c.expr, ExpressionAttributeValues: avs(c.values)})
			check(t, err, c.fails)
			if c.want != nil {
				maps.Copy(c.want, obj{"pk": "p", "sk": sk})
			}
			if diff := cmp.Diff(c.want, b.get(t, sk)); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func TestReturnValues(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		old := obj{"pk": "p", "sk": "s", "a": num("1"), "m": obj{"x": num("1"), "y": num("2")}}
		for _, c := range []struct {
			expr   string
			wanted types.ReturnValue
			want   obj
		}{
			{"SET a = :v", "NONE", nil},
			{"SET a = :v", "ALL_OLD", old},
			{"SET a = :v", "ALL_NEW", obj{"pk": "p", "sk": "s", "a": num("9"), "m": old["m"]}},
			{"SET a = :v", "UPDATED_OLD", obj{"a": num("1")}},
			{"SET a = :v", "UPDATED_NEW", obj{"a": num("9")}},
			{"SET z = :v", "UPDATED_OLD", nil},
			{"SET z = :v REMOVE a", "UPDATED_NEW", obj{"z": num("9")}},
			{"SET z = :v REMOVE a", "UPDATED_OLD", obj{"a": num("1")}},
			{"ADD a :v", "UPDATED_NEW", obj{"a": num("10")}},
		} {
			b.put(t, old)
			out, err := b.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: &b.name, Key: key("s"), UpdateExpression: &c.expr,
				ExpressionAttributeValues: avs(obj{":v": 9}), ReturnValues: c.wanted,
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, plains(out.Attributes)); diff != "" {
				t.Errorf("%s %s: %s", c.expr, c.wanted, diff)
			}
		}
		b.put(t, old)
		put, err := b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.name, Item: key("s"), ReturnValues: "ALL_OLD"})
		if diff := cmp.Diff(old, plains(put.Attributes)); err != nil || diff != "" {
			t.Error(err, diff)
		}
		b.put(t, old)
		del, err := b.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &b.name, Key: key("s"), ReturnValues: "ALL_OLD"})
		if diff := cmp.Diff(old, plains(del.Attributes)); err != nil || diff != "" {
			t.Error(err, diff)
		}
		del, err = b.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &b.name, Key: key("s"), ReturnValues: "ALL_OLD"})
		if err != nil || del.Attributes != nil {
			t.Error(err, del.Attributes)
		}
		_, err = b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.name, Item: key("s"), ReturnValues: "ALL_NEW"})
		check(t, err, notValid)
	})
}
