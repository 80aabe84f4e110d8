package infra

import (
	"errors"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// StackProps are what a stack is made of.
type StackProps struct {
	RuntimeProps
	// Connectors are the connectors to deploy.
	Connectors []ConnectorFile
	// Description is shown by CloudFormation.
	Description string
}

// Stack is a Runtime with connectors.
type Stack struct {
	awscdk.Stack
	Runtime *Runtime
	Sources []*SourceConnector
	Sinks   []*SinkConnector
}

// NewStack makes a stack out of connector files.
func NewStack(app awscdk.App, id string, props StackProps) (*Stack, error) {
	if props.Description == "" {
		props.Description = "Sluice: Kafka Connect without the cluster"
	}
	s := &Stack{Stack: awscdk.NewStack(app, &id, &awscdk.StackProps{
		Description: &props.Description, AnalyticsReporting: new(false),
	})}
	// The CDK's own validation looks at both sides of a condition, also at the one that the defaults exclude.
	both := "A condition keeps this from being used while the parameter is empty."
	awscdk.Validations_Of(s.Stack).Acknowledge(
		&awscdk.Acknowledgment{Id: new("CloudFormation-Validate::F3031"), Reason: &both},
		&awscdk.Acknowledgment{Id: new("CloudFormation-Validate::F3033"), Reason: &both},
		&awscdk.Acknowledgment{Id: new("CloudFormation-Validate::W2509"), Reason: new("It is the ARN of a secret, and not the secret.")},
	)
	awscdk.Tags_Of(s.Stack).Add(new("sluice:stack"), s.StackName(), nil)
	s.Runtime = NewRuntime(s.Stack, "Runtime", props.RuntimeProps)
	var problems []error
	for _, f := range props.Connectors {
		class, err := classOf(f.Config["connector.class"])
		switch {
		case err != nil:
			err = fmt.Errorf("adding connector %s: %w", f.Name, err)
		case class.Direction == source:
			var c *SourceConnector
			c, err = NewSourceConnector(s.Runtime, f)
			s.Sources = append(s.Sources, c)
		default:
			var c *SinkConnector
			c, err = NewSinkConnector(s.Runtime, f)
			s.Sinks = append(s.Sinks, c)
		}
		problems = append(problems, err)
	}
	return s, errors.Join(problems...)
}
