package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
)

// Two stacks with the same connectors, those of REST too, in one account and region: neither takes a name of the other's, and
// the end of one is nothing to the other.
func TestStacks_TwoInOneAccount(t *testing.T) {
	needsAWS(t)
	t.Parallel()
	one := newAccount(t)
	one.stack = "Alpha"
	other := *one
	other.stack = "Beta"
	if out, err := one.run("bootstrap", "aws://123456789012/"+region); err != nil {
		t.Fatalf("bootstrapping: %v\n%s", err, out)
	}
	files := []string{"", ""}
	assemblies := []string{"", ""}
	for i, a := range []*account{one, &other} {
		assemblies[i] = synth(t, shipped(t), "stack", a.stack)
		// Each has brokers of its own: one consumer group is not for two sinks of the same name.
		a.mustDeploy(assemblies[i], "KafkaBrokers="+embedded(t))
		files[i] = t.TempDir()
	}
	one.poll()
	text := `"value.converter": "org.apache.kafka.connect.storage.StringConverter"}`
	for i, a := range []*account{one, &other} {
		lines, out := filepath.Join(files[i], "lines"), filepath.Join(files[i], "out")
		if err := os.WriteFile(lines, []byte(a.stack+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		a.want(http.StatusCreated, "PUT", "/connectors/lines/config", fmt.Sprintf(`{"connector.class": "FileStreamSource", "file": %q, "topic": "lines", `+text, lines))
		a.want(http.StatusCreated, "PUT", "/connectors/out/config", fmt.Sprintf(`{"connector.class": "FileStreamSink", "file": %q, "topics": "lines", `+text, out))
		a.holds(out, a.stack+"\n")
		a.prints()
	}
	one.sharesNoName(&other)

	if out, err := other.run("destroy", other.stack, "--app", assemblies[1], "--force"); err != nil {
		t.Fatalf("destroying: %v\n%s", err, out)
	}
	for kind, names := range one.resources() {
		for _, name := range names {
			if strings.Contains(name, other.stack) {
				t.Errorf("of the stack that is gone there is still %s %s", kind, name)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(files[0], "lines"), []byte("Alpha\nalone\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	one.holds(filepath.Join(files[0], "out"), "Alpha\nalone\n")
	one.prints()
	if text := one.want(http.StatusOK, "GET", "/connectors", ""); text != `["demo-sink","demo-source","lines","out"]` {
		t.Errorf("what is left are the connectors %s", text)
	}
	if out, err := one.run("destroy", one.stack, "--app", assemblies[0], "--force"); err != nil {
		t.Fatalf("destroying: %v\n%s", err, out)
	}
	for kind, names := range one.resources() {
		if len(names) > 0 {
			t.Errorf("of both stacks there is still %s %q", kind, names)
		}
	}
}

// prints waits until the stack's own sink prints something more.
func (a *account) prints() {
	a.t.Helper()
	before := a.logged(a.stack+"-DemoSink", `"orderid"`)
	a.until("the sink of stack "+a.stack+" prints", func() error {
		if a.logged(a.stack+"-DemoSink", `"orderid"`) == before {
			return errors.New("it prints nothing more")
		}
		return nil
	})
}

// sharesNoName compares two stacks: whatever has a name that an account has once has one that only its stack gives.
func (a *account) sharesNoName(other *account) {
	a.t.Helper()
	for kind, names := range a.resources() {
		slices.Sort(names)
		if twice := len(names) - len(slices.Compact(slices.Clone(names))); twice > 0 {
			a.t.Errorf("%d %s have names that others have: %q", twice, kind, names)
		}
		own := func(stack string) (n int) {
			for _, name := range names {
				if strings.Contains(name, stack) {
					n++
				}
			}
			return n
		}
		if mine, theirs := own(a.stack), own(other.stack); mine == 0 || mine != theirs || mine+theirs != len(names) {
			a.t.Errorf("of %d %s there are %d of one stack, and %d of the other: %q", len(names), kind, mine, theirs, names)
		}
	}
}

// resources are the names of what the account holds, by kind, but for what is always there and what `cdk bootstrap` made.
func (a *account) resources() map[string][]string {
	a.t.Helper()
	ctx, found := context.WithoutCancel(a.t.Context()), map[string][]string{}
	add := func(kind, name string) { found[kind] = append(found[kind], name) }
	functions, err := a.lambda.ListFunctions(ctx, &lambda.ListFunctionsInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, f := range functions.Functions {
		add("functions", *f.FunctionName)
	}
	tables, err := a.tables.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	found["tables"] = tables.TableNames
	groups, err := a.schedules.ListScheduleGroups(ctx, &scheduler.ListScheduleGroupsInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, g := range groups.ScheduleGroups {
		if *g.Name != "default" {
			add("schedule groups", *g.Name)
		}
	}
	schedules, err := a.schedules.ListSchedules(ctx, &scheduler.ListSchedulesInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, s := range schedules.Schedules {
		add("schedules", *s.GroupName+"/"+*s.Name)
	}
	for _, m := range a.mappings() {
		add("mappings", *m.FunctionArn+" "+*m.UUID)
	}
	for _, role := range a.iam("ListRoles", "").Roles {
		if !strings.HasPrefix(role.Name, "cdk-") {
			add("roles", role.Name)
		}
	}
	logs := map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.DescribeLogGroups"}
	var described struct {
		Groups []struct {
			Name string `json:"logGroupName"`
		} `json:"logGroups"`
	}
	if err := json.Unmarshal([]byte(a.ask("logs", logs, "{}")), &described); err != nil {
		a.t.Fatal(err)
	}
	for _, g := range described.Groups {
		if !strings.HasPrefix(g.Name, "/aws/lambda/") { // those are the emulator's own
			add("log groups", g.Name)
		}
	}
	return found
}
