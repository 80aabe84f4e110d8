package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/invoke"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// LambdaAPI is what of Lambda is used for mappings; *lambda.Client is one.
type LambdaAPI interface { //nolint:interfacebloat // calls of one service
	GetFunctionConfiguration(ctx context.Context, in *lambda.GetFunctionConfigurationInput, o ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error)
	ListEventSourceMappings(ctx context.Context, in *lambda.ListEventSourceMappingsInput, o ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error)
	CreateEventSourceMapping(ctx context.Context, in *lambda.CreateEventSourceMappingInput, o ...func(*lambda.Options)) (*lambda.CreateEventSourceMappingOutput, error)
	UpdateEventSourceMapping(ctx context.Context, in *lambda.UpdateEventSourceMappingInput, o ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error)
	DeleteEventSourceMapping(ctx context.Context, in *lambda.DeleteEventSourceMappingInput, o ...func(*lambda.Options)) (*lambda.DeleteEventSourceMappingOutput, error)
	CreateAlias(ctx context.Context, in *lambda.CreateAliasInput, o ...func(*lambda.Options)) (*lambda.CreateAliasOutput, error)
	DeleteAlias(ctx context.Context, in *lambda.DeleteAliasInput, o ...func(*lambda.Options)) (*lambda.DeleteAliasOutput, error)
	ListAliases(ctx context.Context, in *lambda.ListAliasesInput, o ...func(*lambda.Options)) (*lambda.ListAliasesOutput, error)
}

// Mappings are the event source mappings of functions.
type Mappings struct {
	API LambdaAPI
	// Pause is the wait before a mapping that is being changed is asked again. Defaults to a second.
	Pause time.Duration
}

// patience is how long a mapping may be busy with its last change. Lambda takes a minute or so to make one; who changes it
// meanwhile is told to come again.
const patience = 25 * time.Second

// again repeats a call as long as a mapping is busy with its last change.
func (m Mappings) again(ctx context.Context, call func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := call()
		var busy *types.ResourceInUseException
		var conflict *types.ResourceConflictException
		if !errors.As(err, &busy) && !errors.As(err, &conflict) || time.Now().After(deadline) {
			return err
		}
		if waited := m.wait(ctx); waited != nil {
			return errors.Join(err, waited)
		}
	}
}

// arn is the ARN of a function, which may be given by its ARN already, and with an alias.
func (m Mappings) arn(ctx context.Context, function string) (string, error) {
	if strings.HasPrefix(function, "arn:") {
		return function, nil
	}
	found, err := m.API.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	if err != nil {
		return "", fmt.Errorf("looking up function %s: %w", function, err)
	}
	return *found.FunctionArn, nil
}

// list are the mappings of a function or of an alias.
func (m Mappings) list(ctx context.Context, function string) ([]types.EventSourceMappingConfiguration, error) {
	var all []types.EventSourceMappingConfiguration
	for pages := lambda.NewListEventSourceMappingsPaginator(m.API, &lambda.ListEventSourceMappingsInput{FunctionName: &function}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("listing the mappings of function %s: %w", function, err)
		}
		all = append(all, page.EventSourceMappings...)
	}
	return all, nil
}

func (m Mappings) enable(ctx context.Context, found types.EventSourceMappingConfiguration, enabled bool) error {
	state := mappingStateOf(found)
	if state == enabledState && enabled || state == disabledState && !enabled {
		return nil
	}
	err := m.again(ctx, func() error {
		_, err := m.API.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: found.UUID, Enabled: &enabled})
		return err
	})
	if err != nil {
		return fmt.Errorf("enabling or disabling the mapping of topic %s: %w", topicOf(found), err)
	}
	return nil
}

func (m Mappings) remove(ctx context.Context, found types.EventSourceMappingConfiguration) error {
	err := m.again(ctx, func() error {
		_, err := m.API.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: found.UUID})
		return err
	})
	var missing *types.ResourceNotFoundException
	if err != nil && !errors.As(err, &missing) {
		return fmt.Errorf("deleting the mapping of topic %s: %w", topicOf(found), err)
	}
	return nil
}

func topicOf(m types.EventSourceMappingConfiguration) string { return strings.Join(m.Topics, ",") }

func groupOf(m types.EventSourceMappingConfiguration) string {
	switch {
	case m.AmazonManagedKafkaEventSourceConfig != nil && m.AmazonManagedKafkaEventSourceConfig.ConsumerGroupId != nil:
		return *m.AmazonManagedKafkaEventSourceConfig.ConsumerGroupId
	case m.SelfManagedKafkaEventSourceConfig != nil && m.SelfManagedKafkaEventSourceConfig.ConsumerGroupId != nil:
		return *m.SelfManagedKafkaEventSourceConfig.ConsumerGroupId
	}
	return ""
}

// States of mappings, as Lambda names them.
const (
	enabledState  = "Enabled"
	disabledState = "Disabled"
	deletingState = "Deleting"
)

func mappingStateOf(m types.EventSourceMappingConfiguration) string {
	if m.State == nil {
		return ""
	}
	return *m.State
}

// qualified is what a sink's mappings invoke: the function of its own, or an alias of the one it shares.
func qualified(c offset.Connector, function string) (string, error) {
	if owned(c) {
		return function, nil
	}
	alias, err := invoke.Alias(c.Name)
	return function + ":" + alias, err
}

// stackMappings are the UUIDs of the mappings that the stack made, by topic; made is false before it did.
func stackMappings(c offset.Connector) (uuids map[string]string, made bool) {
	text := c.Trigger[MappingsHandle]
	if text == "" || json.Unmarshal([]byte(text), &uuids) != nil {
		return nil, false
	}
	return uuids, true
}

// followTopics makes a sink's mappings fit its topics and what is wanted of it.
func (t Triggers) followTopics(ctx context.Context, c *offset.Connector, function string) error {
	stack, made := stackMappings(*c)
	if owned(*c) && !made {
		return nil // the stack is about to make them
	}
	name, err := t.invokedBy(ctx, *c, function)
	if err != nil {
		return err
	}
	found, err := t.Mappings.list(ctx, name)
	if err != nil {
		return err
	}
	runs := c.Target == offset.Running && c.Trigger[control.Halted] == ""
	topics := control.Topics(*c)
	var have []string
	taken := map[string]bool{} // groups, of which no two mappings can have the same
	for _, m := range found {
		topic, ours := topicOf(m), slices.Contains(mapValues(stack), *m.UUID)
		switch {
		case mappingStateOf(m) == deletingState:
		case slices.Contains(topics, topic):
			have = append(have, topic)
			taken[groupOf(m)] = true
			err = t.Mappings.enable(ctx, m, runs)
		case ours: // CloudFormation would miss it if it were deleted
			taken[groupOf(m)] = true
			err = t.Mappings.enable(ctx, m, false)
		default:
			err = t.Mappings.remove(ctx, m)
		}
		if err != nil {
			return err
		}
	}
	for _, topic := range topics {
		if slices.Contains(have, topic) {
			continue
		}
		if group := control.Group(*c, topic); taken[group] {
			// The stack's mapping of another topic has it, and keeps it.
			if err := t.note(ctx, c, map[string]string{control.GroupHandle + topic: group + "." + topic}); err != nil {
				return err
			}
		}
		if err := t.createMapping(ctx, *c, name, topic, runs); err != nil {
			return err
		}
	}
	handles := map[string]string{control.Controller: t.Settings.Control}
	if !owned(*c) {
		handles[worker.PartialAnswers] = fmt.Sprint(t.Settings.provisioned())
	}
	return t.note(ctx, c, handles)
}

// invokedBy is what a sink's mappings invoke; an alias is made if it is not there.
func (t Triggers) invokedBy(ctx context.Context, c offset.Connector, function string) (string, error) {
	name, err := qualified(c, function)
	if err != nil || owned(c) {
		return name, err
	}
	alias := name[len(function)+1:]
	_, err = t.Mappings.API.CreateAlias(ctx, &lambda.CreateAliasInput{
		FunctionName: &function, Name: &alias, FunctionVersion: new("$LATEST"), Description: new("Connector " + c.Name),
	})
	var there *types.ResourceConflictException
	if err != nil && !errors.As(err, &there) {
		return "", fmt.Errorf("making the alias of connector %s: %w", c.Name, err)
	}
	return name, nil
}

// Batches of sinks that REST creates, as the settings of the connector say or as the stack's parameters default to.
const (
	batchSizeSetting   = "sluice.batch.size"
	batchWindowSetting = "sluice.batch.window"
)

func (t Triggers) createMapping(ctx context.Context, c offset.Connector, function, topic string, enabled bool) error {
	s := t.Settings
	group := control.Group(c, topic)
	size, window := int32(500), int32(1)
	if n := number(c.Config[batchSizeSetting]); n != nil {
		size = *n
	}
	if n := number(c.Config[batchWindowSetting]); n != nil {
		window = *n
	}
	in := &lambda.CreateEventSourceMappingInput{
		FunctionName: &function, Topics: []string{topic}, Enabled: &enabled, BatchSize: &size, MaximumBatchingWindowInSeconds: &window,
		StartingPosition: types.EventSourcePositionTrimHorizon, SourceAccessConfigurations: s.access(),
		Tags: map[string]string{"sluice:connector": c.Name},
	}
	if c.Config["consumer.override.auto.offset.reset"] == "latest" {
		in.StartingPosition = types.EventSourcePositionLatest
	}
	if s.Cluster != "" {
		in.EventSourceArn = &s.Cluster
		in.AmazonManagedKafkaEventSourceConfig = &types.AmazonManagedKafkaEventSourceConfig{ConsumerGroupId: &group}
	} else {
		in.SelfManagedEventSource = &types.SelfManagedEventSource{
			Endpoints: map[string][]string{string(types.EndPointTypeKafkaBootstrapServers): split(s.Brokers)},
		}
		in.SelfManagedKafkaEventSourceConfig = &types.SelfManagedKafkaEventSourceConfig{ConsumerGroupId: &group}
	}
	if s.provisioned() {
		in.ProvisionedPollerConfig = &types.ProvisionedPollerConfig{MinimumPollers: number(s.Minimum), MaximumPollers: number(s.Maximum)}
		if s.PollerGroup != "" {
			in.ProvisionedPollerConfig.PollerGroupName = &s.PollerGroup
		}
		in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
		in.MaximumRetryAttempts = number(s.Retries)
		in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &s.Failures}}
	}
	err := t.Mappings.again(ctx, func() error {
		_, err := t.Mappings.API.CreateEventSourceMapping(ctx, in)
		return err
	})
	if err != nil {
		return fmt.Errorf("making the mapping of topic %s: %w", topic, err)
	}
	return nil
}

// access is how pollers reach the brokers, as the stack's own mappings have it.
func (s Settings) access() []types.SourceAccessConfiguration {
	var all []types.SourceAccessConfiguration
	add := func(kind types.SourceAccessType, uri string) {
		all = append(all, types.SourceAccessConfiguration{Type: kind, URI: &uri})
	}
	switch s.Authentication {
	case "SCRAM_SHA_512":
		add(types.SourceAccessTypeSaslScram512Auth, s.Secret)
	case "SCRAM_SHA_256":
		add(types.SourceAccessTypeSaslScram256Auth, s.Secret)
	case "PLAIN":
		add(types.SourceAccessTypeBasicAuth, s.Secret)
	case "MTLS":
		add(types.SourceAccessTypeClientCertificateTlsAuth, s.Secret)
	}
	if s.Cluster != "" {
		return all
	}
	if s.CA != "" {
		add(types.SourceAccessTypeServerRootCaCertificate, s.CA)
	}
	for _, subnet := range split(s.Subnets) {
		add(types.SourceAccessTypeVpcSubnet, "subnet:"+subnet)
	}
	for _, group := range split(s.SecurityGroups) {
		add(types.SourceAccessTypeVpcSecurityGroup, "security_group:"+group)
	}
	return all
}

// forgetMappings ends the deliveries to a sink.
func (t Triggers) forgetMappings(ctx context.Context, c offset.Connector, function string) error {
	name, err := qualified(c, function)
	if err != nil {
		return nil //nolint:nilerr // such a connector was never admitted
	}
	found, err := t.Mappings.list(ctx, name)
	if err != nil {
		return err
	}
	stack, _ := stackMappings(c)
	for _, m := range found {
		if slices.Contains(mapValues(stack), *m.UUID) {
			err = t.Mappings.enable(ctx, m, false)
		} else {
			err = t.Mappings.remove(ctx, m)
		}
		if err != nil {
			return err
		}
	}
	if owned(c) {
		return nil
	}
	return t.Mappings.deleteAlias(ctx, function, name[len(function)+1:])
}

func (m Mappings) deleteAlias(ctx context.Context, function, alias string) error {
	_, err := m.API.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: &function, Name: &alias})
	var missing *types.ResourceNotFoundException
	if err != nil && !errors.As(err, &missing) {
		return fmt.Errorf("deleting alias %s: %w", alias, err)
	}
	return nil
}

func (t Triggers) mappingState(ctx context.Context, c offset.Connector) (state control.TriggerState, there bool, err error) {
	function, err := t.Functions.of(c)
	if err != nil {
		return state, false, err
	}
	name, err := qualified(c, function)
	if err != nil {
		return state, false, nil //nolint:nilerr // such a connector has none
	}
	found, err := t.Mappings.list(ctx, name)
	if err != nil {
		return state, false, err
	}
	for _, m := range found {
		there = true
		now := mappingStateOf(m)
		if now != disabledState {
			state.Delivering = true
		}
		if now != enabledState && now != disabledState {
			state.Note = "the trigger of topic " + topicOf(m) + " is " + strings.ToLower(now)
		}
		if result := m.LastProcessingResult; result != nil && strings.HasPrefix(*result, "PROBLEM") {
			state.Broken = *result
		}
		if now == disabledState && c.Target == offset.Running && slices.Contains(control.Topics(c), topicOf(m)) {
			state.Broken = "the trigger of topic " + topicOf(m) + " is disabled"
			if why := m.StateTransitionReason; why != nil {
				state.Broken += ": " + *why
			}
		}
	}
	return state, there, nil
}

func mapValues(m map[string]string) []string {
	values := make([]string, 0, len(m))
	for _, v := range m {
		values = append(values, v)
	}
	return values
}
