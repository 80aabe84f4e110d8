package file_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// asChild is set in the environment of a process that is to read its standard input.
const asChild = "SLUICE_TEST_STDIN"

// TestStandardInput_Child is what the child processes run.
func TestStandardInput_Child(t *testing.T) {
	if os.Getenv(asChild) == "" {
		return
	}
	task := newSource(t, map[string]string{"topic": "t"})
	if err := task.Open(t.Context(), connect.Assignment{Log: &notes{}}); err != nil {
		fmt.Println("error:", err)
		return
	}
	defer task.Close(t.Context())
	for got := 0; got < 2; {
		records, err := task.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			position, err := r.Source.Position.JSON()
			fmt.Println("line:", r.Value.Value, r.Source.Partition.JSON(), string(position), err)
			got++
		}
	}
	if task.(connect.Positioner).Position() != nil {
		fmt.Println("error: there is no place in standard input")
	}
}

func child(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStandardInput_Child$", "-test.v")
	cmd.Env = append(os.Environ(), asChild+"=1")
	return cmd
}

func TestStandardInput_IsRead(t *testing.T) {
	t.Parallel()
	stored, err := os.Open(temp(t, "one\ntwo\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer stored.Close()
	pipe := child(t)
	pipe.Stdin = strings.NewReader("one\ntwo\n")
	regular := child(t)
	regular.Stdin = stored
	for name, cmd := range map[string]*exec.Cmd{"pipe": pipe, "file": regular} {
		out, err := cmd.CombinedOutput()
		want := "line: one {\"filename\":null} {\"position\":null} <nil>\nline: two {\"filename\":null} {\"position\":null} <nil>\n"
		if err != nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "error:") {
			t.Errorf("from a %s: %v\n%s", name, err, out)
		}
	}
}

func TestStandardInput_IsMissedAtOnce(t *testing.T) {
	t.Parallel()
	out, err := child(t).CombinedOutput() // its standard input is the null device
	if err != nil || !strings.Contains(string(out), "error: opening standard input, because the setting file is not given") {
		t.Errorf("%v\n%s", err, out)
	}
}
