package transform_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/transform"
)

const pkg = "org.apache.kafka.connect.transforms."

// apply sets up a transform by name=value texts and applies it to a record.
func apply(tb testing.TB, r *connect.Record, class string, settings ...string) connect.Transform {
	tb.Helper()
	tr := made(tb, class, settings...)
	if _, err := tr.Apply(r); err != nil {
		tb.Fatal(err)
	}
	return tr
}

func made(tb testing.TB, class string, settings ...string) connect.Transform {
	tb.Helper()
	tr := newTransform(tb, pkg+class)
	if err := configure(values(settings), tr); err != nil {
		tb.Fatal(err)
	}
	return tr
}

func values(settings []string) map[string]*string {
	all := make(map[string]*string)
	for _, s := range settings {
		name, v, _ := strings.Cut(s, "=")
		all[name] = &v
	}
	return all
}

func TestTransforms_AreInOrderAndDescribed(t *testing.T) {
	t.Parallel()
	var classes []string
	for _, p := range transform.Transforms() {
		classes = append(classes, p.Class)
		if p.Doc == "" || p.New() == nil {
			t.Errorf("%s has no sentence about it, or none can be made", p.Class)
		}
	}
	if !slices.IsSorted(classes) || len(slices.Compact(slices.Clone(classes))) != 26 {
		t.Errorf("the classes are not sorted, or not 26: %v", classes)
	}
	if n := len(transform.Predicates()); n != 3 {
		t.Errorf("%d predicates, want 3", n)
	}
}

func order(name string) *schema.Schema {
	return schema.StructOf([]schema.Field{
		schema.F("id", schema.Of(schema.Int64)), schema.F(name, schema.Of(schema.String, schema.Optional())),
	})
}

func orderOf(s *schema.Schema) connect.Datum {
	return connect.Datum{Schema: s, Value: schema.StructFrom(s, []any{int64(7), "n"})}
}

func TestTransform_KeepsTheSchemaItMade(t *testing.T) {
	t.Parallel()
	for class, settings := range map[string][]string{
		"InsertField$Value":        {"topic.field=topic"},
		"ReplaceField$Value":       {"renames=id:key"},
		"Cast$Value":               {"spec=id:string"},
		"Flatten$Value":            {},
		"HoistField$Value":         {"field=f"},
		"HeaderFrom$Value":         {"fields=id", "headers=h", "operation=move"},
		"SetSchemaMetadata$Value":  {"schema.name=N"},
		"TimestampConverter$Value": {"field=id", "target.type=Timestamp"},
	} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			tr := made(t, class, settings...)
			made := func(d connect.Datum) *schema.Schema {
				r := connect.Record{Topic: "t", Value: d}
				if _, err := tr.Apply(&r); err != nil {
					t.Fatal(err)
				}
				if v, ok := r.Value.Value.(*schema.Struct); !ok || v.Schema() != r.Value.Schema {
					t.Error("the struct has another schema than the record")
				}
				return r.Value.Schema
			}
			s := order("name")
			first := made(orderOf(s))
			if made(orderOf(s)) != first {
				t.Error("the same schema is worked out twice")
			}
			if made(orderOf(order("name"))) != first {
				t.Error("an equal schema is worked out again")
			}
			for i := range 40 { // more than are remembered
				made(orderOf(order(fmt.Sprint("name", i))))
			}
			if again := made(orderOf(s)); !again.Equal(first) {
				t.Errorf("a schema that was forgotten became another one: %v", again)
			}
		})
	}
}

func TestTransform_CostsNothingForRecordsThatItLeavesAlone(t *testing.T) {
	for class, settings := range map[string][]string{
		"Cast$Value":               {"spec=id:string"},
		"DropHeaders":              {"headers=gone"},
		"ExtractField$Value":       {"field=id"},
		"InsertField$Value":        {"topic.field=topic"},
		"ReplaceField$Value":       {"renames=id:key"},
		"SetSchemaMetadata$Value":  {"schema.name=N"},
		"TimestampConverter$Value": {"field=id", "target.type=Timestamp"},
		"RegexRouter":              {"regex=never", "replacement=x"},
	} {
		r := connect.Record{Topic: "t", Headers: []connect.Header{{Key: "h"}}, Key: orderOf(order("name"))}
		tr := apply(t, &r, class, settings...)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := tr.Apply(&r); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", class, n)
		}
	}
}

func TestPredicate_CostsNothing(t *testing.T) {
	for class, settings := range map[string][]string{
		"HasHeaderKey": {"name=h"}, "RecordIsTombstone": {}, "TopicNameMatches": {"pattern=(?!x).*"},
	} {
		p := newPredicate(t, pkg+"predicates."+class)
		if err := configure(values(settings), p); err != nil {
			t.Fatal(err)
		}
		r := connect.Record{Topic: "t", Headers: []connect.Header{{Key: "h"}}}
		if n := testing.AllocsPerRun(100, func() {
			if matches, err := p.Match(&r); err != nil || !matches {
				t.Fatal(matches, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", class, n)
		}
	}
}

func TestInsertField_AllocatesTheStructOnly(t *testing.T) {
	in := connect.Record{Topic: "t", Value: orderOf(order("name"))}
	r := in
	tr := apply(t, &r, "InsertField$Value", "static.field=source", "static.value=s")
	if n := testing.AllocsPerRun(100, func() {
		r = in
		if _, err := tr.Apply(&r); err != nil {
			t.Fatal(err)
		}
	}); n > 4 {
		t.Errorf("%v allocations, want 4 at most", n)
	}
}

func TestHeaders_AreNotWrittenThrough(t *testing.T) {
	t.Parallel()
	all := []connect.Header{{Key: "a"}, {Key: "b"}, {Key: "c"}}
	r := connect.Record{Headers: all[:2]}
	apply(t, &r, "InsertHeader", "header=x", "value.literal=1")
	apply(t, &r, "DropHeaders", "headers=a")
	if all[0].Key != "a" || all[2].Key != "c" {
		t.Errorf("the headers of the record became %v", all)
	}
	if got := []string{r.Headers[0].Key, r.Headers[1].Key}; !cmp.Equal(got, []string{"b", "x"}) {
		t.Errorf("headers: %v", got)
	}
}

func TestTimestampRouter_KnowsBothCalendars(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1582-10-15T00:00:00Z": "15-10-1582 AD 278", // the day after 4 October of the old calendar
		"1582-10-14T00:00:00Z": "04-10-1582 AD 277",
		"2024-12-30T00:00:00Z": "30-12-2024 AD 365",
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		r := connect.Record{Topic: "t", Time: at}
		apply(t, &r, "TimestampRouter", "topic.format=${timestamp}", "timestamp.format=dd-MM-yyyy G D")
		if got := r.Topic; got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func FuzzTimestampConverter(f *testing.F) {
	for _, seed := range [][2]string{
		{"yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-29T12:34:56.789+01:00"},
		{"YYYY-'W'ww-u", "2024-W99-9"},
		{"yy G", "-5 BC"},
		{"EEE, d MMM yyyy hh a z", "Thu, 29 Feb 2024 12 PM GMT+3:00"},
		{"F W D E", "9 9 -9 Mon"},
		{"yyyyMMddHHmmss", "20240229123456"},
		{"y", "2147483647E5"},
		{"k K '", ""},
		{"Z", "+0"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, format, text string) {
		tr := newTransform(t, pkg+"TimestampConverter$Value")
		if configure(values([]string{"target.type=Timestamp", "format=" + format}), tr) != nil {
			return
		}
		r := connect.Record{Value: connect.Datum{Value: text}}
		if _, err := tr.Apply(&r); err != nil {
			return
		}
		back := newTransform(t, pkg+"TimestampConverter$Value")
		if configure(values([]string{"target.type=string", "format=" + format}), back) != nil {
			return
		}
		if _, err := back.Apply(&r); err != nil {
			t.Errorf("what was read with %q cannot be written: %v", format, err)
		}
	})
}

func FuzzCast(f *testing.F) {
	for _, seed := range [][2]string{{"int8", "-129"}, {"float32", "0x1.8p1f"}, {"boolean", "TRUE"}, {"int64", "٣"}, {"a:b:c", ""}, {"string", "x"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, spec, text string) {
		tr := newTransform(t, pkg+"Cast$Value")
		if configure(values([]string{"spec=" + spec}), tr) != nil {
			return
		}
		r := connect.Record{Value: connect.Datum{Value: text}}
		if _, err := tr.Apply(&r); err == nil && r.Value.Value == nil {
			t.Errorf("%q became null", text)
		}
	})
}

func FuzzFieldPath(f *testing.F) {
	for _, seed := range []string{"a.b", "`a.b`.c", "`a\\`.b`", "``", ".", "`"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tr := newTransform(t, pkg+"ExtractField$Value")
		if configure(values([]string{"field=" + path, "field.syntax.version=V2"}), tr) != nil {
			return
		}
		// A setting loses the blanks around it before the transform sees it, as Java's trim takes them.
		path = strings.TrimFunc(path, func(c rune) bool { return c <= ' ' })
		r := connect.Record{Value: orderOf(order("name"))}
		if _, err := tr.Apply(&r); err == nil && path != "id" && path != "name" && !strings.Contains(path, "`") {
			t.Errorf("%q was found", path)
		}
	})
}
