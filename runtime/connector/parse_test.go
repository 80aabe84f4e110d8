package connector_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connector"
)

const (
	transforms = "org.apache.kafka.connect.transforms."
	jsonClass  = "org.apache.kafka.connect.json.JsonConverter"
	textClass  = "org.apache.kafka.connect.storage.StringConverter"
)

// with returns the settings of a source or sink, and those given as names and values.
func with(pairs ...string) map[string]string {
	values := map[string]string{"name": "n", "connector.class": "X", "topics": "t"}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return values
}

func worker(t testing.TB, pairs ...string) connector.Worker {
	t.Helper()
	values := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	w, err := connector.ParseWorker(values, described(t))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func parseSource(t *testing.T, w connector.Worker, pairs ...string) *connector.SourceConfig {
	t.Helper()
	c, err := connector.ParseSource(with(pairs...), described(t), w)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// setting is the value that a described plugin was given.
func setting(t *testing.T, p any, name string) any {
	t.Helper()
	var inner *plugin
	switch p := p.(type) {
	case converter:
		inner = p.plugin
	case headerConverter:
		inner = p.plugin
	case transform:
		inner = p.plugin
	case predicate:
		inner = p.plugin
	default:
		t.Fatalf("%T is no plugin of this test", p)
	}
	v := inner.values[name]
	if v == nil {
		t.Fatalf("%s has no setting %s", inner.class, name)
	}
	return *v
}

func TestParseSource_Defaults(t *testing.T) {
	t.Parallel()
	c := parseSource(t, worker(t))
	if c.Name != "n" || c.Class != "X" || c.TasksMax != 1 || !c.EnforceTasksMax || c.ReloadAction != "restart" {
		t.Errorf("got %+v", c.Common)
	}
	wantErrors := connector.ErrorPolicy{RetryDelayMax: time.Minute, Tolerance: "none"}
	if diff := cmp.Diff(wantErrors, c.Errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if c.ExactlyOnce != "requested" || c.Boundary != "poll" || c.BoundaryInterval != nil || len(c.Creation) != 0 {
		t.Errorf("got %+v", c.Source)
	}
	if c.Key.Class != jsonClass || c.Value.Class != jsonClass || !strings.HasSuffix(c.Header.Class, ".SimpleHeaderConverter") {
		t.Errorf("got converters %s, %s, %s", c.Key.Class, c.Value.Class, c.Header.Class)
	}
	if c.Lease != 15*time.Second || c.Idle != 0 || c.InvocationMax != 0 || c.FlushEvery != time.Minute || c.FlushWithin != 5*time.Second {
		t.Errorf("got %+v", c.Own)
	}
}

func TestParseSource_OwnConverterTakesOwnSettings(t *testing.T) {
	t.Parallel()
	w := worker(t, "key.converter", jsonClass, "key.converter.schemas.enable", "false", "key.converter.schemas.cache.size", "5")
	for name, c := range map[string]struct {
		settings []string
		class    string
		enable   any
		size     any
	}{
		"the worker's":                      {nil, jsonClass, false, int32(5)},
		"settings without a class":          {[]string{"key.converter.schemas.cache.size", "9"}, jsonClass, false, int32(5)},
		"an own class forgets the worker's": {[]string{"key.converter", "Json", "key.converter.schemas.cache.size", "9"}, jsonClass, true, int32(9)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parseSource(t, w, c.settings...).Key
			if got.Class != c.class || setting(t, got.Converter, "schemas.enable") != c.enable ||
				setting(t, got.Converter, "schemas.cache.size") != c.size {
				t.Errorf("got %s, schemas.enable %v, schemas.cache.size %v", got.Class,
					setting(t, got.Converter, "schemas.enable"), setting(t, got.Converter, "schemas.cache.size"))
			}
			if kind := setting(t, got.Converter, "converter.type"); kind != "key" {
				t.Errorf("configured as a %v converter", kind)
			}
		})
	}
}

func TestParseSource_TellsConvertersWhatTheyConvert(t *testing.T) {
	t.Parallel()
	c := parseSource(t, worker(t), "value.converter", textClass, "value.converter.converter.type", "key", "header.converter", "StringConverter")
	if kind := setting(t, c.Value.Converter, "converter.type"); kind != "value" {
		t.Errorf("the value converter is told %v", kind)
	}
	if kind := setting(t, c.Header.HeaderConverter, "converter.type"); kind != "header" {
		t.Errorf("the header converter is told %v", kind)
	}
}

func TestParseSource_NamesTheWholeConverterSetting(t *testing.T) {
	t.Parallel()
	_, err := connector.ParseSource(with("key.converter", "Json", "key.converter.schemas.enable", "x"), described(t), worker(t))
	found := config.Errors(err)
	if len(found) != 1 || found[0].Key != "key.converter.schemas.enable" ||
		found[0].Message != "Invalid value x for configuration schemas.enable: Expected value to be either true or false" {
		t.Errorf("got %+v", found)
	}
}

func TestParseSource_MakesTheChain(t *testing.T) {
	t.Parallel()
	c := parseSource(t, worker(t),
		"transforms", "hoist, drop,same", "predicates", "p",
		"transforms.hoist.type", transforms+"HoistField$Value", "transforms.hoist.field", "line",
		"transforms.drop.type", "Filter", "transforms.drop.predicate", "p", "transforms.drop.negate", "TRUE",
		"transforms.same.type", "Filter", "transforms.same.predicate", "p",
		"predicates.p.type", "HasHeaderKey", "predicates.p.name", "h")
	if len(c.Chain) != 3 {
		t.Fatalf("got %d stages", len(c.Chain))
	}
	hoist, drop, same := c.Chain[0], c.Chain[1], c.Chain[2]
	if hoist.Alias != "hoist" || hoist.Predicate != nil || setting(t, hoist.Transform, "field") != "line" {
		t.Errorf("got %+v", hoist)
	}
	if drop.Class != transforms+"Filter" || !drop.Negate || drop.PredicateAlias != "p" ||
		drop.PredicateClass != transforms+"predicates.HasHeaderKey" || setting(t, drop.Predicate, "name") != "h" {
		t.Errorf("got %+v", drop)
	}
	if same.Negate || same.Predicate == drop.Predicate {
		t.Error("two stages share a predicate, or its negation")
	}
}

func TestParseSource_RefusesBadChains(t *testing.T) {
	t.Parallel()
	filter := []string{"transforms", "a", "transforms.a.type", "Filter"}
	for name, c := range map[string]struct {
		settings  []string
		key, text string
	}{
		"predicate that is not listed": {
			append(filter, "transforms.a.predicate", "p"),
			"predicates.p.type", "Unknown configuration 'predicates.p.type'",
		},
		"negation of nothing": {
			append(filter, "transforms.a.negate", "true"), "transforms.a.type",
			"Config 'transforms.a.negate' was provided but there is no config 'transforms.a.predicate' defining a predicate to be negated.",
		},
		"missing setting": {
			[]string{"transforms", "a", "transforms.a.type", "RegexRouter", "transforms.a.regex", "x"},
			"transforms.a.replacement", `Missing required configuration "transforms.a.replacement" which has no default value.`,
		},
		"outer class": {
			[]string{"transforms", "a", "transforms.a.type", transforms + "Flatten"},
			"transforms.a.type",
			"This class is abstract and cannot be created. Did you mean " + transforms + "Flatten$Key, " + transforms + "Flatten$Value?",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := connector.ParseSource(with(c.settings...), described(t), worker(t))
			found := config.Errors(err)
			if len(found) != 1 || found[0].Key != c.key || found[0].Message != c.text {
				t.Errorf("got %+v", found)
			}
		})
	}
}

func TestParseSink_Topics(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings    []string
		reads, dont string
	}{
		"list":         {[]string{"topics", "a, b,a"}, "b", "ab"},
		"expression":   {[]string{"topics", "", "topics.regex", "log-.*"}, "log-1", "a-log-1"},
		"alternatives": {[]string{"topics", "", "topics.regex", "a|b"}, "b", "ab"},
		"look-ahead":   {[]string{"topics", "", "topics.regex", "(?!dead).*"}, "live", "dead-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := connector.ParseSink(with(c.settings...), described(t), worker(t))
			if err != nil {
				t.Fatal(err)
			}
			if !got.Reads(c.reads) || got.Reads(c.dont) {
				t.Errorf("reads %s: %v, %s: %v", c.reads, got.Reads(c.reads), c.dont, got.Reads(c.dont))
			}
		})
	}
	_, err := connector.ParseSink(with("topics", " "), described(t), worker(t))
	if got := config.Errors(err); len(got) != 2 || got[0].Message != "Must configure one of topics or topics.regex" {
		t.Errorf("got %v", err)
	}
}

func TestParseSource_TopicCreation(t *testing.T) {
	t.Parallel()
	creation := []string{
		"topic.creation.groups", "default,logs, big", "topic.creation.default.partitions", "3",
		"topic.creation.default.replication.factor", "-1", "topic.creation.default.exclude", ".*",
		"topic.creation.logs.include", "log-.*, audit", "topic.creation.logs.exclude", "log-x", "topic.creation.logs.partitions", "1",
		"topic.creation.logs.retention.ms", "1000", "topic.creation.big.include", ".*-big",
	}
	c := parseSource(t, worker(t), creation...)
	for topic, want := range map[string]string{
		"log-1": "logs", "audit": "logs", "log-x": "default", "log-big": "logs", "x-big": "big", "any": "default",
	} {
		if got, ok := c.Creation.For(topic); !ok || got.Name != want {
			t.Errorf("%s is of group %s, want %s", topic, got.Name, want)
		}
	}
	logs, _ := c.Creation.For("log-1")
	if logs.Partitions != 1 || logs.ReplicationFactor != -1 || logs.Configs["retention.ms"] != "1000" || len(logs.Configs) != 1 {
		t.Errorf("got %+v", logs)
	}
	if off := parseSource(t, worker(t, "topic.creation.enable", "false"), creation...); len(off.Creation) != 0 {
		t.Error("topics are made although the worker does not allow it")
	}
	_, err := connector.ParseSource(with("topic.creation.default.partitions", "0"), described(t), worker(t))
	want := []string{
		`Missing required configuration "topic.creation.default.replication.factor" which has no default value.`,
		"Invalid value 0 for configuration partitions: Number of partitions must be positive, or -1 to use the broker's default",
	}
	var got []string
	for _, e := range config.Errors(err) {
		got = append(got, e.Message)
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("sorted", func(s []string) map[string]bool {
		m := make(map[string]bool)
		for _, e := range s {
			m[e] = true
		}
		return m
	})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseSource_OverridesAndOwnSettings(t *testing.T) {
	t.Parallel()
	c := parseSource(t, worker(t, "offset.flush.interval.ms", "10"), "producer.override.acks", "1", "consumer.override.a", "b",
		"admin.override.c", "d", "sluice.offset.flush.timeout.ms", "7", "sluice.lease.ms", "20000", "transaction.boundary.interval.ms", "5",
		"exactly.once.support", "REQUESTED")
	want := connector.Overrides{Producer: map[string]string{"acks": "1"}, Consumer: map[string]string{"a": "b"}, Admin: map[string]string{"c": "d"}}
	if diff := cmp.Diff(want, c.Overrides); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c.FlushEvery != 10*time.Millisecond || c.FlushWithin != 7*time.Millisecond || c.Lease != 20*time.Second {
		t.Errorf("got %v, %v, %v", c.FlushEvery, c.FlushWithin, c.Lease)
	}
	if c.BoundaryInterval == nil || *c.BoundaryInterval != 5*time.Millisecond || c.ExactlyOnce != "requested" {
		t.Errorf("got %v, %s", c.BoundaryInterval, c.ExactlyOnce)
	}
}

func TestValidate_AppliesTheOverridePolicy(t *testing.T) {
	t.Parallel()
	own := ownSettings(t, connector.KindSource)
	for policy, allowed := range map[string]bool{
		"All": true, "None": false, "Principal": false, "Allowlist": true,
		"org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy": false,
	} {
		w := worker(t, "connector.client.config.override.policy", policy, "connector.client.config.override.allowlist", "acks")
		infos := connector.Validate(with("topic", "t", "producer.override.acks", "1"), connector.Subject{Kind: connector.KindSource, Own: own},
			described(t), w)
		_, parsing := connector.ParseSource(with("producer.override.acks", "1"), described(t), w)
		if refused := parsing != nil; refused == allowed {
			t.Errorf("%s: parsing ends with %v", policy, parsing)
		}
		err := connector.Check(infos)
		var invalid *connector.InvalidError
		if allowed {
			if err != nil {
				t.Errorf("%s: %v", policy, err)
			}
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(policy, "org.apache.kafka.connect.connector.policy."), "ConnectorClientConfigOverridePolicy")
		want := "The '" + name + "' policy does not allow 'acks' to be overridden in the connector configuration."
		if !errors.As(err, &invalid) || len(invalid.Messages) != 1 || invalid.Messages[0] != want {
			t.Errorf("%s: %v", policy, err)
		}
	}
}

// What Kafka Connect 4.3.1 answered.
func TestValidate_DescribesClientSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind                connector.Kind
		setting, value      string
		kindOf              config.Type // empty for none
		def, shown, problem string
	}{
		{connector.KindSource, "producer.override.acks", "7", config.TypeString, "all", "7", ""},
		{connector.KindSource, "producer.override.linger.ms", " 5 ", config.TypeLong, "5", "5", ""},
		{connector.KindSource, "producer.override.linger.ms", "x", config.TypeLong, "5", "", "Invalid value x for configuration linger.ms: Not a number of type LONG"},
		{connector.KindSource, "producer.override.enable.idempotence", "yes", config.TypeBoolean, "true", "", "Invalid value yes for configuration enable.idempotence: Expected value to be either true or false"},
		{connector.KindSource, "producer.override.interceptor.classes", " a , b", config.TypeList, "", "a,b", ""},
		{connector.KindSource, "producer.override.sasl.jaas.config", "s", config.TypePassword, "null", config.Hidden, ""},
		{connector.KindSource, "producer.override.bootstrap.servers", "a:1", config.TypeList, "required", "a:1", ""},
		{connector.KindSource, "producer.override.unknown", " x ", "", "", " x ", ""},
		{connector.KindSource, "producer.override.max.poll.records", "x", "", "", "x", ""},
		{connector.KindSink, "consumer.override.max.poll.records", "7", config.TypeInt, "500", "7", ""},
		{connector.KindSink, "consumer.override.sasl.login.refresh.window.factor", "x", config.TypeDouble, "0.8", "", "Invalid value x for configuration sasl.login.refresh.window.factor: Not a number of type DOUBLE"},
	} {
		values := with("topic", "t", "topics", "t", c.setting, c.value)
		problem := connector.OverrideProblem(values, c.kind)
		if (problem == nil) != (c.problem == "") || problem != nil && problem.Error() != c.problem {
			t.Errorf("%s: %v, want %s", c.setting, problem, c.problem)
		}
		infos := connector.Validate(values, connector.Subject{Kind: c.kind, Own: ownSettings(t, c.kind)}, described(t), worker(t))
		i := slices.IndexFunc(infos.Configs, func(info config.Info) bool { return info.Value.Name == c.setting })
		if i < 0 {
			t.Fatalf("%s is not listed", c.setting)
		}
		info := infos.Configs[i]
		if c.problem == "" && (info.Value.Value == nil || *info.Value.Value != c.shown) {
			t.Errorf("%s is shown as %v", c.setting, info.Value.Value)
		}
		if info.Definition == nil {
			if c.kindOf != "" {
				t.Errorf("%s has no definition", c.setting)
			}
			continue
		}
		d, def := info.Definition, "null"
		switch {
		case d.Required:
			def = "required"
		case d.Default != nil:
			def = *d.Default
		}
		_, plain, _ := strings.Cut(c.setting, ".override.")
		if d.Name != c.setting || d.Display != plain || d.Type != c.kindOf || def != c.def || d.Group != nil || d.OrderInGroup != -1 || d.Doc == "" {
			t.Errorf("%s is described as %+v, default %s", c.setting, d, def)
		}
	}
}

func TestCheck_WordsARefusal(t *testing.T) {
	t.Parallel()
	infos := connector.Validate(map[string]string{"connector.class": "FileStreamSink", "name": "n"},
		connector.Subject{Kind: connector.KindSink, Own: ownSettings(t, connector.KindSink)}, described(t), worker(t))
	want := "Connector configuration is invalid and contains the following 2 error(s):\n" +
		"Must configure one of topics or topics.regex\nMust configure one of topics or topics.regex\n" +
		"You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`"
	if err := connector.Check(infos); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestConceal_ShowsNoResolvedValue(t *testing.T) {
	t.Parallel()
	raw := with("topic", "t", "batch.size", "${secret:a:b}", "file", "${secret:c:d}", "tasks.max", "0")
	resolved := with("topic", "t", "batch.size", "hunter2", "file", "/hunter3", "tasks.max", "0")
	own := ownSettings(t, connector.KindSource)
	subject := connector.Subject{Kind: connector.KindSource, Own: own}
	infos := connector.Conceal(connector.Validate(resolved, subject, described(t), worker(t)), raw, resolved)
	var messages []string
	for _, c := range infos.Configs {
		if c.Value.Value != nil && strings.Contains(*c.Value.Value, "hunter") {
			t.Errorf("%s shows %s", c.Value.Name, *c.Value.Value)
		}
		messages = append(messages, c.Value.Errors...)
	}
	want := []string{
		"Invalid value 0 for configuration tasks.max: Value must be at least 1",
		"Invalid value for configuration 'batch.size': the value resolved from the config provider reference failed validation",
	}
	if diff := cmp.Diff(want, messages); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	err := connector.ConcealError(config.Parse(resolved, own), raw, resolved)
	if err == nil || err.Error() != want[1] {
		t.Errorf("got %v", err)
	}
}

func TestKeys_ListsOwnSettingsFirst(t *testing.T) {
	t.Parallel()
	keys := connector.Keys(connector.Subject{Kind: connector.KindSource, Own: ownSettings(t, connector.KindSource), Version: "4.3.1"}, described(t))
	var names []string
	for _, k := range keys {
		names = append(names, k.Name)
		if strings.HasPrefix(k.Name, "sluice.") {
			t.Errorf("%s is listed", k.Name)
		}
		if k.Name == "connector.plugin.version" && (k.Default == nil || *k.Default != "4.3.1") || k.Name == "key.converter" && k.Default != nil {
			t.Errorf("%s has the default %v", k.Name, k.Default)
		}
	}
	if len(names) != 27 || names[0] != "file" || names[3] != "name" || names[26] != "offsets.storage.topic" {
		t.Errorf("got %v", names)
	}
}
