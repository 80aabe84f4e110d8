package infra

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/convert/registry/outline"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// asFile is the value of a parameter that leaves to the connector's file what to do.
const asFile = "FILE"

// connector is what sources and sinks have in common.
type connector struct {
	runtime *Runtime
	scope   constructs.Construct
	file    ConnectorFile
	class   Class
	id      string
	rights  *rights

	config, state, tasksMax awscdk.CfnParameter
	function                awslambda.Function
	custom                  awscdk.CustomResource
	wanted                  awscdk.CfnCondition
}

// newConnector begins a connector: its parameters and its role.
func newConnector(r *Runtime, f ConnectorFile, direction string) (*connector, error) {
	if err := f.complete(); err != nil {
		return nil, err
	}
	class, err := classOf(f.Config["connector.class"])
	if err != nil {
		return nil, err
	}
	if class.Direction != direction {
		return nil, fmt.Errorf("%s is a %s", class.Name, class.Direction)
	}
	stack := awscdk.Stack_Of(r.Construct)
	if other := stack.Node().TryFindChild(new(f.ID())); other != nil {
		return nil, fmt.Errorf("the stack parameters of connector %q would be named %s…, as those of another are", f.Name, f.ID())
	}
	id := f.ID()
	c := &connector{runtime: r, scope: constructs.NewConstruct(stack, &id), file: f, class: class, id: id}
	p := &Parameters{scope: stack}
	c.config = p.text(parameter{
		name: id + "Config", value: "{}", pattern: `^\{[\s\S]*\}$`, constraint: "a JSON object", hidden: true,
		doc: fmt.Sprintf("Settings of connector %s as a JSON object, over those of its file; null takes one away.", f.Name),
	})
	c.state = p.text(parameter{
		name: id + "State", value: asFile, values: []string{asFile, string(offset.Running), string(offset.Paused), string(offset.Stopped)},
		doc: fmt.Sprintf("What connector %s shall do: RUNNING, PAUSED, STOPPED, or what its file says (%s). A change of it is carried out; what REST changes meanwhile stays.", f.Name, f.State),
	})
	c.tasksMax = p.text(parameter{
		name: id + "TasksMax", value: asFile, pattern: `^(FILE|[1-9][0-9]{0,3})$`, constraint: "FILE, or a number from 1 to 9999",
		doc: fmt.Sprintf("tasks.max of connector %s; FILE is what its file says.", f.Name),
	})
	c.rights = newRights(c.scope, r.Parameters, "connector "+f.Name)
	c.rights.secrets()
	c.rights.table(direction, r.Table.TableArn(), "StringEquals", f.Name)
	return c, c.rights.class(&f, class)
}

// deploy makes the function.
func (c *connector) deploy(memory, seconds awscdk.CfnParameter, connector string) {
	c.function = c.runtime.deploy(c.scope, c.id, c.rights, functionProps{
		binary: c.class.function(c.withRegistry()), what: "Connector " + c.file.Name, memory: memory.ValueAsNumber(),
		time: awscdk.Duration_Seconds(seconds.ValueAsNumber()), connector: connector,
	})
	c.runtime.serves(c.class, c.function, false)
}

// withRegistry tells whether its function is the build that can convert with a schema registry.
func (c *connector) withRegistry() bool {
	return c.runtime.props.Registry || outline.NeededBy(c.file.Config, nil)
}

// configure makes the resource that validates the configuration and writes it. More than the policies that let the
// control function ask the connector's function must be there before.
func (c *connector) configure(before ...constructs.IDependable) {
	asked := c.runtime.controls(c.scope, c.function, c.class.Direction)
	c.custom = c.runtime.custom(c.scope, "Connector", "Connector", map[string]any{
		"Name": c.file.Name, "Class": c.class.Name, "Type": c.class.Direction, "Version": runtime.Version, "Aliases": c.class.Aliases,
		"Function": c.function.FunctionArn(), "File": c.file.text(), "FileState": string(c.file.State),
		"Config": c.config.ValueAsString(), "State": c.state.ValueAsString(), "TasksMax": c.tasksMax.ValueAsString(), "Fixed": c.class.Fixed,
		"Registry": strconv.FormatBool(c.withRegistry()), "Worker": c.runtime.Parameters.WorkerConfig.ValueAsString(),
	})
	c.custom.Node().AddDependency(asked)
	c.custom.Node().AddDependency(before...)
}

// triggers makes the resource that tells the table what the stack's triggers are, and makes them fit the target state. It
// is told everything that CloudFormation changes about them, so that it is called after each such change.
func (c *connector) triggers(what map[string]any, after ...constructs.IDependable) {
	what["Name"], what["Type"] = c.file.Name, c.class.Direction
	what["Function"], what["State"] = c.function.FunctionArn(), c.state.ValueAsString()
	resource := c.runtime.custom(c.scope, "Triggers", "Triggers", what)
	resource.Node().AddDependency(c.custom)
	resource.Node().AddDependency(after...)
}

// runs is the condition that the stack wants the connector to run.
func (c *connector) runs() awscdk.CfnCondition {
	if c.wanted != nil {
		return c.wanted
	}
	equals := func(value string) awscdk.ICfnConditionExpression {
		return awscdk.Fn_ConditionEquals(c.state.ValueAsString(), value)
	}
	e := equals(string(offset.Running))
	if c.file.State == offset.Running {
		e = awscdk.Fn_ConditionOr(e, equals(asFile))
	}
	c.wanted = awscdk.NewCfnCondition(c.scope, new("Runs"), &awscdk.CfnConditionProps{Expression: e})
	return c.wanted
}
