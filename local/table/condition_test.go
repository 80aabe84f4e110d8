package table_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

// sample is the item expressions are tried on.
func sample() obj {
	return obj{
		"pk": "p", "sk": "s", "s": "hello", "n": num("5"), "b": []byte{1, 2, 3}, "yes": true, "nil": nil, "smile": "😀é",
		"l": []any{num("1"), "two", obj{"x": num("3")}}, "m": obj{"a": num("1"), "c": obj{"d": "deep"}, "li": []any{num("9"), num("8")}},
		"ss": ss{"a", "b"}, "ns": ns{"1", "2", "3"}, "bs": bs{"\x01", "\x02"},
	}
}

func conditionCases() []struct {
	expr   string
	values obj
	want   string
} {
	yes, no, bad := "", condFailed, notValid
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat(":a,", n), ",") }
	return []struct {
		expr   string
		values obj
		want   string
	}{
		// Comparisons.
		{"s = :a", obj{":a": "hello"}, yes},
		{"s = :a", obj{":a": "other"}, no},
		{":a = s", obj{":a": "hello"}, yes},
		{"(s) = :a", obj{":a": "hello"}, yes},
		{":a = :b", obj{":a": 1, ":b": num("1.0")}, yes},
		{"n = :a", obj{":a": num("5.00")}, yes},
		{"n = :a", obj{":a": "5"}, no},
		{"n <> :a", obj{":a": "5"}, yes},
		{"n < :a", obj{":a": 10}, yes},
		{"n < :a", obj{":a": "a"}, no},
		{"n >= :a AND n <= :a", obj{":a": 5}, yes},
		{"n > :a", obj{":a": -5}, yes},
		{"b < :a", obj{":a": []byte{2}}, yes},
		{"s > :a", obj{":a": "Hello"}, yes},
		{"zz = :a", obj{":a": 1}, no},
		{"zz <> :a", obj{":a": 1}, yes},
		{"NOT zz = :a", obj{":a": 1}, yes},
		{"ss = :a", obj{":a": ss{"b", "a"}}, yes},
		{"l = :a", obj{":a": []any{1, "two", obj{"x": 3}}}, yes},
		{"m = :a", obj{":a": obj{"a": 1}}, no},
		{"nil = :a", obj{":a": nil}, yes},
		{"yes = :a", obj{":a": true}, yes},
		{"s = s", nil, bad + ": first operand must be distinct"},
		{"ss < :a", obj{":a": ss{"a"}}, bad + ": Incorrect operand type"},
		{"yes < :a", obj{":a": true}, bad + ": Incorrect operand type"},
		// Paths.
		{"m.c.d = :a", obj{":a": "deep"}, yes},
		{"m . c . d = :a", obj{":a": "deep"}, yes},
		{"l[2].x = :a", obj{":a": 3}, yes},
		{"l[ 0 ] = :a", obj{":a": 1}, yes},
		{"l[7] = :a", obj{":a": 1}, no},
		{"s[0] = :a", obj{":a": "h"}, no},
		{"l[-1] = :a", obj{":a": 1}, bad + ": Syntax error"},
		{"l[01] = :a", obj{":a": 1}, bad + ": Syntax error"},
		{"l[99999999999] = :a", obj{":a": 1}, bad + ": not within the allowable range"},
		// Operators.
		{"n IN (:a, :b)", obj{":a": 4, ":b": 5}, yes},
		{"n in (:a)", obj{":a": 4}, no},
		{"n IN ()", nil, bad + ": Syntax error"},
		{"n IN (" + many(101) + ")", obj{":a": 4}, bad},
		{"n BETWEEN :a AND :b", obj{":a": 1, ":b": 5}, yes},
		{"n between :a aNd :b", obj{":a": 6, ":b": 9}, no},
		{"n BETWEEN :a AND :b", obj{":a": 9, ":b": 1}, bad + ": upper bound"},
		{"n BETWEEN :a AND :b", obj{":a": 1, ":b": "x"}, bad + ": same data type"},
		{"s = :a OR n = :b AND yes = :c", obj{":a": "hello", ":b": 1, ":c": false}, yes},
		{"(s = :a OR n = :b) AND yes = :c", obj{":a": "hello", ":b": 1, ":c": false}, no},
		{"NOT (s = :a OR n = :b) AND yes = :c", obj{":a": "x", ":b": 1, ":c": true}, yes},
		{"NOT NOT s = :a", obj{":a": "hello"}, yes},
		{"((s = :a))", obj{":a": "hello"}, bad + ": redundant parentheses"},
		{"(s = :a) AND ((n = :b) OR (n = :a))", obj{":a": "hello", ":b": 5}, yes},
		// Functions.
		{"attribute_exists(m.c.d) AND attribute_not_exists(m.z)", nil, yes},
		{"attribute_exists (zz)", nil, no},
		{"attribute_exists(:a)", obj{":a": "s"}, bad + ": requires a document path"},
		{"attribute_type(s, :a)", obj{":a": "S"}, yes},
		{"attribute_type(nil, :a)", obj{":a": "NULL"}, yes},
		{"attribute_type(bs, :a)", obj{":a": "SS"}, no},
		{"attribute_type(s, :a)", obj{":a": "Q"}, bad + ": Invalid attribute type name"},
		{"begins_with(s, :a)", obj{":a": "he"}, yes},
		{"begins_with(b, :a)", obj{":a": []byte{1}}, yes},
		{"begins_with(n, :a)", obj{":a": "5"}, no},
		{"begins_with(s, :a)", obj{":a": 1}, bad + ": Incorrect operand type"},
		{"contains(s, :a)", obj{":a": "ell"}, yes},
		{"contains(s, :a)", obj{":a": 1}, no},
		{"contains(ss, :a)", obj{":a": "a"}, yes},
		{"contains(ns, :a)", obj{":a": num("2.0")}, yes},
		{"contains(bs, :a)", obj{":a": []byte{1}}, yes},
		{"contains(b, :a)", obj{":a": []byte{2, 3}}, yes},
		{"contains(l, :a)", obj{":a": obj{"x": 3}}, yes},
		{"size(s) = :a", obj{":a": 5}, yes},
		{"size(smile) = :a", obj{":a": 3}, yes},
		{"size(l) = :a AND size(m) = :a AND size(ns) = :a AND size(b) = :a", obj{":a": 3}, yes},
		{"size(n) > :a", obj{":a": 0}, no},
		{"size(zz) = :a", obj{":a": 0}, no},
		{"size(s)", nil, bad + ": not allowed to be used this way"},
		{"attribute_exists(s) = :a", obj{":a": true}, bad + ": not allowed to be used this way"},
		{"foo(s)", nil, bad + ": Invalid function name; function: foo"},
		{"if_not_exists(s, :a)", obj{":a": 1}, bad + ": not allowed in a condition expression"},
		{"attribute_exists(s, n)", nil, bad + ": Incorrect number of operands"},
		// Syntax.
		{"", nil, bad + ": The expression can not be empty"},
		{"s", nil, bad + `: Syntax error; token: "<EOF>", near: "s"`},
		{"s == :a", obj{":a": 1}, bad + `: Syntax error; token: "=", near: "== :a"`},
		{"s = :a AND", obj{":a": 1}, bad + `: Syntax error; token: "<EOF>", near: "AND"`},
		{"s = :a s", obj{":a": 1}, bad + `: Syntax error; token: "s", near: ":a s"`},
		{"a-b = :a", obj{":a": 1}, bad + `: Syntax error; token: "-", near: "a-b"`},
		{"s = é", nil, bad + `: Syntax error`},
		{"(s = :a", obj{":a": 1}, bad + ": Syntax error"},
		{"s = :a)", obj{":a": 1}, bad + ": Syntax error"},
		{"s = :a OR OR n = :a", obj{":a": 1}, bad + ": Syntax error"},
		{"s = :a AND " + strings.Repeat("s = :a AND ", 400) + "s = :a", obj{":a": 1}, bad},
		// Placeholders.
		{"name = :a", obj{":a": 1}, bad + ": reserved keyword: name"},
		{"STATUS = :a", obj{":a": 1}, bad + ": reserved keyword: STATUS"},
		{"set = :a", obj{":a": 1}, bad},
		{"#q = :a", obj{":a": 1}, bad + ": attribute name: #q"},
		{"s = :q", obj{":a": 1}, bad + ": attribute value: :q"},
		{"s = :a", obj{":a": "hello", ":b": 1}, bad + ": unused in expressions: keys: {:b}"},
		{"s = :a", obj{":a": ss{}}, bad},
		{"s = :a", obj{":a": num("abc")}, bad},
		{"s = :a", obj{":a": ss{"x", "x"}}, bad + ": contains duplicates"},
		{"s = :a", obj{"a": "hello"}, bad},
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		b.put(t, sample())
		for _, c := range conditionCases() {
			t.Run(fmt.Sprintf("%.60s", c.expr), func(t *testing.T) {
				// Writing the item as it is leaves it for the next case.
				_, err := b.PutItem(t.Context(), &dynamodb.PutItemInput{
					TableName: &b.name, Item: avs(sample()), ConditionExpression: &c.expr, ExpressionAttributeValues: avs(c.values),
				})
				check(t, err, c.want)
			})
		}
	})
}

func TestConditions_Names(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		b.put(t, obj{"pk": "p", "sk": "s", "name": "x", "a.b": "dot", "m": obj{"status": "deep"}})
		for _, c := range []struct {
			expr  string
			names map[string]string
			want  string
		}{
			{"#n = :a", map[string]string{"#n": "name"}, ""},
			{"#n = :a", map[string]string{"#n": "other"}, condFailed},
			{"attribute_exists(#d) AND #n = :a", map[string]string{"#d": "a.b", "#n": "name"}, ""},
			{"attribute_exists(m.#s) AND #1 = :a", map[string]string{"#s": "status", "#1": "name"}, ""},
			{"#n = :a", map[string]string{"#n": "name", "#q": "x"}, notValid + ": unused in expressions: keys: {#q}"},
			{"#n = :a", map[string]string{"n": "name"}, notValid},
			{"#n = :a", map[string]string{"#n": ""}, notValid},
		} {
			_, err := b.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: &b.name, Key: key("s"), ConditionExpression: &c.expr,
				ExpressionAttributeNames: c.names, ExpressionAttributeValues: avs(obj{":a": "x"}),
			})
			check(t, err, c.want)
		}
		_, err := b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.name, Item: key("s"), ExpressionAttributeValues: avs(obj{":a": "x"})})
		check(t, err, notValid+": can only be specified when using expressions")
		_, err = b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.name, Key: key("s"), ExpressionAttributeNames: map[string]string{"#a": "x"}})
		check(t, err, notValid+": can only be specified when using expressions")
	})
}

func TestConditions_GiveTheWinnersItem(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		b.put(t, obj{"pk": "p", "sk": "s", "owner": "me"})
		for _, wanted := range []types.ReturnValuesOnConditionCheckFailure{"", "NONE", "ALL_OLD"} {
			_, putErr := b.PutItem(t.Context(), &dynamodb.PutItemInput{
				TableName: &b.name, Item: key("s"),
				ConditionExpression: aws.String("attribute_not_exists(pk)"), ReturnValuesOnConditionCheckFailure: wanted,
			})
			_, updateErr := b.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: &b.name, Key: key("s"), UpdateExpression: aws.String("REMOVE x"),
				ConditionExpression: aws.String("attribute_not_exists(pk)"), ReturnValuesOnConditionCheckFailure: wanted,
			})
			_, deleteErr := b.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
				TableName: &b.name, Key: key("s"),
				ConditionExpression: aws.String("attribute_not_exists(pk)"), ReturnValuesOnConditionCheckFailure: wanted,
			})
			for _, err := range []error{putErr, updateErr, deleteErr} {
				failed := asError[*types.ConditionalCheckFailedException](t, err)
				want := obj(nil)
				if wanted == "ALL_OLD" {
					want = obj{"pk": "p", "sk": "s", "owner": "me"}
				}
				if diff := cmp.Diff(want, plains(failed.Item)); diff != "" || failed.ErrorMessage() != "The conditional request failed" {
					t.Errorf("%q: %s %s", wanted, failed.ErrorMessage(), diff)
				}
			}
		}
		_, err := b.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
			TableName: &b.name, Key: key("none"),
			ConditionExpression: aws.String("attribute_exists(pk)"), ReturnValuesOnConditionCheckFailure: "ALL_OLD",
		})
		if failed := asError[*types.ConditionalCheckFailedException](t, err); failed.Item != nil {
			t.Errorf("there was no item, got %v", plains(failed.Item))
		}
	})
}
