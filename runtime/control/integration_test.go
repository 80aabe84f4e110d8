package control_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestConnect tells Kafka Connect's own integration tests again, as far as they concern what users see; see the package's
// documentation for the table. They run against connectors that really run, one world for each class.
func TestConnect(t *testing.T) {
	t.Parallel()
	for name, class := range map[string]func(*testing.T, *integration){
		"ConnectWorkerIntegrationTest":             connectWorker,
		"ConnectorRestartApiIntegrationTest":       connectorRestart,
		"ConnectorTopicsIntegrationTest":           connectorTopics,
		"OffsetsApiIntegrationTest":                offsetsAPI,
		"ConnectorValidationIntegrationTest":       connectorValidation,
		"FileStreamSourceConnectorIntegrationTest": fileStreamSource,
		"FileStreamSinkConnectorIntegrationTest":   fileStreamSink,
		"StandaloneWorkerIntegrationTest":          standaloneWorker,
		"ConnectorClientPolicyIntegrationTest":     clientPolicy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			class(t, &integration{server: w.serve(t), world: w, dir: t.TempDir()})
		})
	}
}

// integration is a worker with file connectors.
type integration struct {
	server *httptest.Server
	world  *world
	dir    string
}

func (i *integration) path(name string) string { return filepath.Join(i.dir, name) }

func (i *integration) write(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(i.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

const stringConverter = "org.apache.kafka.connect.storage.StringConverter"

// source and sink are configurations; more are names and values in turn.
func (i *integration) source(file, topic string, more ...string) string {
	return i.config(append([]string{"connector.class", "FileStreamSource", "file", i.path(file), "topic", topic, "offset.flush.interval.ms", "100"}, more...))
}

func (i *integration) sink(file, topics string, more ...string) string {
	return i.config(append([]string{"connector.class", "FileStreamSink", "file", i.path(file), "topics", topics}, more...))
}

func (i *integration) config(pairs []string) string {
	config := map[string]string{"key.converter": stringConverter, "value.converter": stringConverter, "tasks.max": "1"}
	for n := 0; n < len(pairs); n += 2 {
		config[pairs[n]] = pairs[n+1]
	}
	text, err := json.Marshal(config)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (i *integration) create(t *testing.T, name, config, more string) {
	t.Helper()
	must(t, i.server, 201, "POST", "/connectors", fmt.Sprintf(`{"name": %q, %s "config": %s}`, name, more, config))
}

// await asks until the answer is as wanted.
func (i *integration) await(t *testing.T, what string, as func() string, want string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		got := as()
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s, want %s", what, got, want)
		}
		select {
		case <-t.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (i *integration) states(t *testing.T, name, want string) {
	t.Helper()
	i.await(t, "the states of "+name, func() string {
		status, _, text := call(t, i.server, "GET", "/connectors/"+name+"/status", "")
		if status != 200 {
			return fmt.Sprint(status)
		}
		return states(t, text)
	}, want)
}

func (i *integration) holds(t *testing.T, file, want string) {
	t.Helper()
	i.await(t, file, func() string {
		text, err := os.ReadFile(i.path(file))
		if err != nil {
			return err.Error()
		}
		return string(text)
	}, want)
}

func (i *integration) offsets(t *testing.T, name, want string) {
	t.Helper()
	i.await(t, "the offsets of "+name, func() string { return must(t, i.server, 200, "GET", "/connectors/"+name+"/offsets", "") }, want)
}

func (i *integration) do(t *testing.T, status int, request string, body ...string) string {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	return must(t, i.server, status, method, path, strings.Join(body, ""))
}

func connectWorker(t *testing.T, i *integration) {
	i.write(t, "in", "one\ntwo\n")
	t.Run("testRestartFailedTask", func(t *testing.T) {
		i.create(t, "restarted", i.config([]string{"connector.class", "FileStreamSource", "file", i.dir, "topic", "a"}), "")
		i.states(t, "restarted", "RUNNING FAILED")
		i.do(t, 200, "PUT /connectors/restarted/config", i.source("in", "a"))
		i.do(t, 204, "POST /connectors/restarted/tasks/0/restart")
		i.states(t, "restarted", "RUNNING RUNNING")
	})
	t.Run("testTaskStatuses", func(t *testing.T) {
		i.create(t, "statuses", i.sink("out", "b"), "")
		for _, n := range []int{1, 5, 3} {
			i.do(t, 200, "PUT /connectors/statuses/config", i.sink("out", "b", "tasks.max", fmt.Sprint(n)))
			i.states(t, "statuses", "RUNNING"+strings.Repeat(" RUNNING", n))
		}
	})
	t.Run("testPauseStopResume", func(t *testing.T) {
		i.create(t, "paused", i.source("in", "a"), "")
		i.states(t, "paused", "RUNNING RUNNING")
		for range 2 {
			i.do(t, 204, "PUT /connectors/paused/stop")
			i.states(t, "paused", "STOPPED")
		}
		if tasks := i.do(t, 200, "GET /connectors/paused/tasks"); tasks != "[]" {
			t.Errorf("stopped, it has tasks %s", tasks)
		}
		for range 2 {
			i.do(t, 202, "PUT /connectors/paused/resume")
			i.states(t, "paused", "RUNNING RUNNING")
		}
		for range 2 {
			i.do(t, 202, "PUT /connectors/paused/pause")
			i.states(t, "paused", "PAUSED PAUSED")
		}
		i.do(t, 204, "PUT /connectors/paused/stop")
		i.do(t, 202, "PUT /connectors/paused/pause")
		i.states(t, "paused", "PAUSED")
		i.do(t, 202, "PUT /connectors/paused/resume")
		i.states(t, "paused", "RUNNING RUNNING")
		i.do(t, 204, "DELETE /connectors/paused")
		i.do(t, 404, "GET /connectors/paused/status")
	})
	t.Run("testCreateConnectorWithPausedInitialState", func(t *testing.T) {
		i.create(t, "initially", i.source("in", "a"), `"initial_state": "PAUSED",`)
		i.states(t, "initially", "PAUSED")
		i.do(t, 202, "PUT /connectors/initially/resume")
		i.states(t, "initially", "RUNNING RUNNING")
	})
	t.Run("testCreateSourceConnectorWithStoppedInitialStateAndModifyOffsets", func(t *testing.T) {
		i.write(t, "modified", "one\ntwo\nthree\n")
		i.create(t, "modified", i.source("modified", "m"), `"initial_state": "STOPPED",`)
		i.states(t, "modified", "STOPPED")
		i.do(t, 200, "PATCH /connectors/modified/offsets", fmt.Sprintf(`{"offsets": [{"partition": {"filename": %q}, "offset": {"position": 8}}]}`, i.path("modified")))
		i.do(t, 202, "PUT /connectors/modified/resume")
		i.create(t, "modified-sink", i.sink("modified-out", "m"), "")
		i.holds(t, "modified-out", "three\n")
	})
	t.Run("testDeleteConnectorCreatedWithPausedOrStoppedInitialState", func(t *testing.T) {
		for _, state := range []string{"PAUSED", "STOPPED"} {
			i.create(t, "never", i.source("in", "a"), fmt.Sprintf(`"initial_state": %q,`, state))
			i.do(t, 204, "DELETE /connectors/never")
			i.do(t, 404, "GET /connectors/never")
		}
	})
	t.Run("testCreateSinkConnectorWithStoppedInitialStateAndModifyOffsets", func(t *testing.T) { sinkFromOffset(t, i) })
	t.Run("testPluginAliases", func(t *testing.T) { pluginAliases(t, i) })
	t.Run("testPatchConnectorConfig", func(t *testing.T) {
		i.create(t, "patched", i.sink("out", "b", "tasks.max", "2", "gone", "soon"), "")
		i.states(t, "patched", "RUNNING RUNNING RUNNING")
		i.do(t, 200, "PATCH /connectors/patched/config", `{"tasks.max": "3", "new": "here", "gone": null}`)
		i.states(t, "patched", "RUNNING RUNNING RUNNING RUNNING")
		var config map[string]string
		if err := json.Unmarshal([]byte(i.do(t, 200, "GET /connectors/patched/config")), &config); err != nil {
			t.Fatal(err)
		}
		if _, there := config["gone"]; there || config["new"] != "here" || config["topics"] != "b" {
			t.Errorf("patched, it is %v", config)
		}
	})
}

func connectorRestart(t *testing.T, i *integration) {
	t.Run("testRestartUnknownConnector", func(t *testing.T) {
		for _, v := range []string{"", "?onlyFailed=true", "?includeTasks=true", "?onlyFailed=true&includeTasks=true", "?onlyFailed=false&includeTasks=false"} {
			i.do(t, 404, "POST /connectors/unknown/restart"+v)
		}
	})
	i.write(t, "in", "one\n")
	i.create(t, "healthy", i.source("in", "a"), "")
	i.create(t, "failing", i.config([]string{"connector.class", "FileStreamSource", "file", i.dir, "topic", "a", "sluice.restart.backoff.ms", "3600000"}), "")
	i.states(t, "healthy", "RUNNING RUNNING")
	i.states(t, "failing", "RUNNING FAILED")
	for _, c := range []struct{ test, connector, variant, answer, after string }{
		{"testRunningConnectorAndTasksRestartOnlyConnector", "healthy", "", "", "RUNNING RUNNING"},
		{"testRunningConnectorAndTasksRestartBothConnectorAndTasks", "healthy", "?includeTasks=true", "RESTARTING RESTARTING", "RUNNING RUNNING"},
		{"testRunningConnectorAndTasksRestartOnlyFailedConnectorNoop", "healthy", "?onlyFailed=true", "RUNNING RUNNING", "RUNNING RUNNING"},
		{"testRunningConnectorAndTasksRestartBothConnectorAndTasksNoop", "healthy", "?onlyFailed=true&includeTasks=true", "RUNNING RUNNING", "RUNNING RUNNING"},
		{"testFailedTasksRestartOnlyConnector", "failing", "", "", "RUNNING FAILED"},
		{"testFailedTasksRestartWithoutIncludeTasksNoop", "failing", "?onlyFailed=true", "RUNNING FAILED", "RUNNING FAILED"},
		{"testFailedTasksRestartOnlyTasks", "failing", "?onlyFailed=true&includeTasks=true", "RUNNING RESTARTING", "RUNNING FAILED"},
		{"testFailedTasksRestartBothConnectorAndTasks", "failing", "?includeTasks=true", "RESTARTING RESTARTING", "RUNNING FAILED"},
	} {
		t.Run(c.test, func(t *testing.T) {
			status := 202
			if c.answer == "" {
				status = 204
			}
			text := i.do(t, status, "POST /connectors/"+c.connector+"/restart"+c.variant)
			if c.answer != "" && states(t, text) != c.answer {
				t.Errorf("answered %s, want %s", text, c.answer)
			}
			i.states(t, c.connector, c.after)
		})
	}
}

func connectorTopics(t *testing.T, i *integration) {
	topics := func(want string) {
		t.Helper()
		i.await(t, "active topics", func() string { return i.do(t, 200, "GET /connectors/c/topics") }, `{"c":{"topics":[`+want+`]}}`)
	}
	topics("") // of a connector that is not there
	i.write(t, "in", "one\n")
	i.create(t, "c", i.source("in", "a"), "")
	topics(`"a"`)
	i.do(t, 200, "PUT /connectors/c/config", i.source("in", "b"))
	i.write(t, "in", "two\n")
	topics(`"a","b"`)
	i.do(t, 202, "PUT /connectors/c/topics/reset")
	i.write(t, "in", "three\n")
	topics(`"b"`)
	i.do(t, 204, "DELETE /connectors/c")
	topics("")
}

func offsetsAPI(t *testing.T, i *integration) {
	t.Run("testGetNonExistentConnectorOffsets", func(t *testing.T) { i.do(t, 404, "GET /connectors/none/offsets") })
	t.Run("testAlterOffsetsNonExistentConnector", func(t *testing.T) {
		i.do(t, 404, "PATCH /connectors/none/offsets", `{"offsets": [{"partition": {"a": "b"}, "offset": {"c": 1}}]}`)
	})
	i.write(t, "in", "one\ntwo\n")
	i.create(t, "c", i.source("in", "a"), "")
	at := func(position int) string {
		return fmt.Sprintf(`{"offsets":[{"partition":{"filename":%q},"offset":{"position":%d}}]}`, i.path("in"), position)
	}
	t.Run("testGetSourceConnectorOffsets", func(t *testing.T) {
		i.offsets(t, "c", at(8))
		i.write(t, "in", "three\n")
		i.offsets(t, "c", at(14))
	})
	t.Run("testAlterOffsetsNonStoppedConnector", func(t *testing.T) {
		i.do(t, 400, "PATCH /connectors/c/offsets", at(4))
		i.do(t, 202, "PUT /connectors/c/pause")
		i.do(t, 400, "PATCH /connectors/c/offsets", at(4))
	})
	i.do(t, 204, "PUT /connectors/c/stop")
	t.Run("testAlterSourceConnectorOffsetsInvalidRequestBody", func(t *testing.T) {
		for body, status := range map[string]int{
			`[]`: 500, `{}`: 400, `{"key": []}`: 500, `{"offsets": []}`: 400, `{"offsets": {}}`: 500, `{"offsets": [123]}`: 500,
			`{"offsets": [{"key": "val"}]}`: 500, `{"offsets": [{"partition": []}]}`: 500,
		} {
			i.do(t, status, "PATCH /connectors/c/offsets", body)
		}
	})
	t.Run("testAlterSourceConnectorOffsets", func(t *testing.T) {
		i.do(t, 200, "PATCH /connectors/c/offsets", at(8))
		i.offsets(t, "c", at(8))
	})
	t.Run("testResetSourceConnectorOffsets", func(t *testing.T) {
		for range 2 {
			i.do(t, 200, "DELETE /connectors/c/offsets")
			i.offsets(t, "c", `{"offsets":[]}`)
		}
		i.do(t, 202, "PUT /connectors/c/resume")
		i.offsets(t, "c", at(14))
	})
	i.create(t, "k", i.sink("out", "a"), "")
	group := func(position int) string {
		return fmt.Sprintf(`{"offsets":[{"partition":{"kafka_partition":0,"kafka_topic":"a"},"offset":{"kafka_offset":%d}}]}`, position)
	}
	t.Run("testGetSinkConnectorOffsets", func(t *testing.T) { i.offsets(t, "k", group(6)) })
	t.Run("testAlterSinkConnectorOffsets", func(t *testing.T) {
		i.do(t, 400, "PATCH /connectors/k/offsets", group(1))
		i.do(t, 204, "PUT /connectors/k/stop")
		i.states(t, "k", "STOPPED")
		for body, status := range map[string]int{
			`{}`: 400, `{"offsets":[]}`: 400, `{"offsets":[{}]}`: 400, `{"offsets":[{"partition":null,"offset":null}]}`: 400,
			`{"offsets":[{"partition":{},"offset":null}]}`: 400, `{"offsets":[{"partition":{"kafka_topic":"a","kafka_partition":"x"},"offset":null}]}`: 400,
			`{"offsets":[{"partition":{"kafka_topic":"a","kafka_partition":0},"offset":{}}]}`:                   400,
			`{"offsets":[{"partition":{"kafka_topic":"a","kafka_partition":0},"offset":{"kafka_offset":"x"}}]}`: 400,
		} {
			i.do(t, status, "PATCH /connectors/k/offsets", body)
		}
		i.do(t, 200, "PATCH /connectors/k/offsets", group(5))
		i.offsets(t, "k", group(5))
	})
	t.Run("testResetSinkConnectorOffsets", func(t *testing.T) {
		for range 2 {
			i.do(t, 200, "DELETE /connectors/k/offsets")
			i.offsets(t, "k", `{"offsets":[]}`)
		}
	})
}

func connectorValidation(t *testing.T, i *integration) {
	for _, c := range []struct {
		test   string
		errors int
		config string
	}{
		{"testConnectorHasNeitherTopicsListNorTopicsRegex", 2, i.sink("o", "")},
		{"testConnectorHasBothTopicsListAndTopicsRegex", 2, i.sink("o", "a", "topics.regex", "b")},
		{"testDeadLetterQueueTopicInTopicsList", 1, i.sink("o", "a,d", "errors.deadletterqueue.topic.name", "d")},
		{"testDeadLetterQueueTopicMatchesTopicsRegex", 1, i.sink("o", "", "topics.regex", "d.*", "errors.deadletterqueue.topic.name", "dead")},
		{"testConnectorHasDuplicatePredicates", 1, i.sink("o", "a", "predicates", "p,p", "predicates.p.type", "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone")},
		{"testConnectorHasMissingPredicateClass", 1, i.sink("o", "a", "predicates", "p")},
		{"testConnectorHasInvalidPredicateClass", 1, i.sink("o", "a", "predicates", "p", "predicates.p.type", stringConverter)},
		{"testConnectorHasDuplicateTransformations", 1, i.sink("o", "a", "transforms", "t,t", "transforms.t.type", "org.apache.kafka.connect.transforms.Filter")},
		{"testConnectorHasMissingTransformClass", 1, i.sink("o", "a", "transforms", "t")},
		{"testConnectorHasInvalidTransformClass", 1, i.sink("o", "a", "transforms", "t", "transforms.t.type", stringConverter)},
		{"testConnectorHasNegationForUndefinedPredicate", 1, i.sink("o", "a", "transforms", "t", "transforms.t.type", "org.apache.kafka.connect.transforms.Filter", "transforms.t.negate", "true")},
		{"testConnectorHasMissingConverterClass", 1, i.sink("o", "a", "key.converter", "no.Such")},
		{"testConnectorHasDuplicateTopicCreationGroups", 1, i.source("i", "a", "topic.creation.groups", "g,g", "topic.creation.default.partitions", "1", "topic.creation.default.replication.factor", "1")},
	} {
		t.Run(c.test, func(t *testing.T) {
			kind := "FileStreamSink"
			if strings.Contains(c.config, "FileStreamSource") {
				kind = "FileStreamSource"
			}
			if got := errorsOf(t, i.server, kind, c.config); got != c.errors {
				t.Errorf("%d errors, want %d", got, c.errors)
			}
		})
	}
	badConverters(t, i, "key.converter")
	badConverters(t, i, "header.converter")
}

func fileStreamSource(t *testing.T, i *integration) {
	i.write(t, "in", "one\ntwo\nthree\n")
	i.create(t, "to", i.sink("out", "a"), "")
	i.create(t, "c", i.source("in", "a"), "")
	lines := "one\ntwo\nthree\n"
	t.Run("testSimpleSource", func(t *testing.T) { i.holds(t, "out", lines) })
	stop := func(t *testing.T) {
		i.do(t, 204, "PUT /connectors/c/stop")
		i.states(t, "c", "STOPPED")
	}
	t.Run("testStopResumeSavedOffset", func(t *testing.T) {
		stop(t)
		i.write(t, "in", "four\n")
		i.do(t, 202, "PUT /connectors/c/resume")
		lines += "four\n"
		i.holds(t, "out", lines)
	})
	t.Run("testAlterOffsets", func(t *testing.T) {
		stop(t)
		i.do(t, 200, "PATCH /connectors/c/offsets", fmt.Sprintf(`{"offsets": [{"partition": {"filename": %q}, "offset": {"position": 14}}]}`, i.path("in")))
		i.do(t, 202, "PUT /connectors/c/resume")
		lines += "four\n"
		i.holds(t, "out", lines)
	})
	t.Run("testResetOffsets", func(t *testing.T) {
		stop(t)
		i.do(t, 200, "DELETE /connectors/c/offsets")
		i.do(t, 202, "PUT /connectors/c/resume")
		lines += "one\ntwo\nthree\nfour\n"
		i.holds(t, "out", lines)
	})
}

func fileStreamSink(t *testing.T, i *integration) {
	i.write(t, "in", "one\ntwo\nthree\n")
	i.create(t, "from", i.source("in", "a"), "")
	i.create(t, "k", i.sink("out", "a", "tasks.max", "2"), "")
	lines := "one\ntwo\nthree\n"
	t.Run("testSimpleSink", func(t *testing.T) { i.holds(t, "out", lines) })
	stop := func(t *testing.T) {
		i.do(t, 204, "PUT /connectors/k/stop")
		i.states(t, "k", "STOPPED")
	}
	t.Run("testAlterOffsets", func(t *testing.T) {
		stop(t)
		i.do(t, 200, "PATCH /connectors/k/offsets", `{"offsets": [{"partition": {"kafka_topic": "a", "kafka_partition": 0}, "offset": {"kafka_offset": 2}}]}`)
		i.do(t, 202, "PUT /connectors/k/resume")
		lines += "three\n"
		i.holds(t, "out", lines)
	})
	t.Run("testResetOffsets", func(t *testing.T) {
		stop(t)
		i.do(t, 200, "DELETE /connectors/k/offsets")
		i.do(t, 202, "PUT /connectors/k/resume")
		lines += "one\ntwo\nthree\n"
		i.holds(t, "out", lines)
	})
}
