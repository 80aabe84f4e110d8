package secret_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/secret"
)

const kafkaProviders = "org.apache.kafka.common.config.provider."

// local is a resolver with Kafka's three providers, over variables given here.
func local(variables map[string]string, more map[string]string) *secret.Resolver {
	properties := map[string]string{
		"config.providers":                 "file, dir,env,none",
		"config.providers.file.class":      kafkaProviders + "FileConfigProvider",
		"config.providers.dir.class":       "DirectoryConfigProvider",
		"config.providers.env.class":       kafkaProviders + "EnvVarConfigProvider",
		"config.providers.undeclared.type": "x",
	}
	maps.Copy(properties, more)
	return secret.New(secret.Options{Properties: properties, LookupEnv: func(name string) (string, bool) {
		v, ok := variables[name]
		return v, ok
	}})
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestResolver_Resolve(t *testing.T) {
	t.Parallel()
	path := write(t, "db.properties", "user=ann\npassword=p\\u00e4ss word \n  url : jdbc:\\\n    x\nref=${password} ${env:A}\nempty=\n")
	dir := filepath.Dir(path)
	r := local(map[string]string{"A": "1", "EMPTY": "", "REF": "${env:A}"}, nil)
	for _, test := range []struct{ name, raw, want string }{
		{"a file's key", "${file:" + path + ":user}", "ann"},
		{"escapes and blanks at the end", "${file:" + path + ":password}", "päss word "},
		{"a continued line", "${file:" + path + ":url}", "jdbc:x"},
		{"values are not searched", "${file:" + path + ":ref}", "${password} ${env:A}"},
		{"an empty value", "[${file:" + path + ":empty}]", "[]"},
		{"no such key", "${file:" + path + ":nobody}", "${file:" + path + ":nobody}"},
		{"no path", "${file:user}", "${file:user}"},
		{"several", "a${env:A}b${env:A}${file:" + path + ":user}c", "a1b1annc"},
		{"a variable", "${env:A}", "1"},
		{"an empty variable", "<${env:EMPTY}>", "<>"},
		{"no such variable", "${env:B}", "${env:B}"},
		{"an empty path", "${env::A}", "1"},
		{"no recursion", "${env:REF}", "${env:A}"},
		{"unknown provider", "${vault:a:b} ${env:A}", "${vault:a:b} 1"},
		{"a provider without a class", "${none:A}", "${none:A}"},
		{"an unclosed one swallows the next", "${x ${env:A}", "${x ${env:A}"},
		{"no colon", "${A}${env:A}", "${A}1"},
		{"never closed", "${env:A", "${env:A"},
		{"a dollar alone", "$${env:A}", "$1"},
		{"a directory's file", "${dir:" + dir + ":db.properties}", "user=ann\npassword=p\\u00e4ss word \n  url : jdbc:\\\n    x\nref=${password} ${env:A}\nempty=\n"},
		{"a directory's missing file", "${dir:" + dir + ":x}", "${dir:" + dir + ":x}"},
		{"a file below", "${dir:/:etc/hosts}", "${dir:/:etc/hosts}"},
		{"a file above", "${dir:" + dir + ":..}", "${dir:" + dir + ":..}"},
		{"no such directory", "${dir:/nowhere:x}", "${dir:/nowhere:x}"},
	} {
		settings := map[string]string{"s": test.raw, "plain": "as it is"}
		got, err := r.Resolve(t.Context(), settings)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(map[string]string{"s": test.want, "plain": "as it is"}, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.name, diff)
		}
		if settings["s"] != test.raw {
			t.Errorf("%s: the caller's settings were changed", test.name)
		}
	}
}

func TestResolver_ResolveFailsWithoutTheValue(t *testing.T) {
	t.Parallel()
	bad := write(t, "bad.properties", "password=hunter2\\u00zz\n")
	latin := write(t, "latin.properties", "password=hunter2\xff\n")
	more := map[string]string{
		"config.providers":                                 "file,env,vault,pattern,relative",
		"config.providers.vault.class":                     "com.example.VaultConfigProvider",
		"config.providers.pattern.class":                   "EnvVar",
		"config.providers.pattern.param.allowlist.pattern": "(",
		"config.providers.relative.class":                  "File",
		"config.providers.relative.param.allowed.paths":    "/etc, secrets",
		"config.providers.ssm.param.ttl.ms":                "soon",
	}
	r := local(map[string]string{"A": "hunter2"}, more)
	for raw, want := range map[string]string{
		"${file:/nowhere/db.properties:password}": "reading properties: open /nowhere/db.properties: no such file",
		"${file:" + bad + ":password}":            "it is malformed",
		"${file:" + latin + ":password}":          "it is not UTF-8",
		"${env:some/path:A}":                      "Path is not supported for EnvVarConfigProvider, invalid value 'some/path'",
		"${vault:a:b}":                            `there is no provider of class "com.example.VaultConfigProvider"`,
		"${pattern:A}":                            "reading allowlist.pattern",
		"${relative:/etc/x:y}":                    "Path secrets is not absolute",
	} {
		_, err := r.Resolve(t.Context(), map[string]string{"a.first": "${env:A}", "connection.password": "${env:A}" + raw})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "resolving "+raw+" of the setting connection.password: ") {
			t.Errorf("%s: got %v, want %s", raw, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the value is shown: %v", raw, err)
		}
	}
	if _, err := r.Resolve(t.Context(), map[string]string{"s": "${file:/nowhere:x}"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestResolver_LimitsWhatMayBeRead(t *testing.T) {
	t.Parallel()
	path := write(t, "a.properties", "k=v\n")
	dir := filepath.Dir(path)
	r := local(map[string]string{"DB_USER": "ann", "HOME": "/h"}, map[string]string{
		"config.providers.file.param.allowed.paths":    dir,
		"config.providers.dir.param.allowed.paths":     dir + "/no",
		"config.providers.env.param.allowlist.pattern": "DB_.*|X",
	})
	for raw, want := range map[string]string{
		"${file:" + path + ":k}": "v",
		"${file:" + dir + "/../" + filepath.Base(dir) + "/a.properties:k}": "v",
		"${file:" + dir + "/../other/a.properties:k}":                      "${file:" + dir + "/../other/a.properties:k}",
		"${file:" + dir + "2/a.properties:k}":                              "${file:" + dir + "2/a.properties:k}",
		"${dir:" + dir + ":a.properties}":                                  "${dir:" + dir + ":a.properties}",
		"${env:DB_USER}":                                                   "ann",
		"${env:HOME}":                                                      "${env:HOME}",
		"${env:MY_DB_USER}":                                                "${env:MY_DB_USER}",
	} {
		got, err := r.Resolve(t.Context(), map[string]string{"s": raw})
		if err != nil || got["s"] != want {
			t.Errorf("%s: got %q, %v, want %q", raw, got["s"], err, want)
		}
	}
}

// Allocations can be counted only while nothing else runs.
func TestResolver_WithoutPlaceholdersDoesNothing(t *testing.T) { //nolint:paralleltest // see above
	r := local(map[string]string{"A": "hunter2"}, nil)
	settings := map[string]string{"a": "x", "b": "${x}"}
	text := "a line of a log"
	if n := testing.AllocsPerRun(100, func() {
		if _, err := r.Resolve(t.Context(), settings); err != nil {
			t.Error(err)
		}
		_ = r.Scrub(text)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if _, err := r.Resolve(t.Context(), map[string]string{"a": "${env:A}"}); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = r.Scrub(text) }); n > 0 {
		t.Errorf("%v allocations for a text without secrets", n)
	}
}

func TestResolver_ServesManyAtOnce(t *testing.T) {
	t.Parallel()
	path := write(t, "a.properties", "k=hunter2\n")
	r := local(map[string]string{"A": "hunter3"}, nil)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			raw := map[string]string{"name": fmt.Sprint("c", i), "a": "${env:A}", "b": "x${file:" + path + ":k}"}
			for range 50 {
				got, err := r.Resolve(t.Context(), raw)
				if err != nil || got["a"] != "hunter3" || got["b"] != "xhunter2" {
					t.Error(got, err)
					return
				}
				back, err := r.Restore(got, raw, got)
				if diff := cmp.Diff(raw, back); err != nil || diff != "" {
					t.Error(err, diff)
				}
				if s := r.Scrub("hunter2 hunter3"); strings.Contains(s, "hunter") {
					t.Error(s)
				}
				r.Renew()
			}
		})
	}
	group.Wait()
}

// kafkaPattern is the one that Kafka's documentation of providers gives for placeholders.
func kafkaPattern() *regexp.Regexp { return regexp.MustCompile(`\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`) }

func FuzzResolver_Resolve(f *testing.F) {
	for _, s := range []string{"${env:A}", "x${env:A}y${env::A}", "${${env:A}}", "${env:A", "$${env:A}}", "${:}", "${env:${env:A}}", "${}${env:A}", "${a\n:b}"} {
		f.Add(s)
	}
	pattern := kafkaPattern()
	f.Fuzz(func(t *testing.T, text string) {
		r := local(map[string]string{"A": "value"}, nil)
		want := pattern.ReplaceAllStringFunc(text, func(p string) string {
			m := pattern.FindStringSubmatch(p)
			if m[1] == "env" && m[3] == "" && m[4] == "A" {
				return "value"
			}
			return p
		})
		got, err := r.Resolve(t.Context(), map[string]string{"s": text})
		if err != nil {
			return // a path, or a file that is not there
		}
		if strings.Contains(text, "${file:") || strings.Contains(text, "${dir:") {
			return
		}
		if got["s"] != want {
			t.Errorf("%q became %q, and Kafka's pattern makes it %q", text, got["s"], want)
		}
	})
}
