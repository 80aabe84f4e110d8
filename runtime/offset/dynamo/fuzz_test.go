package dynamo_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// FuzzStore_Read reads items that somebody else wrote: an error is fine, a panic is not.
func FuzzStore_Read(f *testing.F) {
	f.Add("connectors", "orders", "config", `{"a":"b"}`, byte(0))
	f.Add("orders", "task#0", "settings", `{}`, byte(0))
	f.Add("connectors", "orders", "config", `null`, byte(0))
	f.Add("orders", "task#plan", "epoch", `7`, byte(1))
	f.Add("orders", "offset#00", "partition", `{"a":1}`, byte(0))
	f.Add("orders", "task#x", "settings", `null`, byte(0))
	f.Fuzz(func(t *testing.T, pk, sk, name, value string, kind byte) {
		it := map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk},
			"settings": &types.AttributeValueMemberS{Value: "{}"}, "partition": &types.AttributeValueMemberS{Value: "{}"},
		}
		switch kind % 5 {
		case 0:
			it[name] = &types.AttributeValueMemberS{Value: value}
		case 1:
			it[name] = &types.AttributeValueMemberN{Value: value}
		case 2:
			it[name] = &types.AttributeValueMemberB{Value: []byte(value)}
		case 3:
			it[name] = &types.AttributeValueMemberNULL{Value: true}
		case 4:
			it[name] = nil
		}
		s := dynamo.New(&script{read: func(*dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
			return &dynamodb.BatchGetItemOutput{Responses: map[string][]map[string]types.AttributeValue{"t": {it}}}, nil
		}}, "t", dynamo.Options{})
		if c, tasks, err := s.Look(t.Context(), "orders", 1); err == nil && (c.Config == nil || len(tasks) > 0 && tasks[0].Settings == nil) {
			t.Errorf("maps are nil: %+v %+v", c, tasks)
		}
		p, err := connect.NewPartition(map[string]any{"a": 1})
		ok(t, err)
		_, _ = s.Offsets(t.Context(), "orders", []connect.Partition{p})
	})
}
