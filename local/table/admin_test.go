package table_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestTables(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		b.put(t, obj{"pk": "p", "sk": "s"})
		waiter := dynamodb.NewTableExistsWaiter(b.Client)
		out, err := waiter.WaitForOutput(t.Context(), &dynamodb.DescribeTableInput{TableName: &b.name}, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		d := out.Table
		if d.TableStatus != types.TableStatusActive || *d.ItemCount != 1 || *d.TableName != b.name || d.BillingModeSummary.BillingMode != "PAY_PER_REQUEST" ||
			len(d.KeySchema) != 2 || *d.KeySchema[1].AttributeName != "sk" || d.KeySchema[1].KeyType != "RANGE" || len(d.AttributeDefinitions) != 2 || d.CreationDateTime == nil {
			t.Errorf("got %+v", d)
		}
		var names []string
		pager := dynamodb.NewListTablesPaginator(b.Client, &dynamodb.ListTablesInput{Limit: aws.Int32(1)})
		for pager.HasMorePages() {
			page, err := pager.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, page.TableNames...)
		}
		if !slices.Contains(names, b.name) {
			t.Errorf("%s is not among %v", b.name, names)
		}
		if _, err := b.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &b.name}); err != nil {
			t.Fatal(err)
		}
		_, err = b.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &b.name})
		check(t, err, "ResourceNotFoundException")
		if err := dynamodb.NewTableNotExistsWaiter(b.Client).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &b.name}, 10*time.Second); err != nil {
			t.Error(err)
		}
		// A table of the same name begins empty.
		if _, err := b.CreateTable(t.Context(), creation(b.name)); err != nil {
			t.Fatal(err)
		}
		if it := b.get(t, "s"); it != nil {
			t.Error(it)
		}
	})
}

func TestCreateTable_Refuses(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		for name, change := range map[string]func(*dynamodb.CreateTableInput){
			"short name":      func(in *dynamodb.CreateTableInput) { in.TableName = aws.String("ab") },
			"strange name":    func(in *dynamodb.CreateTableInput) { in.TableName = aws.String("a b c") },
			"no key":          func(in *dynamodb.CreateTableInput) { in.KeySchema = []types.KeySchemaElement{} },
			"keys turned":     func(in *dynamodb.CreateTableInput) { slices.Reverse(in.KeySchema) },
			"undefined key":   func(in *dynamodb.CreateTableInput) { in.AttributeDefinitions = in.AttributeDefinitions[:1] },
			"unused one":      func(in *dynamodb.CreateTableInput) { in.KeySchema = in.KeySchema[:1] },
			"no throughput":   func(in *dynamodb.CreateTableInput) { in.BillingMode = types.BillingModeProvisioned },
			"one for two":     func(in *dynamodb.CreateTableInput) { in.KeySchema[1].AttributeName = aws.String("pk") },
			"unknown type":    func(in *dynamodb.CreateTableInput) { in.AttributeDefinitions[0].AttributeType = "M" },
			"three key parts": func(in *dynamodb.CreateTableInput) { in.KeySchema = append(in.KeySchema, in.KeySchema[1]) },
		} {
			in := creation(b.name + "-refused")
			change(in)
			_, err := b.CreateTable(t.Context(), in)
			if outcome(err) != notValid {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

func TestTables_WithOtherKeys(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		name := b.name + "-numbers"
		_, err := b.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModeProvisioned,
			ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(2)},
			AttributeDefinitions: []types.AttributeDefinition{
				{AttributeName: aws.String("b"), AttributeType: "B"}, {AttributeName: aws.String("n"), AttributeType: "N"},
			},
			KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("b"), KeyType: "HASH"}, {AttributeName: aws.String("n"), KeyType: "RANGE"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer b.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &name})
		order := []num{"-1000", "-10.5", "-10", "-0.001", "0", "0.0005", "0.01", "2", "10", "10.1", "100"}
		for _, i := range []int{5, 0, 10, 3, 8, 1, 9, 2, 7, 4, 6} {
			if _, err := b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: avs(obj{"b": []byte{0, 1}, "n": order[i]})}); err != nil {
				t.Fatal(err)
			}
		}
		out, err := b.Query(t.Context(), &dynamodb.QueryInput{
			TableName: &name, KeyConditionExpression: aws.String("b = :b AND n BETWEEN :l AND :h"),
			ExpressionAttributeValues: avs(obj{":b": []byte{0, 1}, ":l": -10, ":h": 10}),
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []num
		for _, it := range out.Items {
			got = append(got, plain(it["n"]).(num))
		}
		if !slices.Equal(got, order[2:9]) {
			t.Errorf("got %v", got)
		}
	})
}

func TestTimeToLive(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		update := func(enabled bool, attribute string) error {
			_, err := b.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
				TableName:               &b.name,
				TimeToLiveSpecification: &types.TimeToLiveSpecification{Enabled: &enabled, AttributeName: &attribute},
			})
			return err
		}
		status := func() (types.TimeToLiveStatus, string) {
			out, err := b.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &b.name})
			if err != nil {
				t.Fatal(err)
			}
			return out.TimeToLiveDescription.TimeToLiveStatus, aws.ToString(out.TimeToLiveDescription.AttributeName)
		}
		if s, a := status(); s != "DISABLED" || a != "" {
			t.Error(s, a)
		}
		check(t, update(false, "ends"), notValid+": already disabled")
		check(t, update(true, ""), notValid)
		check(t, update(true, "ends"), "")
		check(t, update(true, "ends"), notValid+": already enabled")
		check(t, update(true, "other"), notValid+": active on a different AttributeName")
		if s, a := status(); s != "ENABLED" || a != "ends" {
			t.Error(s, a)
		}
		check(t, update(false, "ends"), "")
		if s, a := status(); s != "DISABLED" || a != "" {
			t.Error(s, a)
		}
	})
}

func TestTables_ProtectedFromDeletion(t *testing.T) {
	t.Parallel()
	_, client := open(t, "")
	in := creation("protected")
	in.DeletionProtectionEnabled = aws.Bool(true)
	if _, err := client.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, err := client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: in.TableName})
	check(t, err, notValid+": protected against deletion")
	if _, err := client.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: in.TableName, DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:dynamodb:local:000000000000:table/protected"
	if _, err := client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &arn}); err != nil {
		t.Error(err)
	}
}
