package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// patternSchedule has the control function look for new topics of sinks that read those of a pattern. It is there as long
// as such a sink is.
const patternSchedule = "control.topics"

const (
	follow         = "follow"
	patternSetting = "topics.regex"
)

// followPattern makes the schedule by which the topics of a sink's pattern are followed, if it has one.
func (t Triggers) followPattern(ctx context.Context, c offset.Connector) error {
	if c.Config[patternSetting] == "" || c.Target != offset.Running || t.Settings.Control == "" {
		return nil
	}
	_, err := t.Schedules.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: new(patternSchedule), GroupName: &t.Settings.Group})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); !missing {
		return err
	}
	input, err := json.Marshal(control.FollowEvent{Control: follow})
	if err != nil {
		return fmt.Errorf("writing the event of schedule %s: %w", patternSchedule, err)
	}
	arn, err := t.Mappings.arn(ctx, t.Settings.Control)
	if err != nil {
		return err
	}
	return t.makeSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: new(patternSchedule), ScheduleExpression: new(everyMinute), State: types.ScheduleStateEnabled,
		Description: new("Follows the topics of sinks that read those of a pattern"),
		Target:      &types.Target{Arn: &arn, Input: new(string(input))},
	})
}

// Pattern finds the topics of sinks that read those of a pattern; *control.Server does.
type Pattern interface {
	// Follow has new topics followed, and tells whether there are such sinks.
	Follow(ctx context.Context) (some bool, err error)
}

// Follower answers a control.FollowEvent.
type Follower struct {
	Triggers Triggers
	Pattern  Pattern
}

// IsFollow tells whether an event is a control.FollowEvent.
func IsFollow(payload []byte) bool {
	var e control.FollowEvent
	return json.Unmarshal(payload, &e) == nil && e.Control == follow
}

// Invoke handles the event.
func (f Follower) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e control.FollowEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("reading the event: %w", err)
	}
	if e.Connector != "" {
		return []byte("{}"), f.one(ctx, e.Connector)
	}
	some, err := f.Pattern.Follow(ctx)
	if err != nil || some {
		// What was matched earlier may still wait for its triggers, if making them failed.
		return []byte("{}"), errors.Join(err, f.each(ctx, f.Triggers.Changed))
	}
	if err := f.Triggers.deleteSchedule(ctx, patternSchedule); err != nil {
		return nil, err
	}
	// Somebody may have created such a sink just now, and found the schedule that is gone.
	return []byte("{}"), f.each(ctx, f.Triggers.followPattern)
}

// one makes the triggers of one connector fit.
func (f Follower) one(ctx context.Context, name string) error {
	c, _, err := f.Triggers.Store.Look(ctx, name, 0)
	if errors.Is(err, offset.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking up connector %s: %w", name, err)
	}
	return f.Triggers.Changed(ctx, c)
}

// each does something for every sink that runs and reads the topics of a pattern.
func (f Follower) each(ctx context.Context, do func(ctx context.Context, c offset.Connector) error) error {
	connectors, err := f.Triggers.Store.List(ctx)
	if err != nil {
		return fmt.Errorf("listing connectors: %w", err)
	}
	var problems []error
	for _, c := range connectors {
		if c.Config[patternSetting] != "" && c.Target == offset.Running {
			problems = append(problems, do(ctx, c))
		}
	}
	return errors.Join(problems...)
}
