package worker_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/secret"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// ways are the settings that make a connector fail, by the place.
func ways(places ...string) map[string]map[string]string {
	all := map[string]map[string]string{
		"number":      {"number": "${env:PASSWORD}"},
		"tasks.max":   {"tasks.max": "${env:PASSWORD}"},
		"class":       {"value.converter": "${env:PASSWORD}"},
		"lease":       {"sluice.lease.ms": "x${env:PASSWORD}"},
		"converter":   {"value.converter": "leaking", "value.converter.token": "${env:PASSWORD}"},
		"tolerated":   {"value.converter": "leaking", "value.converter.token": "t${env:PASSWORD}", "errors.tolerance": "all", "errors.log.enable": "true", "errors.log.include.messages": "true"},
		"unresolved":  {"other": "${env:PASSWORD}${env:some/path:X}"},
		"client":      {"producer.override.sasl.mechanism": "PLAIN", "producer.override.security.protocol": "SASL_PLAINTEXT", "producer.override.sasl.jaas.config": "${env:PASSWORD}"},
		"client name": {"producer.override.acks": "${env:PASSWORD}"},
		"none":        {},
	}
	for _, place := range places {
		all[place] = map[string]string{"fail": place}
		all[place+" panic"] = map[string]string{"fail": place + " panic"}
	}
	return all
}

func secretSettings(more map[string]string) map[string]string {
	settings := map[string]string{
		"password": "${env:PASSWORD}", "url": "x://u:${env:PASSWORD}@h", "topics": "in", "sluice.invocation.max.ms": "2000",
		"errors.deadletterqueue.topic.replication.factor": "1", "errors.deadletterqueue.context.headers.enable": "true",
	}
	maps.Copy(settings, more)
	return settings
}

// check fails the test if the secret was let out.
func (s *shown) check(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(s.text.String()) {
		if strings.Contains(line, trace) {
			t.Errorf("the secret is shown: %s", line)
		}
	}
}

// Invariant 6.
func TestSource_ShowsNoSecretHoweverItFails(t *testing.T) {
	t.Parallel()
	quiet := []string{"none", "retry", "commit", "tolerated"}
	for way, more := range ways("validate", "plan", "open", "poll", "commit", "close", "retry") {
		if way == "retry panic" {
			continue
		}
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			b, out, seen := secretive(t)
			s := &worker.Source{Env: b.env, Store: b.store, Connector: connect.SourceConnector{
				Class: "test.Leaking", TaskClass: "test.LeakingTask",
				New: func() connect.SourceTask { return &leakingSource{leaking{seen: seen}} },
			}}
			b.put(t, "c", secretSettings(more))
			for range 3 {
				r, err := s.Run(t.Context(), worker.Tick{Connector: "c"})
				if failed := err != nil || r.Err != nil; failed == slices.Contains(quiet, way) {
					t.Errorf("%+v, %v", r, err)
				}
				out.error(err)
				out.error(r.Err)
				out.add(r)
			}
			out.table(t, b.store, "c")
			out.check(t)
		})
	}
}

// Invariant 6.
func TestSink_ShowsNoSecretHoweverItFails(t *testing.T) {
	t.Parallel()
	quiet := []string{"none", "tolerated", "close", "close panic"}
	for way, more := range ways("validate", "plan", "open", "put", "flush", "close", "record") {
		for _, dead := range []bool{false, true} {
			if way == "record panic" || (way == "client" || way == "client name") && !dead {
				continue
			}
			t.Run(fmt.Sprint(way, " ", dead), func(t *testing.T) {
				t.Parallel()
				b, out, seen := secretive(t)
				s := &worker.Sink{Env: b.env, Store: b.store, Name: "s", Connector: connect.SinkConnector{
					Class: "test.Leaking", TaskClass: "test.LeakingTask",
					New: func() connect.SinkTask { return &leakingSink{leaking{seen: seen}} },
				}}
				s.Halt = func(_ context.Context, connector offset.Connector, why string) error {
					out.add("halted", connector.Name, why)
					return errors.New("halting failed: " + why)
				}
				settings := secretSettings(more)
				settings["sluice.restart.max.attempts"] = "1"
				if dead {
					settings["errors.deadletterqueue.topic.name"] = "dead"
				}
				b.put(t, "s", settings)
				for i := range 3 {
					answer, r, err := s.Run(t.Context(), event(t, "in", 0, int64(i), "v"))
					if (err != nil) == slices.Contains(quiet, way) {
						t.Errorf("%+v, %v", r, err)
					}
					out.error(err)
					out.error(r.Err)
					out.add(string(answer), r)
				}
				s.Close(t.Context())
				out.table(t, b.store, "s")
				if dead && slices.Contains([]string{"record", "converter", "tolerated"}, way) {
					out.add(b.letters(t))
				}
				out.check(t)
			})
		}
	}
}

// letters are the headers of the first dead letters.
func (b *bench) letters(t *testing.T) []string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.broker.ListenAddrs()...), kgo.ConsumeTopics("dead"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var letters []string
	for len(letters) == 0 {
		if ctx.Err() != nil {
			t.Fatal("there is no dead letter")
		}
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			for _, h := range r.Headers {
				letters = append(letters, h.Key+": "+string(h.Value))
			}
		})
	}
	return letters
}

func TestSource_StoresPlaceholders(t *testing.T) {
	t.Parallel()
	b, _, seen := secretive(t)
	opened := 0
	s := &worker.Source{Env: b.env, Store: b.store, Connector: connect.SourceConnector{
		Class: "test.Leaking", TaskClass: "test.LeakingTask",
		New: func() connect.SourceTask {
			return &leakingSource{leaking{seen: func(got string) {
				seen(got)
				if got == password {
					opened++
				}
			}}}
		},
	}}
	b.put(t, "c", secretSettings(nil))
	if r := run(t, s, "c"); r.Did != "ran" || r.Written != 2 || opened == 0 {
		t.Fatalf("%+v", r)
	}
	settings := b.task(t, "c", 0).Settings
	want := map[string]string{
		"password": "${env:PASSWORD}", "url": "x://u:${env:PASSWORD}@h", "dsn": "other://${env:PASSWORD}@h",
		"copy.password": "${env:PASSWORD}", "copy.url": "x://u:${env:PASSWORD}@h",
	}
	for name, raw := range want {
		if settings[name] != raw {
			t.Errorf("%s is stored as %q, want %q", name, settings[name], raw)
		}
	}
}

func TestSource_ShowsWhichPlaceholderIsMeant(t *testing.T) {
	t.Parallel()
	b, _, _ := secretive(t)
	s := &worker.Source{Env: b.env, Store: b.store, Connector: connect.SourceConnector{
		Class: "test.Leaking", New: func() connect.SourceTask { return &leakingSource{} },
	}}
	for want, more := range map[string]map[string]string{
		"Invalid value for configuration 'number': the value resolved from the config provider reference failed validation": {"number": "${env:PASSWORD}"},
		"x://u:${env:PASSWORD}@h":                            {"fail": "open"},
		"resolving ${env:a:b} of the setting other: Path is": {"other": "${env:a:b}"},
	} {
		b.put(t, "c", secretSettings(more))
		if r := run(t, s, "c"); r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("got %v, want %s", r.Err, want)
		}
	}
}

// What the table or a caller does can still be told apart when the text was scrubbed.
func TestSink_ScrubbedErrorsKeepTheirCause(t *testing.T) {
	t.Parallel()
	b, _, _ := secretive(t)
	cause := errors.New("the cause")
	p := &pit{put: func([]connect.Record) error { return fmt.Errorf("with %s: %w", password, cause) }}
	b.put(t, "s", secretSettings(nil))
	_, _, err := b.sink(p, "s").Run(t.Context(), event(t, "in", 0, 0, "v"))
	if !errors.Is(err, cause) || strings.Contains(err.Error(), trace) || !strings.Contains(err.Error(), "with ${env:PASSWORD}") {
		t.Errorf("%v", err)
	}
}

func TestNewEnv_ReadsPlaceholdersLater(t *testing.T) {
	t.Parallel()
	properties := map[string]string{"offset.flush.interval.ms": "${env:FLUSH}", "bootstrap.servers": "${env:B}", "producer.acks": "${env:C}", "client.id": "x"}
	env, err := worker.NewEnv(properties, connector.Plugins{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"client.id": "x"}, env.Client); diff != "" {
		t.Error(diff)
	}
	if env.Settings.FlushInterval != time.Minute {
		t.Errorf("%v", env.Settings.FlushInterval)
	}
}

// rotating counts how often it was told that a value may be out of date.
type rotating struct {
	worker.Secrets
	renewed int
}

func (r *rotating) Renew() { r.renewed++ }

func TestEnv_AsksAnewAfterAFailure(t *testing.T) {
	t.Parallel()
	b, _, _ := secretive(t)
	secrets := &rotating{Secrets: b.env.Secrets}
	b.env.Secrets = secrets
	for i, fail := range []string{"", "open"} {
		s := &worker.Source{Env: b.env, Store: b.store, Connector: connect.SourceConnector{
			Class: "test.Leaking", New: func() connect.SourceTask { return &leakingSource{} },
		}}
		b.put(t, "c", secretSettings(map[string]string{"fail": fail}))
		run(t, s, "c")
		if secrets.renewed != i {
			t.Errorf("after %d failures it was told %d times", i, secrets.renewed)
		}
	}
	p := &pit{put: func([]connect.Record) error { return errors.New("refused") }}
	b.put(t, "s", secretSettings(nil))
	if _, _, err := b.sink(p, "s").Run(t.Context(), event(t, "in", 0, 0, "v")); err == nil || secrets.renewed != 2 {
		t.Errorf("%v, told %d times", err, secrets.renewed)
	}
}

// A secret that is replaced counts from the next start of the task on, for the producer, too.
func TestSource_TakesReplacedSecrets(t *testing.T) {
	t.Parallel()
	b, _, _ := secretive(t)
	current := password
	b.env.Secrets = secret.New(secret.Options{
		Properties: map[string]string{"config.providers": "env", "config.providers.env.class": "EnvVar"},
		LookupEnv: func(name string) (string, bool) {
			return map[string]string{"PASSWORD": current, "BOOTSTRAP": b.broker.ListenAddrs()[0], "FLUSH": "1"}[name], true
		},
	})
	var seen []string
	made := 0
	makeProducer := b.env.NewProducer
	b.env.NewProducer = func(c kafka.ProducerConfig) (*kafka.Producer, error) {
		made++
		return makeProducer(c)
	}
	s := &worker.Source{Env: b.env, Store: b.store, Connector: connect.SourceConnector{
		Class: "test.Leaking", New: func() connect.SourceTask {
			return &leakingSource{leaking{seen: func(got string) { seen = append(seen, got) }}}
		},
	}}
	b.put(t, "c", secretSettings(map[string]string{"producer.override.client.rack": "${env:PASSWORD}"}))
	run(t, s, "c")
	run(t, s, "c")
	if made != 1 || slices.Contains(seen, "replaced") {
		t.Fatalf("%d producers, %q", made, seen)
	}
	seen, current = nil, "replaced"
	run(t, s, "c")
	if seen = slices.Compact(seen); made != 2 || !slices.Equal(seen, []string{"replaced"}) {
		t.Errorf("%d producers, %q", made, seen)
	}
}
