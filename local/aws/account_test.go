package aws_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/trigger"
)

// needsAWS skips a test of what is deployed, or of the emulator that it is deployed to, where neither was made.
func needsAWS(t *testing.T) {
	t.Helper()
	if os.Getenv("SLUICE_TEST_AWS") == "" {
		t.Skip("SLUICE_TEST_AWS is not set: make test/aws sets it, and builds what is deployed")
	}
}

const (
	region = "us-east-1"
	key    = "local"
	// patience is how long anything may take: the machine may be busy.
	patience = 3 * time.Minute
)

// account is an AWS account in an emulator.
type account struct {
	t         *testing.T
	endpoint  string
	dir       string // of the emulator
	cdk       string
	lambda    *lambda.Client
	schedules *scheduler.Client
	tables    *dynamodb.Client
	buckets   *s3.Client
	stack     string // the name of the stack that is deployed
	url       string // of its REST API
}

// newAccount starts an emulator that fires every schedule every second.
func newAccount(t *testing.T) *account {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	a := &account{t: t, dir: t.TempDir(), cdk: os.Getenv("SLUICE_TEST_CDK"), stack: "Sluice"}
	if a.cdk == "" {
		t.Fatal("SLUICE_TEST_CDK does not say where the CDK's command line is: make test/aws does")
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it is one of TCP
	listener.Close()
	// localhost and not 127.0.0.1: moto takes what stands before the first dot of a host for a bucket.
	a.endpoint = fmt.Sprintf("http://localhost:%d", port)
	log, err := os.Create(filepath.Join(a.dir, "moto.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), filepath.Join(root, "local/aws/moto"), "--port", fmt.Sprint(port),
		"--dir", a.dir, "--fire-every", "1", "--retry", "1")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			a.showTables()
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
		log.Close()
		if t.Failed() {
			a.showLogs()
		}
	})
	a.connect()
	a.until("the emulator answers", func() error {
		_, err := a.tables.ListTables(t.Context(), &dynamodb.ListTablesInput{})
		return err
	})
	return a
}

func (a *account) connect() {
	login := credentials.NewStaticCredentialsProvider(key, key, "")
	a.lambda = lambda.New(lambda.Options{Region: region, Credentials: login, BaseEndpoint: &a.endpoint})
	a.schedules = scheduler.New(scheduler.Options{Region: region, Credentials: login, BaseEndpoint: &a.endpoint})
	a.buckets = s3.New(s3.Options{Region: region, Credentials: login, BaseEndpoint: &a.endpoint, UsePathStyle: true})
	a.tables = dynamodb.New(dynamodb.Options{Region: region, Credentials: login, BaseEndpoint: &a.endpoint})
}

// showLogs shows the ends of what the emulator and the functions said.
func (a *account) showLogs() {
	paths, _ := filepath.Glob(filepath.Join(a.dir, "logs", "*.log"))
	for _, path := range append(paths, filepath.Join(a.dir, "moto.log")) {
		text, _ := os.ReadFile(path)
		if len(text) > 3000 {
			text = text[len(text)-3000:]
		}
		a.t.Logf("--- the end of %s\n%s", filepath.Base(path), text)
	}
}

// showTables shows the items of all tables.
func (a *account) showTables() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tables, err := a.tables.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		return
	}
	for _, name := range tables.TableNames {
		all, err := a.tables.Scan(ctx, &dynamodb.ScanInput{TableName: &name})
		if err != nil {
			continue
		}
		for _, item := range all.Items {
			text, _ := json.Marshal(item) //nolint:errchkjson // to be looked at
			a.t.Logf("%s: %s", name, text)
		}
	}
}

// until waits until something is so.
func (a *account) until(what string, try func() error) {
	a.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			a.t.Fatalf("waiting until %s: %v", what, err)
		}
		select {
		case <-a.t.Context().Done():
			a.t.Fatal(a.t.Context().Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// environment is that of commands that speak to the account.
func (a *account) environment() []string {
	return append(os.Environ(), "AWS_ENDPOINT_URL="+a.endpoint, "AWS_REGION="+region, "AWS_ACCESS_KEY_ID="+key, "AWS_SECRET_ACCESS_KEY="+key,
		"CDK_DISABLE_CLI_TELEMETRY=1", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1")
}

// run runs the CDK's command line.
func (a *account) run(arguments ...string) (string, error) {
	began := time.Now()
	cmd := exec.CommandContext(a.t.Context(), a.cdk, arguments...) //nolint:gosec // ours
	cmd.Dir, cmd.Env = a.dir, a.environment()
	out, err := cmd.CombinedOutput()
	a.t.Logf("cdk %s took %.1f s", arguments[0], time.Since(began).Seconds())
	return string(out), err
}

// deploy deploys an assembly with parameters, Name=value.
func (a *account) deploy(assembly string, parameters ...string) (string, error) {
	arguments := []string{"deploy", a.stack, "--app", assembly, "--require-approval", "never", "--outputs-file", filepath.Join(a.dir, "outputs.json")}
	for _, p := range parameters {
		arguments = append(arguments, "--parameters", a.stack+":"+p)
	}
	out, err := a.run(arguments...)
	if err != nil {
		return out, err
	}
	return out, a.readOutputs()
}

// readOutputs reads what a deployment says of itself.
func (a *account) readOutputs() error {
	text, err := os.ReadFile(filepath.Join(a.dir, "outputs.json"))
	if err != nil {
		return err
	}
	var outputs map[string]map[string]string
	if err := json.Unmarshal(text, &outputs); err != nil {
		return err
	}
	a.url = strings.TrimSuffix(outputs[a.stack]["RestUrl"], "/")
	return nil
}

func (a *account) mustDeploy(assembly string, parameters ...string) {
	a.t.Helper()
	if out, err := a.deploy(assembly, parameters...); err != nil {
		a.t.Fatalf("deploying: %v\n%s", err, out)
	}
}

// call sends a signed request to the deployed REST API.
func (a *account) call(method, path, body string) (int, string) {
	a.t.Helper()
	request, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	text, status := a.send(request, "lambda", body)
	return status, text
}

// want sends a request that is to be answered so.
func (a *account) want(status int, method, path, body string) string {
	a.t.Helper()
	got, text := a.call(method, path, body)
	if got != status {
		a.t.Fatalf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	return text
}

// ask sends a signed request to a service of the account.
func (a *account) ask(service string, headers map[string]string, body string) string {
	a.t.Helper()
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, a.endpoint+"/", strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	text, status := a.send(request, service, body)
	if status != http.StatusOK {
		a.t.Fatalf("%s answers %d %s", service, status, text)
	}
	return text
}

// send signs a request and sends it.
func (a *account) send(request *http.Request, service, body string) (string, int) {
	a.t.Helper()
	sum := sha256.Sum256([]byte(body))
	login := aws.Credentials{AccessKeyID: key, SecretAccessKey: key}
	if err := v4.NewSigner().SignHTTP(a.t.Context(), login, request, hex.EncodeToString(sum[:]), service, region, time.Now()); err != nil {
		a.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(text), response.StatusCode
}

// mappings are all of the account.
func (a *account) mappings() []types.EventSourceMappingConfiguration {
	a.t.Helper()
	out, err := a.lambda.ListEventSourceMappings(a.t.Context(), &lambda.ListEventSourceMappingsInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	return out.EventSourceMappings
}

// poll is the Kafka trigger that the emulator lacks: it reads the mappings and drives their functions, with the manners of
// Lambda's pollers, until the test ends.
func (a *account) poll() {
	t := trigger.New(trigger.Options{EnableDelay: time.Second, DisableDelay: 2 * time.Second})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		known := map[string]bool{}
		for ctx.Err() == nil {
			if out, err := a.lambda.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{}); err == nil {
				a.follow(t, known, out.EventSourceMappings)
			}
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	a.t.Cleanup(func() {
		cancel()
		<-ended
		closing, stop := context.WithTimeout(context.Background(), patience)
		defer stop()
		_ = t.Close(closing)
	})
}

func (a *account) follow(t *trigger.Trigger, known map[string]bool, found []types.EventSourceMappingConfiguration) {
	seen := map[string]bool{}
	for _, m := range found {
		id := *m.UUID
		seen[id] = true
		disabled := m.State == nil || *m.State != "Enabled"
		if was, there := known[id]; there && was == disabled {
			continue
		}
		known[id] = disabled
		group := ""
		if c := m.SelfManagedKafkaEventSourceConfig; c != nil && c.ConsumerGroupId != nil {
			group = *c.ConsumerGroupId
		}
		brokers := m.SelfManagedEventSource.Endpoints[string(types.EndPointTypeKafkaBootstrapServers)]
		err := t.Put(trigger.Mapping{
			Name: id, Topic: m.Topics[0], Group: group, Client: []kgo.Opt{kgo.SeedBrokers(brokers...)}, Bootstrap: strings.Join(brokers, ","),
			BatchSize: int(*m.BatchSize), ReportBatchItemFailures: len(m.FunctionResponseTypes) > 0, Disabled: disabled,
			Recut: func(n int) int { return max(1, n/2) },
			Invoke: func(ctx context.Context, payload []byte) ([]byte, error) {
				return a.invoke(ctx, *m.FunctionArn, payload)
			},
		})
		if err != nil {
			a.t.Errorf("polling for mapping %s: %v", id, err)
		}
	}
	for id := range known {
		if !seen[id] {
			t.Delete(id)
			delete(known, id)
		}
	}
}

func (a *account) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	out, err := a.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: payload})
	if err != nil {
		return nil, err
	}
	if out.FunctionError != nil {
		return nil, fmt.Errorf("%s: %s", *out.FunctionError, out.Payload)
	}
	return out.Payload, nil
}

// logged counts the lines of a function's log that hold a text.
func (a *account) logged(function, text string) int {
	paths, _ := filepath.Glob(filepath.Join(a.dir, "logs", "*"+function+"*.log"))
	n := 0
	for _, path := range paths {
		log, _ := os.ReadFile(path)
		for line := range bytes.Lines(log) {
			if bytes.Contains(line, []byte(text)) {
				n++
			}
		}
	}
	return n
}
