package infra

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// SinkConnector is a sink: a function that Kafka triggers invoke, one for each topic.
type SinkConnector struct {
	// Construct is the construct itself.
	Construct constructs.Construct
	// Function is what the triggers invoke.
	Function awslambda.Function
	// Mappings are the triggers, in the order of the topics. A sink that follows topics.regex has none here: the control
	// function makes them.
	Mappings []awslambda.CfnEventSourceMapping
	// Schedule has the sink complete what is due by the clock; nil if it does nothing of the kind.
	Schedule awsscheduler.CfnSchedule
}

// NewSinkConnector adds a sink to the stack of a Runtime.
func NewSinkConnector(r *Runtime, f ConnectorFile) (*SinkConnector, error) {
	c, err := newConnector(r, f, sink)
	if err == nil && len(f.topics()) == 0 && f.Config["topics.regex"] == "" {
		err = errors.New(`a sink needs "topics" or "topics.regex" in its file: a parameter comes too late for the triggers`)
	}
	if err != nil {
		return nil, fmt.Errorf("adding connector %s: %w", f.Name, err)
	}
	p := r.Parameters
	own := &Parameters{scope: awscdk.Stack_Of(c.scope)}
	size := own.number(c.id+"BatchSize", "The most records of one invocation of connector "+f.Name+"; 6 MB are another limit.", 500, 1, 10000)
	window := own.number(c.id+"BatchWindow", "Seconds that connector "+f.Name+" waits for a batch to become full.", 1, 0, 300)

	topics, groups := f.topics(), c.groups()
	if len(topics) == 0 {
		c.rights.kafka(deadLetters(f), []string{"*"}, []string{"connect-" + f.Name + "*"})
	} else {
		c.rights.kafka(deadLetters(f), topics, groups)
	}
	c.rights.trigger()
	c.rights.allow("WriteFailures", isProvisioned, "Lambda chooses the names of what it writes.",
		actions(r.Failures.BucketArn(), "s3:ListBucket"), c.writeFailures())
	c.deploy(p.SinkMemory, p.SinkTimeout, f.Name)
	c.configure(r.tellsControl(c.scope, c.rights.role), onlyOnce(c.scope, c.function))
	s := &SinkConnector{Construct: c.scope, Function: c.function}
	told := map[string]any{
		"BatchSize": size.ValueAsString(), "BatchWindow": window.ValueAsString(), "PartialAnswers": p.eitherText(isProvisioned, "true", "false"),
		"Pollers": awscdk.Fn_Join(new("-"), &[]*string{p.MinimumPollers.ValueAsString(), p.MaximumPollers.ValueAsString(), p.RetryAttempts.ValueAsString()}),
	}
	mappings := map[string]any{}
	after := make([]constructs.IDependable, len(topics))
	for i, topic := range topics {
		mapping := c.mapping(topic, groups[i], size, window)
		s.Mappings, after[i], mappings[topic] = append(s.Mappings, mapping), mapping, mapping.Ref()
	}
	told["Mappings"] = awscdk.Stack_Of(c.scope).ToJsonString(mappings, nil)
	if c.class.Ticks {
		expression := c.expression("When connector " + f.Name + " completes what is due by the clock")
		s.Schedule = c.schedule(expression, map[string]any{"connector": f.Name, "tick": true})
		after = append(after, s.Schedule)
		told = scheduled(told, s.Schedule, expression)
	}
	c.triggers(told, after...)
	r.watch.sink(c, s.Mappings)
	return s, nil
}

// mapping is the trigger of one topic. Its logical id changes with what cannot be changed in place: CloudFormation then
// makes another and deletes this one, but not before Custom::Connector has freed the consumer group, which no two
// mappings can share.
func (c *connector) mapping(topic, group string, size, window awscdk.CfnParameter) awslambda.CfnEventSourceMapping {
	p := c.runtime.Parameters
	position := "TRIM_HORIZON"
	if c.file.Config["consumer.override.auto.offset.reset"] == "latest" {
		position = "LATEST"
	}
	sum := sha256.Sum256([]byte(topic + "\x00" + group + "\x00" + position))
	id := "Trigger" + hex.EncodeToString(sum[:4])
	failed := map[string]any{"OnFailure": map[string]any{"Destination": c.runtime.Failures.BucketArn()}}
	provisioned := map[string]any{
		"MinimumPollers": p.MinimumPollers.ValueAsNumber(), "MaximumPollers": p.MaximumPollers.ValueAsNumber(),
		"PollerGroupName": p.either(hasPollerGroup, p.PollerGroup.ValueAsString(), nil),
	}
	mapping := awslambda.NewCfnEventSourceMapping(c.scope, &id, &awslambda.CfnEventSourceMappingProps{
		FunctionName: c.function.FunctionArn(), Topics: jsii.Strings(topic), StartingPosition: &position,
		BatchSize: size.ValueAsNumber(), MaximumBatchingWindowInSeconds: window.ValueAsNumber(),
		// Left out where it runs, so that an update does not start what REST paused; Custom::Triggers does the rest.
		Enabled:                             awscdk.Fn_ConditionIf(c.runs().LogicalId(), awscdk.Fn_Ref(new("AWS::NoValue")), false),
		EventSourceArn:                      p.eitherText(isMSK, p.ClusterArn.ValueAsString(), nil),
		AmazonManagedKafkaEventSourceConfig: p.either(isMSK, map[string]any{"ConsumerGroupId": group}, nil),
		SelfManagedEventSource: p.either(isMSK, nil, map[string]any{
			"Endpoints": map[string]any{"KafkaBootstrapServers": list(p.Brokers)},
		}),
		SelfManagedKafkaEventSourceConfig: p.either(isMSK, nil, map[string]any{"ConsumerGroupId": group}),
		SourceAccessConfigurations:        p.access(),
		ProvisionedPollerConfig:           p.either(isProvisioned, provisioned, nil),
		FunctionResponseTypes:             p.eitherList(isProvisioned, []string{"ReportBatchItemFailures"}, nil),
		MaximumRetryAttempts:              p.eitherNumber(isProvisioned, p.RetryAttempts.ValueAsNumber(), nil),
		DestinationConfig:                 p.either(isProvisioned, failed, nil),
		MetricsConfig:                     p.either(isProvisioned, map[string]any{"Metrics": []string{"EventCount", "ErrorCount", "KafkaMetrics"}}, nil),
	})
	mapping.Node().AddDependency(c.custom)
	return mapping
}

// groups are the consumer groups by which the topics are read: Connect's, or one for each of several topics, since a
// trigger has one topic and no two triggers share a group.
func (c *connector) groups() []string {
	topics := c.file.topics()
	group := c.file.Config["consumer.override.group.id"]
	if group == "" {
		group = "connect-" + c.file.Name
	}
	groups := make([]string, len(topics))
	for i, topic := range topics {
		if groups[i] = group; len(topics) > 1 {
			groups[i] += "." + topic
		}
	}
	return groups
}

// deadLetters are the topics a sink writes to.
func deadLetters(f ConnectorFile) []string {
	if topic := f.Config["errors.deadletterqueue.topic.name"]; topic != "" && !strings.Contains(topic, "${") {
		return []string{topic}
	}
	return nil
}

func (c *connector) writeFailures() *awsiam.PolicyStatementProps {
	s := actions(awscdk.Fn_Join(new("/"), &[]*string{c.runtime.Failures.BucketArn(), new("*")}), "s3:PutObject")
	s.Conditions = &map[string]any{"StringEquals": map[string]any{"s3:ResourceAccount": awscdk.Aws_ACCOUNT_ID()}}
	return s
}
