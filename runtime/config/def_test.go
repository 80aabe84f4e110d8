package config_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
)

// all has a setting of every kind.
type all struct {
	text, class  string
	yes          bool
	number       int
	short        int16
	long         int64
	double       float64
	wait, pause  time.Duration
	list         []string
	secret       config.Secret
	format       string
	hasText      bool
	hasFormat    bool
	defaulted    string
	hasDefaulted bool
}

func (a *all) Define(d *config.Def) {
	d.String(&a.text, "text", "", "", config.Required(), config.Given(&a.hasText))
	d.Class(&a.class, "class", "", "")
	d.Bool(&a.yes, "yes", true, "")
	d.Int(&a.number, "number", 7, "", config.Check(config.AtLeast(1)))
	d.Short(&a.short, "short", 3, "")
	d.Long(&a.long, "long", 1<<40, "")
	d.Double(&a.double, "double", 0.5, "")
	d.Millis(&a.wait, "wait.ms", time.Minute, "")
	d.MillisInt(&a.pause, "pause.ms", time.Second, "")
	d.List(&a.list, "list", []string{"x"}, "")
	d.Password(&a.secret, "secret", "", config.NullDefault())
	d.String(&a.format, "format", "", "", config.NullDefault(), config.Given(&a.hasFormat))
	d.String(&a.defaulted, "defaulted", "d", "", config.Given(&a.hasDefaulted))
}

func TestParse_FillsEveryKindOfVariable(t *testing.T) {
	t.Parallel()
	var got all
	err := config.Parse(map[string]string{
		"text": " t ", "class": "a.B", "yes": "False", "number": "+5", "short": "-2", "long": "9", "double": "1e3",
		"wait.ms": "1500", "pause.ms": "2", "list": "a , b", "secret": "s3cret", "format": "", "defaulted": "x", "unknown": "?",
	}, &got)
	if err != nil {
		t.Fatal(err)
	}
	want := all{
		text: "t", class: "a.B", number: 5, short: -2, long: 9, double: 1000, wait: 1500 * time.Millisecond,
		pause: 2 * time.Millisecond, list: []string{"a", "b"}, secret: config.NewSecret("s3cret"),
		hasText: true, hasFormat: true, defaulted: "x", hasDefaulted: true,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(all{}, config.Secret{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParse_TakesDefaults(t *testing.T) {
	t.Parallel()
	got := all{format: "left over"}
	if err := config.Parse(map[string]string{"text": "t"}, &got); err != nil {
		t.Fatal(err)
	}
	want := all{
		text: "t", hasText: true, yes: true, number: 7, short: 3, long: 1 << 40, double: 0.5, wait: time.Minute,
		pause: time.Second, list: []string{"x"}, defaulted: "d",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(all{}, config.Secret{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParse_NullIsNeitherMissingNorGiven(t *testing.T) {
	t.Parallel()
	var got all
	if err := config.Parse(map[string]*string{"text": nil, "defaulted": nil}, &got); err != nil {
		t.Fatal(err)
	}
	if got.hasText || got.hasDefaulted || got.defaulted != "" {
		t.Errorf("null was taken for a value: %+v", got)
	}
}

func TestParse_ReportsEveryProblem(t *testing.T) {
	t.Parallel()
	var got all
	err := config.Parse(map[string]string{"number": "0", "yes": "maybe", "short": "70000", "class": "x"}, &got)
	want := []*config.Error{
		{Key: "text", Message: `Missing required configuration "text" which has no default value.`},
		{Key: "yes", Value: "maybe", Message: "Invalid value maybe for configuration yes: Expected value to be either true or false"},
		{Key: "number", Value: "0", Message: "Invalid value 0 for configuration number: Value must be at least 1"},
		{Key: "short", Value: "70000", Message: "Invalid value 70000 for configuration short: Not a number of type SHORT"},
	}
	if diff := cmp.Diff(want, config.Errors(err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.number != 0 || got.class != "x" {
		t.Errorf("a bad setting was stored, or a good one was not: %+v", got)
	}
}

func TestMillis_HoldsWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64, "-1": -time.Millisecond,
	} {
		var got time.Duration
		err := config.Parse(map[string]string{"ms": text}, config.DefinerFunc(func(d *config.Def) {
			d.Millis(&got, "ms", 0, "")
		}))
		if err != nil || got != want {
			t.Errorf("%s is %v, want %v (%v)", text, got, want, err)
		}
	}
}

func TestDef_ReportsWrongDeclarations(t *testing.T) {
	t.Parallel()
	var s string
	var n int
	err := config.Parse(map[string]string{}, config.DefinerFunc(func(d *config.Def) {
		d.String(&s, "twice", "", "")
		d.String(&s, "twice", "", "")
		d.Int(&n, "bad", 0, "", config.Check(config.AtLeast(1)))
		d.Int(&n, "lonely", 0, "", config.Dependents("nobody"))
	}))
	var got []string
	for _, e := range config.Errors(err) {
		got = append(got, e.Message)
	}
	want := []string{
		"Configuration twice is defined twice.",
		"Invalid value 0 for configuration bad: Value must be at least 1",
		"Some configurations in are referred in the dependents, but not defined: nobody",
		"Invalid value 0 for configuration bad: Value must be at least 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEmbed_SpeaksOfItsOwnNames(t *testing.T) {
	t.Parallel()
	var a, b, c string
	inner := config.DefinerFunc(func(d *config.Def) {
		d.String(&a, "optional", "x", "", config.Low)
		d.String(&b, "b", "", "", config.Required(), config.Check(config.NonEmpty()), config.Low)
		d.String(&c, "c", "", "", config.NullDefault(), config.High, config.Group("G", 4))
	})
	outer := config.DefinerFunc(func(d *config.Def) { d.Embed("in.", "Outer", 2, inner) })

	var names []string
	for _, k := range config.Keys(outer) {
		names = append(names, k.Name+" "+*k.Group+" "+string(rune('0'+k.OrderInGroup)))
	}
	want := []string{"in.b Outer 2", "in.optional Outer 3", "in.c Outer: G 4"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	err := config.Errors(config.Parse(map[string]string{"in.b": "", "in.c": "1"}, outer))
	if len(err) != 1 || err[0].Key != "in.b" || err[0].Message != "Invalid value  for configuration b: String must be non-empty" {
		t.Errorf("got %+v", err)
	}
	if c != "1" || a != "x" {
		t.Errorf("got a %q, c %q", a, c)
	}
}

func TestPrefixed_CutsThePrefixOff(t *testing.T) {
	t.Parallel()
	got := config.Prefixed(map[string]string{"p.a": "1", "p.": "2", "pa": "3", "q.p.a": "4"}, "p.")
	if diff := cmp.Diff(map[string]string{"a": "1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRest_TakesWhatNobodyDeclared(t *testing.T) {
	t.Parallel()
	var url string
	var rest map[string]config.Secret
	d := config.DefinerFunc(func(d *config.Def) {
		d.Rest(&rest, "c.")
		d.String(&url, "c.url", "", "")
	})
	values := map[string]string{"c.url": "u", "c.ssl": " on ", "c.": "x", "other": "y"}
	if err := config.Parse(values, d); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]config.Secret{"ssl": config.NewSecret("on")}, rest, cmp.AllowUnexported(config.Secret{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	under := config.DefinerFunc(func(o *config.Def) { o.Embed("in.", "G", 1, d) })
	if err := config.Parse(map[string]string{"in.c.ssl": "off", "c.ssl": "on"}, under); err != nil {
		t.Fatal(err)
	}
	if len(rest) != 1 || rest["ssl"].Reveal() != "off" {
		t.Errorf("embedded: %v", rest)
	}
	if err := config.Parse(map[string]*string{"c.ssl": nil}, config.DefinerFunc(func(o *config.Def) { o.Include(d) })); err != nil || len(rest) != 0 {
		t.Errorf("null: %v, %v", rest, err)
	}
}

func TestValidator_PrintsAsKafkaDoes(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]config.Validator{
		"[1,...,10]":                        config.Between(1, 10),
		"[0.5,...]":                         config.AtLeast(0.5),
		"[...,3]":                           config.Bounds(nil, 3),
		"[...]":                             config.Bounds(nil, nil),
		"[a, b]":                            config.In("a", "b"),
		"(case insensitive) [A, B]":         config.CaseInsensitiveIn("a", "b"),
		"non-empty string":                  config.NonEmpty(),
		"non-null string":                   config.NonNull(),
		"non-null string, non-empty string": config.All(config.NonNull(), config.NonEmpty()),
		"[a] (empty config allowed) (null not allowed)":   config.ListOf("a"),
		"[] (empty not allowed) (null config allowed)":    config.Unique(false, true),
		"List containing maximum of 2 elements":           config.ListSize(2),
		"non-empty string without ISO control characters": config.NonEmptyWithoutControlChars(),
		"[1,...], List containing maximum of 1 elements":  config.All(config.AtLeast(int16(1)), config.ListSize(1)),
	} {
		if got := v.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
