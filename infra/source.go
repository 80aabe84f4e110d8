package infra

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
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
	expression := (&Parameters{scope: awscdk.Stack_Of(c.scope)}).text(parameter{
		name: c.id + "Schedule", value: "rate(1 minute)", pattern: `^(rate|cron|at)\([^()]+\)$`, constraint: "rate(…), cron(…) or at(…), as EventBridge Scheduler takes them",
		doc: "When connector " + f.Name + " looks for new records, as EventBridge Scheduler says it: rate(1 minute) is the shortest rate.",
	})
	p := r.Parameters
	c.rights.kafka(c.class.topicsOf(f.Config), nil, nil)
	c.deploy(p.SourceMemory, p.SourceTimeout, "")
	c.configure(c.rights.itself(c.function), onlyOnce(c.scope, c.function))
	invokes := r.mayInvoke(c.scope, c.function)
	schedule := awsscheduler.NewCfnSchedule(c.scope, new("Schedule"), &awsscheduler.CfnScheduleProps{
		Description: new("Invokes connector " + f.Name), GroupName: r.group.Ref(), ScheduleExpression: expression.ValueAsString(),
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: new("OFF")},
		State:              awscdk.Token_AsString(awscdk.Fn_ConditionIf(c.runs().LogicalId(), "ENABLED", "DISABLED"), nil),
		Target: &awsscheduler.CfnSchedule_TargetProperty{
			Arn: c.function.FunctionArn(), RoleArn: r.scheduler.RoleArn(), Input: tick(f.Name),
			// What was not delivered in a minute is not worth it: the next tick comes.
			RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{MaximumEventAgeInSeconds: jsii.Number(60), MaximumRetryAttempts: jsii.Number(0)},
		},
	})
	schedule.Node().AddDependency(c.custom, invokes)
	c.triggers(map[string]any{
		"Schedule": schedule.Ref(), "ScheduleExpression": expression.ValueAsString(), "Group": r.group.Ref(),
	}, schedule)
	r.watch.source(c)
	return &SourceConnector{Construct: c.scope, Function: c.function, Schedule: schedule}, nil
}

// itself lets a source hand tasks to further invocations of its function.
func (r *rights) itself(fn awslambda.Function) awsiam.Policy {
	return awsiam.NewPolicy(r.scope, new("InvokesItself"), &awsiam.PolicyProps{
		Roles:      &[]awsiam.IRole{r.role},
		Statements: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(actions(fn.FunctionArn(), "lambda:InvokeFunction"))},
	})
}

// onlyOnce keeps Lambda from repeating ticks: the next one comes, and a failed task is tried again by it.
func onlyOnce(scope constructs.Construct, fn awslambda.Function) awslambda.CfnEventInvokeConfig {
	return awslambda.NewCfnEventInvokeConfig(scope, new("Once"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName: fn.FunctionName(), Qualifier: new("$LATEST"), MaximumRetryAttempts: jsii.Number(0), MaximumEventAgeInSeconds: jsii.Number(60),
	})
}

// tick is the event by which a schedule runs a connector.
func tick(connector string) *string {
	text, _ := json.Marshal(map[string]string{"connector": connector}) //nolint:errchkjson // strings can always be written
	return new(string(text))
}
