package control_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// clientPolicy needs a worker of another policy for each test, of which it is enough that it judges.
func clientPolicy(t *testing.T, i *integration) {
	const policy, allowlist = "connector.client.config.override.policy", "connector.client.config.override.allowlist"
	group, security := []string{"consumer.override.auto.offset.reset", "latest"}, []string{"consumer.override.security.protocol", "PLAINTEXT"}
	for _, c := range []struct {
		test      string
		worker    []string
		overrides []string
		status    int
	}{
		{"testCreateWithOverridesForNonePolicy", []string{policy, "None"}, group, 400},
		{"testCreateWithNotAllowedOverridesForPrincipalPolicy", []string{policy, "Principal"}, append(group, security...), 400},
		{"testCreateWithNotAllowedOverridesForAllowlistPolicy", []string{policy, "Allowlist", allowlist, "max.poll.records"}, group, 400},
		{"testCreateWithAllowedOverridesForPrincipalPolicy", []string{policy, "Principal"}, security, 201},
		{"testCreateWithAllowedOverridesForAllPolicy", []string{policy, "All"}, append(group, security...), 201},
		{"testCreateWithAllowedOverridesForDefaultPolicy", nil, group, 201},
		{"testCreateWithNoAllowedOverridesForNonePolicy", []string{policy, "None"}, nil, 201},
		{"testCreateWithAllowedOverridesForAllowlistPolicy", []string{policy, "Allowlist", allowlist, "auto.offset.reset"}, group, 201},
		{"testCreateWithoutOverridesForAllowlistPolicy", []string{policy, "Allowlist"}, nil, 201},
	} {
		t.Run(c.test, func(t *testing.T) {
			server := stillWorld(t, "127.0.0.1:1", c.worker...).serveWith(t, newGroups())
			text := must(t, server, c.status, "PUT", "/connectors/simple-conn/config", i.sink("o", "t", c.overrides...))
			if c.status == 400 && !strings.Contains(text, "policy does not allow 'auto.offset.reset' to be overridden in the connector configuration.") {
				t.Errorf("it is refused with %s", text)
			}
		})
	}
}

// testPluginAliases: short names will do, wherever a class is named.
func pluginAliases(t *testing.T, i *integration) {
	for _, class := range []string{"FileStreamSource", "FileStreamSourceConnector", "org.apache.kafka.connect.file.FileStreamSourceConnector"} {
		name := "aliases-" + class[strings.LastIndexByte(class, '.')+1:] + fmt.Sprint(len(class))
		i.create(t, name, i.source("in", name, "connector.class", class, "key.converter", "StringConverter", "value.converter", "Json",
			"header.converter", "SimpleHeaderConverter", "transforms", "route", "transforms.route.type", "RegexRouter",
			"transforms.route.regex", ".*", "transforms.route.replacement", name+"-routed", "transforms.route.predicate", "named",
			"predicates", "named", "predicates.named.type", "TopicNameMatches", "predicates.named.pattern", ".*"), "")
		i.states(t, name, "RUNNING RUNNING")
		i.await(t, "the topics of "+name, func() string { return i.do(t, 200, "GET /connectors/"+name+"/topics") },
			fmt.Sprintf(`{%q:{"topics":[%q]}}`, name, name+"-routed"))
	}
}

// sinkFromOffset: what a sink is told before it first runs is where it begins.
func sinkFromOffset(t *testing.T, i *integration) {
	i.write(t, "numbers", "0\n1\n2\n3\n")
	i.create(t, "numbers", i.source("numbers", "numbers"), "")
	i.await(t, "the topics of numbers", func() string { return i.do(t, 200, "GET /connectors/numbers/topics") }, `{"numbers":{"topics":["numbers"]}}`)
	i.create(t, "later", i.sink("later", "numbers"), `"initial_state": "STOPPED",`)
	i.states(t, "later", "STOPPED")
	i.do(t, 200, "PATCH /connectors/later/offsets", `{"offsets": [{"partition": {"kafka_topic": "numbers", "kafka_partition": 0}, "offset": {"kafka_offset": 2}}]}`)
	i.do(t, 202, "PUT /connectors/later/resume")
	i.holds(t, "later", "2\n3\n")
	i.states(t, "later", "RUNNING RUNNING")
}

// badConverters are those of ConnectorValidationIntegrationTest, for a kind of converter. What needs Java classes of a
// kind that there are none of here, such as one without a constructor, is about classes that cannot be found.
func badConverters(t *testing.T, i *integration, kind string) {
	for _, c := range []struct {
		test   string
		errors int
		more   []string
	}{
		{"MissingClass", 1, []string{kind, "no.Such"}},
		{"InvalidClassType", 1, []string{kind, "java.lang.String"}},
		{"OtherClassType", 1, []string{kind, "org.apache.kafka.connect.transforms.Filter"}},
		{"Misconfigured", 1, []string{kind, "org.apache.kafka.connect.json.JsonConverter", kind + ".schemas.enable", "notaboolean"}},
		{"WithNothingWrong", 0, []string{kind, "org.apache.kafka.connect.json.JsonConverter", kind + ".schemas.enable", "false"}},
	} {
		t.Run(kind+c.test, func(t *testing.T) {
			if got := errorsOf(t, i.server, "FileStreamSink", i.sink("o", "a", c.more...)); got != c.errors {
				t.Errorf("%d errors, want %d", got, c.errors)
			}
		})
	}
}

// errorsOf is how many errors a configuration has.
func errorsOf(t *testing.T, server *httptest.Server, class, config string) int {
	t.Helper()
	var infos struct {
		Errors int `json:"error_count"`
	}
	text := must(t, server, 200, "PUT", "/connector-plugins/"+class+"/config/validate", strings.Replace(config, "{", `{"name": "v", `, 1))
	if err := json.Unmarshal([]byte(text), &infos); err != nil {
		t.Fatal(err)
	}
	return infos.Errors
}

func standaloneWorker(t *testing.T, i *integration) {
	t.Run("testDynamicLogging", func(t *testing.T) {
		level := func(name string) string { return i.do(t, 200, "GET /admin/loggers/"+name) }
		if root := level("root"); root != `{"level":"INFO","last_modified":null}` {
			t.Error(root)
		}
		i.do(t, 200, "PUT /admin/loggers/org.apache", `{"level": "DEBUG"}`)
		set := level("org.apache")
		i.do(t, 200, "PUT /admin/loggers/org.apache", `{"level": "DEBUG"}`)
		if again := level("org.apache"); again != set {
			t.Errorf("the same level twice: %s, then %s", set, again)
		}
		i.do(t, 204, "PUT /admin/loggers/org.apache?scope=cluster", `{"level": "WARN"}`)
		if now := level("org.apache"); !strings.Contains(now, "WARN") {
			t.Errorf("for the cluster: %s", now)
		}
	})
}
