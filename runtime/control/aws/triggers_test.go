package aws_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedules "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/control/aws"
	"github.com/sluice-connect/sluice/runtime/offset"
)

const shared = `[{"class": "com.example.OrdersSource", "type": "source", "version": "1", "function": "orders", "shared": true},
	{"class": "com.example.OrdersSink", "type": "sink", "version": "1", "function": "sink", "shared": true},
	{"class": "com.example.LakeSink", "type": "sink", "version": "1", "function": "lake", "shared": true, "ticks": true},
	{"class": "com.example.Own", "type": "sink", "version": "1", "function": "own"}]`

// stack is an account with its triggers and its table.
type stack struct {
	*testing.T
	account  *account
	lambda   *noted
	store    *offset.Memory
	triggers aws.Triggers
}

func newStack(t *testing.T) *stack {
	t.Helper()
	list, err := aws.ParseFunctions(shared)
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{T: t, account: newAccount(), lambda: &noted{}, store: offset.NewMemory(nil)}
	s.triggers = aws.Triggers{
		Functions: aws.Functions{Lambda: s.lambda, List: list}, Store: s.store, Schedules: s.account,
		Mappings: aws.Mappings{API: s.account}, Settings: aws.Settings{Group: "g", Role: "r", Brokers: "b:9092"},
	}
	return s
}

// put writes a connector and has its triggers follow.
func (s *stack) put(name, class string, change func(c *offset.Connector)) {
	s.Helper()
	c, _, err := s.store.Look(s.Context(), name, 0)
	if err != nil {
		c = offset.Connector{Name: name, Config: map[string]string{"connector.class": class}, Target: offset.Running, Stale: true, Trigger: map[string]string{}}
	}
	change(&c)
	if c, err = s.store.Put(s.Context(), c, offset.Restart); err != nil {
		s.Fatal(err)
	}
	if err := s.triggers.Changed(s.Context(), c); err != nil {
		s.Fatal(err)
	}
}

func (s *stack) look(name string) offset.Connector {
	s.Helper()
	c, _, err := s.store.Look(s.Context(), name, 0)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

func (s *stack) want(lines ...string) {
	s.Helper()
	if diff := cmp.Diff(lines, s.account.show()); diff != "" {
		s.Error(diff)
	}
}

func TestTriggers_OfSourcesThatRestCreates(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.put("ü 1", "OrdersSource", func(c *offset.Connector) { c.Config["sluice.schedule"] = "rate(5 minutes)" })
	s.put("plain", "OrdersSource", func(*offset.Connector) {})
	if want := []string{`event orders {"connector":"ü 1"}`, `event orders {"connector":"plain"}`}; !slices.Equal(s.lambda.asked, want) {
		t.Errorf("asked %q, want %q", s.lambda.asked, want)
	}
	s.want(`schedule rest.--1-7c201433c02a2d5f rate(5 minutes) {"connector":"ü 1"}: ENABLED`, `schedule rest.plain rate(1 minute) {"connector":"plain"}: ENABLED`)
	s.put("plain", "", func(c *offset.Connector) { c.Target = offset.Paused })
	states, err := s.triggers.States(t.Context(), s.look("plain"), s.look("ü 1"))
	if err != nil || states["plain"].Delivering || !states["ü 1"].Delivering || states["ü 1"].Every != 5*time.Minute {
		t.Errorf("the states are %+v, %v", states, err)
	}
	for _, name := range []string{"plain", "ü 1", "plain"} { // again is no error
		if err := s.triggers.Deleted(t.Context(), s.look(name)); err != nil {
			t.Error(err)
		}
	}
	s.want()
}

func TestTriggers_OfSinksThatRestCreates(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.put("a_b.c", "OrdersSink", func(c *offset.Connector) { c.Config["topics"] = "one" })
	s.want("alias sink:connector-a_5fb_2ec", "mapping one of sink:connector-a_5fb_2ec by connect-a_b.c: Enabled")
	if want := `event sink:connector-a_5fb_2ec {"connector":"a_b.c","control":"plan"}`; !slices.Contains(s.lambda.asked, want) {
		t.Errorf("asked %q, want %q", s.lambda.asked, want)
	}
	s.put("a_b.c", "", func(c *offset.Connector) { c.Config["topics"], c.Target = "two", offset.Paused })
	s.want("alias sink:connector-a_5fb_2ec", "mapping two of sink:connector-a_5fb_2ec by connect-a_b.c: Disabled")
	if err := s.triggers.Deleted(t.Context(), s.look("a_b.c")); err != nil {
		t.Error(err)
	}
	s.want()
}

func TestTriggers_OfTheStackAreNeverDeleted(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	own := func(c *offset.Connector) { c.Config["topics"], c.Trigger["function"] = "one", "arn:own" }
	s.put("orders", "Own", own)
	s.want() // CloudFormation makes it after this
	s.account.put("stack-1", "arn:own", "one", "connect-orders")
	s.put("orders", "", func(c *offset.Connector) { c.Trigger["mappings"] = `{"one": "stack-1"}` })
	s.want("mapping one of arn:own by connect-orders: Enabled")
	// REST has it read another topic: the stack's mapping stays, with its group.
	s.put("orders", "", func(c *offset.Connector) { c.Config["topics"] = "two" })
	s.want("mapping one of arn:own by connect-orders: Disabled", "mapping two of arn:own by connect-orders.two: Enabled")
	if group := s.look("orders").Trigger["group.two"]; group != "connect-orders.two" {
		t.Errorf("its offsets are looked for in %q", group)
	}
	s.put("orders", "", func(c *offset.Connector) { c.Config["topics"] = "one" })
	s.want("mapping one of arn:own by connect-orders: Enabled")
	if err := s.triggers.Deleted(t.Context(), s.look("orders")); err != nil {
		t.Error(err)
	}
	s.want("mapping one of arn:own by connect-orders: Disabled")
}

func TestTriggers_WaitForAMappingThatIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t)
		s.put("sink", "OrdersSink", func(c *offset.Connector) { c.Config["topics"] = "one" })
		s.account.busy = 3
		began := time.Now()
		s.put("sink", "", func(c *offset.Connector) { c.Target = offset.Stopped })
		s.want("alias sink:connector-sink", "mapping one of sink:connector-sink by connect-sink: Disabled")
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
		s.account.busy = 1000
		c := s.look("sink")
		c.Target = offset.Running
		if err := s.triggers.Changed(t.Context(), c); err == nil {
			t.Error("a mapping that stays busy is no error")
		}
	})
}

func TestTriggers_Admit(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for _, c := range []struct{ name, class, want string }{
		{"ü", "OrdersSource", ""},
		{"a.b-c_d", "OrdersSink", ""},
		{"ü", "OrdersSink", "letters"},
		{"a b", "OrdersSink", "letters"},
		{strings.Repeat("x", 130), "OrdersSink", "shorter"},
		{"a", "Own", "-c rest="},
	} {
		err := s.triggers.Admit(t.Context(), offset.Connector{Name: c.name, Config: map[string]string{"connector.class": c.class}})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.class, c.name, err, c.want)
		}
	}
}

func TestTriggers_AdmitWhatTheStackMade(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	own := offset.Connector{Name: "ü", Config: map[string]string{"connector.class": "Own"}, Trigger: map[string]string{"function": "arn:own"}}
	if err := s.triggers.Admit(t.Context(), own); err != nil {
		t.Error(err)
	}
}

func TestTriggers_Clean(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.put("source", "OrdersSource", func(*offset.Connector) {})
	s.put("sink", "OrdersSink", func(c *offset.Connector) { c.Config["topics"] = "one,two" })
	if _, err := s.account.CreateSchedule(t.Context(), &scheduler.CreateScheduleInput{
		Name: new("Stack-Orders"), ScheduleExpression: new("rate(1 minute)"), Target: &schedules.Target{Input: new("{}")},
	}); err != nil {
		t.Fatal(err)
	}
	s.account.put("stack-1", "arn:own", "one", "connect-orders")
	for range 2 {
		if err := s.triggers.Clean(t.Context()); err != nil {
			t.Error(err)
		}
		s.want("mapping one of arn:own by connect-orders: Enabled", "schedule Stack-Orders rate(1 minute) {}: ")
	}
}

func TestTriggers_Free(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.account.put("1", "arn:own", "one", "connect-orders")
	s.account.put("2", "arn:own", "two", "connect-orders.two")
	gone, err := s.triggers.Free(t.Context(), "arn:own", []aws.Reading{{Topic: "two", Group: "connect-orders.two"}})
	if err != nil || len(gone) != 1 || gone[0] != (aws.Reading{Topic: "one", Group: "connect-orders"}) {
		t.Errorf("freed %v, %v", gone, err)
	}
	s.want("mapping two of arn:own by connect-orders.two: Enabled")
}
