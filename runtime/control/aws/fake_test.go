package aws_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedules "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

// account is what of an AWS account the triggers see.
type account struct {
	mappings  map[string]*types.EventSourceMappingConfiguration
	aliases   map[string]string // name to function
	schedules map[string]*scheduler.GetScheduleOutput
	made      int
	// busy is how many calls that change a mapping are refused first.
	busy int
}

func newAccount() *account {
	return &account{
		mappings: map[string]*types.EventSourceMappingConfiguration{}, aliases: map[string]string{},
		schedules: map[string]*scheduler.GetScheduleOutput{},
	}
}

// show is a line for each thing there is, sorted.
func (a *account) show() []string {
	var lines []string
	for _, m := range a.mappings {
		lines = append(lines, fmt.Sprintf("mapping %s of %s by %s: %s", m.Topics[0], *m.FunctionArn, *m.SelfManagedKafkaEventSourceConfig.ConsumerGroupId, *m.State))
	}
	for name, function := range a.aliases {
		lines = append(lines, "alias "+function+":"+name)
	}
	for name, s := range a.schedules {
		lines = append(lines, fmt.Sprintf("schedule %s %s %s: %s", name, *s.ScheduleExpression, *s.Target.Input, s.State))
	}
	slices.Sort(lines)
	return lines
}

// put makes a mapping as a stack does.
func (a *account) put(uuid, function, topic, group string) {
	a.mappings[uuid] = &types.EventSourceMappingConfiguration{
		UUID: &uuid, FunctionArn: &function, Topics: []string{topic}, State: new("Enabled"),
		SelfManagedKafkaEventSourceConfig: &types.SelfManagedKafkaEventSourceConfig{ConsumerGroupId: &group},
	}
}

func (a *account) refuse() error {
	if a.busy > 0 {
		a.busy--
		return &types.ResourceInUseException{}
	}
	return nil
}

func (a *account) GetFunctionConfiguration(_ context.Context, in *lambda.GetFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	return &lambda.GetFunctionConfigurationOutput{FunctionArn: new("arn:" + *in.FunctionName)}, nil
}

func (a *account) ListEventSourceMappings(_ context.Context, in *lambda.ListEventSourceMappingsInput, _ ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error) {
	out := &lambda.ListEventSourceMappingsOutput{}
	for _, uuid := range slices.SortedFunc(maps.Keys(a.mappings), cmp.Compare) {
		if m := a.mappings[uuid]; *m.FunctionArn == *in.FunctionName {
			out.EventSourceMappings = append(out.EventSourceMappings, *m)
		}
	}
	return out, nil
}

func (a *account) CreateEventSourceMapping(_ context.Context, in *lambda.CreateEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.CreateEventSourceMappingOutput, error) {
	for _, m := range a.mappings {
		if *m.SelfManagedKafkaEventSourceConfig.ConsumerGroupId == *in.SelfManagedKafkaEventSourceConfig.ConsumerGroupId {
			return nil, fmt.Errorf("the group %s is taken", *in.SelfManagedKafkaEventSourceConfig.ConsumerGroupId)
		}
	}
	a.made++
	uuid := fmt.Sprintf("made-%d", a.made)
	a.put(uuid, *in.FunctionName, in.Topics[0], *in.SelfManagedKafkaEventSourceConfig.ConsumerGroupId)
	if !*in.Enabled {
		a.mappings[uuid].State = new("Disabled")
	}
	return &lambda.CreateEventSourceMappingOutput{}, nil
}

func (a *account) UpdateEventSourceMapping(_ context.Context, in *lambda.UpdateEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error) {
	if err := a.refuse(); err != nil {
		return nil, err
	}
	state := "Disabled"
	if *in.Enabled {
		state = "Enabled"
	}
	a.mappings[*in.UUID].State = &state
	return &lambda.UpdateEventSourceMappingOutput{}, nil
}

func (a *account) DeleteEventSourceMapping(_ context.Context, in *lambda.DeleteEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.DeleteEventSourceMappingOutput, error) {
	if err := a.refuse(); err != nil {
		return nil, err
	}
	delete(a.mappings, *in.UUID)
	return &lambda.DeleteEventSourceMappingOutput{}, nil
}

func (a *account) CreateAlias(_ context.Context, in *lambda.CreateAliasInput, _ ...func(*lambda.Options)) (*lambda.CreateAliasOutput, error) {
	if a.aliases[*in.Name] != "" {
		return nil, &types.ResourceConflictException{}
	}
	a.aliases[*in.Name] = *in.FunctionName
	return &lambda.CreateAliasOutput{}, nil
}

func (a *account) DeleteAlias(_ context.Context, in *lambda.DeleteAliasInput, _ ...func(*lambda.Options)) (*lambda.DeleteAliasOutput, error) {
	delete(a.aliases, *in.Name)
	return &lambda.DeleteAliasOutput{}, nil
}

func (a *account) ListAliases(_ context.Context, in *lambda.ListAliasesInput, _ ...func(*lambda.Options)) (*lambda.ListAliasesOutput, error) {
	out := &lambda.ListAliasesOutput{}
	for name, function := range a.aliases {
		if function == *in.FunctionName {
			out.Aliases = append(out.Aliases, types.AliasConfiguration{Name: &name})
		}
	}
	return out, nil
}

func (a *account) GetSchedule(_ context.Context, in *scheduler.GetScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error) {
	if s, ok := a.schedules[*in.Name]; ok {
		return s, nil
	}
	return nil, &schedules.ResourceNotFoundException{}
}

func (a *account) CreateSchedule(_ context.Context, in *scheduler.CreateScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error) {
	a.schedules[*in.Name] = &scheduler.GetScheduleOutput{
		Name: in.Name, ScheduleExpression: in.ScheduleExpression, State: in.State, Target: in.Target, FlexibleTimeWindow: in.FlexibleTimeWindow,
	}
	return &scheduler.CreateScheduleOutput{}, nil
}

func (a *account) UpdateSchedule(_ context.Context, in *scheduler.UpdateScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.UpdateScheduleOutput, error) {
	if in.Target == nil || in.FlexibleTimeWindow == nil {
		return nil, &schedules.ValidationException{}
	}
	s := a.schedules[*in.Name]
	s.State, s.ScheduleExpression, s.Target = in.State, in.ScheduleExpression, in.Target
	return &scheduler.UpdateScheduleOutput{}, nil
}

func (a *account) DeleteSchedule(_ context.Context, in *scheduler.DeleteScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.DeleteScheduleOutput, error) {
	if a.schedules[*in.Name] == nil {
		return nil, &schedules.ResourceNotFoundException{}
	}
	delete(a.schedules, *in.Name)
	return &scheduler.DeleteScheduleOutput{}, nil
}

func (a *account) ListSchedules(context.Context, *scheduler.ListSchedulesInput, ...func(*scheduler.Options)) (*scheduler.ListSchedulesOutput, error) {
	out := &scheduler.ListSchedulesOutput{}
	for name := range a.schedules {
		out.Schedules = append(out.Schedules, schedules.ScheduleSummary{Name: &name})
	}
	slices.SortFunc(out.Schedules, func(a, b schedules.ScheduleSummary) int { return strings.Compare(*a.Name, *b.Name) })
	return out, nil
}
