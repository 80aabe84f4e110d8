package aws_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// processor is the megabytes of memory with which Lambda gives a function one processor.
const processor = 1769

// A quota gives the processes of functions the share of a processor that their memory buys on Lambda, by a control group.
type quota struct {
	named  string   // how it is done, for tables
	groups []string // the folders of the group, one or, where time is counted apart, two
	usage  string   // the file that counts processor time
	unit   int64    // of that file, in nanoseconds
}

// period is how often shares are handed out, in microseconds; Lambda's is said to be 20 ms.
const period = 20_000

// newQuota makes a control group. It takes a right that only root has.
func newQuota(t *testing.T, megabytes int) *quota {
	t.Helper()
	const root = "/sys/fs/cgroup"
	share := period * megabytes / processor
	name := fmt.Sprintf("sluice-%d-%d", os.Getpid(), megabytes)
	settings := map[string]string{}
	var q *quota
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		dir := filepath.Join(root, name)
		q = &quota{named: fmt.Sprintf("a control group's cpu.max of %d µs", period), groups: []string{dir}, usage: filepath.Join(dir, "cpu.stat"), unit: 1000}
		settings[filepath.Join(dir, "cpu.max")] = fmt.Sprintf("%d %d", share, period)
	} else {
		dir := filepath.Join(root, "cpu", name)
		counted := filepath.Join(root, "cpuacct", name)
		q = &quota{
			named:  fmt.Sprintf("a control group's cpu.cfs_quota_us, of a cpu.cfs_period_us of %d", period),
			groups: []string{dir, counted}, usage: filepath.Join(counted, "cpuacct.usage"), unit: 1,
		}
		settings[filepath.Join(dir, "cpu.cfs_period_us")] = strconv.Itoa(period)
		settings[filepath.Join(dir, "cpu.cfs_quota_us")] = strconv.Itoa(share)
		// What else runs on the machine is to wait, not the function.
		settings[filepath.Join(dir, "cpu.shares")] = "262144"
	}
	for _, dir := range q.groups {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Skipf("no share of a processor can be given to functions here: %v", err)
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
	}
	for _, name := range []string{"cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.shares", "cpu.max"} {
		path := filepath.Join(q.groups[0], name)
		if value, ok := settings[path]; ok {
			if err := os.WriteFile(path, []byte(value), 0o600); err != nil {
				t.Skipf("no share of a processor can be given to functions here: %v", err)
			}
		}
	}
	return q
}

// wrap is a bootstrap that joins the group and becomes another.
func (q *quota) wrap(t *testing.T, bootstrap string) string {
	t.Helper()
	var script strings.Builder
	script.WriteString("#!/bin/sh\n")
	for _, dir := range q.groups {
		fmt.Fprintf(&script, "echo $$ > %s/cgroup.procs\n", dir)
	}
	fmt.Fprintf(&script, "exec %s\n", bootstrap)
	path := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(path, []byte(script.String()), 0o755); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	return path
}

// used is the processor time that the group used so far, in milliseconds.
func (q *quota) used(t *testing.T) float64 {
	t.Helper()
	text, err := os.ReadFile(q.usage)
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text))
	count := fields[0]
	if count == "usage_usec" {
		count = fields[1]
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return float64(n*q.unit) / 1e6
}
