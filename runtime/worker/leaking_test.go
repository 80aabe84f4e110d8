package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/secret"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// password is the secret of these tests: with characters that URLs and quotes change, and a word they leave alone.
const (
	password = `Geheim "1" ü/?`
	trace    = "Geheim"
)

// shown collects everything that an invocation lets out.
type shown struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shown) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shown) add(what ...any) { fmt.Fprintf(s, "%+v\n", what) }

// error adds an error in every way that a log may write it.
func (s *shown) error(err error) {
	if err != nil {
		fmt.Fprintf(s, "%v %+v %#v %q\n", err, err, err.Error(), err)
	}
}

// table adds all that the table holds of a connector.
func (s *shown) table(t *testing.T, store offset.Store, name string) {
	t.Helper()
	c, _, err := store.Look(t.Context(), name, 1)
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := store.Tasks(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	offsets, err := store.AllOffsets(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	topics, err := store.Topics(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	marker, err := store.Marker(t.Context(), name, "in", 0)
	if err != nil {
		t.Fatal(err)
	}
	s.add(c, tasks, offsets, topics, marker)
}

// leaking is a plugin that says its password wherever it may say something, and fails where it is told to.
type leaking struct {
	Password, URL, Fail string
	Number              int
	log                 connect.Logger
	seen                func(password string)
	calls               int
}

func (l *leaking) Define(d *config.Def) {
	d.String(&l.Password, "password", "", "")
	d.String(&l.URL, "url", "", "")
	d.String(&l.Fail, "fail", "", "")
	d.Int(&l.Number, "number", 0, "")
}

// at fails if this is where it should, with the password in many forms.
func (l *leaking) at(where string) error {
	if l.seen != nil {
		l.seen(l.Password)
	}
	text := fmt.Sprintf("%s: %s %q %s %s", where, l.Password, l.Password, url.QueryEscape(l.Password), l.URL)
	if l.log != nil {
		l.log.Info("working: "+text, "url", l.URL, "plugin", struct{ P string }{l.Password}, "error", errors.New(text))
	}
	if l.Fail == where+" panic" {
		panic(text)
	}
	if l.Fail == where {
		return errors.New(text)
	}
	return nil
}

func (l *leaking) Validate() error { return l.at("validate") }

func (l *leaking) Plan(_ context.Context, settings map[string]string, _ int) ([]map[string]string, error) {
	planned := map[string]string{"dsn": "other://" + l.Password + "@h", "password": l.Password, "url": l.URL, "fail": l.Fail}
	for k, v := range settings {
		planned["copy."+k] = v
	}
	return []map[string]string{planned}, l.at("plan")
}

type leakingSource struct{ leaking }

func (l *leakingSource) Open(_ context.Context, a connect.Assignment) error {
	l.log = a.Log
	return l.at("open")
}

func (l *leakingSource) Poll(context.Context) ([]connect.Record, error) {
	l.calls++
	if l.Fail == "retry" && l.calls == 1 {
		return nil, connect.Retry(errors.New("again with "+l.Password), time.Millisecond)
	}
	if err := l.at("poll"); err != nil || l.calls > 2 {
		return nil, err
	}
	p, err := connect.NewPartition(map[string]any{"part": "a"})
	return []connect.Record{{
		Topic: "out", Partition: connect.AnyPartition, Value: connect.Datum{Value: "v"},
		Source: connect.Source{Partition: p, Position: connect.At("line", int64(l.calls))},
	}}, err
}

func (l *leakingSource) Commit(context.Context, connect.Offsets) error { return l.at("commit") }

func (l *leakingSource) Close(context.Context) error { return l.at("close") }

type leakingSink struct{ leaking }

func (l *leakingSink) Open(_ context.Context, a connect.SinkAssignment) error {
	l.log = a.Log
	return l.at("open")
}

func (l *leakingSink) Put(_ context.Context, records []connect.Record) error {
	if l.Fail == "record" && len(records) > 0 {
		return &connect.BatchError{Failed: map[int]error{0: errors.New("refused with " + l.Password)}}
	}
	return l.at("put")
}

func (l *leakingSink) Flush(context.Context) error { return l.at("flush") }

func (l *leakingSink) Close(context.Context) error { return l.at("close") }

// leakingConverter fails with the token it was given.
type leakingConverter struct {
	Token string
}

func (c *leakingConverter) Define(d *config.Def) { d.String(&c.Token, "token", "", "") }

func (c *leakingConverter) Encode(context.Context, string, connect.Datum) ([]byte, error) {
	return nil, schema.Errorf("the registry refused %s", c.Token)
}

func (c *leakingConverter) Decode(context.Context, string, []byte) (connect.Datum, error) {
	return connect.Datum{}, schema.Errorf("the registry refused %s", c.Token)
}

// secretive is a bench whose connectors and worker have secrets, with what it lets out and what the plugins saw.
func secretive(t *testing.T) (b *bench, out *shown, seen func(string)) {
	t.Helper()
	b, out = setup(t), &shown{}
	properties := map[string]string{
		"bootstrap.servers": "${env:BOOTSTRAP}", "key.converter": stringConverter, "value.converter": stringConverter,
		"config.providers": "env", "config.providers.env.class": "EnvVarConfigProvider",
		"offset.flush.interval.ms": "${env:FLUSH}",
	}
	variables := map[string]string{"BOOTSTRAP": b.broker.ListenAddrs()[0], "PASSWORD": password, "FLUSH": "1000"}
	plugins := testPlugins()
	plugins.Converters = append(plugins.Converters, connect.Plugin[connect.Converter]{
		Class: "leaking", New: func() connect.Converter { return &leakingConverter{} },
	})
	env, err := worker.NewEnv(properties, plugins)
	if err != nil {
		t.Fatal(err)
	}
	secrets := secret.New(secret.Options{Properties: properties, LookupEnv: func(name string) (string, bool) {
		v, ok := variables[name]
		return v, ok
	}})
	env.Worker, env.Secrets = "test:1", secrets
	env.Log = slog.New(secrets.LogHandler(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	b.env = env
	return b, out, func(got string) {
		if got != "" && got != password {
			t.Errorf("the plugin was given %q for its password", got)
		}
	}
}
