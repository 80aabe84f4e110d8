package secret_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/secret"
)

// knowing returns a resolver that has resolved these variables.
func knowing(t *testing.T, variables map[string]string) *secret.Resolver {
	t.Helper()
	r := local(variables, nil)
	settings := map[string]string{"name": "orders-prod"}
	for name := range variables {
		settings[name] = "${env:" + name + "}"
	}
	if _, err := r.Resolve(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestResolver_Restore(t *testing.T) {
	t.Parallel()
	r := local(map[string]string{"PW": "hunter2", "HOST": "db.example.com", "N": "1", "TWIN": "hunter2"}, nil)
	raw := map[string]string{
		"connection.url": "jdbc:x://${env:HOST}/db?password=${env:PW}", "password": "${env:PW}", "tasks.max": "${env:N}",
		"unknown": "${vault:a}", "plain": "hunter",
	}
	resolved, err := r.Resolve(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	planned := map[string]string{
		"connection.url": resolved["connection.url"],           // as it was
		"tasks.max":      "1",                                  // by its name, short as it is
		"partitions":     "1",                                  // just happens to be the same
		"db.password":    "hunter2",                            // under another name
		"dsn":            "x://u:hunter2@db.example.com/other", // put together anew
		"more":           resolved["connection.url"] + "&a=b",
		"unknown":        "${vault:a}",
		"plain":          "hunter",
		"password":       "hunter22",
	}
	got, err := r.Restore(planned, raw, resolved)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"connection.url": raw["connection.url"], "tasks.max": "${env:N}", "partitions": "1", "db.password": "${env:PW}",
		"dsn": "x://u:${env:PW}@${env:HOST}/other", "more": raw["connection.url"] + "&a=b", "unknown": "${vault:a}",
		"plain": "hunter", "password": "${env:PW}2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	again, err := r.Resolve(t.Context(), got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(planned, again); diff != "" {
		t.Errorf("resolved again, the settings are not what was planned (-want +got)\n%s", diff)
	}
}

func TestResolver_RestoreRefusesOtherForms(t *testing.T) {
	t.Parallel()
	r := local(map[string]string{"PW": "p@ss/word"}, nil)
	raw := map[string]string{"password": "${env:PW}"}
	resolved, err := r.Resolve(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Restore(map[string]string{"dsn": "x://u:" + url.QueryEscape("p@ss/word") + "@h"}, raw, resolved)
	if err == nil || !strings.Contains(err.Error(), "restoring the setting dsn: it holds the value of ${env:PW}") || strings.Contains(err.Error(), "ss%2") {
		t.Errorf("%v", err)
	}
}

func TestResolver_Scrub(t *testing.T) {
	t.Parallel()
	r := knowing(t, map[string]string{
		"PW": "p@ss \"wörd\"\n", "LONG": "secretsecret", "SHORT": "secret", "ABC": "abc", "NO": "no", "TRUE": "true", "STAGE": "prod",
		"DB": "env:ABC", "JSON": `{"username":"annie","password":"inJson!","port":5432}`,
		"JAAS": `org.x.Login required username="bobby" password="inJaas;1";`,
		"URL":  "jdbc:postgresql://carl:inUrl$@h/db",
		"PEM":  "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----\n",
	})
	for text, want := range map[string]string{
		"nothing here":                              "nothing here",
		"bad p@ss \"wörd\"\n!":                      "bad ${env:PW}!",
		"trimmed (p@ss \"wörd\")":                   "trimmed (${env:PW})",
		fmt.Sprintf("quoted %q", "p@ss \"wörd\"\n"): "quoted \"${env:PW}\"",
		fmt.Sprintf("ascii %+q", "p@ss \"wörd\""):   "ascii \"${env:PW}\"",
		"query p%40ss+%22w%C3%B6rd%22%0A":           "query ${env:PW}",
		"path p@ss%20%22w%C3%B6rd%22":               "path ${env:PW}",
		"user p%40ss%20%22w%C3%B6rd%22":             "user ${env:PW}",
		"secretsecret, not secret":                  "${env:LONG}, not ${env:SHORT}",
		"mysecrets":                                 "my${env:SHORT}s",
		"abc abcd 1abc (abc)":                       "${env:ABC} abcd 1abc (${env:ABC})",
		"no true words":                             "no true words",
		"refused inJson! for annie":                 "refused ${env:JSON} for annie",
		"refused inJaas;1 for bobby":                "refused ${env:JAAS} for bobby",
		"refused inUrl$ for carl":                   "refused ${env:URL} for carl",
		"line MIIEvQIBADANBgkqhkiG is broken":       "line ${env:PEM} is broken",
		"orders-prod":                               "orders-prod",
		"${env:ABC} and env:ABC":                    "${env:ABC} and ${env:DB}",
		"in prod":                                   "in ${env:STAGE}",
	} {
		if got := r.Scrub(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestResolver_ScrubKnowsReplacedValues(t *testing.T) {
	t.Parallel()
	variables := map[string]string{"PW": "hunter2"}
	r := local(variables, nil)
	raw := map[string]string{"p": "${env:PW}"}
	for _, v := range []string{"hunter2", "hunter3"} {
		variables["PW"] = v
		if got, err := r.Resolve(t.Context(), raw); err != nil || got["p"] != v {
			t.Fatal(got, err)
		}
	}
	if got := r.Scrub("hunter2 hunter3"); got != "${env:PW} ${env:PW}" {
		t.Error(got)
	}
}

type pair struct{ A, B any }

func TestResolver_LogHandler(t *testing.T) {
	t.Parallel()
	r := knowing(t, map[string]string{"PW": "hunter2", "N": "5432"})
	var b bytes.Buffer
	for _, next := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		deep := "hunter2"
		log := slog.New(r.LogHandler(next)).With("w", "hunter2", "connector", "orders-prod").WithGroup("g")
		log.Info("m hunter2", "s", "hunter2", "err", fmt.Errorf("x: %w", errors.New("hunter2")),
			"any", pair{"hunter2", 1}, "deep", &pair{&deep, []string{"hunter2"}}, "map", map[string]string{"k": "hunter2"},
			"bytes", []byte("hunter2"), slog.Group("in", "s", "hunter2"), "n", 5432, "fine", pair{1, 2})
	}
	out := b.String()
	if strings.Contains(out, "hunter2") || strings.Contains(out, "aHVudGVyMg") {
		t.Errorf("the secret is shown:\n%s", out)
	}
	for _, want := range []string{"orders-prod", "5432", "m ${env:PW}", `"fine":{"A":1,"B":2}`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is missing in\n%s", want, out)
		}
	}
}
