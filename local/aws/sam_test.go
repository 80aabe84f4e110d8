package aws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// made is what `make synth` wrote, and where from here.
const made = "../../.build/cdk.out"

// output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start starts a command at the root of the checkout, in a process group that is ended with the test.
func start(t *testing.T, environment []string, name string, arguments ...string) (stdout, stderr *output) {
	t.Helper()
	stdout, stderr = &output{}, &output{}
	cmd := exec.CommandContext(context.Background(), name, arguments...)
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), environment...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("--- %s %q said\n%s%s", name, arguments, stdout, stderr)
		}
	})
	return stdout, stderr
}

// makes runs make, as README does, and returns what it prints.
func makes(t *testing.T, arguments ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "make", arguments...) //nolint:gosec // ours
	cmd.Dir, cmd.Stdout, cmd.Stderr = "../..", &stdout, &stderr
	// This test may be a command of make itself, which would hand its own options on.
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1")
	if err := cmd.Run(); err != nil {
		t.Fatalf("make %q: %v\n%s%s", arguments, err, &stdout, &stderr)
	}
	return stdout.Bytes()
}

// files are the contents of a folder of the CDK's, but those in which it notes how long it took.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "performance-counters.json" {
			return err
		}
		text, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, dir)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Two syntheses through the CDK's command line, which builds the functions for each, make the same template out of the same
// bytes.
func TestSynth_IsTheSameEveryTime(t *testing.T) {
	needsAWS(t)
	// What earlier syntheses and deployments left is not of this one.
	if err := os.RemoveAll(made); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	makes(t, "synth")
	t.Logf("make synth took %.1f s", time.Since(began).Seconds())
	other := t.TempDir()
	makes(t, "synth", "ARGS=--output "+other)
	one, two := files(t, made), files(t, other)
	if _, ok := one["/Sluice.template.json"]; !ok || !maps.Equal(one, two) {
		for name := range one {
			if one[name] != two[name] {
				t.Errorf("%s differs", name)
			}
		}
		t.Errorf("of %d files, and %d", len(one), len(two))
	}
}

// README's "Invoke a function on this machine", word for word. SAM needs an engine for containers; where SLUICE_TEST_SAM
// does not say that there is one, AWS's own emulator of the runtime runs the functions without.
func TestSAM_InvokesWhatSynthMade(t *testing.T) {
	needsAWS(t)
	makes(t, "synth")
	stdout, stderr := start(t, []string{"MAKEFLAGS=", "MAKELEVEL="}, "make", "local", "ARGS=--data "+t.TempDir()+" --rest 127.0.0.1:0 --registry off")
	waiting(t, "the desk runs the shipped connectors", func() error {
		if !strings.Contains(stdout.String()+stderr.String(), "connectors: 2") {
			return errors.New(stdout.String() + stderr.String())
		}
		return nil
	})
	t.Run("rie", func(t *testing.T) { invokesBoth(t, emulated) })
	t.Run("sam", func(t *testing.T) {
		if os.Getenv("SLUICE_TEST_SAM") == "" {
			t.Skip("SLUICE_TEST_SAM does not say where SAM is: no engine for containers")
		}
		invokesBoth(t, throughSAM)
		url := "http://" + listening(t, "start-lambda")
		waiting(t, "sam local start-lambda answers", func() error {
			answer, err := post(url+"/2015-03-31/functions/DemoSource/invocations", `{"connector": "demo-source"}`)
			if err == nil && !strings.Contains(answer, `"did"`) {
				err = errors.New(answer)
			}
			return err
		})
	})
}

// an invoker invokes a function with the event in a file, and returns what it answers and what it prints.
type invoker func(t *testing.T, function, event string) (answer, printed string)

// invokesBoth invokes the shipped source and sink.
func invokesBoth(t *testing.T, invoke invoker) {
	t.Helper()
	waiting(t, "the source runs", func() error {
		// The desk runs it too, and then it is busy.
		if answer, printed := invoke(t, "DemoSource", "events/demo-source.json"); !regexp.MustCompile(`"did": ?"ran"`).MatchString(answer) {
			return fmt.Errorf("it answers %s\n%s", answer, printed)
		}
		return nil
	})
	shown := func(event, want string) {
		answer, printed := invoke(t, "DemoSink", event)
		if !strings.Contains(answer, "batchItemFailures") || strings.Contains(answer, "errorMessage") || !strings.Contains(printed, want) {
			t.Errorf("%s: the sink answers %s\n%s", event, answer, printed)
		}
	}
	shown("events/demo-sink.json", `{"orderid":1}`)
	event := makes(t, "event", "ARGS=--topic demo --records 5")
	if !json.Valid(event) {
		t.Fatalf("make event prints %s", event)
	}
	path := filepath.Join(t.TempDir(), "demo.json")
	if err := os.WriteFile(path, event, 0o600); err != nil {
		t.Fatal(err)
	}
	shown(path, `"orderunits"`)
}

// emulated invokes what the template says through AWS's emulator of the runtime, with what the template and SAM's file of
// variables make of its environment.
func emulated(t *testing.T, function, event string) (answer, printed string) {
	t.Helper()
	var template struct {
		Resources map[string]struct {
			Metadata   map[string]any
			Properties struct {
				Environment struct{ Variables map[string]any }
			}
		}
	}
	var set struct{ Parameters map[string]string }
	for path, into := range map[string]any{made + "/Sluice.template.json": &template, "../../.build/sam-env.json": &set} {
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	resource := template.Resources[function]
	environment := []string{"AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_LAMBDA_FUNCTION_NAME=" + function}
	for name, value := range resource.Properties.Environment.Variables {
		if over, ok := set.Parameters[name]; ok { // SAM sets what the template declares, and nothing else
			value = over
		}
		if text, ok := value.(string); ok {
			environment = append(environment, name+"="+text)
		}
	}
	text, err := os.ReadFile(fromRoot(event))
	if err != nil {
		t.Fatal(err)
	}
	at := freeAddress(t)
	_, port, _ := net.SplitHostPort(at)
	bootstrap := filepath.Join(made, resource.Metadata["aws:asset:path"].(string), "bootstrap")
	if bootstrap, err = filepath.Abs(bootstrap); err != nil {
		t.Fatal(err)
	}
	stdout, stderr := start(t, environment, "local/aws/rie", "--port", port, bootstrap)
	waiting(t, function+" answers", func() error {
		answer, err = post("http://"+at+"/2015-03-31/functions/function/invocations", string(text))
		return err
	})
	return answer, stdout.String() + stderr.String()
}

// throughSAM invokes by `sam local invoke`, with no options but those of README.
func throughSAM(t *testing.T, function, event string) (answer, printed string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Getenv("SLUICE_TEST_SAM"), "local", "invoke", function, "-e", event) //nolint:gosec // ours
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = "../..", append(os.Environ(), "SAM_CLI_TELEMETRY=0"), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("sam local invoke %s: %v\n%s%s", function, err, &stdout, &stderr)
	}
	return stdout.String(), stderr.String() + stdout.String()
}

// listening starts `sam local` as a server and returns its address.
func listening(t *testing.T, command string) string {
	t.Helper()
	at := freeAddress(t)
	_, port, _ := net.SplitHostPort(at)
	start(t, []string{"SAM_CLI_TELEMETRY=0"}, os.Getenv("SLUICE_TEST_SAM"), "local", command, "--port", port)
	return at
}

func fromRoot(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join("../..", path)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func post(url, body string) (string, error) {
	client := http.Client{Timeout: patience}
	response, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// waiting waits until something is so.
func waiting(t *testing.T, what string, try func() error) {
	t.Helper()
	(&account{t: t}).until(what, try)
}
