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

func TestItems_KeepEveryType(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		want := sample()
		want["empty"], want["none"], want["text"] = "", []byte{}, "quote \" slash \\ tab \t nul \x00 é 😀 \u2028 <&>"
		want["emptyList"], want["emptyMap"] = []any{}, obj{}
		b.put(t, want)
		if diff := cmp.Diff(want, b.get(t, "s")); diff != "" {
			t.Error(diff)
		}
		if it := b.get(t, "other"); it != nil {
			t.Error(it)
		}
	})
}

func TestItems_Numbers(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		zeros := func(n int) string { return strings.Repeat("0", n) }
		for _, c := range []struct{ in, want, fails string }{
			{"1.0", "1", ""},
			{"1e2", "100", ""},
			{"007", "7", ""},
			{"-0", "0", ""},
			{"0.00", "0", ""},
			{"+5", "5", ""},
			{".5", "0.5", ""},
			{"5.", "5", ""},
			{"1.23e-7", "0.000000123", ""},
			{"0e999", "0", ""},
			{"1E+100", "1" + zeros(100), ""},
			{"1e-130", "0." + zeros(129) + "1", ""},
			{"-9.99e125", "-999" + zeros(123), ""},
			{strings.Repeat("1", 38) + "0", strings.Repeat("1", 38) + "0", ""},
			{"12345678901234567890123456789012345678", "12345678901234567890123456789012345678", ""},
			{strings.Repeat("1", 39), "", notValid},
			{"1e126", "", notValid + ": Number overflow"},
			{"1e-131", "", notValid + ": Number underflow"},
			{"", "", notValid},
			{"abc", "", notValid},
			{" 5", "", notValid},
			{"1e", "", notValid},
			{"0x10", "", notValid},
			{"1_000", "", notValid},
			{"NaN", "", notValid},
			{"--1", "", notValid},
		} {
			_, err := b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.name, Item: avs(obj{"pk": "p", "sk": "s", "n": num(c.in)})})
			check(t, err, c.fails)
			if err == nil {
				if got := b.get(t, "s")["n"]; got != num(c.want) {
					t.Errorf("%s: got %v", c.in, got)
				}
			}
		}
	})
}

// nested is a string inside depth lists.
func nested(depth int) any {
	if depth == 0 {
		return "x"
	}
	return []any{nested(depth - 1)}
}

func TestItems_Limits(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		long := func(n int) string { return strings.Repeat("x", n) }
		for name, c := range map[string]struct {
			item  obj
			fails string
		}{
			"largest":         {obj{"pk": "p", "sk": "s", "z": long(409600 - 7)}, ""},
			"too large":       {obj{"pk": "p", "sk": "s", "z": long(409600 - 6)}, notValid + ": Item size has exceeded"},
			"deepest":         {obj{"pk": "p", "sk": "s", "z": nested(31)}, ""},
			"too deep":        {obj{"pk": "p", "sk": "s", "z": nested(32)}, notValid + ": Nesting Levels"},
			"longest keys":    {obj{"pk": long(2048), "sk": long(1024)}, ""},
			"pk too long":     {obj{"pk": long(2049), "sk": "s"}, notValid},
			"sk too long":     {obj{"pk": "p", "sk": long(1025)}, notValid},
			"empty pk":        {obj{"pk": "", "sk": "s"}, notValid + ": empty string value. Key: pk"},
			"empty sk":        {obj{"pk": "p", "sk": ""}, notValid + ": empty string value. Key: sk"},
			"wrong type":      {obj{"pk": "p", "sk": 1}, notValid + ": Type mismatch for key"},
			"no sk":           {obj{"pk": "p"}, notValid},
			"nothing":         {obj{}, notValid},
			"no name":         {obj{"pk": "p", "sk": "s", "": "x"}, notValid},
			"empty set":       {obj{"pk": "p", "sk": "s", "z": ss{}}, notValid},
			"twice in a set":  {obj{"pk": "p", "sk": "s", "z": ns{"1", "1.0"}}, notValid},
			"sets of nothing": {obj{"pk": "p", "sk": "s", "z": ss{""}}, ""},
		} {
			_, err := b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.name, Item: avs(c.item)})
			if check(t, err, c.fails); t.Failed() {
				t.Fatal(name)
			}
		}
		_, err := b.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &b.name, Key: key("s"), UpdateExpression: aws.String("SET z = :z"),
			ExpressionAttributeValues: avs(obj{":z": long(409600)}),
		})
		check(t, err, notValid+": Item size to update has exceeded")
		for _, k := range []obj{{"pk": "p"}, {"pk": "p", "sk": "s", "x": "x"}, {"pk": "p", "sk": 1}, {"pk": "p", "x": "s"}, {"pk": "", "sk": "s"}} {
			_, err := b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.name, Key: avs(k)})
			check(t, err, notValid)
			_, err = b.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &b.name, Key: avs(k)})
			check(t, err, notValid)
			_, err = b.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: &b.name, Key: avs(k)})
			check(t, err, notValid)
		}
	})
}

func TestBatches(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		put := func(sk string) types.WriteRequest {
			return types.WriteRequest{PutRequest: &types.PutRequest{Item: key(sk)}}
		}
		write := func(requests ...types.WriteRequest) error {
			out, err := b.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{b.name: requests}})
			if err == nil && len(out.UnprocessedItems) > 0 {
				t.Errorf("unprocessed: %v", out.UnprocessedItems)
			}
			return err
		}
		read := func(keys ...map[string]types.AttributeValue) (*dynamodb.BatchGetItemOutput, error) {
			return b.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
				b.name: {Keys: keys, ProjectionExpression: aws.String("sk")},
			}})
		}
		var requests []types.WriteRequest
		var keys []map[string]types.AttributeValue
		for i := range 26 {
			requests, keys = append(requests, put(fmt.Sprint(i))), append(keys, key(fmt.Sprint(i)))
		}
		check(t, write(requests...), notValid+": Too many items requested")
		check(t, write(requests[:25]...), "")
		check(t, write(types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key("0")}}, put("new")), "")
		check(t, write(put("1"), types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key("1")}}), notValid+": duplicates")
		check(t, write(put("ok"), put("")), notValid)
		check(t, write([]types.WriteRequest{}...), notValid)
		if b.get(t, "ok") != nil {
			t.Error("a refused batch wrote something")
		}
		out, err := read(append(keys, key("new"))...)
		if err != nil || len(out.Responses[b.name]) != 25 || len(out.UnprocessedKeys) != 0 {
			t.Errorf("25 of 27 are there: %v %v", err, out)
		}
		_, err = read(key("1"), key("1"))
		check(t, err, notValid+": duplicates")
		_, err = read([]map[string]types.AttributeValue{}...)
		check(t, err, notValid)
		for i := range 80 {
			keys = append(keys, key(fmt.Sprint("more", i)))
		}
		_, err = read(keys...)
		check(t, err, notValid+": Too many items requested")
		_, err = b.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"no-such-table": {Keys: keys[:1]}}})
		check(t, err, "ResourceNotFoundException")
	})
}

func TestBatchGetItem_LeavesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	_, client := open(t, "")
	b := newTable(t, client, false)
	request := types.KeysAndAttributes{ProjectionExpression: aws.String("#s"), ExpressionAttributeNames: map[string]string{"#s": "sk"}}
	for i := range 50 {
		b.put(t, obj{"pk": "p", "sk": fmt.Sprint(i), "d": strings.Repeat("x", 390_000)})
		request.Keys = append(request.Keys, key(fmt.Sprint(i)))
	}
	pending, found, calls := map[string]types.KeysAndAttributes{b.name: request}, 0, 0
	for ; len(pending) > 0; calls++ {
		out, err := client.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: pending})
		if err != nil {
			t.Fatal(err)
		}
		found += len(out.Responses[b.name])
		pending = out.UnprocessedKeys
	}
	if found != 50 || calls != 2 {
		t.Errorf("got %d items in %d calls, want 50 in 2", found, calls)
	}
}

func TestConsumedCapacity(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		item := avs(obj{"pk": "p", "sk": "s", "d": strings.Repeat("x", 5000)})
		put, err := b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.name, Item: item, ReturnConsumedCapacity: "TOTAL"})
		if err != nil || *put.ConsumedCapacity.CapacityUnits != 5 || *put.ConsumedCapacity.TableName != b.name {
			t.Error(err, put)
		}
		get, err := b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.name, Key: key("s"), ReturnConsumedCapacity: "INDEXES"})
		if err != nil || *get.ConsumedCapacity.CapacityUnits != 1 || *get.ConsumedCapacity.Table.CapacityUnits != 1 {
			t.Error(err, get)
		}
		get, err = b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.name, Key: key("s"), ReturnConsumedCapacity: "TOTAL", ConsistentRead: aws.Bool(true)})
		if err != nil || *get.ConsumedCapacity.CapacityUnits != 2 {
			t.Error(err, get)
		}
		update, err := b.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: &b.name, Key: key("s"), UpdateExpression: aws.String("REMOVE d"), ReturnConsumedCapacity: "TOTAL"})
		if err != nil || *update.ConsumedCapacity.CapacityUnits != 5 {
			t.Error(err, update)
		}
		tx, err := b.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			ReturnConsumedCapacity: "TOTAL",
			TransactItems:          []types.TransactWriteItem{{Put: &types.Put{TableName: &b.name, Item: key("t")}}},
		})
		// The reference counts such a write twice.
		if err != nil || !b.reference && *tx.ConsumedCapacity[0].CapacityUnits != 2 || !b.reference && *tx.ConsumedCapacity[0].WriteCapacityUnits != 2 {
			t.Error(err, tx)
		}
		_, err = b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.name, Item: item, ReturnConsumedCapacity: "NONE"})
		check(t, err, "")
	})
}
