//go:build unix

package sql_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	built "github.com/sluice-connect/sluice/local/e2e/desk"
	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// launcher says who it is and becomes the function.
const launcher = `#!/bin/sh
echo $$ > "$KILL_PID"
exec "$KILL_BOOTSTRAP"
`

// victim is a connector whose function, the real one, is killed or stopped.
type victim struct {
	t         *testing.T
	name      string
	functions *function.Service
	store     *dynamo.Store
	pid       string // the file that names the process
	random    *rand.Rand
	struck    bool // whether any process was killed
}

// bootstrap builds all functions and returns the path of one.
func bootstrap(t *testing.T, name string) string {
	t.Helper()
	b, err := built.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(b.Functions, name, "bootstrap")
}

// newVictim deploys a connector's function beside a table of its own.
func newVictim(t *testing.T, name, program, brokers string, settings ...map[string]string) *victim {
	t.Helper()
	tab, err := table.Open("")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(tab)
	t.Cleanup(func() { server.Close(); tab.Close() })
	v := &victim{t: t, name: name, pid: filepath.Join(t.TempDir(), "pid"), random: rand.New(rand.NewPCG(5, uint64(len(name))))} //nolint:gosec // the same numbers each time
	v.store, err = dynamo.Open(t.Context(), dynamo.Options{Table: "sluice", Region: "us-east-1", Endpoint: server.URL, AccessKey: "x", SecretKey: "x"})
	if err == nil {
		err = v.store.CreateTable(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	const converter = "org.apache.kafka.connect.json.JsonConverter"
	all := map[string]string{"name": name, "key.converter": converter, "value.converter": converter}
	for _, s := range settings {
		maps.Copy(all, s)
	}
	v.put(all)
	if v.functions, err = function.NewService(function.Options{Grace: time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.functions.Close(context.Background()) })
	script := filepath.Join(t.TempDir(), "launch")
	if err := os.WriteFile(script, []byte(launcher), 0o755); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	err = v.functions.Deploy(function.Function{
		Name: name, Bootstrap: script, Timeout: 15 * time.Minute, Log: t.Output(), Concurrency: 1,
		Env: map[string]string{
			"KILL_PID": v.pid, "KILL_BOOTSTRAP": program, runtime.EnvTable: "sluice", runtime.EnvConnector: name, runtime.EnvLog: "text",
			runtime.EnvWorker: `{"bootstrap.servers": "` + brokers + `"}`, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_DYNAMODB": server.URL,
			"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// put writes the connector, as REST does, and has it planned anew: nobody then waits for the lease of who was killed.
func (v *victim) put(settings map[string]string) {
	v.t.Helper()
	for {
		c, _, err := v.store.Look(v.t.Context(), v.name, 0)
		if errors.Is(err, offset.ErrNotFound) {
			c, err = offset.Connector{Name: v.name, Target: offset.Running}, nil
		}
		if err == nil {
			c.Stale = true
			if settings != nil {
				c.Config = settings
			}
			_, err = v.store.Put(v.t.Context(), c, offset.Restart)
		}
		switch {
		case err == nil:
			return
		case !errors.Is(err, offset.ErrStale):
			v.t.Fatal(err)
		}
	}
}

// invoke invokes the function, and kills it when the time has come, unless it has ended by then. done is closed when it has.
func (v *victim) invoke(event []byte, when func(done <-chan struct{}) bool) (killed bool, took time.Duration, err error) {
	done, struck := make(chan struct{}), make(chan bool, 1)
	go func() { struck <- when(done) && v.signal(syscall.SIGKILL) }()
	start := time.Now()
	_, err = v.functions.Invoke(v.t.Context(), v.name, event)
	took = time.Since(start)
	close(done)
	hit := <-struck
	v.struck = v.struck || hit // perhaps only after it had answered: then the next invocation finds it dead
	return hit && err != nil, took, err
}

// after is a time to kill: some time from the beginning.
func after(d time.Duration) func(done <-chan struct{}) bool {
	return func(done <-chan struct{}) bool {
		select {
		case <-done:
			return false
		case <-time.After(d):
			return true
		}
	}
}

// never is no time to kill.
func never(done <-chan struct{}) bool {
	<-done
	return false
}

// signal sends a signal to the process, and tells whether there was one.
func (v *victim) signal(s syscall.Signal) bool {
	text, err := os.ReadFile(v.pid)
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && syscall.Kill(pid, s) == nil
}
