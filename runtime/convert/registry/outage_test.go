package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	desk "github.com/sluice-connect/sluice/local/registry"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const avroClass = "io.confluent.connect.avro.AvroConverter"

// served serves a handler until the test ends.
func served(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func opened(t testing.TB) *desk.Registry {
	t.Helper()
	r, err := desk.Open("")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// converter makes an Avro converter of values.
func converter(t *testing.T, address string, settings ...string) both {
	t.Helper()
	zero := "0"
	all := map[string]*string{"max.retries": &zero}
	for i := 0; i < len(settings); i += 2 {
		all[settings[i]] = &settings[i+1]
	}
	c, err := newConverter(t, avroClass, false, address, all, false)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func text(s string) connect.Datum { return connect.Datum{Schema: schema.Of(schema.String), Value: s} }

// What a registry can do wrong, and whose fault each is.
func TestRegistry_Failures(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	answer := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
	}
	tests := []struct {
		name, address string
		outage        bool
		class         string
		message       string
	}{
		{"down", down.URL, true, "", "connection refused"},
		{"in trouble", served(t, answer(503, `{"error_code":50302,"message":"the leader is away"}`)), true, "", "the leader is away; error code: 50302"},
		{"too busy", served(t, answer(429, ``)), true, "", "error code: 429"},
		{"nonsense", served(t, answer(200, `<html>`)), true, "", "unable to decode ok response"},
		{"wrong credentials", served(t, answer(401, `Unauthorized`)), false, "org.apache.kafka.common.config.ConfigException", "the registry wants other credentials"},
		{"forbidden", served(t, answer(403, `{"error_code":40301,"message":"no"}`)), false, schema.DataException, "does not allow this"},
		{"incompatible", served(t, answer(409, `{"error_code":409,"message":"Schema being registered is incompatible"}`)), false, "org.apache.kafka.common.config.ConfigException", "Schema being registered is incompatible; error code: 409"},
		{"no registry at all", served(t, http.NotFoundHandler()), false, "org.apache.kafka.common.config.ConfigException", "is schema.registry.url the address of a schema registry"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := converter(t, tt.address)
			_, writing := c.Encode(t.Context(), "t", text("x"))
			_, reading := c.Decode(t.Context(), "t", []byte("\x00\x00\x00\x00\x01\x02x"))
			for what, err := range map[string]error{"writing": writing, "reading": reading} {
				if err == nil || !strings.Contains(err.Error(), tt.message) {
					t.Errorf("%s failed with %v, want %q in it", what, err, tt.message)
					continue
				}
				retry, isRetry := errors.AsType[*connect.RetryError](err)
				if isRetry != tt.outage || isRetry && !retry.Outage {
					t.Errorf("%s: that it is an outage is %v, want %v: %v", what, isRetry, tt.outage, err)
				}
				if class, _ := corpus.Classify(err); tt.class != "" && class != tt.class {
					t.Errorf("%s failed with class %s, want %s", what, class, tt.class)
				}
			}
		})
	}
}

// A registry that comes back is used again: nothing is remembered of an outage.
func TestRegistry_GoesOnAfterAnOutage(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	r := opened(t)
	address := served(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		r.ServeHTTP(w, req)
	}))
	c := converter(t, address)
	broken.Store(true)
	if _, err := c.Encode(t.Context(), "t", text("x")); err == nil {
		t.Fatal("it did not fail")
	}
	broken.Store(false)
	b, err := c.Encode(t.Context(), "t", text("x"))
	if err != nil || string(b) != "\x00\x00\x00\x00\x01\x02x" {
		t.Fatalf("after the outage: %q, %v", b, err)
	}
	broken.Store(true) // what is known needs no registry
	if b, err = c.Encode(t.Context(), "t", text("y")); err != nil || string(b) != "\x00\x00\x00\x00\x01\x02y" {
		t.Errorf("with what is known: %q, %v", b, err)
	}
}

// A request is repeated, and with several addresses the next one is asked.
func TestRegistry_TriesAgainAndElsewhere(t *testing.T) {
	t.Parallel()
	r := opened(t)
	var asked atomic.Int32
	flaky := served(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.ServeHTTP(w, req)
	}))
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	c := converter(t, "", "schema.registry.url", down.URL+", "+flaky, "max.retries", "2", "retries.wait.ms", "1")
	if _, err := c.Encode(t.Context(), "t", text("x")); err != nil {
		t.Error(err)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the second address was asked %d times, want 2", n)
	}
}

// A slow registry is given up when the invocation's time is.
func TestRegistry_SlowEndsWithTheContext(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	address := served(t, http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		select {
		case <-release:
		case <-req.Context().Done():
		}
	}))
	t.Cleanup(func() { close(release) })
	c := converter(t, address, "max.retries", "5")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("time is up"))
	if _, err := c.Encode(ctx, "t", text("x")); err == nil || !strings.Contains(err.Error(), "time is up") {
		t.Errorf("it ended with %v", err)
	}
	impatient := converter(t, address, "http.read.timeout.ms", "1")
	_, err := impatient.Encode(t.Context(), "t", text("x"))
	if retry, ok := errors.AsType[*connect.RetryError](err); !ok || !retry.Outage {
		t.Errorf("with a time-out it ended with %v, which is no outage", err)
	}
}

// Every schema is asked for once, however many records there are, and one that is missing only now and then.
func TestRegistry_AsksOnce(t *testing.T) {
	t.Parallel()
	r := opened(t)
	var asked atomic.Int32
	address := served(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked.Add(1)
		r.ServeHTTP(w, req)
	}))
	c := converter(t, address)
	for range 100 {
		if _, err := c.Encode(t.Context(), "t", text("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Decode(t.Context(), "t", []byte("\x00\x00\x00\x00\x01\x02x")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Decode(t.Context(), "t", []byte("\x00\x00\x00\x00\x09\x02x")); err == nil {
			t.Fatal("a schema that is not there was found")
		}
	}
	// One for registering, two for reading, the schema and its version, and one for what is missing.
	if n := asked.Load(); n != 4 {
		t.Errorf("the registry was asked %d times, want 4", n)
	}
}

// Credentials reach the registry and show nowhere.
func TestRegistry_SignsIn(t *testing.T) {
	t.Parallel()
	r := opened(t)
	var seen atomic.Value
	guard := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		seen.Store(req.Header.Get("Authorization"))
		r.ServeHTTP(w, req)
	})
	address := served(t, guard)
	inURL := strings.Replace(address, "http://", "http://me:pass@", 1)
	issuer := served(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if user, password, _ := req.BasicAuth(); user != "id" || password != "shh" || req.FormValue("grant_type") != "client_credentials" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"access_token":"fresh","expires_in":3600}`)
	}))
	for name, tt := range map[string]struct {
		settings []string
		want     string
	}{
		"none":      {nil, ""},
		"URL":       {[]string{"schema.registry.url", inURL}, "Basic bWU6cGFzcw=="},
		"user info": {[]string{"basic.auth.credentials.source", "USER_INFO", "basic.auth.user.info", "me:pass"}, "Basic bWU6cGFzcw=="},
		"inherited": {[]string{"basic.auth.credentials.source", "SASL_INHERIT", "sasl.jaas.config", `PlainLoginModule required username="me" password="pass";`}, "Basic bWU6cGFzcw=="},
		"token":     {[]string{"bearer.auth.credentials.source", "STATIC_TOKEN", "bearer.auth.token", "abc"}, "Bearer abc"},
		"oauth": {[]string{
			"bearer.auth.credentials.source", "OAUTHBEARER", "bearer.auth.issuer.endpoint.url", issuer, "bearer.auth.client.id", "id", "bearer.auth.client.secret", "shh",
		}, "Bearer fresh"},
	} {
		if _, err := converter(t, address, tt.settings...).Encode(t.Context(), "t", text("x")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := seen.Load(); got != tt.want {
			t.Errorf("%s: the registry saw %q, want %q", name, got, tt.want)
		}
	}
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	_, err := converter(t, "", "schema.registry.url", strings.Replace(down.URL, "http://", "http://me:hidden@", 1)).Encode(t.Context(), "t", text("x"))
	if err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("the error shows the password, or there is none: %v", err)
	}
}
