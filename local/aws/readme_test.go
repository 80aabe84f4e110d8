package aws_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The commands of infra/README.md from bootstrap to destroy, as they stand there, but for what an emulator needs: the
// addresses, this machine's architecture, nobody who is asked, and a table that goes with the stack.
func TestReadme_FromBootstrapToDestroy(t *testing.T) {
	needsAWS(t)
	a := newAccount(t)
	text, err := os.ReadFile("../../infra/README.md")
	if err != nil {
		t.Fatal(err)
	}
	written := func(line string) string {
		t.Helper()
		if !strings.Contains(string(text), "\n"+line) {
			t.Fatalf("infra/README.md does not say %q", line)
		}
		return line
	}
	const deploy = `make deploy ARGS="`
	less := `-c retain=false --require-approval never --outputs-file ` + a.dir + `/outputs.json `

	a.shell(written("make bootstrap") + ` ARGS="aws://123456789012/` + region + `"`)
	first := written(`make deploy ARGS="--parameters KafkaBrokers=broker:9092"`)
	a.shell(strings.NewReplacer("broker:9092", brokers(t), deploy, deploy+less).Replace(first))
	if err := a.readOutputs(); err != nil {
		t.Fatal(err)
	}
	a.shell(written("make sluice"))
	at := freeAddress(t)
	// What follows --url in the page is the output, and an ampersand.
	command := strings.NewReplacer(`"$RestUrl" &`, a.url, ".build/sluice", "exec .build/sluice").Replace(written(`.build/sluice proxy --url "$RestUrl" &`))
	start(t, a.environment(), "sh", "-c", command+" --listen "+at)
	shows := func(path, want string) {
		t.Helper()
		a.until(path+" shows "+want, func() error {
			response, err := http.Get("http://" + at + path)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err == nil && !strings.Contains(string(body), want) {
				err = errors.New(string(body))
			}
			return err
		})
	}
	shows("/connectors?expand=status", `"state":"RUNNING"`)
	for _, line := range [][2]string{
		{"curl localhost:8083/connectors?expand=status", "RUNNING"},
		{"curl -X PUT localhost:8083/connectors/demo-sink/pause", "PAUSED"},
		{"curl -X PUT localhost:8083/connectors/demo-sink/resume", "RUNNING"},
	} {
		a.shell(strings.NewReplacer("curl ", "curl --fail --silent --show-error ", "localhost:8083", at).Replace(written(line[0])))
		shows("/connectors/demo-sink/status", line[1])
	}
	// What kcctl asks for to get connectors, and to describe one.
	written("kcctl get connectors")
	shows("/", `"version":"`)
	shows("/connectors/", `"demo-sink"`)
	shows("/connectors/demo-sink", `"tasks":[{"connector":"demo-sink"`)
	shows("/connectors/demo-sink/topics", `"topics"`)
	shows("/connectors/demo-sink/config", `"connector.class"`)

	change := written(`make deploy ARGS="--parameters 'DemoSourceConfig={\"max.interval\":\"200\"}'"`)
	a.shell(strings.Replace(change, deploy, deploy+less, 1))
	shows("/connectors/demo-source/config", `"max.interval":"200"`)
	paused := written(`make deploy ARGS="--parameters DemoSinkState=PAUSED"`)
	a.shell(strings.Replace(paused, deploy, deploy+less, 1))
	shows("/connectors/demo-sink/status", `"state":"PAUSED"`)
	a.shell(written("make destroy") + ` ARGS="--force"`)
	if left := a.mappings(); len(left) > 0 {
		t.Errorf("%d mappings are left", len(left))
	}
}

// shell runs a command at the root of the checkout.
func (a *account) shell(command string) {
	a.t.Helper()
	// make is told the architecture of this machine, since the emulator runs what is deployed.
	command = regexp.MustCompile(`^make (bootstrap|deploy|destroy)`).ReplaceAllString(command, "make $1 ARCH="+architecture())
	cmd := exec.CommandContext(a.t.Context(), "sh", "-c", command)
	cmd.Dir, cmd.Env = "../..", append(a.environment(), "MAKEFLAGS=", "MAKELEVEL=")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		a.t.Fatalf("%s: %v\n%s", command, err, &said)
	}
}
