package table_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/local/table"
)

func (b bundle) transact(t testing.TB, token string, items ...types.TransactWriteItem) error {
	t.Helper()
	in := &dynamodb.TransactWriteItemsInput{TransactItems: items}
	if token != "" {
		in.ClientRequestToken = &token
	}
	_, err := b.TransactWriteItems(t.Context(), in)
	return err
}

func (b bundle) putAction(sk string) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: &b.name, Item: key(sk)}}
}

// fence is the condition check of an offset commit.
func (b bundle) fence(sk string, epoch int, show types.ReturnValuesOnConditionCheckFailure) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &b.name, Key: key(sk), ConditionExpression: aws.String("epoch = :e"),
		ExpressionAttributeValues: avs(obj{":e": epoch}), ReturnValuesOnConditionCheckFailure: show,
	}}
}

func TestTransactWriteItems_AllOrNothing(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		task := obj{"pk": "p", "sk": "task", "epoch": num("7")}
		b.put(t, task)
		b.put(t, obj{"pk": "p", "sk": "old"})
		update := types.TransactWriteItem{Update: &types.Update{
			TableName: &b.name, Key: key("up"), UpdateExpression: aws.String("SET x = if_not_exists(x, :z) + :a"),
			ExpressionAttributeValues: avs(obj{":a": 1, ":z": 0}),
		}}
		remove := types.TransactWriteItem{Delete: &types.Delete{TableName: &b.name, Key: key("old")}}
		all := func(fence types.TransactWriteItem) []types.TransactWriteItem {
			return []types.TransactWriteItem{b.putAction("new"), fence, update, remove}
		}
		for _, show := range []types.ReturnValuesOnConditionCheckFailure{"", "ALL_OLD"} {
			err := b.transact(t, "", all(b.fence("task", 6, show))...)
			cancelled := asError[*types.TransactionCanceledException](t, err)
			if !strings.Contains(cancelled.ErrorMessage(), "[None, ConditionalCheckFailed, None, None]") {
				t.Error(cancelled.ErrorMessage())
			}
			var codes []string
			for _, r := range cancelled.CancellationReasons {
				codes = append(codes, *r.Code)
			}
			if diff := cmp.Diff([]string{"None", "ConditionalCheckFailed", "None", "None"}, codes); diff != "" {
				t.Error(diff)
			}
			want := obj(nil)
			if show != "" {
				want = task
			}
			reason := cancelled.CancellationReasons[1]
			if diff := cmp.Diff(want, plains(reason.Item)); diff != "" || !strings.HasPrefix(*reason.Message, "The conditional request failed") {
				t.Error(*reason.Message, diff)
			}
			if b.get(t, "new") != nil || b.get(t, "up") != nil || b.get(t, "old") == nil {
				t.Error("a cancelled transaction wrote something")
			}
		}
		check(t, b.transact(t, "", all(b.fence("task", 7, ""))...), "")
		if b.get(t, "new") == nil || b.get(t, "up")["x"] != num("1") || b.get(t, "old") != nil {
			t.Error("a transaction did not write everything")
		}
		if diff := cmp.Diff(task, b.get(t, "task")); diff != "" {
			t.Errorf("a condition check changed its item: %s", diff)
		}
	})
}

func TestTransactWriteItems_Refuses(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		var many []types.TransactWriteItem
		for i := range 101 {
			many = append(many, b.putAction(fmt.Sprint(i)))
		}
		const cancelled = "TransactionCanceledException"
		update := func(expr string, values obj) types.TransactWriteItem {
			return types.TransactWriteItem{Update: &types.Update{TableName: &b.name, Key: key("up"), UpdateExpression: &expr, ExpressionAttributeValues: avs(values)}}
		}
		both := b.putAction("1")
		both.Delete = &types.Delete{TableName: &b.name, Key: key("1")}
		elsewhere := b.putAction("1")
		elsewhere.Put = &types.Put{TableName: aws.String("no-such-table"), Item: key("1")}
		for name, c := range map[string]struct {
			items []types.TransactWriteItem
			want  string
		}{
			"101 actions":       {many, notValid},
			"100 actions":       {many[:100], ""},
			"no action":         {[]types.TransactWriteItem{}, notValid},
			"an item twice":     {[]types.TransactWriteItem{b.putAction("1"), b.putAction("1")}, notValid + ": cannot include multiple operations on one item"},
			"an empty action":   {[]types.TransactWriteItem{{}}, notValid},
			"two in one":        {[]types.TransactWriteItem{both}, notValid},
			"no such table":     {[]types.TransactWriteItem{b.putAction("1"), elsewhere}, "ResourceNotFoundException"},
			"a bad key":         {[]types.TransactWriteItem{b.putAction("")}, notValid},
			"a bad expression":  {[]types.TransactWriteItem{update("SET status = :a", obj{":a": 1})}, notValid + ": reserved keyword"},
			"an unused value":   {[]types.TransactWriteItem{update("REMOVE a", obj{":a": 1})}, notValid},
			"no such path":      {[]types.TransactWriteItem{update("SET x.y = :a", obj{":a": 1})}, notValid},
			"a key changed":     {[]types.TransactWriteItem{update("SET pk = :a", obj{":a": "1"})}, cancelled},
			"too large an item": {[]types.TransactWriteItem{update("SET x = :a", obj{":a": strings.Repeat("x", 409600)})}, notValid},
		} {
			err := b.transact(t, "", c.items...)
			if check(t, err, c.want); t.Failed() {
				t.Fatal(name)
			}
		}
	})
}

func TestTransactWriteItems_IsIdempotent(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		token := b.name[:30]
		values := obj{}
		names := map[string]string{}
		expr := "SET "
		for i := range 8 {
			// Maps of several entries are written in another order each time.
			values[fmt.Sprintf(":v%d", i)], names[fmt.Sprintf("#n%d", i)] = i, fmt.Sprintf("a%d", i)
			expr += fmt.Sprintf("#n%d = :v%d, ", i, i)
		}
		count := types.TransactWriteItem{Update: &types.Update{
			TableName: &b.name, Key: key("s"), UpdateExpression: aws.String(expr + "x = if_not_exists(x, :v0) + :v1"),
			ExpressionAttributeValues: avs(values), ExpressionAttributeNames: names,
		}}
		for range 3 {
			check(t, b.transact(t, token, count), "")
		}
		if got := b.get(t, "s")["x"]; got != num("1") {
			t.Errorf("done %v times", got)
		}
		err := b.transact(t, token, b.putAction("other"))
		asError[*types.IdempotentParameterMismatchException](t, err)
		if b.get(t, "other") != nil {
			t.Error("a refused request wrote something")
		}
		check(t, b.transact(t, strings.Repeat("x", 37), b.putAction("other")), notValid)
		// What was cancelled may be tried again under its token, even changed.
		again := "c" + token
		check(t, b.transact(t, again, b.fence("s", 1, "")), "TransactionCanceledException")
		check(t, b.transact(t, again, b.putAction("other")), "")
	})
}

func TestTransactWriteItems_ForgetsTokensAfterTenMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tab, err := table.Open("")
		if err != nil {
			t.Fatal(err)
		}
		defer tab.Close()
		client := newClient("http://table", func(o *dynamodb.Options) { o.HTTPClient = inProcess{tab} })
		b := bundle{client, "tokens", false}
		if _, err := client.CreateTable(t.Context(), creation(b.name)); err != nil {
			t.Fatal(err)
		}
		check(t, b.transact(t, "token", b.putAction("1")), "")
		time.Sleep(10*time.Minute - time.Millisecond)
		check(t, b.transact(t, "token", b.putAction("2")), "IdempotentParameterMismatchException")
		time.Sleep(time.Millisecond)
		check(t, b.transact(t, "token", b.putAction("2")), "")
		time.Sleep(9 * time.Minute)
		// The first life of the token is over, its second is not.
		for i := range 5 {
			check(t, b.transact(t, fmt.Sprint(i), b.putAction(fmt.Sprint(i))), "")
		}
		check(t, b.transact(t, "token", b.putAction("3")), "IdempotentParameterMismatchException")
		for range 20 {
			time.Sleep(11 * time.Minute)
			check(t, b.transact(t, "", b.putAction("1")), "")
		}
		if n := tab.Tokens(); n > 3 {
			t.Errorf("%d tokens are kept, though all but one are over", n)
		}
	})
}

func TestTransactGetItems(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		b.put(t, obj{"pk": "p", "sk": "1", "x": 1})
		get := func(sk string) types.TransactGetItem {
			return types.TransactGetItem{Get: &types.Get{TableName: &b.name, Key: key(sk), ProjectionExpression: aws.String("x")}}
		}
		run := func(items ...types.TransactGetItem) (*dynamodb.TransactGetItemsOutput, error) {
			return b.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: items})
		}
		out, err := run(get("2"), get("1"))
		if err != nil || len(out.Responses) != 2 || out.Responses[0].Item != nil || plain(out.Responses[1].Item["x"]) != num("1") {
			t.Error(err, out)
		}
		_, err = run(get("1"), get("1"))
		check(t, err, notValid+": multiple operations on one item")
		_, err = run([]types.TransactGetItem{}...)
		check(t, err, notValid)
		var many []types.TransactGetItem
		for i := range 101 {
			many = append(many, get(fmt.Sprint(i)))
		}
		_, err = run(many...)
		check(t, err, notValid)
		if out, err := run(many[:100]...); err != nil || len(out.Responses) != 100 {
			t.Error(err)
		}
	})
}
