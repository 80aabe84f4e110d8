package aws_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sluice-connect/sluice/runtime/control/aws"
	"github.com/sluice-connect/sluice/runtime/offset"
)

const pattern = `schedule control.topics rate(1 minute) {"control":"follow"}: ENABLED`

// matcher stands for what finds topics.
type matcher struct {
	some bool
	err  error
	also func()
}

func (m *matcher) Follow(context.Context) (bool, error) {
	if m.also != nil {
		m.also()
	}
	return m.some, m.err
}

// follow sends an event to the control function.
func (s *stack) follow(m *matcher, payload string) {
	s.Helper()
	if !aws.IsFollow([]byte(payload)) {
		s.Fatalf("%s is no such event", payload)
	}
	_, err := aws.Follower{Triggers: s.triggers, Pattern: m}.Invoke(s.Context(), []byte(payload))
	if !errors.Is(err, m.err) {
		s.Errorf("%s: %v, want %v", payload, err, m.err)
	}
}

func TestFollow_TheScheduleIsThereAsLongAsAPattern(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.triggers.Settings.Control = "control"
	s.put("plain", "OrdersSink", func(c *offset.Connector) { c.Config["topics"] = "one" })
	plain := []string{"alias sink:connector-plain", "mapping one of sink:connector-plain by connect-plain: Enabled"}
	s.want(plain...)
	s.put("all", "OrdersSink", func(c *offset.Connector) { c.Config["topics.regex"], c.Target = "o.*", offset.Paused })
	s.want("alias sink:connector-all", plain[0], plain[1])
	s.put("all", "", func(c *offset.Connector) { c.Target = offset.Running })
	with := []string{"alias sink:connector-all", plain[0], plain[1], pattern}
	s.want(with...)

	s.follow(&matcher{some: true}, `{"control":"follow"}`)
	s.follow(&matcher{err: errors.New("no broker answers")}, `{"control":"follow"}`)
	s.want(with...)
	// What was matched, but has no trigger yet, gets one, however often that failed.
	all := s.look("all")
	all.Trigger["topics"] = "orders"
	all, err := s.store.Put(t.Context(), all, offset.Keep)
	if err != nil {
		t.Fatal(err)
	}
	s.follow(&matcher{some: true}, `{"control":"follow"}`)
	with = []string{with[0], with[1], "mapping one of sink:connector-plain by connect-plain: Enabled", "mapping orders of sink:connector-all by connect-all.orders: Enabled", pattern}
	s.want(with...)
	// While it is found that there is none, somebody creates one.
	s.follow(&matcher{}, `{"control":"follow"}`)
	s.want(with...)
	all = s.look("all")
	if err := s.triggers.Deleted(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Delete(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	s.follow(&matcher{}, `{"control":"follow"}`)
	s.want(plain...)
	s.follow(&matcher{}, `{"control":"follow"}`) // once more is no error
}

func TestFollow_StopsTheTriggerOfASinkThatGaveUp(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.triggers.Settings.Control = "control"
	s.put("orders", "OrdersSink", func(c *offset.Connector) { c.Config["topics"] = "one" })
	c := s.look("orders")
	if c.Trigger["control"] != "control" {
		t.Fatalf("the sink is not told whom to tell: %v", c.Trigger)
	}
	c.Trigger["halted"] = "the target is gone"
	if _, err := s.store.Put(t.Context(), c, offset.Keep); err != nil {
		t.Fatal(err)
	}
	s.follow(&matcher{}, `{"control":"follow","connector":"orders"}`)
	s.want("alias sink:connector-orders", "mapping one of sink:connector-orders by connect-orders: Disabled")
	s.follow(&matcher{}, `{"control":"follow","connector":"deleted meanwhile"}`)
}

func TestFollow_SinksThatCompleteThingsByTheClockHaveASchedule(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.put("lake", "LakeSink", func(c *offset.Connector) { c.Config["topics"] = "one" })
	mapping := []string{"alias lake:connector-lake", "mapping one of lake:connector-lake by connect-lake: Enabled"}
	const tick = `schedule rest.lake rate(1 minute) {"connector":"lake","tick":true}: `
	s.want(mapping[0], mapping[1], tick+"ENABLED")
	if target := *s.account.schedules["rest.lake"].Target.Arn; target != "arn:lake" {
		t.Errorf("its ticks go to %s; for an alias Lambda would repeat them", target)
	}
	s.put("lake", "", func(c *offset.Connector) { c.Target = offset.Stopped })
	s.want(mapping[0], "mapping one of lake:connector-lake by connect-lake: Disabled", tick+"DISABLED")
	if err := s.triggers.Deleted(t.Context(), s.look("lake")); err != nil {
		t.Error(err)
	}
	s.want()

	// One of the stack has the schedule that CloudFormation makes.
	s.put("own", "LakeSink", func(c *offset.Connector) { c.Config["topics"], c.Trigger["function"] = "one", "arn:own" })
	s.want()
}
