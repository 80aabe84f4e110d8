package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// Schedules is what of EventBridge Scheduler is used; *scheduler.Client is one.
type Schedules interface {
	GetSchedule(ctx context.Context, in *scheduler.GetScheduleInput, o ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error)
	CreateSchedule(ctx context.Context, in *scheduler.CreateScheduleInput, o ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error)
	UpdateSchedule(ctx context.Context, in *scheduler.UpdateScheduleInput, o ...func(*scheduler.Options)) (*scheduler.UpdateScheduleOutput, error)
	DeleteSchedule(ctx context.Context, in *scheduler.DeleteScheduleInput, o ...func(*scheduler.Options)) (*scheduler.DeleteScheduleOutput, error)
	ListSchedules(ctx context.Context, in *scheduler.ListSchedulesInput, o ...func(*scheduler.Options)) (*scheduler.ListSchedulesOutput, error)
}

// scheduleSetting says when a connector that REST creates is invoked by the clock, as EventBridge Scheduler takes it.
const (
	scheduleSetting = "sluice.schedule"
	everyMinute     = "rate(1 minute)"
)

// restSchedule begins the names of schedules of connectors that REST creates.
const restSchedule = "rest."

// scheduleOf is the name of a connector's schedule. One that REST creates is named after its connector, as far as that is
// possible.
func scheduleOf(c offset.Connector) string {
	if name := c.Trigger[ScheduleHandle]; name != "" {
		return name
	}
	plain := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' || r == '.') {
			return r
		}
		return '-'
	}, c.Name)
	const most = 64
	if plain != c.Name || len(restSchedule+plain) > most {
		sum := sha256.Sum256([]byte(c.Name))
		plain = plain[:min(len(plain), most-len(restSchedule)-17)] + "-" + hex.EncodeToString(sum[:8])
	}
	return restSchedule + plain
}

// followTarget makes a connector's schedule fit what is wanted of it.
func (t Triggers) followTarget(ctx context.Context, c offset.Connector, function string) error {
	if owned(c) && c.Trigger[ScheduleHandle] == "" {
		return nil // the stack is about to make it
	}
	state := types.ScheduleStateEnabled
	if c.Target != offset.Running {
		state = types.ScheduleStateDisabled
	}
	name := scheduleOf(c)
	found, err := t.Schedules.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &name, GroupName: &t.Settings.Group})
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing) && owned(c):
		return nil // it is the stack's to make
	case errors.As(err, &missing):
		return t.createSchedule(ctx, c, name, function, state)
	case err != nil:
		return fmt.Errorf("looking at schedule %s: %w", name, err)
	}
	expression := found.ScheduleExpression
	if !owned(c) {
		expression = new(expressionOf(c))
	}
	if found.State == state && *found.ScheduleExpression == *expression {
		return nil
	}
	// What is left out would be set back to its default.
	_, err = t.Schedules.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
		Name: &name, GroupName: &t.Settings.Group, ScheduleExpression: expression, State: state,
		FlexibleTimeWindow: found.FlexibleTimeWindow, Target: found.Target, Description: found.Description,
		ScheduleExpressionTimezone: found.ScheduleExpressionTimezone, StartDate: found.StartDate, EndDate: found.EndDate,
		KmsKeyArn: found.KmsKeyArn, ActionAfterCompletion: found.ActionAfterCompletion,
	})
	if err != nil {
		return fmt.Errorf("changing schedule %s: %w", name, err)
	}
	return nil
}

func expressionOf(c offset.Connector) string {
	if own := c.Config[scheduleSetting]; own != "" {
		return own
	}
	return everyMinute
}

func (t Triggers) createSchedule(ctx context.Context, c offset.Connector, name, function string, state types.ScheduleState) error {
	f, err := t.Functions.plugin(c)
	if err != nil {
		return err
	}
	var event any = map[string]string{"connector": c.Name}
	if f.Type == sink {
		event = worker.SinkTick{Connector: c.Name, Tick: true}
	}
	input, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("writing the event of connector %s: %w", c.Name, err)
	}
	arn, err := t.Mappings.arn(ctx, function)
	if err != nil {
		return err
	}
	return t.makeSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: &name, ScheduleExpression: new(expressionOf(c)), State: state, Description: new("Invokes connector " + c.Name),
		Target: &types.Target{Arn: &arn, Input: new(string(input))},
	})
}

// makeSchedule makes a schedule of the stack's group. What was not delivered in a minute is not worth it: the next tick comes.
func (t Triggers) makeSchedule(ctx context.Context, in *scheduler.CreateScheduleInput) error {
	in.GroupName, in.FlexibleTimeWindow = &t.Settings.Group, &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff}
	in.Target.RoleArn = &t.Settings.Role
	in.Target.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: new(int32(60)), MaximumRetryAttempts: new(int32(0))}
	_, err := t.Schedules.CreateSchedule(ctx, in)
	var there *types.ConflictException
	if err != nil && !errors.As(err, &there) { // somebody else's request may have made it just now
		return fmt.Errorf("making schedule %s: %w", *in.Name, err)
	}
	return nil
}

// forgetSchedule ends the ticks of a connector.
func (t Triggers) forgetSchedule(ctx context.Context, c offset.Connector) error {
	if owned(c) {
		c.Target = offset.Stopped // what the stack made is not ours to delete
		return t.followTarget(ctx, c, "")
	}
	return t.deleteSchedule(ctx, scheduleOf(c))
}

func (t Triggers) deleteSchedule(ctx context.Context, name string) error {
	_, err := t.Schedules.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: &name, GroupName: &t.Settings.Group})
	var missing *types.ResourceNotFoundException
	if err != nil && !errors.As(err, &missing) {
		return fmt.Errorf("deleting schedule %s: %w", name, err)
	}
	return nil
}

func (t Triggers) scheduleState(ctx context.Context, c offset.Connector) (state control.TriggerState, there bool, err error) {
	name := scheduleOf(c)
	found, err := t.Schedules.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &name, GroupName: &t.Settings.Group})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return state, false, nil
	}
	if err != nil {
		return state, false, err
	}
	state.Delivering = found.State == types.ScheduleStateEnabled
	if c.Target == offset.Running && !state.Delivering {
		state.Broken = "schedule " + name + " is disabled"
	}
	state.Every = every(*found.ScheduleExpression)
	return state, true, nil
}

// every is the time between two ticks of a rate, 0 for other expressions.
func every(expression string) time.Duration {
	inside, ok := strings.CutPrefix(expression, "rate(")
	if !ok {
		return 0
	}
	count, unit, _ := strings.Cut(strings.TrimSuffix(inside, ")"), " ")
	n, err := strconv.Atoi(count)
	if err != nil {
		return 0
	}
	for prefix, d := range map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour} {
		if strings.HasPrefix(unit, prefix) {
			return time.Duration(n) * d
		}
	}
	return 0
}
