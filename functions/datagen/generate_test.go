package datagen_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// drawn has a field for every way to draw from chance. testdata/java-random.jsonl has what java.util.Random gives task 2
// of a connector with the seed 42, drawn in the same order.
const drawn = `{"type":"record","name":"r","fields":[
	{"name":"i","type":"int"}, {"name":"l","type":"long"}, {"name":"f","type":"float"}, {"name":"d","type":"double"},
	{"name":"b","type":"boolean"},
	{"name":"e","type":{"type":"enum","name":"E","symbols":["S0","S1","S2","S3","S4","S5","S6"]}},
	{"name":"o","type":{"type":"int","arg.properties":{"options":[0,10,20,30,40,50,60,70]}}},
	{"name":"x","type":{"type":"fixed","name":"X","size":5}},
	{"name":"ri","type":{"type":"int","arg.properties":{"range":{"min":-100,"max":100}}}},
	{"name":"rl","type":{"type":"long","arg.properties":{"range":{"min":1487715775521,"max":1519273364600}}}},
	{"name":"rd","type":{"type":"double","arg.properties":{"range":{"min":0.1,"max":10.0}}}},
	{"name":"rf","type":{"type":"float","arg.properties":{"range":{"min":1,"max":2.5}}}},
	{"name":"od","type":{"type":"boolean","arg.properties":{"odds":0.25}}},
	{"name":"s","type":{"type":"string","arg.properties":{"length":{"min":3,"max":6}}}},
	{"name":"u","type":["null","int"]}
]}`

func TestGenerate_DrawsAsJava(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/java-random.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	task := open(t, nil, 2, map[string]string{"schema.string": drawn, "random.seed": "42"})
	records := take(t, task, 20)
	scan := bufio.NewScanner(f)
	for n := 0; scan.Scan(); n++ {
		var want map[string]any
		dec := json.NewDecoder(strings.NewReader(scan.Text()))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		got := map[string]any{"seed": records[n].Source.Position.Fields()["random.seed"]}
		for _, f := range records[n].Value.Schema.Fields {
			got[f.Name] = field(t, records[n], f.Name)
		}
		for name, w := range want {
			if g := plain(got[name], fmt.Sprint(w)); fmt.Sprint(w) != g {
				t.Errorf("record %d, field %s: %s, want %v", n, name, g, w)
			}
		}
	}
}

// plain is a value in the words of the recording.
func plain(v any, want string) string {
	switch v := v.(type) {
	case []byte:
		return hex.EncodeToString(v)
	case string:
		if strings.HasPrefix(v, "S") && len(v) == 2 {
			return v
		}
		return hex.EncodeToString([]byte(v))
	case float32:
		if w, err := strconv.ParseFloat(want, 32); err == nil && float32(w) == v {
			return want
		}
	case float64:
		if w, err := strconv.ParseFloat(want, 64); err == nil && w == v {
			return want
		}
	}
	return fmt.Sprint(v)
}

func TestGenerate_Iterates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		typ, args string
		want      []any
	}{
		"start":             {"int", `{"start":5}`, []any{int32(5), int32(6), int32(7)}},
		"step":              {"long", `{"start":1,"step":10}`, []any{int64(1), int64(11), int64(21)}},
		"restart":           {"int", `{"start":0,"restart":3}`, []any{int32(0), int32(1), int32(2), int32(0), int32(1)}},
		"goes on after":     {"int", `{"start":10,"restart":15,"step":2}`, []any{int32(10), int32(12), int32(14), int32(11), int32(13), int32(10)}},
		"down":              {"int", `{"start":0,"restart":-3}`, []any{int32(0), int32(-1), int32(-2), int32(0)}},
		"down by two":       {"long", `{"start":5,"restart":0,"step":-2}`, []any{int64(5), int64(3), int64(1), int64(4), int64(2), int64(5)}},
		"down without end":  {"int", `{"start":0,"step":-1}`, []any{int32(0), int32(-1)}},
		"initial":           {"int", `{"start":0,"restart":3,"initial":2}`, []any{int32(2), int32(0), int32(1), int32(2)}},
		"largest":           {"long", `{"start":9223372036854775805}`, []any{int64(math.MaxInt64 - 2), int64(math.MaxInt64 - 1), int64(math.MaxInt64 - 2)}},
		"largest of an int": {"int", `{"start":2147483646}`, []any{int32(2147483646), int32(2147483646)}},
		"all of a long":     {"long", `{"start":-9223372036854775808,"step":9223372036854775807}`, []any{int64(math.MinInt64), int64(-1), int64(math.MaxInt64 - 1)}},
		"double":            {"double", `{"start":0.5,"step":0.25,"restart":1}`, []any{0.5, 0.75, 0.5}},
		"float":             {"float", `{"start":1}`, []any{float32(1), float32(2)}},
		"boolean":           {"boolean", `{"start":true}`, []any{true, false, true}},
		"string":            {"string", `{"start":7,"step":3}`, []any{"7", "10", "13"}},
		"date":              {"int\",\"logicalType\":\"date", `{"start":1}`, []any{time.Unix(86400, 0).UTC(), time.Unix(2*86400, 0).UTC()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := values(t, fmt.Sprintf(`{"type":"%s","arg.properties":{"iteration":%s}}`, c.typ, c.args), len(c.want))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGenerate_CountsOnWithinARecord(t *testing.T) {
	t.Parallel()
	typ := `{"type":"array","arg.properties":{"length":3},"items":{"type":"int","arg.properties":{"iteration":{"start":0}}}}`
	want := []any{[]any{int32(0), int32(1), int32(2)}, []any{int32(1), int32(2), int32(3)}}
	if diff := cmp.Diff(want, values(t, typ, 2)); diff != "" {
		t.Error(diff)
	}
}

func TestGenerate_KeepsRangesAndLengths(t *testing.T) {
	t.Parallel()
	between := func(low, high float64) func(v any) bool {
		return func(v any) bool {
			f, err := strconv.ParseFloat(fmt.Sprint(v), 64)
			return err == nil && f >= low && f < high
		}
	}
	length := func(least, most int) func(v any) bool {
		return func(v any) bool {
			n := -1
			switch v := v.(type) {
			case string:
				n = utf8.RuneCountInString(v)
			case []byte:
				n = len(v)
			case []any:
				n = len(v)
			case *schema.Map:
				n = v.Len()
			}
			return n >= least && n <= most
		}
	}
	for _, c := range []struct {
		typ string
		ok  func(v any) bool
	}{
		{`{"type":"int","arg.properties":{"range":{"min":3,"max":5}}}`, between(3, 5)},
		{`{"type":"int","arg.properties":{"range":{"max":-2147483647}}}`, between(math.MinInt32, -2147483647)},
		{`{"type":"long","arg.properties":{"range":{"min":9007199254740992000}}}`, between(9e18, math.Inf(1))},
		{`{"type":"long","arg.properties":{"range":{"min":-9223372036854775808,"max":9223372036854775807}}}`, between(-1e19, 1e19)},
		{`{"type":"double","arg.properties":{"range":{"min":-1,"max":1}}}`, between(-1, 1)},
		{`{"type":"float","arg.properties":{"range":{"min":10}}}`, between(10, math.Inf(1))},
		{`"string"`, length(8, 15)},
		{`{"type":"string","arg.properties":{"length":0}}`, length(0, 0)},
		{`{"type":"string","arg.properties":{"length":{"max":3}}}`, length(0, 2)},
		{`"bytes"`, length(8, 15)},
		{`{"type":"array","items":"int","arg.properties":{"length":4}}`, length(4, 4)},
		{`{"type":"map","values":"int","arg.properties":{"length":2,"keys":{"options":["a","b"]}}}`, length(1, 2)},
		{`{"type":"map","values":"int","arg.properties":{"length":{"min":1,"max":2},"keys":{"regex":"k[0-9]"}}}`, length(1, 1)},
		{`{"type":"boolean","arg.properties":{"odds":1.0}}`, func(v any) bool { return v == true }},
		{`{"type":"boolean","arg.properties":{"odds":0}}`, func(v any) bool { return v == false }},
		{
			`{"type":"long","logicalType":"timestamp-millis","arg.properties":{"range":{"min":0,"max":10}}}`,
			func(v any) bool { t, ok := v.(time.Time); return ok && t.UnixMilli() < 10 },
		},
		{`{"type":"bytes","logicalType":"decimal","precision":4,"scale":2,"arg.properties":{"range":{"min":10.00,"max":50.00}}}`, func(v any) bool {
			d, ok := v.(schema.Decimal)
			return ok && d.Scale == 2 && d.Unscaled.Cmp(big.NewInt(1000)) >= 0 && d.Unscaled.Cmp(big.NewInt(5000)) <= 0
		}},
		{`{"type":"bytes","logicalType":"decimal","precision":3}`, func(v any) bool {
			d, ok := v.(schema.Decimal)
			return ok && d.Scale == 0 && d.Unscaled.CmpAbs(big.NewInt(1000)) <= 0
		}},
	} {
		for _, v := range values(t, c.typ, 300) {
			if !c.ok(v) {
				t.Errorf("%s made %v (%T)", c.typ, v, v)
				break
			}
		}
	}
}

func TestGenerate_MatchesExpressions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		regex, args string
		least, most int
	}{
		{`User_[1-9]`, ``, 6, 6},
		{`User_[1-9]{0,1}`, ``, 6, 6}, // as long as it can be, since it is short
		{`Item_[1-9][0-9]{0,2}`, ``, 8, 8},
		{`[a-zA-Z]*`, ``, 8, 15},
		{`[a-zA-Z]*`, `,"length":10`, 10, 10},
		{`[a-zA-Z]{0,15}`, `,"length":{"min":5}`, 5, 15},
		{`[a-zA-Z]{5,}`, `,"length":{"max":16}`, 5, 15},
		{`(foo|ba+r)+-\d{3}`, ``, 8, 17},
		{`^\w+@example\.(com|org)$`, `,"length":{"min":14,"max":31}`, 14, 30},
		{`.{20}`, ``, 20, 20},
		{`[^a-y]x?`, `,"length":2`, 2, 2},
		{`(?:[A-F0-9]{2}:){5}[A-F0-9]{2}`, ``, 17, 17},
		{`(a?)*b`, `,"length":{"min":4,"max":9}`, 1, 8},
		{`żó.*ć`, ``, 8, 15},
		{`()`, ``, 0, 0},
	} {
		typ, err := json.Marshal(c.regex)
		if err != nil {
			t.Fatal(err)
		}
		re := regexp.MustCompile(`^(?:` + c.regex + `)$`)
		different := map[any]bool{}
		for _, v := range values(t, fmt.Sprintf(`{"type":"string","arg.properties":{"regex":%s%s}}`, typ, c.args), 200) {
			n := utf8.RuneCountInString(v.(string))
			if !re.MatchString(v.(string)) || n < c.least || n > c.most {
				t.Errorf("%s made %q", c.regex, v)
			}
			different[v] = true
		}
		if len(different) < 5 && c.regex != `()` {
			t.Errorf("%s makes only %v", c.regex, different)
		}
	}
}

func TestGenerate_TakesOptions(t *testing.T) {
	t.Parallel()
	list := filepath.Join(t.TempDir(), "options.json")
	if err := os.WriteFile(list, []byte("\"one\"\n\"two\" \"three\""), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		typ  string
		want string
	}{
		{`{"type":"string","arg.properties":{"options":["a","b","c"]}}`, "a b c"},
		{`{"type":"string","arg.properties":{"options":{"file":"` + list + `","encoding":"json"}}}`, "one three two"},
		{`{"type":"long","arg.properties":{"options":[1,4242424242424242]}}`, "1 4242424242424242"},
		{`{"type":"float","arg.properties":{"options":[42.5]}}`, "42.5"},
		{`{"type":"array","items":"int","arg.properties":{"options":[[1,2],[3]]}}`, "[1, 2] [3]"},
		{`{"type":"map","values":"int","arg.properties":{"options":[{"a":1}]}}`, "{a=1}"},
		{`{"type":"enum","name":"E","symbols":["X","Y","Z"],"arg.properties":{"options":["X","Z"]}}`, "X Z"},
		{`{"type":"record","name":"s","fields":[{"name":"m","type":"string"},{"name":"d","type":"int","default":9}],
			"arg.properties":{"options":[{"m":"Jan","d":1},{"m":"Feb"}]}}`, "Struct{m=Feb,d=9} Struct{m=Jan,d=1}"},
		{`["null",{"type":"int","arg.properties":{"options":[42]}}]`, "42 null"},
		{`["string",{"type":"int","arg.properties":{"options":[42]}}]`, ""},
		{`{"type":"fixed","name":"F","size":2,"arg.properties":{"options":["42"]}}`, ""},
	} {
		seen := map[string]bool{}
		var texts []string
		for _, v := range values(t, c.typ, 100) {
			if b, ok := v.([]byte); ok && string(b) != "42" {
				t.Errorf("bytes %q", b)
			}
			if text := schema.Text(v); !seen[text] {
				seen[text] = true
				texts = append(texts, text)
			}
		}
		if c.want == "" {
			continue
		}
		for w := range strings.SplitSeq(c.want, " ") {
			if !strings.Contains(strings.Join(texts, " "), w) {
				t.Errorf("%s never made %s", c.typ, w)
			}
		}
		if len(strings.Join(texts, " ")) != len(c.want) {
			t.Errorf("%s made %q, want %s", c.typ, texts, c.want)
		}
	}
}

func TestGenerate_AddsPrefixAndSuffix(t *testing.T) {
	t.Parallel()
	got := values(t, `{"type":"string","arg.properties":{"prefix":"<","suffix":">","regex":"a"}}`, 1)
	got = append(got, values(t, `{"type":"string","arg.properties":{"prefix":"n","iteration":{"start":3}}}`, 1)...)
	if diff := cmp.Diff([]any{"<a>", "n3"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestGenerate_RefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]string{
		`{"type":"int","arg.properties":3}`:                                                 "arg.properties must be an object",
		`{"type":"int","arg.properties":{"options":[]}}`:                                    "options must not be empty",
		`{"type":"int","arg.properties":{"options":"x"}}`:                                   "options must be a list",
		`{"type":"int","arg.properties":{"options":["x"]}}`:                                 `"x" is not a value of type int`,
		`{"type":"int","arg.properties":{"options":[3000000000]}}`:                          "3000000000 is not a value of type int",
		`{"type":"int","arg.properties":{"options":[1],"range":{"min":1}}}`:                 "cannot specify range prop when options prop is given",
		`{"type":"string","arg.properties":{"options":{"file":"x","encoding":"binary"}}}`:   "only json",
		`{"type":"string","arg.properties":{"options":{"file":"/none","encoding":"json"}}}`: "no such file",
		`{"type":"string","arg.properties":{"options":{"file":"x"}}}`:                       "both file and encoding",
		`{"type":"int","arg.properties":{"range":{"min":2,"max":2}}}`:                       "strictly less",
		`{"type":"int","arg.properties":{"range":{"min":"a"}}}`:                             "'min' field of range property must be a number",
		`{"type":"int","arg.properties":{"range":{"min":3000000000}}}`:                      "'min' field of range property must be a number",
		`{"type":"int","arg.properties":{"range":3}}`:                                       "range must be an object",
		`{"type":"double","arg.properties":{"range":{"max":"x"}}}`:                          "'max' field of range property must be a number",
		`{"type":"int","arg.properties":{"iteration":{}}}`:                                  "iteration must have a start",
		`{"type":"int","arg.properties":{"iteration":{"start":1,"step":0}}}`:                "cannot be zero",
		`{"type":"int","arg.properties":{"iteration":{"start":1,"restart":1}}}`:             "cannot be equal",
		`{"type":"int","arg.properties":{"iteration":{"start":1,"restart":5,"step":-1}}}`:   "must lead from start to restart",
		`{"type":"bytes","arg.properties":{"iteration":{"start":1}}}`:                       "only be given for numbers",
		`{"type":"boolean","arg.properties":{"iteration":{"start":1}}}`:                     "true or false",
		`{"type":"boolean","arg.properties":{"odds":2}}`:                                    "odds must be a number",
		`{"type":"string","arg.properties":{"length":-1}}`:                                  "must not be negative",
		`{"type":"string","arg.properties":{"length":{"min":3,"max":3}}}`:                   "max must be greater than min",
		`{"type":"string","arg.properties":{"length":{}}}`:                                  "must have min or max",
		`{"type":"string","arg.properties":{"length":"x"}}`:                                 "must be a whole number or an object",
		`{"type":"string","arg.properties":{"length":2000000000}}`:                          "must not be greater than",
		`{"type":"string","arg.properties":{"regex":"("}}`:                                  "missing closing )",
		`{"type":"string","arg.properties":{"regex":"a\\b"}}`:                               "cannot be turned into texts",
		`{"type":"string","arg.properties":{"regex":7}}`:                                    "regex must be a text",
		`{"type":"map","values":"int","arg.properties":{"keys":1}}`:                         "keys must be an object",
		`"nothing"`:                   `"nothing" is not a type`,
		`"r"`:                         "type r contains itself",
		`"null"`:                      "null alone",
		`7`:                           "is not a schema",
		`{"type":"array"}`:            `has no "items"`,
		`{"type":"fixed","name":"f"}`: "needs a size",
		`{"type":"enum","name":"e"}`:  "needs a list of symbols",
		`{"type":"enum","name":"e","symbols":["A","A"]}`: "there twice",
		`{"type":"record","name":"e"}`:                   "needs a list of fields",
		`{"type":"record","fields":[]}`:                  "has no name",
		`{"type":"record","name":"a b","fields":[]}`:     "is not a name",
		`["int",["int"]]`:                                "directly in a union",
		`["int","int"]`:                                  "a union has int twice",
		`[]`:                                             "a union is empty",
		`{"name":"x"}`:                                   `without "type"`,
	} {
		text := fmt.Sprintf(`{"type":"record","name":"r","fields":[{"name":"v","type":%s}]}`, typ)
		_, err := parse(map[string]string{"schema.string": text})
		errs := config.Errors(err)
		if len(errs) != 1 || errs[0].Key != "schema.string" || !strings.Contains(errs[0].Message, want) {
			t.Errorf("%s: %v, want %q", typ, err, want)
		}
	}
}
