package control_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// with is a server in a still world whose options are changed.
func with(t *testing.T, change func(o *control.Options)) (*httptest.Server, *world, *groups) {
	t.Helper()
	w, g := stillWorld(t, "127.0.0.1:1"), newGroups()
	o := w.options(g)
	change(&o)
	server := httptest.NewServer(control.New(o))
	t.Cleanup(server.Close)
	return server, w, g
}

func settings(t *testing.T, pairs ...string) control.Settings {
	t.Helper()
	properties := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		properties[pairs[i]] = pairs[i+1]
	}
	s, err := control.ParseSettings(properties)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// secretive is a source with a password, which the file source takes for a setting it does not know.
const secretive = `{"name": "c", "config": {"connector.class": "FileStreamSource", "file": "f", "topic": "t",
	"producer.override.sasl.jaas.config": "hush", "producer.override.ssl.key.password": "${file:/x:y}", "unlucky": "[hidden]", "driver.keyPassword": "hush"}}`

func TestServer_MasksPasswords(t *testing.T) {
	t.Parallel()
	server, w, _ := still(t)
	created := must(t, server, 201, "POST", "/connectors", secretive)
	publish(t, w, 1)
	_, header, _ := call(t, server, "GET", "/connectors/c/config", "")
	for _, path := range []string{"", "/config", "/tasks"} {
		created += must(t, server, 200, "GET", "/connectors/c"+path, "")
	}
	created += must(t, server, 200, "GET", "/connectors?expand=info", "")
	if strings.Contains(created, "hush") || strings.Count(created, `"producer.override.sasl.jaas.config":"[hidden]"`) != 5 ||
		strings.Count(created, "${file:/x:y}") != 5 {
		t.Errorf("the answers show: %s", created)
	}
	// What was read is sent back, with another setting changed.
	config := must(t, server, 200, "GET", "/connectors/c/config", "")
	must(t, server, 200, "PUT", "/connectors/c/config", strings.Replace(config, `"file":"f"`, `"file":"g"`, 1))
	must(t, server, 200, "PATCH", "/connectors/c/config", `{"producer.override.sasl.jaas.config": "[hidden]", "batch.size": "3"}`)
	kept := func() map[string]string {
		c, _, err := w.store.Look(t.Context(), "c", 0)
		if err != nil {
			t.Fatal(err)
		}
		return c.Config
	}
	if c := kept(); c["producer.override.sasl.jaas.config"] != "hush" || c["file"] != "g" || c["unlucky"] != "[hidden]" {
		t.Errorf("the table has %v", c)
	}
	must(t, server, 412, "PATCH", "/connectors/c/config", `{"file": "h"}`, "If-Match", header.Get("Etag"))
	_, header, _ = call(t, server, "GET", "/connectors/c/config", "")
	must(t, server, 200, "PATCH", "/connectors/c/config", `{"producer.override.sasl.jaas.config": "other"}`, "If-Match", header.Get("Etag"))
	must(t, server, 412, "PATCH", "/connectors/c/config", `{"file": "h"}`, "If-Match", header.Get("Etag"))
	if c := kept(); c["producer.override.sasl.jaas.config"] != "other" {
		t.Errorf("the table has %v", c)
	}
}

func TestServer_ShowsPasswordsIfToldTo(t *testing.T) {
	t.Parallel()
	server, _, _ := with(t, func(o *control.Options) { o.Settings = settings(t, "sluice.rest.passwords", "raw") })
	must(t, server, 201, "POST", "/connectors", secretive)
	if config := must(t, server, 200, "GET", "/connectors/c/config", ""); !strings.Contains(config, "hush") {
		t.Errorf("the configuration is %s", config)
	}
}

func TestServer_BeginsAtGivenOffsets(t *testing.T) {
	t.Parallel()
	for _, member := range []string{"offsets", "initial_offsets"} {
		server, w, g := still(t)
		// An earlier connector of the name left these.
		left := connect.Offsets{parsePartition(t, `{"filename":"old"}`): parsePosition(t, `{"position":9}`)}
		must(t, server, 201, "POST", "/connectors", strings.Replace(source, `"name"`, `"initial_state": "STOPPED", "name"`, 1))
		c, _, err := w.store.Look(t.Context(), "c", 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.AlterOffsets(t.Context(), c, left, false); err != nil {
			t.Fatal(err)
		}
		must(t, server, 204, "DELETE", "/connectors/c", "")

		pairs := `[{"partition": {"filename": "f"}, "offset": {"position": 5}}]`
		text := must(t, server, 201, "POST", "/connectors", strings.Replace(source, `"name"`, `"`+member+`": `+pairs+`, "name"`, 1))
		if told := strings.Contains(text, "offsets_status"); told != (member == "initial_offsets") {
			t.Errorf("%s: answered %s", member, text)
		}
		if got := must(t, server, 200, "GET", "/connectors/c/offsets", ""); got != `{"offsets":[{"partition":{"filename":"f"},"offset":{"position":5}}]}` {
			t.Errorf("%s: the offsets are %s", member, got)
		}
		if c, _, err := w.store.Look(t.Context(), "c", 0); err != nil || c.Target != offset.Running || !c.Stale {
			t.Errorf("%s: the connector is %+v, %v", member, c, err)
		}
		must(t, server, 204, "DELETE", "/connectors/c", "")

		// One that cannot begin there is not created.
		must(t, server, 500, "POST", "/connectors", strings.Replace(source, `"name"`, `"`+member+`": `+strings.Replace(pairs, "5", "-5", 1)+`, "name"`, 1))
		must(t, server, 400, "POST", "/connectors", strings.Replace(source, `"name"`, `"`+member+`": [], "name"`, 1))
		must(t, server, 404, "GET", "/connectors/c", "")

		pairs = `[{"partition": {"kafka_topic": "t", "kafka_partition": 1}, "offset": {"kafka_offset": 7}}]`
		must(t, server, 201, "POST", "/connectors", strings.Replace(sink, `"name"`, `"initial_state": "paused", "`+member+`": `+pairs+`, "name"`, 1))
		if got := g.offsets["connect-c"]; !cmp.Equal(got, map[kafka.TopicPartition]int64{{Topic: "t", Partition: 1}: 7}) {
			t.Errorf("%s: the group has %v", member, got)
		}
		if c, _, err := w.store.Look(t.Context(), "c", 0); err != nil || c.Target != offset.Paused {
			t.Errorf("%s: the connector is %+v, %v", member, c, err)
		}
	}
}

func parsePartition(t *testing.T, text string) connect.Partition {
	t.Helper()
	p, err := connect.ParsePartition([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parsePosition(t *testing.T, text string) connect.Position {
	t.Helper()
	p, err := connect.ParsePosition([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestServer_LetsInWhoMay(t *testing.T) {
	t.Parallel()
	auth, err := control.ReadAuth(strings.NewReader("# users\nanna=open sesame\n\nBearer abc\n"))
	if err != nil {
		t.Fatal(err)
	}
	server, _, _ := with(t, func(o *control.Options) {
		o.Auth, o.Settings = auth, settings(t, "access.control.allow.origin", "http://ui")
	})
	basic := func(user, password string) string {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	for authorization, want := range map[string]int{
		"":                           401,
		basic("anna", "open sesame"): 200,
		basic("anna", "open sesam"):  401,
		basic("otto", ""):            401,
		basic("", ""):                401,
		"Bearer abc":                 200,
		"bearer abc":                 200,
		"Bearer abcd":                401,
		"Bearer ":                    401,
		"Basic abc":                  401,
	} {
		status, header, text := call(t, server, "GET", "/connectors", "", "Authorization", authorization)
		if status != want || status == 401 && (text != "User cannot access the resource." || header.Get("Content-Type") != "text/plain") {
			t.Errorf("%q: %d %s %s, want %d", authorization, status, header.Get("Content-Type"), text, want)
		}
	}
	must(t, server, 200, "OPTIONS", "/connectors", "", "Origin", "http://ui", "Access-Control-Request-Method", "GET")
	must(t, server, 401, "OPTIONS", "/connectors", "")
	for _, bad := range []string{"", "# nobody", "anna", "=x"} {
		if _, err := control.ReadAuth(strings.NewReader(bad)); err == nil {
			t.Errorf("%q lets somebody in", bad)
		}
	}
}

func TestServer_AnswersBrowsersAsConnectDoes(t *testing.T) {
	t.Parallel()
	server, _, _ := with(t, func(o *control.Options) {
		o.Settings = settings(t, "access.control.allow.origin", "http://ui.example.org, http://b", "access.control.allow.methods", "GET,POST,PUT",
			"response.http.headers.config", `add X-Frame-Options: DENY, "set Cache-Control: no-cache, no-store",setDate Expires: 0`)
	})
	for _, c := range []struct {
		method, path string
		sent         []string
		want         map[string]string
	}{
		{"GET", "/connectors", []string{"Origin", "http://ui.example.org"}, map[string]string{
			"Vary": "Origin", "Access-Control-Allow-Origin": "http://ui.example.org", "Access-Control-Allow-Methods": "",
			"X-Frame-Options": "DENY", "Cache-Control": "no-cache, no-store", "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
		}},
		{"GET", "/nowhere", []string{"Origin", "http://b"}, map[string]string{"Vary": "Origin", "Access-Control-Allow-Origin": "http://b", "Content-Type": ""}},
		{"GET", "/connectors", []string{"Origin", "http://other.org"}, map[string]string{"Vary": "Origin", "Access-Control-Allow-Origin": ""}},
		{"OPTIONS", "/connectors", []string{"Origin", "http://b", "Access-Control-Request-Method", "DELETE"}, map[string]string{
			"Access-Control-Allow-Origin": "http://b", "Access-Control-Allow-Methods": "GET,POST,PUT", "Access-Control-Allow-Headers": "Content-Type",
			"Access-Control-Max-Age": "60", "Content-Type": "text/plain", "Allow": "HEAD,POST,GET,OPTIONS",
		}},
		{"OPTIONS", "/connectors", []string{"Origin", "http://other.org", "Access-Control-Request-Method", "GET"}, map[string]string{"Access-Control-Allow-Methods": ""}},
		{"GET", "/connectors/a%2Fb", []string{"Origin", "http://b"}, map[string]string{"Vary": "", "X-Frame-Options": ""}},
	} {
		_, header, _ := call(t, server, c.method, c.path, "", c.sent...)
		for name, want := range c.want {
			if got := header.Get(name); got != want {
				t.Errorf("%s %s %q: %s is %q, want %q", c.method, c.path, c.sent, name, got, want)
			}
		}
	}
	plain, _, _ := still(t)
	if _, header, _ := call(t, plain, "GET", "/connectors", "", "Origin", "http://b"); header.Get("Vary") != "" {
		t.Errorf("without settings: %v", header)
	}
	for _, bad := range []string{"drop X: y", "set X", "set : y", "setDate X: tomorrow"} {
		if _, err := control.ParseSettings(map[string]string{"response.http.headers.config": bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestServer_LeavesOutWhatIsSwitchedOff(t *testing.T) {
	t.Parallel()
	server, _, _ := with(t, func(o *control.Options) {
		o.Settings = settings(t, "topic.tracking.enable", "false", "admin.listeners", "")
	})
	for _, c := range [][2]string{{"GET", "/topics"}, {"PUT", "/topics/reset"}} {
		if text := must(t, server, 403, c[0], "/connectors/c"+c[1], ""); !strings.Contains(text, "Topic tracking is disabled.") {
			t.Error(text)
		}
	}
	must(t, server, 404, "GET", "/admin/loggers", "")
	server, _, _ = with(t, func(o *control.Options) { o.Settings = settings(t, "topic.tracking.allow.reset", "false") })
	must(t, server, 200, "GET", "/connectors/c/topics", "")
	if text := must(t, server, 403, "PUT", "/connectors/c/topics/reset", ""); !strings.Contains(text, "Topic tracking reset is disabled.") {
		t.Error(text)
	}
}

func TestServer_AdmitsWhatCanBeRun(t *testing.T) {
	t.Parallel()
	server, _, _ := with(t, func(o *control.Options) { o.Admit = onlyNamed("c") })
	must(t, server, 201, "POST", "/connectors", source)
	for _, refused := range [][3]string{
		{"POST", "/connectors", strings.Replace(source, `"c"`, `"d"`, 1)},
		{"PUT", "/connectors/d/config", `{"connector.class": "FileStreamSource", "topic": "t"}`},
	} {
		if text := must(t, server, 400, refused[0], refused[1], refused[2]); !strings.Contains(text, "cannot be run here") {
			t.Error(text)
		}
	}
	must(t, server, 404, "GET", "/connectors/d", "")
}

func TestServer_DryRunsProduceNothing(t *testing.T) {
	t.Parallel()
	server, w, _ := still(t)
	lines := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(lines, []byte("one\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]string{
		"connector.class": "FileStreamSource", "file": lines, "topic": "t", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
		"transforms": "route", "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.route.regex": ".*", "transforms.route.replacement": "u",
	})
	if err != nil {
		t.Fatal(err)
	}
	must(t, server, 201, "POST", "/connectors", `{"name": "c", "initial_state": "STOPPED", "config": `+string(config)+`}`)
	must(t, server, 409, "POST", "/connectors/c/run", "")
	must(t, server, 400, "POST", "/connectors/c/run?dry_run=true&records=no", "")
	text := must(t, server, 200, "POST", "/connectors/c/run?dry_run=true&records=2", "")
	var got struct {
		Records []struct {
			Topic  string
			Value  struct{ Text string }
			Offset struct{ Position int } `json:"source_offset"`
		}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Records) != 2 || got.Records[1].Topic != "u" || got.Records[1].Value.Text != "two" || got.Records[1].Offset.Position != 8 {
		t.Errorf("it would produce %s", text)
	}
	if offsets := must(t, server, 200, "GET", "/connectors/c/offsets", ""); offsets != `{"offsets":[]}` {
		t.Errorf("a dry run left %s", offsets)
	}
	if tasks, err := w.store.Tasks(t.Context(), "c"); err != nil || len(tasks) != 0 {
		t.Errorf("a dry run left tasks %v, %v", tasks, err)
	}
	must(t, server, 204, "DELETE", "/connectors/c", "")
	must(t, server, 201, "POST", "/connectors", sink)
	must(t, server, 400, "POST", "/connectors/c/run", "")
	must(t, server, 404, "POST", "/connectors/none/run", "")
}

func TestServer_FollowsTopicsOfAPattern(t *testing.T) {
	t.Parallel()
	var s *control.Server
	w, g := stillWorld(t, "127.0.0.1:1"), newGroups()
	s = control.New(w.options(g))
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	must(t, server, 201, "POST", "/connectors", strings.Replace(sink, `"topics": "t"`, `"topics.regex": "[tv]"`, 1))
	see := func(want ...string) {
		t.Helper()
		c, _, err := w.store.Look(t.Context(), "c", 0)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, control.Topics(c)); diff != "" {
			t.Errorf("it reads (-want +got):\n%s", diff)
		}
		for _, topic := range want {
			if group := control.Group(c, topic); group != "connect-c."+topic {
				t.Errorf("it reads %s in group %s", topic, group)
			}
		}
	}
	see("t")
	g.more = []string{"v", "vv"}
	if some, err := s.Follow(t.Context()); err != nil || !some {
		t.Error(some, err)
	}
	see("t", "v")
	g.more = nil
	must(t, server, 202, "PUT", "/connectors/c/pause", "")
	if some, err := s.Follow(t.Context()); err != nil || !some {
		t.Error(some, err)
	}
	see("t", "v")
	must(t, server, 202, "PUT", "/connectors/c/resume", "")
	see("t")
	must(t, server, 204, "DELETE", "/connectors/c", "")
	if some, err := s.Follow(t.Context()); err != nil || some {
		t.Error(some, err)
	}
}

func TestServer_CarriesOffsetsToTheGroupsOfMoreTopics(t *testing.T) {
	t.Parallel()
	server, _, g := still(t)
	must(t, server, 201, "POST", "/connectors", sink)
	g.offsets["connect-c"] = map[kafka.TopicPartition]int64{{Topic: "t"}: 7, {Topic: "t", Partition: 1}: 8, {Topic: "z"}: 9}
	must(t, server, 200, "PATCH", "/connectors/c/config", `{"topics": "t,u"}`)
	if diff := cmp.Diff(map[kafka.TopicPartition]int64{{Topic: "t"}: 7, {Topic: "t", Partition: 1}: 8}, g.offsets["connect-c.t"]); diff != "" {
		t.Errorf("the group of one of two topics (-want +got):\n%s", diff)
	}
	g.offsets["connect-c.t"][kafka.TopicPartition{Topic: "t"}] = 70
	must(t, server, 200, "PATCH", "/connectors/c/config", `{"topics": "t"}`)
	if got := g.offsets["connect-c"][kafka.TopicPartition{Topic: "t"}]; got != 70 {
		t.Errorf("back at one topic it goes on at %d", got)
	}
}

func TestServer_RefusesWhatWorkersAskEachOther(t *testing.T) {
	t.Parallel()
	server, _, _ := still(t)
	signed := []string{"X-Connect-Authorization", "c2lnbmVk", "X-Connect-Request-Signature-Algorithm", "HmacSHA256"}
	for range 2 { // before and after the connector exists
		must(t, server, 400, "POST", "/connectors/c/tasks", "[]")
		must(t, server, 403, "POST", "/connectors/c/tasks", "[]", signed...)
		must(t, server, 500, "POST", "/connectors/c/tasks", "")
		must(t, server, 400, "PUT", "/connectors/c/fence", "")
		must(t, server, 403, "PUT", "/connectors/c/fence", "", signed...)
		call(t, server, "POST", "/connectors", source)
	}
}
