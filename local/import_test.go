package main_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/local/e2e/desk"
)

// reference is a real Kafka Connect with its Kafka, which the tests of a machine with Java have.
func reference(t *testing.T) (brokers, connect string) {
	t.Helper()
	brokers, connect = os.Getenv("SLUICE_TEST_KAFKA"), strings.TrimSuffix(os.Getenv("SLUICE_TEST_CONNECT"), "/")
	if brokers != "" && connect != "" {
		return brokers, connect
	}
	if os.Getenv("SLUICE_CI") != "" {
		t.Fatal("there is no Kafka Connect: SLUICE_TEST_KAFKA and SLUICE_TEST_CONNECT are not set")
	}
	t.Skip("SLUICE_TEST_KAFKA and SLUICE_TEST_CONNECT do not name a Kafka Connect; local/reference/servers run --connect starts one")
	return "", ""
}

// rest sends a request and wants a status.
func rest(t *testing.T, status int, method, url, body string) string {
	t.Helper()
	var text string
	eventually(t, func() string {
		var got int
		var err error
		if got, text, err = exchange(t, method, url, body); err != nil {
			return err.Error()
		}
		if got == http.StatusConflict && status != got {
			return text // it rebalances
		}
		if got != status {
			t.Fatalf("%s %s: %d %s, want %d", method, url, got, text, status)
		}
		return ""
	})
	return text
}

func exchange(t *testing.T, method, url, body string) (int, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// TestImport_GoesOnWhereConnectEnded takes over file connectors that ran in a real Kafka Connect: no line is lost, none
// comes twice.
func TestImport_GoesOnWhereConnectEnded(t *testing.T) {
	t.Parallel()
	brokers, connect := reference(t)
	dir := t.TempDir()
	id := strings.ToLower(filepath.Base(filepath.Dir(dir))) // names that nobody else has
	in, out, wide := filepath.Join(dir, "in.txt"), filepath.Join(dir, "out.txt"), filepath.Join(dir, "wide.txt")
	from, to, both := "from-"+id, "to-"+id, "both-"+id
	plain := fmt.Sprintf(`"key.converter": %q, "value.converter": %q, "tasks.max": "1"`, text, text)
	create := func(name, rest string) string {
		return fmt.Sprintf(`{"name": %q, "config": {%s, %s}}`, name, plain, rest)
	}
	append3 := func(first int) {
		f, err := os.OpenFile(in, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		for n := first; n < first+3; n++ {
			fmt.Fprintf(f, "line %d\n", n)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	append3(0)
	rest(t, http.StatusCreated, "POST", connect+"/connectors", create(from, fmt.Sprintf(`"connector.class": "FileStreamSource", "file": %q, "topic": %q`, in, id)))
	rest(t, http.StatusCreated, "POST", connect+"/connectors", create(to, fmt.Sprintf(`"connector.class": "FileStreamSink", "file": %q, "topics": %q`, out, id)))
	rest(t, http.StatusCreated, "POST", connect+"/connectors", create(both, fmt.Sprintf(`"connector.class": "FileStreamSink", "file": %q, "topics": "%s,%s-other"`, wide, id, id)))
	eventually(t, content(out, "line 0\nline 1\nline 2\n"))
	eventually(t, content(wide, "line 0\nline 1\nline 2\n"))
	for _, name := range []string{from, to, both} {
		rest(t, http.StatusNoContent, "PUT", connect+"/connectors/"+name+"/stop", "")
		eventually(t, func() string {
			if tasks := rest(t, http.StatusOK, "GET", connect+"/connectors/"+name+"/tasks", ""); tasks != "[]" {
				return "the tasks of " + name + ": " + tasks
			}
			return ""
		})
	}
	append3(3)

	p := up(t, dir, free("--brokers", brokers)...)
	imported := importInto(t, p, dir, 0, "--brokers", brokers, "--dry-run", from, to, both)
	if strings.Count(imported, "would be created STOPPED") != 3 {
		t.Errorf("a dry run says %s", imported)
	}
	if names := rest(t, http.StatusOK, "GET", p.REST+"/connectors", ""); names != "[]" {
		t.Errorf("a dry run made %s", names)
	}
	imported = importInto(t, p, dir, 0, "--brokers", brokers, from, to, both)
	for _, want := range []string{from + ": created STOPPED, with 1 offsets", to + ": created STOPPED, with where its consumer group is", both + ": created STOPPED, with "} {
		if !strings.Contains(imported, want) {
			t.Errorf("importing says %s, not %q", imported, want)
		}
	}
	if again := importInto(t, p, dir, 1, "--brokers", brokers, from); !strings.Contains(again, "already exists") {
		t.Errorf("importing again says %s", again)
	}
	for _, name := range []string{from, to, both} {
		rest(t, http.StatusAccepted, "PUT", p.REST+"/connectors/"+name+"/resume", "")
	}
	append3(6)
	want := ""
	for n := range 9 {
		want += fmt.Sprintf("line %d\n", n)
	}
	eventually(t, content(out, want))
	eventually(t, content(wide, want))
}

// importInto runs sluice import for a desk.
func importInto(t *testing.T, p *desk.Process, dir string, status int, args ...string) string {
	t.Helper()
	stdout, stderr, code, err := binaries(t).Run(t.Context(), dir, append([]string{"import", "--rest", p.REST}, args...)...)
	if err != nil || code != status {
		t.Fatalf("sluice import %q: %d, %v\n%s%s", args, code, err, stdout, stderr)
	}
	return stdout
}
