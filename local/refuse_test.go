package main_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// What cannot work ends at once, with one line that says why.
func TestUp_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // parallel subtests outlive this function
	shut, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shut.Close() // nobody listens there now

	dir := t.TempDir()
	file := func(name, content string) []string { return free(write(t, dir, name, content)) }
	worker := func(name, content string) []string { return free("--worker", write(t, dir, name, content)) }
	good := source(t, dir, "good", filepath.Join(dir, "in"), "t")
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"Kafka's port in use": {[]string{"--kafka", taken.Addr().String(), "--rest", "127.0.0.1:0"}, []string{taken.Addr().String(), "in use"}},
		"REST's port in use":  {[]string{"--kafka", "127.0.0.1:0", "--rest", taken.Addr().String()}, []string{taken.Addr().String(), "in use", "--rest"}},

		"REST open to all":  {[]string{"--kafka", "127.0.0.1:0", "--rest", "0.0.0.0:0"}, []string{"--rest 0.0.0.0:0", "--rest-users", "--insecure"}},
		"REST open to many": {[]string{"--kafka", "127.0.0.1:0", "--rest", ":0"}, []string{"--rest :0", "others could reach it"}},
		"nobody may":        {free("--rest-users", write(t, dir, "nobody", "# nobody\n")), []string{"nobody", "there are none"}},

		"no such file":       {free("none.json"), []string{"none.json: no such file"}},
		"broken JSON":        {file("broken.json", `{"name": "x", `), []string{"broken.json", "not a JSON object"}},
		"broken properties":  {file("broken.properties", `name=\u00`), []string{"broken.properties", "not a properties file"}},
		"a list as setting":  {file("list.json", `{"name":"x","connector.class":"FileStreamSink","topics":["a"]}`), []string{"list.json", `"topics"`, "must be a string"}},
		"no name":            {file("nameless.json", `{"connector.class":"FileStreamSource"}`), []string{"nameless.json", `"name" is missing`}},
		"no class":           {file("classless.properties", "name=x"), []string{"classless.properties", `"connector.class" is missing`}},
		"two names":          {file("two.json", `{"name":"x","config":{"name":"y"}}`), []string{"two.json", `"x" outside`, `"y" inside`}},
		"bad initial state":  {file("state.json", `{"name":"x","initial_state":"ASLEEP","config":{"connector.class":"FileStreamSource"}}`), []string{"state.json", `"ASLEEP"`, "STOPPED"}},
		"the same name":      {free(good, write(t, dir, "again.properties", "name=good\nconnector.class=FileStreamSource\n")), []string{"again.properties", `"good"`, "good.json already"}},
		"unknown class":      {file("unknown.json", `{"name":"x","connector.class":"Nope"}`), []string{"unknown.json", `"Nope"`, "FileStreamSinkConnector", "DatagenConnector"}},
		"bad settings":       {file("bad.json", `{"name":"x","connector.class":"FileStreamSource","tasks.max":0}`), []string{`"x" of`, "bad.json", "topic", "Invalid value 0 for configuration tasks.max: Value must be at least 1"}},
		"a sink of nothing":  {file("nothing.properties", "name=x\nconnector.class=FileStreamSink"), []string{"nothing.properties: Must configure one of topics or topics.regex\n"}},
		"unknown converter":  {file("converter.json", `{"name":"x","connector.class":"FileStreamSource","topic":"t","value.converter":"Nope"}`), []string{"converter.json", "Class Nope could not be found"}},
		"one bad among good": {free(good, write(t, dir, "worse.json", `{"name":"y","connector.class":"FileStreamSource"}`)), []string{`"y" of`, "worse.json", `"topic"`}},

		"unreachable broker":    {[]string{"--rest", "127.0.0.1:0", "--brokers", shut.Addr().String()}, []string{"reaching Kafka at " + shut.Addr().String(), "refused"}},
		"no broker":             {[]string{"--rest", "127.0.0.1:0", "--brokers", "nowhere"}, []string{"reaching Kafka at nowhere", "host:port"}},
		"unreachable DynamoDB":  {free("--dynamodb", "http://"+shut.Addr().String()), []string{"reaching DynamoDB at http://" + shut.Addr().String(), "refused"}},
		"no URL":                {free("--dynamodb", "localhost:8000"), []string{"--dynamodb localhost:8000", "http://localhost:8000"}},
		"no worker file":        {free("--worker", "none.properties"), []string{"worker file none.properties: no such file"}},
		"JSON as worker file":   {worker("worker.json", `{}`), []string{"worker.json", "connect-standalone.properties"}},
		"bad worker converter":  {worker("w1.properties", "key.converter=Nope"), []string{"w1.properties", "Class Nope could not be found"}},
		"bad worker interval":   {worker("w2.properties", "offset.flush.interval.ms=soon"), []string{"w2.properties", "soon", "offset.flush.interval.ms"}},
		"bad worker policy":     {worker("w3.properties", "connector.client.config.override.policy=Some"), []string{"w3.properties", "Some", "override.policy"}},
		"bad producer setting":  {worker("w4.properties", "producer.acks=some"), []string{"w4.properties", "acks", `"some"`}},
		"no functions folder":   {free("--functions", filepath.Join(dir, "none")), []string{"none", "--functions"}},
		"unknown way to report": {free("--log", "loud"), []string{"--log loud", "auto, lines or json", "--help"}},
		"unknown flag":          {free("--loud"), []string{"--loud", "--help"}},
		"too quick":             {free("--tick", "10ms"), []string{"--tick 10ms", "1s"}},
		"too large":             {free("--batch-size", "10001"), []string{"--batch-size 10001", "10000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"up", "--data", filepath.Join(t.TempDir(), "data")}, c.args...)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			stdout, stderr, code, err := binaries(t).Run(ctx, t.TempDir(), args...)
			if err != nil {
				t.Fatal(err)
			}
			if code != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "sluice: ") {
				t.Errorf("exit status %d and on standard output %q; want 1 and nothing, and one line beside them", code, stdout)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("it says nothing of %q", want)
				}
			}
			if t.Failed() {
				t.Logf("it says: %s", stderr)
			}
		})
	}
}

// Where others can reach it, the REST API is for those who are named, or for all if that is wanted.
func TestUp_LetsOthersInOnlyAsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	users := write(t, dir, "users", "ada=secret\n")
	for name, c := range map[string]struct {
		args            []string
		stranger, named int
	}{
		"users":       {[]string{"--rest-users", users}, http.StatusUnauthorized, http.StatusOK},
		"not secured": {[]string{"--insecure"}, http.StatusOK, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := up(t, t.TempDir(), append([]string{
				"--kafka", "127.0.0.1:0", "--rest", "0.0.0.0:0", "--registry", "off", "--no-demo",
			}, c.args...)...)
			_, port, found := strings.Cut(strings.TrimPrefix(p.REST, "http://"), "]:")
			if !found {
				port = p.REST[strings.LastIndexByte(p.REST, ':')+1:]
			}
			for password, want := range map[string]int{"": c.stranger, "wrong": c.stranger, "secret": c.named} {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/connectors", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				if password != "" {
					request.SetBasicAuth("ada", password)
				}
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				if response.StatusCode != want {
					t.Errorf("with password %q: %d, want %d", password, response.StatusCode, want)
				}
			}
		})
	}
}

func TestUp_KeepsAFolderToItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := up(t, dir, free()...)
	_, stderr, code, err := binaries(t).Run(t.Context(), dir, append([]string{"up"}, free()...)...)
	if err != nil || code != 1 || !strings.Contains(stderr, "another sluice, process ") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("a second desk: exit status %d, %v: %s", code, err, stderr)
	}
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	interrupt(t, up(t, dir, free()...)) // the lock ended with its holder
}

func TestCommand_SaysItsVersion(t *testing.T) {
	t.Parallel()
	stdout, stderr, code, err := binaries(t).Run(t.Context(), t.TempDir(), "version")
	if err != nil || code != 0 || stderr != "" || !strings.HasPrefix(stdout, "sluice ") || !strings.Contains(stdout, "Apache Kafka Connect 4.") {
		t.Errorf("exit status %d, %v: %s%s", code, err, stdout, stderr)
	}
	_, stderr, code, err = binaries(t).Run(t.Context(), t.TempDir(), "down")
	if err != nil || code != 1 || !strings.Contains(stderr, `unknown command "down"`) {
		t.Errorf("exit status %d, %v: %s", code, err, stderr)
	}
}
