package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/sluice-connect/sluice/runtime/invoke"
)

// Reading is a topic with the consumer group by which a mapping reads it.
type Reading struct{ Topic, Group string }

// freeTime is how long mappings may take to be gone.
const freeTime = 90 * time.Second

// Free deletes a function's mappings but those to keep, and returns them when they are gone: only then can others have
// their consumer groups.
func (t Triggers) Free(ctx context.Context, function string, keep []Reading) (gone []Reading, err error) {
	ctx, cancel := context.WithTimeout(ctx, freeTime)
	defer cancel()
	for {
		found, err := t.Mappings.list(ctx, function)
		if err != nil {
			return nil, err
		}
		left := 0
		for _, m := range found {
			reading := Reading{topicOf(m), groupOf(m)}
			if slices.Contains(keep, reading) {
				continue
			}
			left++
			if mappingStateOf(m) == deletingState {
				continue
			}
			if err := t.Mappings.remove(ctx, m); err != nil {
				return nil, err
			}
			gone = append(gone, reading)
		}
		if left == 0 {
			return gone, nil
		}
		if err := t.Mappings.wait(ctx); err != nil {
			return nil, fmt.Errorf("waiting until mappings of function %s are deleted: %w", function, err)
		}
	}
}

// wait waits before mappings are looked at again.
func (m Mappings) wait(ctx context.Context) error {
	pause := m.Pause
	if pause == 0 {
		pause = time.Second
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// Clean deletes what connectors that REST created made: schedules, mappings, aliases. CloudFormation knows nothing of
// them, and could not delete what they belong to.
func (t Triggers) Clean(ctx context.Context) error {
	var problems []error
	for pages := scheduler.NewListSchedulesPaginator(t.Schedules, &scheduler.ListSchedulesInput{GroupName: &t.Settings.Group}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			problems = append(problems, fmt.Errorf("listing the schedules of group %s: %w", t.Settings.Group, err))
			break
		}
		for _, s := range page.Schedules {
			if strings.HasPrefix(*s.Name, restSchedule) || *s.Name == patternSchedule {
				problems = append(problems, t.deleteSchedule(ctx, *s.Name))
			}
		}
	}
	for _, f := range t.Functions.List {
		if f.Shared && f.Type == sink {
			problems = append(problems, t.cleanSink(ctx, f.Function))
		}
	}
	return errors.Join(problems...)
}

func (t Triggers) cleanSink(ctx context.Context, function string) error {
	var aliases []types.AliasConfiguration
	for pages := lambda.NewListAliasesPaginator(t.Mappings.API, &lambda.ListAliasesInput{FunctionName: &function}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing the aliases of function %s: %w", function, err)
		}
		aliases = append(aliases, page.Aliases...)
	}
	for _, a := range aliases {
		if !strings.HasPrefix(*a.Name, invoke.AliasPrefix) {
			continue
		}
		if _, err := t.Free(ctx, function+":"+*a.Name, nil); err != nil {
			return err
		}
		if err := t.Mappings.deleteAlias(ctx, function, *a.Name); err != nil {
			return err
		}
	}
	return nil
}
