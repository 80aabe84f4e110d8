package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/sluice-connect/sluice/runtime/invoke"
)

// RuntimeProps are what a Runtime is made of when the template is; everything else is a stack parameter.
type RuntimeProps struct {
	// Functions is the folder of the functions' binaries, <Architecture>/<function>/bootstrap below it.
	Functions string
	// Architecture is ARM or X86. Defaults to ARM.
	Architecture string
	// Disposable deletes the table and the bucket of failures with the stack. For tests: offsets are gone then.
	Disposable bool
	// Rest are systems, such as "file", of which connectors may be created by REST, in functions they share.
	Rest []string
	// Registry takes for every connector the build that can convert with a schema registry, and not only for those whose
	// file names such a converter: for when parameters do.
	Registry bool
}

// Runtime is what all connectors of a stack share: the table, the control function with its doors, the schedule group. A
// stack has one.
type Runtime struct {
	// Construct is the construct itself.
	Construct constructs.Construct
	// Parameters are the stack's shared parameters.
	Parameters *Parameters
	// Table holds connectors, leases and offsets.
	Table awsdynamodb.Table
	// Control is the function that answers Connect's REST API and the custom resources of the stack.
	Control awslambda.Function
	// URL is the control function's own, for callers that sign their requests.
	URL awslambda.CfnUrl
	// Failures is the bucket for what sinks failed on for good, there if there are provisioned pollers.
	Failures awss3.Bucket

	props     RuntimeProps
	control   *rights
	group     awsscheduler.CfnScheduleGroup
	scheduler awsiam.Role
	shared    []sharedFunction
	functions []map[string]any // as SLUICE_FUNCTIONS lists them

	knowsItself awsiam.Policy
	watch       *watch
}

// NewRuntime makes what the connectors of a stack share.
func NewRuntime(stack awscdk.Stack, id string, props RuntimeProps) *Runtime {
	if props.Architecture == "" {
		props.Architecture = ARM
	}
	r := &Runtime{Construct: constructs.NewConstruct(stack, &id), Parameters: newParameters(stack), props: props}
	r.watch = newWatch(r)
	r.makeTable()
	r.makeBucket()
	r.makeScheduler()
	r.makeShared()
	r.makeControl()
	r.makeDoors()
	r.makeEndpoints()
	r.makeCleanup()
	return r
}

func (r *Runtime) removal() awscdk.RemovalPolicy {
	if r.props.Disposable {
		return awscdk.RemovalPolicy_DESTROY
	}
	return awscdk.RemovalPolicy_RETAIN
}

func (r *Runtime) makeTable() {
	r.Table = awsdynamodb.NewTable(r.Construct, new("Table"), &awsdynamodb.TableProps{
		PartitionKey: &awsdynamodb.Attribute{Name: new("pk"), Type: awsdynamodb.AttributeType_STRING},
		SortKey:      &awsdynamodb.Attribute{Name: new("sk"), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:  awsdynamodb.BillingMode_PAY_PER_REQUEST, Encryption: awsdynamodb.TableEncryption_AWS_MANAGED,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: new(true)},
		DeletionProtection:               new(!r.props.Disposable), RemovalPolicy: r.removal(),
	})
	output(r.Construct, "TableName", r.Table.TableName(), "The table of connectors, leases and offsets.")
}

// makeBucket makes the bucket for what sinks failed on for good. Only provisioned pollers give up.
func (r *Runtime) makeBucket() {
	r.Failures = awss3.NewBucket(r.Construct, new("Failures"), &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(), Encryption: awss3.BucketEncryption_S3_MANAGED, EnforceSSL: new(true),
		RemovalPolicy: r.removal(),
	})
	bucket := r.Failures.Node().DefaultChild().(awss3.CfnBucket)
	bucket.CfnOptions().SetCondition(r.Parameters.when(isProvisioned))
	bucket.AddPropertyOverride(new("LifecycleConfiguration"), map[string]any{"Rules": []any{map[string]any{
		"Id": "Forget", "Status": "Enabled", "ExpirationInDays": r.Parameters.FailureRetention.ValueAsNumber(),
		"AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": 7},
	}}})
	r.Failures.Policy().Node().DefaultChild().(awss3.CfnBucketPolicy).CfnOptions().SetCondition(r.Parameters.when(isProvisioned))
	suppress(r.Failures, "AwsSolutions-S1", "Lambda alone writes here, and sluice redrive alone reads: both stand in CloudTrail, if its data events are wanted.")
	output(r.Construct, "FailuresBucket", r.Parameters.eitherText(isProvisioned, r.Failures.BucketName(), "none"),
		"The bucket for what sinks failed on for good; sluice redrive puts it back.")
}

// makeScheduler makes the group that all schedules of the stack are in, those made by REST too, and the role that invokes.
func (r *Runtime) makeScheduler() {
	r.group = awsscheduler.NewCfnScheduleGroup(r.Construct, new("Schedules"), &awsscheduler.CfnScheduleGroupProps{})
	r.scheduler = awsiam.NewRole(r.Construct, new("SchedulerRole"), &awsiam.RoleProps{
		Description: new("What schedules may invoke"),
		AssumedBy: awsiam.NewServicePrincipal(new("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
		}),
	})
}

// mayInvoke lets the stack's schedules invoke a function.
func (r *Runtime) mayInvoke(scope constructs.Construct, fn awslambda.Function) awsiam.Policy {
	return awsiam.NewPolicy(scope, new("ScheduleInvokes"), &awsiam.PolicyProps{
		Roles:      &[]awsiam.IRole{r.scheduler},
		Statements: &[]awsiam.PolicyStatement{statement("InvokeBySchedule", actions(fn.FunctionArn(), "lambda:InvokeFunction"))},
	})
}

func (r *Runtime) makeControl() {
	scope := constructs.NewConstruct(r.Construct, new("Control"))
	r.control = newRights(scope, r.Parameters, "the control function")
	r.control.secrets()
	r.control.allow("UseTable", "", "", actions(r.Table.TableArn(), append([]string{"dynamodb:Query", "dynamodb:DeleteItem"}, tableActions...)...))
	schedules := awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
		Service: new("scheduler"), Resource: new("schedule"), ResourceName: awscdk.Fn_Join(new("/"), &[]*string{r.group.Ref(), new("*")}),
	})
	passed := actions(r.scheduler.RoleArn(), "iam:PassRole")
	passed.Conditions = &map[string]any{"StringEquals": map[string]any{"iam:PassedToService": "scheduler.amazonaws.com"}}
	r.control.allow("KeepSchedules", "", "The schedules of the stack's own group; a group cannot be listed by its ARN.",
		actions(schedules, "scheduler:GetSchedule", "scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"),
		actions(new("*"), "scheduler:ListSchedules"), passed)
	mapping := awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
		Service: new("lambda"), Resource: new("event-source-mapping"), ResourceName: new("*"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
	r.control.allow("SeeMappings", "", "Mappings cannot be listed by their ARNs, and are tagged while they are made.",
		actions(new("*"), "lambda:ListEventSourceMappings"), actions(mapping, "lambda:TagResource"))
	r.control.allow("ReadToken", hasRestToken, "", actions(r.Parameters.RestTokenSecretArn.ValueAsString(), "secretsmanager:GetSecretValue"))
	p := r.Parameters
	r.control.allow("SeeKafka", isIAM, "The consumer groups of sinks, which are named connect-*, of connectors that REST makes too.",
		actions(p.ClusterArn.ValueAsString(), "kafka-cluster:Connect", "kafka-cluster:DescribeCluster"),
		actions(p.msk("topic", "*"), "kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"),
		actions(p.msk("group", "connect-*"), "kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup", "kafka-cluster:DeleteGroup"))

	r.Control = r.deploy(scope, "SluiceControl", r.control, functionProps{
		binary: "control", what: "Connect's REST API, and the custom resources of this stack",
		memory: jsii.Number(controlMemory), time: awscdk.Duration_Seconds(jsii.Number(controlTimeout)), env: r.controlEnvironment(),
	})
	for _, s := range r.shared {
		r.controls(s.scope, s.function, s.class.Direction)
		r.controlsShared(s)
		if s.class.Direction == sink {
			r.tellsControl(s.scope, s.role)
		}
	}
	// A schedule has it look for topics, while there are sinks that read those of a pattern; it makes that by its own ARN.
	r.mayInvoke(scope, r.Control)
	r.knowsItself = awsiam.NewPolicy(scope, new("KnowsItself"), &awsiam.PolicyProps{
		Roles:      &[]awsiam.IRole{r.control.role},
		Statements: &[]awsiam.PolicyStatement{statement("KnowItself", actions(r.Control.FunctionArn(), "lambda:GetFunctionConfiguration"))},
	})
}

// controlEnvironment is what the control function needs to make triggers as this stack makes them.
func (r *Runtime) controlEnvironment() map[string]*string {
	p := r.Parameters
	trigger := map[string]any{
		"group": r.group.Ref(), "role": r.scheduler.RoleArn(), "cluster": p.ClusterArn.ValueAsString(), "brokers": p.Brokers.ValueAsString(),
		"authentication": p.Authentication.ValueAsString(), "secret": p.SecretArn.ValueAsString(), "ca": p.CaSecretArn.ValueAsString(),
		"subnets": p.SubnetIDs.ValueAsString(), "securityGroups": p.SecurityGroupIDs.ValueAsString(),
		"minimum": p.MinimumPollers.ValueAsString(), "maximum": p.MaximumPollers.ValueAsString(), "pollerGroup": p.PollerGroup.ValueAsString(),
		"retries": p.RetryAttempts.ValueAsString(), "failures": p.eitherText(isProvisioned, r.Failures.BucketArn(), ""),
	}
	stack := awscdk.Stack_Of(r.Construct)
	return map[string]*string{
		"SLUICE_TRIGGERS":   stack.ToJsonString(trigger, nil),
		"SLUICE_REST_TOKEN": p.eitherText(hasRestToken, p.RestTokenSecretArn.ValueAsString(), ""),
		"SLUICE_STACK":      stack.StackName(),
		"SLUICE_FUNCTIONS":  stack.ToJsonString(r.functions, nil),
	}
}

// serves tells the control function which function answers for a class: one that is shared by connectors of REST, or else
// that of a connector of the stack.
func (r *Runtime) serves(class Class, fn awslambda.Function, shared bool) {
	for _, f := range r.functions {
		if f["class"] == class.Name {
			return
		}
	}
	// Of its version nothing is said, for it is the control function's own: all of an environment has no more than 4 KB.
	entry := map[string]any{"class": class.Name, "type": class.Direction, "function": fn.FunctionName()}
	if len(class.Aliases) > 0 {
		entry["aliases"] = class.Aliases
	}
	if shared {
		entry["shared"] = true
	}
	if class.Ticks {
		entry["ticks"] = true
	}
	r.functions = append(r.functions, entry)
	if r.Control != nil {
		r.Control.AddEnvironment(new("SLUICE_FUNCTIONS"), awscdk.Stack_Of(r.Construct).ToJsonString(r.functions, nil), nil)
	}
}

// controls lets the control function ask and invoke a connector's function, and keep its triggers.
func (r *Runtime) controls(scope constructs.Construct, fn awslambda.Function, direction string) awsiam.Policy {
	statements := []awsiam.PolicyStatement{statement("AskFunction", actions(fn.FunctionArn(), "lambda:InvokeFunction"))}
	if direction == sink {
		keep := actions(new("*"), "lambda:CreateEventSourceMapping", "lambda:UpdateEventSourceMapping", "lambda:DeleteEventSourceMapping")
		keep.Conditions = &map[string]any{"ArnLike": map[string]any{"lambda:FunctionArn": []*string{
			fn.FunctionArn(), awscdk.Fn_Join(new(""), &[]*string{fn.FunctionArn(), new(":*")}),
		}}}
		statements = append(statements, statement("KeepMappings", keep))
	}
	policy := awsiam.NewPolicy(scope, new("ControlKeeps"), &awsiam.PolicyProps{Roles: &[]awsiam.IRole{r.control.role}, Statements: &statements})
	if direction == sink {
		suppress(policy, "AwsSolutions-IAM5", "KeepMappings: Mappings have no ARN before they are made; the condition narrows them to those of one function.")
	}
	return policy
}

// controlsShared lets the control function keep what connectors of REST need of the function they share: its ARN for
// schedules, and for each sink an alias and mappings that are tagged.
func (r *Runtime) controlsShared(s sharedFunction) {
	var statements []awsiam.PolicyStatement
	if s.class.Direction == source || s.class.Ticks {
		statements = append(statements, statement("FindFunction", actions(s.function.FunctionArn(), "lambda:GetFunctionConfiguration")))
	}
	if s.class.Direction == sink {
		statements = append(statements, statement("KeepAliases", actions(s.function.FunctionArn(), "lambda:CreateAlias", "lambda:DeleteAlias", "lambda:ListAliases")))
		aliases := awscdk.Fn_Join(new(""), &[]*string{s.function.FunctionArn(), new(":" + invoke.AliasPrefix + "*")})
		statements = append(statements, statement("AskByAlias", actions(aliases, "lambda:InvokeFunction")))
	}
	policy := awsiam.NewPolicy(s.scope, new("ControlShares"), &awsiam.PolicyProps{Roles: &[]awsiam.IRole{r.control.role}, Statements: &statements})
	if s.class.Direction == sink {
		suppress(policy, "AwsSolutions-IAM5", "AskByAlias: Aliases are named after connectors that REST creates.")
	}
}

// custom is a custom resource that the control function answers, after it may do what that takes.
func (r *Runtime) custom(scope constructs.Construct, id, kind string, properties map[string]any) awscdk.CustomResource {
	resource := awscdk.NewCustomResource(scope, &id, &awscdk.CustomResourceProps{
		ServiceToken: r.Control.FunctionArn(), ServiceTimeout: awscdk.Duration_Seconds(jsii.Number(customTimeout)),
		ResourceType: new("Custom::" + kind), Properties: &properties,
	})
	resource.Node().AddDependency(r.control.policy, r.knowsItself)
	return resource
}

// customTimeout is how many seconds CloudFormation waits for a custom resource: three attempts of the control function,
// which is invoked asynchronously, and the pauses between them.
const customTimeout = 600

// makeCleanup removes, when the stack is deleted, what connectors that REST made left: schedules, mappings, aliases.
func (r *Runtime) makeCleanup() {
	cleanup := r.custom(r.Construct, "Cleanup", "Cleanup", map[string]any{})
	cleanup.Node().AddDependency(r.group, r.scheduler, r.URL)
	for _, s := range r.shared {
		cleanup.Node().AddDependency(s.scope)
	}
}

func output(scope constructs.Construct, name string, value *string, doc string) {
	o := awscdk.NewCfnOutput(scope, &name, &awscdk.CfnOutputProps{Value: value, Description: &doc})
	o.OverrideLogicalId(&name)
}
