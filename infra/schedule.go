package infra

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// expression is the parameter that says when a connector is invoked by the clock, and what for.
func (c *connector) expression(what string) awscdk.CfnParameter {
	return (&Parameters{scope: awscdk.Stack_Of(c.scope)}).text(parameter{
		name: c.id + "Schedule", value: "rate(1 minute)", pattern: `^(rate|cron|at)\([^()]+\)$`, constraint: "rate(…), cron(…) or at(…), as EventBridge Scheduler takes them",
		doc: what + ", as EventBridge Scheduler says it: rate(1 minute) is the shortest rate.",
	})
}

// schedule invokes the connector's function with an event, as long as the stack wants the connector to run.
func (c *connector) schedule(expression awscdk.CfnParameter, event map[string]any) awsscheduler.CfnSchedule {
	r := c.runtime
	invokes := r.mayInvoke(c.scope, c.function)
	input, _ := json.Marshal(event) //nolint:errchkjson // names can always be written
	schedule := awsscheduler.NewCfnSchedule(c.scope, new("Schedule"), &awsscheduler.CfnScheduleProps{
		Description: new("Invokes connector " + c.file.Name), GroupName: r.group.Ref(), ScheduleExpression: expression.ValueAsString(),
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: new("OFF")},
		State:              awscdk.Token_AsString(awscdk.Fn_ConditionIf(c.runs().LogicalId(), "ENABLED", "DISABLED"), nil),
		Target: &awsscheduler.CfnSchedule_TargetProperty{
			Arn: c.function.FunctionArn(), RoleArn: r.scheduler.RoleArn(), Input: new(string(input)),
			// What was not delivered in a minute is not worth it: the next tick comes.
			RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{MaximumEventAgeInSeconds: jsii.Number(60), MaximumRetryAttempts: jsii.Number(0)},
		},
	})
	schedule.Node().AddDependency(c.custom, invokes)
	return schedule
}

// scheduled adds to what Custom::Triggers is told what CloudFormation changes about a schedule.
func scheduled(told map[string]any, schedule awsscheduler.CfnSchedule, expression awscdk.CfnParameter) map[string]any {
	told["Schedule"], told["ScheduleExpression"], told["Group"] = schedule.Ref(), expression.ValueAsString(), schedule.GroupName()
	return told
}

// onlyOnce keeps Lambda from repeating ticks: the next one comes, and what failed is tried again by it.
func onlyOnce(scope constructs.Construct, fn awslambda.Function) awslambda.CfnEventInvokeConfig {
	return awslambda.NewCfnEventInvokeConfig(scope, new("Once"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName: fn.FunctionName(), Qualifier: new("$LATEST"), MaximumRetryAttempts: jsii.Number(0), MaximumEventAgeInSeconds: jsii.Number(60),
	})
}
