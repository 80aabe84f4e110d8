package connector_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
)

// recording is what PUT /connector-plugins/…/config/validate of Kafka Connect 4.3.1 answered. Of all cases but the plain
// ones, configs has only the entries that differ from the plain case of the kind.
type recording struct {
	Name       string
	Kind       connector.Kind
	Config     map[string]*string
	Answer     string
	ErrorCount int `json:"error_count"`
	Groups     []string
	Configs    []entry
}

type entry struct {
	Name        string         `json:"name"`
	Definition  map[string]any `json:"definition,omitempty"`
	Value       *string        `json:"value"`
	Recommended bool           `json:"recommended"` // whether there are any
	Errors      []string       `json:"errors"`
	Visible     bool           `json:"visible"`
}

func TestValidate_AnswersAsRecorded(t *testing.T) {
	t.Parallel()
	plain := make(map[connector.Kind]map[string]entry)
	for _, r := range recordings(t) {
		want := make(map[string]entry)
		maps.Copy(want, plain[r.Kind])
		for _, e := range r.Configs {
			want[e.Name] = e
		}
		if strings.HasPrefix(r.Name, "plain") {
			plain[r.Kind] = want
		}
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			p := described(t)
			worker, err := connector.ParseWorker(map[string]string{}, p)
			if err != nil {
				t.Fatal(err)
			}
			subject := connector.Subject{Kind: r.Kind, Own: ownSettings(t, r.Kind), Version: "4.3.1"}
			infos := connector.Validate(r.Config, subject, p, worker)
			got := make(map[string]entry)
			for _, c := range infos.Configs {
				e := entryOf(t, c)
				if _, twice := got[e.Name]; twice {
					t.Errorf("%s is listed twice", e.Name)
				}
				got[e.Name] = e
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
			slices.Sort(r.Groups)
			slices.Sort(infos.Groups)
			if diff := cmp.Diff(r.Groups, infos.Groups); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			if infos.ErrorCount != r.ErrorCount || infos.Name != r.Answer {
				t.Errorf("%s with %d errors, want %s with %d", infos.Name, infos.ErrorCount, r.Answer, r.ErrorCount)
			}
		})
	}
}

// TestValidate_ListsInOrder compares the order of a plain answer, which clients show as it is.
func TestValidate_ListsInOrder(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t) {
		if !strings.HasPrefix(r.Name, "plain") {
			continue
		}
		p := described(t)
		worker, err := connector.ParseWorker(map[string]string{}, p)
		if err != nil {
			t.Fatal(err)
		}
		infos := connector.Validate(r.Config, connector.Subject{Kind: r.Kind, Own: ownSettings(t, r.Kind)}, p, worker)
		var want, got []string
		for _, e := range r.Configs {
			want = append(want, e.Name)
		}
		for _, c := range infos.Configs {
			got = append(got, c.Definition.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.Name, diff)
		}
		if diff := cmp.Diff(r.Groups, infos.Groups); diff != "" {
			t.Errorf("%s: groups (-want +got):\n%s", r.Name, diff)
		}
	}
}

func recordings(t *testing.T) []recording {
	t.Helper()
	text, err := os.ReadFile("testdata/validate.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []recording
	for line := range bytes.Lines(text) {
		var r recording
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		for i := range r.Configs {
			cutRegex(r.Configs[i].Errors)
		}
		all = append(all, r)
	}
	return all
}

func entryOf(t *testing.T, c config.Info) entry {
	t.Helper()
	var e entry
	if d := c.Definition; d != nil {
		e.Name = d.Name
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &e.Definition); err != nil {
			t.Fatal(err)
		}
		for _, not := range []string{"name", "documentation", "dependents"} {
			delete(e.Definition, not)
		}
	}
	if v := c.Value; v != nil {
		e.Name, e.Value, e.Recommended, e.Errors, e.Visible = v.Name, v.Value, len(v.Recommended) > 0, v.Errors, v.Visible
		cutRegex(e.Errors)
	}
	return e
}

// cutRegex cuts off what only Java's regular expressions say about a pattern.
func cutRegex(errors []string) {
	for i, e := range errors {
		if head, _, ok := strings.Cut(e, "Invalid regex: "); ok {
			errors[i] = head + "Invalid regex"
		}
	}
}

// plugin is a class with the settings that Connect lists for it, and nothing else.
type plugin struct {
	connect.Converter
	connect.HeaderConverter
	connect.Transform
	connect.Predicate
	class  string
	keys   []config.KeyInfo
	values map[string]*any
}

func (p *plugin) Define(d *config.Def) {
	p.values = make(map[string]*any)
	for _, k := range p.keys {
		p.values[k.Name] = new(any)
		opts := []config.Option{config.Display(k.Display), importance(k.Importance), width(k.Width)}
		if k.Group != nil {
			opts = append(opts, config.Group(*k.Group, k.OrderInGroup))
		}
		if v := checks()[p.class+" "+k.Name]; v != nil {
			opts = append(opts, config.Check(v))
		} else if v := checks()[k.Name]; v != nil {
			opts = append(opts, config.Check(v))
		}
		var def any
		if k.Default != nil {
			def = *k.Default
		}
		if k.Required {
			opts = append(opts, config.Required())
		}
		d.Any(p.values[k.Name], k.Name, k.Type, def, "", opts...)
	}
}

// checks are those of the settings that are set badly in the recordings.
func checks() map[string]config.Validator {
	regex := config.Func("valid regex", func(name string, value any) error {
		if value == "(" {
			return config.Invalid(name, value, "Invalid regex: it is not closed")
		}
		return nil
	})
	spec := config.Func("casts", func(_ string, value any) error {
		if list, _ := value.([]string); slices.Contains(list, "a:b:c") {
			return config.Invalid("renames", value, "Invalid rename mapping: a:b:c")
		}
		return nil
	})
	return map[string]config.Validator{
		"converter.type": config.In("key", "value", "header"),
		"org.apache.kafka.connect.transforms.RegexRouter regex":                       regex,
		"org.apache.kafka.connect.transforms.predicates.TopicNameMatches pattern":     regex,
		"org.apache.kafka.connect.transforms.Cast$Value spec":                         spec,
		"org.apache.kafka.connect.transforms.TimestampConverter$Value target.type":    config.In("string", "unix", "Date", "Time", "Timestamp"),
		"org.apache.kafka.connect.file.FileStreamSourceConnector topic":               config.NonEmpty(),
		"org.apache.kafka.connect.transforms.TimestampConverter$Value unix.precision": nil,
	}
}

func importance(name string) config.Option {
	switch name {
	case "HIGH":
		return config.High
	case "LOW":
		return config.Low
	}
	return config.Medium
}

func width(name string) config.Option {
	return map[string]config.Width{"NONE": config.WidthNone, "SHORT": config.WidthShort, "MEDIUM": config.WidthMedium, "LONG": config.WidthLong}[name]
}

// described are tables of plugins that have their settings only, from the family configkeys of the corpus.
func described(t testing.TB) connector.Plugins {
	t.Helper()
	p := connector.Plugins{Version: "4.3.1"}
	for _, c := range corpus.Load(t, "configkeys") {
		keys := keysOf(t, c)
		fresh := func() *plugin { return &plugin{class: c.Plugin, keys: keys} }
		switch {
		case strings.HasPrefix(c.Plugin, "org.apache.kafka.connect.transforms.predicates."):
			p.Predicates = append(p.Predicates, connect.Plugin[connect.Predicate]{
				Class: c.Plugin, New: func() connect.Predicate { return predicate{fresh()} },
			})
		case strings.HasPrefix(c.Plugin, "org.apache.kafka.connect.transforms."):
			for _, class := range both(c.Plugin) {
				p.Transforms = append(p.Transforms, connect.Plugin[connect.Transform]{
					Class: class, New: func() connect.Transform { return transform{fresh()} },
				})
			}
		case strings.HasSuffix(c.Plugin, "Converter"):
			p.HeaderConverters = append(p.HeaderConverters, connect.Plugin[connect.HeaderConverter]{
				Class: c.Plugin, New: func() connect.HeaderConverter { return headerConverter{fresh()} },
			})
			if !strings.HasSuffix(c.Plugin, "HeaderConverter") {
				p.Converters = append(p.Converters, connect.Plugin[connect.Converter]{
					Class: c.Plugin, New: func() connect.Converter { return converter{fresh()} },
				})
			}
		}
	}
	return p
}

// both are the classes for keys and for values of a transform that has both.
func both(class string) []string {
	for _, side := range []string{"$Key", "$Value"} {
		if outer, ok := strings.CutSuffix(class, side); ok {
			return []string{outer + "$Key", outer + "$Value"}
		}
	}
	return []string{class}
}

// The four kinds, each with one Define.
type (
	converter       struct{ *plugin }
	headerConverter struct{ *plugin }
	transform       struct{ *plugin }
	predicate       struct{ *plugin }
)

func ownSettings(t testing.TB, kind connector.Kind) config.Definer {
	t.Helper()
	class := "org.apache.kafka.connect.file.FileStreamSourceConnector"
	if kind == connector.KindSink {
		class = "org.apache.kafka.connect.file.FileStreamSinkConnector"
	}
	for _, c := range corpus.Load(t, "configkeys") {
		if c.Plugin == class {
			return &plugin{class: class, keys: keysOf(t, c)}
		}
	}
	t.Fatalf("the corpus does not know %s", class)
	return nil
}

func keysOf(t testing.TB, c corpus.Case) []config.KeyInfo {
	t.Helper()
	var keys []config.KeyInfo
	if err := json.Unmarshal(c.Output, &keys); err != nil {
		t.Fatal(err)
	}
	return keys
}
