package infra

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"
)

// SourceConnector is a source: a function that a schedule invokes.
type SourceConnector struct {
	// Construct is the construct itself.
	Construct constructs.Construct
	// Function is what the schedule invokes.
	Function awslambda.Function
	// Schedule is what invokes it.
	Schedule awsscheduler.CfnSchedule
}

// NewSourceConnector adds a source to the stack of a Runtime.
func NewSourceConnector(r *Runtime, f ConnectorFile) (*SourceConnector, error) {
	c, err := newConnector(r, f, source)
	if err != nil {
		return nil, fmt.Errorf("adding connector %s: %w", f.Name, err)
	}
	expression := c.expression("When connector " + f.Name + " looks for new records")
	p := r.Parameters
	c.rights.kafka(c.class.topicsOf(f.Config), nil, nil)
	c.deploy(p.SourceMemory, p.SourceTimeout, "")
	c.configure(c.rights.itself(c.function), onlyOnce(c.scope, c.function))
	schedule := c.schedule(expression, map[string]any{"connector": f.Name})
	c.triggers(scheduled(map[string]any{}, schedule, expression), schedule)
	r.watch.source(c)
	return &SourceConnector{Construct: c.scope, Function: c.function, Schedule: schedule}, nil
}

// itself lets a source hand tasks to further invocations of its function.
func (r *rights) itself(fn awslambda.Function) awsiam.Policy {
	return awsiam.NewPolicy(r.scope, new("InvokesItself"), &awsiam.PolicyProps{
		Roles:      &[]awsiam.IRole{r.role},
		Statements: &[]awsiam.PolicyStatement{statement("HandTasksOver", actions(fn.FunctionArn(), "lambda:InvokeFunction"))},
	})
}
