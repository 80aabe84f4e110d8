package table_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

// fill puts p/00 … p/09, each with its number in x.
func (b bundle) fill(t testing.TB) {
	t.Helper()
	for i := range 10 {
		b.put(t, obj{"pk": "p", "sk": fmt.Sprintf("%02d", i), "x": i})
	}
	// Neighbours no query of p may show.
	b.put(t, obj{"pk": "o", "sk": "99"})
	b.put(t, obj{"pk": "p\x00", "sk": "00"})
	b.put(t, obj{"pk": "pp", "sk": "00"})
}

func sks(items []map[string]types.AttributeValue) string {
	var list []string
	for _, it := range items {
		list = append(list, plain(it["sk"]).(string))
	}
	return strings.Join(list, " ")
}

func TestQuery_KeyConditions(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		b.fill(t)
		// One key is the beginning of the next.
		b.put(t, obj{"pk": "q", "sk": "a"})
		b.put(t, obj{"pk": "q", "sk": "ab"})
		const bad = notValid
		for _, c := range []struct {
			expr   string
			values obj
			want   string
			fails  string
		}{
			{"pk = :p", nil, "00 01 02 03 04 05 06 07 08 09", ""},
			{":p = pk", nil, "00 01 02 03 04 05 06 07 08 09", ""},
			{"pk = :p AND sk = :a", obj{":a": "03"}, "03", ""},
			{"pk = :p AND sk > :a", obj{":a": "07"}, "08 09", ""},
			{"pk = :p AND :a < sk", obj{":a": "07"}, "08 09", ""},
			{"pk = :p AND sk >= :a", obj{":a": "07"}, "07 08 09", ""},
			{"sk < :a AND pk = :p", obj{":a": "02"}, "00 01", ""},
			{"(pk = :p) AND (sk <= :a)", obj{":a": "02"}, "00 01 02", ""},
			{"pk = :p AND sk BETWEEN :a AND :b", obj{":a": "02", ":b": "04"}, "02 03 04", ""},
			{"pk = :p AND begins_with(sk, :a)", obj{":a": "0"}, "00 01 02 03 04 05 06 07 08 09", ""},
			{"pk = :p AND begins_with(sk, :a)", obj{":a": "1"}, "", ""},
			{"pk = :p AND sk = :a", obj{":p": "q", ":a": "a"}, "a", ""},
			{"pk = :p AND sk <= :a", obj{":p": "q", ":a": "a"}, "a", ""},
			{"pk = :p AND sk > :a", obj{":p": "q", ":a": "a"}, "ab", ""},
			{"pk = :p AND sk BETWEEN :a AND :a", obj{":p": "q", ":a": "a"}, "a", ""},
			{"pk > :p", nil, "", bad + ": Query key condition not supported"},
			{"sk = :p", nil, "", bad + ": Query condition missed key schema element"},
			{"pk = :p AND x = :p", nil, "", bad + ": Query condition missed key schema element"},
			{"pk = :p OR sk = :p", nil, "", bad + ": Invalid operator used in KeyConditionExpression: OR"},
			{"NOT pk = :p", nil, "", bad + ": Invalid operator"},
			{"pk = :p AND sk <> :p", nil, "", bad + ": Invalid operator"},
			{"pk = :p AND sk IN (:p)", nil, "", bad + ": Invalid operator"},
			{"pk = :p AND contains(sk, :p)", nil, "", bad + ": Invalid operator"},
			{"pk = :p AND attribute_exists(sk)", nil, "", bad + ": Invalid operator"},
			{"pk = :p AND size(sk) = :p", nil, "", bad + ": cannot contain nested operations"},
			{"pk = :p AND pk = :p", nil, "", bad + ": must only contain one condition per key"},
			{"pk = :p AND sk > :a AND sk < :a", obj{":a": "1"}, "", bad + ": must only contain one condition per key"},
			{"pk.a = :p", nil, "", bad + ": Key attributes must be scalars"},
			{"pk = :p AND sk = :a", obj{":a": 1}, "", bad + ": does not match schema type"},
			{"pk = :p AND sk = :a", obj{":a": ""}, "", bad + ": empty string value. Key: sk"},
			{"pk = :p AND sk BETWEEN :b AND :a", obj{":a": "02", ":b": "04"}, "", bad + ": upper bound"},
			{"", nil, "", bad + ": can not be empty"},
		} {
			values := obj{":p": "p"}
			maps.Copy(values, c.values)
			for _, forward := range []bool{true, false} {
				out, err := b.Query(t.Context(), &dynamodb.QueryInput{
					TableName: &b.name, KeyConditionExpression: &c.expr,
					ExpressionAttributeValues: avs(values), ScanIndexForward: &forward,
				})
				check(t, err, c.fails)
				if err != nil {
					continue
				}
				want := strings.Fields(c.want)
				if !forward {
					slices.Reverse(want)
				}
				if got := sks(out.Items); got != strings.Join(want, " ") || int(out.Count) != len(want) || int(out.ScannedCount) != len(want) {
					t.Errorf("%s (forward %v): got %s (%d of %d)", c.expr, forward, got, out.Count, out.ScannedCount)
				}
			}
		}
	})
}

func TestQuery_Pages(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		b.fill(t)
		for _, forward := range []bool{true, false} {
			var pages []string
			pager := dynamodb.NewQueryPaginator(b.Client, &dynamodb.QueryInput{
				TableName: &b.name, KeyConditionExpression: aws.String("pk = :p AND sk > :a"),
				ExpressionAttributeValues: avs(obj{":p": "p", ":a": "02"}), Limit: aws.Int32(3), ScanIndexForward: &forward,
			})
			for pager.HasMorePages() {
				out, err := pager.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				pages = append(pages, sks(out.Items))
			}
			want := []string{"03 04 05", "06 07 08", "09"}
			if !forward {
				want = []string{"09 08 07", "06 05 04", "03"}
			}
			if diff := cmp.Diff(want, pages); diff != "" {
				t.Error(diff)
			}
		}
		query := func(change func(*dynamodb.QueryInput)) (*dynamodb.QueryOutput, error) {
			in := &dynamodb.QueryInput{TableName: &b.name, KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: avs(obj{":p": "p"})}
			change(in)
			return b.Query(t.Context(), in)
		}
		out, err := query(func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(10) })
		if err != nil || plain(out.LastEvaluatedKey["sk"]) != "09" {
			t.Errorf("a page as long as its limit does not know that nothing follows: %v %v", err, out)
		}
		// A place to go on from need not be an item's.
		out, err = query(func(in *dynamodb.QueryInput) { in.ExclusiveStartKey, in.Limit = key("045"), aws.Int32(2) })
		if err != nil || sks(out.Items) != "05 06" {
			t.Error(err, out)
		}
		for _, start := range []obj{{"pk": "p"}, {"pk": "q", "sk": "1"}, {"pk": "p", "sk": 1}, {"pk": "p", "sk": ""}, {"pk": "p", "sk": "1", "x": "1"}, {}} {
			_, err := query(func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = avs(start) })
			check(t, err, notValid)
		}
		_, err = query(func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(0) })
		check(t, err, notValid)
	})
}

func TestQuery_FiltersAndSelects(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		b.fill(t)
		query := func(filter, projection string, selects types.Select, values obj) (*dynamodb.QueryOutput, error) {
			in := &dynamodb.QueryInput{TableName: &b.name, KeyConditionExpression: aws.String("pk = :p"), Select: selects, Limit: aws.Int32(6)}
			if filter != "" {
				in.FilterExpression = &filter
			}
			if projection != "" {
				in.ProjectionExpression = &projection
			}
			all := obj{":p": "p"}
			maps.Copy(all, values)
			in.ExpressionAttributeValues = avs(all)
			return b.Query(t.Context(), in)
		}
		out, err := query("x > :x", "sk", "", obj{":x": 3})
		if err != nil || sks(out.Items) != "04 05" || out.Count != 2 || out.ScannedCount != 6 || len(out.Items[0]) != 1 || plain(out.LastEvaluatedKey["sk"]) != "05" {
			t.Error(err, out)
		}
		out, err = query("x > :x", "", "COUNT", obj{":x": 3})
		if err != nil || out.Items != nil || out.Count != 2 || out.ScannedCount != 6 {
			t.Error(err, out)
		}
		for _, c := range []struct {
			filter, projection string
			selects            types.Select
			fails              string
		}{
			{"sk = :p", "", "", notValid + ": Filter Expression can only contain non-primary key attributes"},
			{"x = ", "", "", notValid + ": Invalid FilterExpression"},
			{"", "sk", "COUNT", notValid},
			{"", "sk", "ALL_ATTRIBUTES", notValid},
			{"", "", "SPECIFIC_ATTRIBUTES", notValid},
			{"", "", "ALL_PROJECTED_ATTRIBUTES", notValid},
			{"", "", "OTHER", notValid},
			{"", "sk", "SPECIFIC_ATTRIBUTES", ""},
			{"", "", "ALL_ATTRIBUTES", ""},
		} {
			_, err := query(c.filter, c.projection, c.selects, nil)
			check(t, err, c.fails)
		}
		_, err = b.Query(t.Context(), &dynamodb.QueryInput{TableName: &b.name})
		check(t, err, notValid)
		_, err = b.Query(t.Context(), &dynamodb.QueryInput{
			TableName: &b.name, IndexName: aws.String("other"), KeyConditionExpression: aws.String("pk = :p"),
			ExpressionAttributeValues: avs(obj{":p": "p"}),
		})
		check(t, err, notValid)
	})
}

func TestQuery_StopsAtAMegabyte(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		for i := range 4 {
			b.put(t, obj{"pk": "p", "sk": fmt.Sprint(i), "d": strings.Repeat("x", 399_000)})
		}
		in := &dynamodb.QueryInput{
			TableName: &b.name, KeyConditionExpression: aws.String("pk = :p"), ProjectionExpression: aws.String("sk"),
			ExpressionAttributeValues: avs(obj{":p": "p"}), ReturnConsumedCapacity: "TOTAL",
		}
		out, err := b.Query(t.Context(), in)
		if err != nil || sks(out.Items) != "0 1 2" || plain(out.LastEvaluatedKey["sk"]) != "2" || *out.ConsumedCapacity.CapacityUnits != 146.5 {
			t.Error(err, out)
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
		out, err = b.Query(t.Context(), in)
		if err != nil || sks(out.Items) != "3" || out.LastEvaluatedKey != nil {
			t.Error(err, out)
		}
	})
}

func TestScan(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		b.fill(t)
		scan := func(change func(*dynamodb.ScanInput)) []string {
			in := &dynamodb.ScanInput{TableName: &b.name, Limit: aws.Int32(4)}
			change(in)
			var found []string
			pager := dynamodb.NewScanPaginator(b.Client, in)
			for pager.HasMorePages() {
				out, err := pager.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, it := range out.Items {
					found = append(found, fmt.Sprint(plain(it["pk"]), "/", plain(it["sk"])))
				}
			}
			slices.Sort(found)
			return found
		}
		all := scan(func(*dynamodb.ScanInput) {})
		if len(all) != 13 || len(slices.Compact(slices.Clone(all))) != 13 {
			t.Error(all)
		}
		var parts []string
		for i := range int32(3) {
			parts = append(parts, scan(func(in *dynamodb.ScanInput) { in.Segment, in.TotalSegments = &i, aws.Int32(3) })...)
		}
		slices.Sort(parts)
		if diff := cmp.Diff(all, parts); diff != "" {
			t.Errorf("segments together are the table: %s", diff)
		}
		some := scan(func(in *dynamodb.ScanInput) {
			in.FilterExpression, in.ExpressionAttributeValues = aws.String("x > :x AND begins_with(sk, :s)"), avs(obj{":x": 7, ":s": "0"})
		})
		if diff := cmp.Diff([]string{"p/08", "p/09"}, some); diff != "" {
			t.Error(diff)
		}
		_, err := b.Scan(t.Context(), &dynamodb.ScanInput{TableName: &b.name, Segment: aws.Int32(3), TotalSegments: aws.Int32(3)})
		check(t, err, notValid)
		_, err = b.Scan(t.Context(), &dynamodb.ScanInput{TableName: &b.name, Segment: aws.Int32(0)})
		check(t, err, notValid)
	})
}

func TestProjections(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		b.put(t, sample())
		for _, c := range []struct {
			expr  string
			names map[string]string
			want  obj
			fails string
		}{
			{"s, m.c.d, l[2].x", nil, obj{"s": "hello", "m": obj{"c": obj{"d": "deep"}}, "l": []any{obj{"x": num("3")}}}, ""},
			{"l[1], l[0]", nil, obj{"l": []any{num("1"), "two"}}, ""},
			{"m.li[1], m.a", nil, obj{"m": obj{"a": num("1"), "li": []any{num("8")}}}, ""},
			{"l[9], zz, s.a, m[0]", nil, obj{}, ""},
			{"#a.#b", map[string]string{"#a": "m", "#b": "a"}, obj{"m": obj{"a": num("1")}}, ""},
			{"#a", map[string]string{"#a": "m.a"}, obj{}, ""},
			{"#a", map[string]string{"#a": "s", "#b": "n"}, nil, notValid + ": unused in expressions"},
			{"m, m.a", nil, nil, notValid + ": overlap with each other; must remove or rewrite one of these paths; path one: [m], path two: [m, a]"},
			{"m.a, m[0]", nil, nil, notValid + ": conflict"},
			{"s n", nil, nil, notValid + ": Syntax error"},
			{"s,", nil, nil, notValid + ": Syntax error"},
			{"", nil, nil, notValid + ": can not be empty"},
			{"size(s)", nil, nil, notValid},
			{":s", nil, nil, notValid + ": Syntax error"},
		} {
			out, err := b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.name, Key: key("s"), ProjectionExpression: &c.expr, ExpressionAttributeNames: c.names})
			check(t, err, c.fails)
			if err == nil {
				if diff := cmp.Diff(c.want, plains(out.Item)); diff != "" {
					t.Errorf("%s: %s", c.expr, diff)
				}
			}
		}
	})
}
