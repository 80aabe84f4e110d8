package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/sluice-connect/sluice/local/broker"
)

// brokers are a real Kafka where there is one, or else the desk's.
func brokers(t *testing.T) string {
	t.Helper()
	if real := os.Getenv("SLUICE_TEST_KAFKA"); real != "" {
		return real
	}
	return embedded(t)
}

// embedded is a broker of the desk's.
func embedded(t *testing.T) string {
	t.Helper()
	b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b.Addr()
}

// synth makes the app's template out of connector files, for functions of this machine's architecture, with more of the
// context that -c sets: names and values by turns.
func synth(t *testing.T, files map[string]string, more ...string) string {
	t.Helper()
	connectors, out := t.TempDir(), t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(connectors, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"connectors": connectors, "functions": filepath.Join(root, ".build/lambda"), "arch": architecture(), "rest": "file", "retain": "false", "stack": "Sluice",
	}
	for i := 0; i < len(more); i += 2 {
		values[more[i]] = more[i+1]
	}
	context, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, ".build/sluice-infra"))
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "CDK_OUTDIR="+out, "CDK_CONTEXT_JSON="+string(context), "CDK_VALIDATION=false", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("synthesising: %v\n%s", err, said)
	}
	text, err := os.ReadFile(filepath.Join(out, values["stack"]+".template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct{ Parameters, Resources map[string]json.RawMessage }
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	t.Logf("synth took %.1f s; the template of %d connectors has %d bytes, %d parameters and %d resources",
		time.Since(began).Seconds(), len(files), len(text), len(template.Parameters), len(template.Resources))
	for _, id := range []string{"DemoSource", "DemoSink", "Lake"} {
		n := 0
		for name := range template.Resources {
			if strings.HasPrefix(name, id) {
				n++
			}
		}
		t.Logf("connector %s has %d of the resources", id, n)
	}
	return out
}

func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// lake has one file open for ever, but for the clock.
const lake = `{"name": "lake", "config": {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": "late", "s3.bucket.name": "lake",
	"s3.region": "us-east-1", "format.class": "io.confluent.connect.s3.format.json.JsonFormat", "flush.size": "1000000",
	"rotate.schedule.interval.ms": "1000", "timezone": "UTC", "value.converter.schemas.enable": "false"}}`

const late = `{"name": "late-source", "config": {"connector.class": "DatagenConnector", "kafka.topic": "late", "quickstart": "users", "max.interval": "100", "tasks.max": 2,
	"producer.override.client.id": "${secretsManager:late:id}", "producer.override.acks": "${ssm:/late/acks}"}}`

func shipped(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"demo-source.json", "demo-sink.json"} {
		text, err := os.ReadFile(filepath.Join("../../infra/connectors", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}

func TestStack_FromDeployToDestroy(t *testing.T) {
	needsAWS(t)
	t.Parallel()
	kafka := brokers(t)
	first := synth(t, shipped(t))
	more := shipped(t)
	more["late-source.json"], more["lake.json"] = late, lake
	second := synth(t, more)
	a := newAccount(t)
	if out, err := a.run("bootstrap", "aws://123456789012/"+region); err != nil {
		t.Fatalf("bootstrapping: %v\n%s", err, out)
	}
	a.mustDeploy(first, "KafkaBrokers="+kafka)
	a.poll()

	a.recordsArrive()
	a.staysPaused(first)
	a.refusesBadConfiguration(first)
	a.runsWhatRestCreates(t)
	a.followsPatterns(t)
	a.stopsWhatGaveUp(t)
	known := roles{}
	a.noteRoles(known)
	a.followsFiles(first, second, known)
	a.leavesNothing(first)
	a.onlyWhatRolesAllow(known)
}

// recordsArrive: the schedule fires, the source produces, and the sink prints what the poller hands it.
func (a *account) recordsArrive() {
	a.until("a hundred records came through", func() error {
		if n := a.logged("DemoSink", `"orderid"`); n < 100 {
			return fmt.Errorf("the sink printed %d", n)
		}
		return nil
	})
	if text := a.want(http.StatusOK, "GET", "/connectors", ""); text != `["demo-sink","demo-source"]` {
		a.t.Errorf("the connectors are %s", text)
	}
	a.state("demo-source", "RUNNING")
}

// state waits until a connector and its tasks are in a state.
func (a *account) state(name, state string) {
	a.t.Helper()
	a.until(name+" is "+state, func() error {
		var status struct {
			Connector struct{ State string }
			Tasks     []struct{ State string }
		}
		text := a.want(http.StatusOK, "GET", "/connectors/"+name+"/status", "")
		if err := json.Unmarshal([]byte(text), &status); err != nil {
			return err
		}
		if status.Connector.State != state || len(status.Tasks) == 0 || status.Tasks[0].State != state {
			return errors.New(text)
		}
		return nil
	})
}

func (a *account) mappingState(topic string) string {
	a.t.Helper()
	for _, m := range a.mappings() {
		if m.Topics[0] == topic {
			return *m.State
		}
	}
	return "gone"
}

// staysPaused: a deployment that changes the configuration leaves alone what REST paused.
func (a *account) staysPaused(assembly string) {
	a.want(http.StatusAccepted, "PUT", "/connectors/demo-sink/pause", "")
	a.state("demo-sink", "PAUSED")
	if state := a.mappingState("demo"); state != "Disabled" {
		a.t.Errorf("the mapping of a paused sink is %s", state)
	}
	a.mustDeploy(assembly, `DemoSinkConfig={"errors.tolerance":"all"}`, "DemoSinkBatchSize=50")
	a.state("demo-sink", "PAUSED")
	if state := a.mappingState("demo"); state != "Disabled" {
		a.t.Errorf("after a deployment the mapping of a paused sink is %s", state)
	}
	if text := a.want(http.StatusOK, "GET", "/connectors/demo-sink/config", ""); !strings.Contains(text, `"errors.tolerance":"all"`) {
		a.t.Errorf("the parameter changed nothing: %s", text)
	}
	for _, m := range a.mappings() {
		if m.Topics[0] == "demo" && *m.BatchSize != 50 {
			a.t.Errorf("the batch size is %d", *m.BatchSize)
		}
	}
	a.want(http.StatusAccepted, "PUT", "/connectors/demo-sink/resume", "")
	a.state("demo-sink", "RUNNING")
	before := a.logged("DemoSink", `"orderid"`)
	a.until("the sink goes on", func() error {
		if a.logged("DemoSink", `"orderid"`) == before {
			return errors.New("it prints nothing more")
		}
		return nil
	})
}

// refusesBadConfiguration: the deployment fails with Connect's message, and what ran runs.
func (a *account) refusesBadConfiguration(assembly string) {
	before := a.want(http.StatusOK, "GET", "/connectors/demo-source/config", "")
	// REST changed it since the deployment; a rollback is no reason to undo that.
	a.want(http.StatusOK, "PATCH", "/connectors/demo-source/config", `{"max.interval": "300"}`)
	changed := a.want(http.StatusOK, "GET", "/connectors/demo-source/config", "")
	if changed == before {
		a.t.Errorf("REST changed nothing: %s", changed)
	}
	for parameter, want := range map[string][]string{
		`DemoSourceConfig={"max.interval":"often"}`: {"Connector configuration is invalid and contains the following", "max.interval"},
		// What its function was not built for, by its own settings and by the worker's.
		`DemoSinkConfig={"value.converter":"io.confluent.connect.avro.AvroConverter"}`: {"-c registry=true"},
		`WorkerConfig={"key.converter":"AWSKafkaAvroConverter"}`:                       {"-c registry=true"},
		// With which not even the control function starts.
		`WorkerConfig={"offset.flush.interval.ms":"soon"}`: {"offset.flush.interval.ms"},
	} {
		out, err := a.deploy(assembly, parameter)
		for _, text := range want {
			if err == nil || !strings.Contains(out, text) {
				a.t.Errorf("%s: %v\n%s", parameter, err, out)
			}
		}
		if now := a.want(http.StatusOK, "GET", "/connectors/demo-source/config", ""); now != changed {
			a.t.Errorf("a deployment that failed left %s, want %s", now, changed)
		}
	}
	a.mustDeploy(assembly, `DemoSourceConfig={}`, "DemoSinkConfig={}", "WorkerConfig={}")
	a.state("demo-source", "RUNNING")
}

// runsWhatRestCreates: connectors of shared functions, made, paused and deleted through the deployed URL.
func (a *account) runsWhatRestCreates(t *testing.T) {
	dir := t.TempDir()
	lines, out := filepath.Join(dir, "lines"), filepath.Join(dir, "out")
	if err := os.WriteFile(lines, []byte("one\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.want(http.StatusCreated, "POST", "/connectors", fmt.Sprintf(`{"name": "rest source", "config": {"connector.class": "FileStreamSource", "file": %q, "topic": "rest",
		"value.converter": "org.apache.kafka.connect.storage.StringConverter"}}`, lines))
	sink := fmt.Sprintf(`{"connector.class": "FileStreamSink", "file": %q, "topics": "rest", "value.converter": "org.apache.kafka.connect.storage.StringConverter"}`, out)
	a.want(http.StatusCreated, "PUT", "/connectors/rest.sink/config", sink)
	if text := a.want(http.StatusBadRequest, "PUT", "/connectors/%C3%BCber/config", sink); !strings.Contains(text, "letters, digits") {
		t.Errorf("a sink that AWS cannot name: %s", text)
	}
	if text := a.want(http.StatusBadRequest, "PUT", "/connectors/other/config", `{"connector.class": "DatagenConnector", "kafka.topic": "t", "quickstart": "users"}`); !strings.Contains(text, "-c rest=") {
		t.Errorf("a class that is not shared: %s", text)
	}
	a.holds(out, "one\ntwo\n")
	a.want(http.StatusAccepted, "PUT", "/connectors/rest%20source/pause", "")
	a.state("rest%20source", "PAUSED")
	a.want(http.StatusAccepted, "PUT", "/connectors/rest%20source/resume", "")
	f, err := os.OpenFile(lines, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("three\n"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	a.holds(out, "one\ntwo\nthree\n")
	a.want(http.StatusNoContent, "DELETE", "/connectors/rest.sink", "")
	if state := a.mappingState("rest"); state != "gone" && state != "Deleting" {
		t.Errorf("the mapping of a deleted sink is %s", state)
	}
}

// followsPatterns: a sink that reads the topics of a pattern, one of which is made later. A schedule looks for them as long
// as the sink is there.
func (a *account) followsPatterns(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	a.want(http.StatusCreated, "PUT", "/connectors/all/config", fmt.Sprintf(`{"connector.class": "FileStreamSink", "file": %q, "topics.regex": "later.*",
		"value.converter": "org.apache.kafka.connect.storage.StringConverter"}`, out))
	if names := a.scheduled(); !slices.Contains(names, "control.topics") {
		t.Errorf("nothing looks for topics: %q", names)
	}
	lines := filepath.Join(dir, "lines")
	if err := os.WriteFile(lines, []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.want(http.StatusCreated, "PUT", "/connectors/later/config", fmt.Sprintf(`{"connector.class": "FileStreamSource", "file": %q, "topic": "later-1",
		"value.converter": "org.apache.kafka.connect.storage.StringConverter"}`, lines))
	a.holds(out, "one\n")
	for _, name := range []string{"all", "later"} {
		a.want(http.StatusNoContent, "DELETE", "/connectors/"+name, "")
	}
	a.until("nothing looks for topics any more", func() error {
		if names := a.scheduled(); slices.Contains(names, "control.topics") {
			return fmt.Errorf("there are %q", names)
		}
		return nil
	})
}

// stopsWhatGaveUp: a sink that fails too often has its mapping disabled, and a restart enables it.
func (a *account) stopsWhatGaveUp(t *testing.T) {
	// A full disk, until somebody makes room.
	out := filepath.Join(t.TempDir(), "out")
	if err := os.Symlink("/dev/full", out); err != nil {
		t.Fatal(err)
	}
	a.want(http.StatusCreated, "PUT", "/connectors/failing/config", fmt.Sprintf(`{"connector.class": "FileStreamSink", "file": %q, "topics": "rest",
		"value.converter": "org.apache.kafka.connect.storage.StringConverter", "sluice.restart.max.attempts": "2", "sluice.restart.backoff.ms": "1",
		"sluice.restart.backoff.max.ms": "1"}`, out))
	a.until("the mapping is disabled", func() error {
		if state := a.mappingState("rest"); state != "Disabled" {
			return fmt.Errorf("it is %s: %s", state, a.want(http.StatusOK, "GET", "/connectors/failing/status", ""))
		}
		return nil
	})
	if text := a.want(http.StatusOK, "GET", "/connectors/failing/health", ""); strings.Contains(text, `"halted":null`) {
		t.Errorf("its health does not say so: %s", text)
	}
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	a.want(http.StatusAccepted, "POST", "/connectors/failing/restart?includeTasks=true", "")
	if state := a.mappingState("rest"); state != "Enabled" {
		t.Errorf("after a restart the mapping is %s", state)
	}
	a.holds(out, "one\ntwo\nthree\n")
	a.want(http.StatusNoContent, "DELETE", "/connectors/failing", "")
}

// scheduled are the names of all schedules.
func (a *account) scheduled() []string {
	a.t.Helper()
	out, err := a.schedules.ListSchedules(context.WithoutCancel(a.t.Context()), &scheduler.ListSchedulesInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	names := make([]string, len(out.Schedules))
	for i, s := range out.Schedules {
		names[i] = *s.Name
	}
	return names
}

func (a *account) holds(path, want string) {
	a.t.Helper()
	a.until(path+" holds what came", func() error {
		text, err := os.ReadFile(path)
		if err == nil && string(text) != want {
			err = fmt.Errorf("it holds %q, want %q", text, want)
		}
		return err
	})
}

// followsFiles: a connector file more, and again one less.
func (a *account) followsFiles(first, second string, known roles) {
	json := map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.CreateSecret"}
	a.ask("secretsmanager", json, `{"Name": "late", "SecretString": "{\"id\": \"late-1\"}"}`)
	json["X-Amz-Target"] = "AmazonSSM.PutParameter"
	a.ask("ssm", json, `{"Name": "/late/acks", "Value": "all", "Type": "String"}`)
	if _, err := a.buckets.CreateBucket(a.t.Context(), &s3.CreateBucketInput{Bucket: new("lake")}); err != nil {
		a.t.Fatal(err)
	}
	a.mustDeploy(second)
	a.noteRoles(known)
	a.state("late-source", "RUNNING")
	a.until("the clock completes an object", func() error {
		out, err := a.buckets.ListObjectsV2(a.t.Context(), &s3.ListObjectsV2Input{Bucket: new("lake"), Prefix: new("topics/late/")})
		if err == nil && len(out.Contents) == 0 {
			err = errors.New(a.want(http.StatusOK, "GET", "/connectors/lake/status", ""))
		}
		return err
	})
	a.mustDeploy(first)
	if text := a.want(http.StatusOK, "GET", "/connectors", ""); text != `["demo-sink","demo-source","rest source"]` {
		a.t.Errorf("after its file was deleted the connectors are %s", text)
	}
	functions, err := a.lambda.ListFunctions(a.t.Context(), &lambda.ListFunctionsInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, f := range functions.Functions {
		if strings.Contains(*f.FunctionName, "LateSource") {
			a.t.Errorf("the function of a deleted file is still there: %s", *f.FunctionName)
		}
	}
}

// leavesNothing: destroying the stack removes what it made, and what REST made.
func (a *account) leavesNothing(assembly string) {
	if out, err := a.run("destroy", a.stack, "--app", assembly, "--force"); err != nil {
		a.t.Fatalf("destroying: %v\n%s", err, out)
	}
	ctx := context.WithoutCancel(a.t.Context())
	if left := a.mappings(); len(left) > 0 {
		a.t.Errorf("%d mappings are left", len(left))
	}
	if left := a.scheduled(); len(left) > 0 {
		a.t.Errorf("schedules are left: %q", left)
	}
	groups, err := a.schedules.ListScheduleGroups(ctx, &scheduler.ListScheduleGroupsInput{})
	if err != nil || len(groups.ScheduleGroups) > 1 { // the default one stays
		a.t.Errorf("schedule groups are left: %v, %v", groups, err)
	}
	functions, err := a.lambda.ListFunctions(ctx, &lambda.ListFunctionsInput{})
	if err != nil || len(functions.Functions) > 0 {
		a.t.Errorf("functions are left: %v, %v", functions, err)
	}
	tables, err := a.tables.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil || len(tables.TableNames) > 0 {
		a.t.Errorf("tables are left: %v, %v", tables, err)
	}
}
