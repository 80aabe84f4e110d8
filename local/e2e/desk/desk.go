// Package desk runs the desk as a user does, for tests of whole processes: it builds the binaries, starts `sluice up` and
// ends it. It returns errors instead of failing a test, so that it can be used from anywhere.
package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Binaries are where the desk and its functions were built to.
type Binaries struct {
	// Sluice is the path of the command; Functions is the folder of the functions, the one the command takes by itself.
	Sluice, Functions string
	// Root is the top of the module.
	Root string
}

// Build builds the command and every function into a folder of the module that is not versioned. What is up to date is
// left as it is, so that this costs little the second time, in another test process too.
func Build(ctx context.Context) (Binaries, error) {
	output, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return Binaries{}, fmt.Errorf("finding the module: %w", err)
	}
	b := Binaries{Root: strings.TrimSpace(string(output))}
	dir := filepath.Join(b.Root, ".build", "test")
	b.Sluice, b.Functions = filepath.Join(dir, "sluice"), filepath.Join(dir, "functions")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return b, fmt.Errorf("making the folder of binaries: %w", err)
	}
	release, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return b, err
	}
	defer release()
	if err := b.build(ctx, b.Sluice, "./local", "registry"); err != nil {
		return b, err
	}
	if err := b.build(ctx, filepath.Join(b.Functions, "control", "bootstrap"), "./functions/control"); err != nil {
		return b, err
	}
	for _, direction := range []string{"source", "sink"} {
		mains, err := filepath.Glob(filepath.Join(b.Root, "functions", "*", direction, "main.go"))
		if err != nil {
			return b, fmt.Errorf("finding the functions: %w", err)
		}
		for _, main := range mains {
			folder, err := filepath.Rel(b.Root, filepath.Dir(main))
			if err != nil {
				return b, fmt.Errorf("finding the functions: %w", err)
			}
			name := filepath.Base(filepath.Dir(folder)) + "-" + direction
			if err := b.build(ctx, filepath.Join(b.Functions, name, "bootstrap"), "./"+filepath.ToSlash(folder)); err != nil {
				return b, err
			}
			if name != "file-source" && name != "file-sink" {
				continue // tests with a schema registry use these
			}
			if err := b.build(ctx, filepath.Join(b.Functions, name+"-registry", "bootstrap"), "./"+filepath.ToSlash(folder), "registry"); err != nil {
				return b, err
			}
		}
	}
	return b, nil
}

func (b Binaries) build(ctx context.Context, to, folder string, tags ...string) error {
	tags = append([]string{"lambda.norpc"}, tags...)
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", strings.Join(tags, ","), "-o", to, folder)
	cmd.Dir = b.Root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", folder, err, output)
	}
	return nil
}

// lock keeps other processes from building at the same time. The lock ends with the process at the latest.
func lock(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the build: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the build: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// Command prepares the command with args, to run in dir. The environment is the test's own but for what would change what
// the desk does.
func (b Binaries) Command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.Sluice, args...)
	cmd.Dir = dir
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") && !strings.HasPrefix(variable, "SLUICE_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	return cmd
}

// Run runs the command to its end.
func (b Binaries) Run(ctx context.Context, dir string, args ...string) (stdout, stderr string, code int, err error) {
	cmd := b.Command(ctx, dir, args...)
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	err = cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		err = nil
	}
	return out.String(), bad.String(), cmd.ProcessState.ExitCode(), err
}
