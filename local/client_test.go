package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A client that refuses what it does not know takes a desk for the Kafka Connect that it is written for: every call it has
// returns the same from both.
func TestUp_StrictClientSeesKafkaConnect(t *testing.T) {
	t.Parallel()
	_, connect := reference(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in.txt")
	if err := os.WriteFile(in, []byte("one\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := up(t, dir, free()...)
	want, got := calls(t, connect, in), calls(t, p.REST, in)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the client saw of Kafka Connect and of the desk (-want +got):\n%s", diff)
	}
	if len(want) < 42 || strings.Contains(strings.Join(want, "\n"), "it never was") {
		t.Errorf("the client did not see all: %q", want)
	}
	interrupt(t, p)
}

// calls is what the client's calls return.
func calls(t *testing.T, url, file string) []string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), filepath.Join("reference", "client"), url, file)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("the client of %s: %v\n%s\n%s", url, err, &out, &errs)
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}
