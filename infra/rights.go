package infra

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// rights are what one function's role may do: one policy, in which the statements for ways to sign in that are not chosen, or
// for a VPC that is not used, are left out by CloudFormation.
type rights struct {
	p          *Parameters
	scope      constructs.Construct
	role       awsiam.Role
	statements []any
	reasons    []string
	policy     awsiam.CfnPolicy // once it is finished
}

// newRights makes the role of a function.
func newRights(scope constructs.Construct, p *Parameters, what string) *rights {
	role := awsiam.NewRole(scope, new("Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(new("lambda.amazonaws.com"), nil), Description: new("What " + what + " may do"),
	})
	return &rights{p: p, scope: scope, role: role}
}

// allow adds statements. An empty condition means always; why says why some of the resources are patterns.
func (r *rights) allow(sid, condition, why string, statements ...*awsiam.PolicyStatementProps) {
	for i, props := range statements {
		id := sid
		if i > 0 {
			id += string(rune('1' + i))
		}
		// Written by hand: what the construct library makes of it does not survive the way to Go and back.
		var statement any = document(id, props)
		if condition != "" {
			statement = r.p.either(condition, statement, nil)
		}
		r.statements = append(r.statements, statement)
	}
	if why != "" {
		r.reasons = append(r.reasons, sid+": "+why)
	}
}

// document is a statement as a policy document holds it.
func document(sid string, props *awsiam.PolicyStatementProps) map[string]any {
	statement := map[string]any{"Sid": sid, "Effect": "Allow", "Action": *props.Actions, "Resource": *props.Resources}
	if props.Conditions != nil {
		statement["Condition"] = *props.Conditions
	}
	return statement
}

// finish makes the policy.
func (r *rights) finish() {
	r.policy = awsiam.NewCfnPolicy(r.scope, new("Rights"), &awsiam.CfnPolicyProps{
		PolicyName: new("Rights"), Roles: &[]*string{r.role.RoleName()},
		PolicyDocument: map[string]any{"Version": "2012-10-17", "Statement": r.statements},
	})
	if len(r.reasons) > 0 {
		suppress(r.policy, "AwsSolutions-IAM5", strings.Join(r.reasons, " "))
	}
}

func actions(resource *string, names ...string) *awsiam.PolicyStatementProps {
	return &awsiam.PolicyStatementProps{Actions: jsii.Strings(names...), Resources: &[]*string{resource}}
}

// statement is one of a policy that the construct library makes.
func statement(sid string, props *awsiam.PolicyStatementProps) awsiam.PolicyStatement {
	props.Sid = &sid
	return awsiam.NewPolicyStatement(props)
}

// logs allow to write to one log group.
func (r *rights) logs(group *string) {
	r.allow("WriteLogs", "", "Log streams are named by Lambda as they come; the log group is exact.",
		actions(awscdk.Fn_Join(new(""), &[]*string{group, new(":*")}), "logs:CreateLogStream", "logs:PutLogEvents"))
}

// network allow to stand in the VPC.
func (r *rights) network() {
	r.allow("StandInVpc", inVPC, "Network interfaces have no names before Lambda makes them, and what describes networks cannot be narrowed.",
		actions(new("*"), "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
			"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
			"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"))
}

// secrets allow to read what Kafka clients sign in with.
func (r *rights) secrets() {
	p := r.p
	r.allow("ReadKafkaSecret", hasSecret, "", actions(p.SecretArn.ValueAsString(), "secretsmanager:GetSecretValue"))
	r.allow("ReadKafkaCa", hasCA, "", actions(p.CaSecretArn.ValueAsString(), "secretsmanager:GetSecretValue"))
	r.allow("UseSecretKey", hasSecretKey, "", actions(p.SecretKeyArn.ValueAsString(), "kms:Decrypt"))
}

// tableActions are what every function does with the table: all it writes are updates.
var tableActions = []string{"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"}

// table allow to use the items of connectors, by their names: the items of each, and those that all have in one partition.
func (r *rights) table(direction string, arn *string, operator string, names ...string) {
	statement := actions(arn, tableActions...)
	if direction == source { // it compares a new plan with the tasks that there are
		statement = actions(arn, append([]string{"dynamodb:Query"}, tableActions...)...)
	}
	statement.Conditions = &map[string]any{
		"ForAllValues:" + operator: map[string]any{"dynamodb:LeadingKeys": append([]string{"connectors"}, names...)},
	}
	r.allow("UseTable", "", "", statement)
}

// kafka allow to write to topics and to read topics by consumer groups, on an MSK cluster that functions sign in to by IAM.
// Names may end in a star.
func (r *rights) kafka(writes, reads, groups []string) {
	p := r.p
	all := func(kind string, names []string) *[]*string {
		arns := make([]*string, len(names))
		for i, name := range names {
			arns[i] = p.msk(kind, name)
		}
		return &arns
	}
	statements := []*awsiam.PolicyStatementProps{
		actions(p.ClusterArn.ValueAsString(), "kafka-cluster:Connect", "kafka-cluster:DescribeCluster", "kafka-cluster:WriteDataIdempotently"),
	}
	if len(writes) > 0 {
		statements = append(statements, &awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("kafka-cluster:DescribeTopic", "kafka-cluster:WriteData", "kafka-cluster:CreateTopic"),
			Resources: all("topic", writes),
		})
	}
	if len(reads) > 0 {
		statements = append(statements, &awsiam.PolicyStatementProps{
			Actions: jsii.Strings("kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"), Resources: all("topic", reads),
		}, &awsiam.PolicyStatementProps{
			Actions: jsii.Strings("kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"), Resources: all("group", groups),
		})
	}
	why := ""
	if strings.Contains(strings.Join(writes, "")+strings.Join(reads, "")+strings.Join(groups, ""), "*") {
		why = "The configuration names these topics by a prefix or a pattern, or its transforms choose them."
	}
	r.allow("UseKafka", isIAM, why, statements...)
}

// tellsControl lets a sink tell the control function that it gave up, so that its triggers are stopped.
func (r *Runtime) tellsControl(scope constructs.Construct, role awsiam.Role) awsiam.Policy {
	return awsiam.NewPolicy(scope, new("TellsControl"), &awsiam.PolicyProps{
		Roles:      &[]awsiam.IRole{role},
		Statements: &[]awsiam.PolicyStatement{statement("TellControl", actions(r.Control.FunctionArn(), "lambda:InvokeFunction"))},
	})
}

// trigger allow what Lambda's pollers do in the name of the function.
func (r *rights) trigger() {
	p := r.p
	r.allow("FindMsk", isMSK, "The VPC connections and secrets of a cluster cannot be narrowed further than to the cluster.",
		actions(p.ClusterArn.ValueAsString(), "kafka:DescribeClusterV2", "kafka:DescribeCluster", "kafka:GetBootstrapBrokers", "kafka:ListScramSecrets"),
		actions(new("*"), "kafka:DescribeVpcConnection"),
		actions(new("*"), "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
			"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"))
}

// class allow what a connector class does in the system it is for, and the secrets its configuration names.
func (r *rights) class(f *ConnectorFile, c Class) error {
	all := glueRights(f.Config)
	if c.Rights != nil {
		own, err := c.Rights(f.Config)
		if err != nil {
			return err
		}
		all = append(all, own...)
	}
	for _, right := range all {
		r.allow(right.ID, "", right.Why, &awsiam.PolicyStatementProps{Actions: jsii.Strings(right.Actions...), Resources: subs(right.Resources)})
	}
	var statements []*awsiam.PolicyStatementProps
	if names := f.secrets("secretsManager"); len(names) > 0 {
		statements = append(statements, &awsiam.PolicyStatementProps{
			Actions: jsii.Strings("secretsmanager:GetSecretValue"), Resources: named(names, "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:", "-??????"),
		})
	}
	if names := f.secrets("ssm"); len(names) > 0 {
		statements = append(statements, &awsiam.PolicyStatementProps{
			Actions: jsii.Strings("ssm:GetParameter"), Resources: named(rooted(names), "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter", ""),
		})
	}
	if len(statements) > 0 {
		r.allow("ReadSecrets", "", "Secrets Manager puts six characters of its own behind the name of a secret.", statements...)
	}
	return nil
}

// rooted are the names of parameters with the slash that ARNs have before them.
func rooted(names []string) []string {
	for i, name := range names {
		if !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "arn:") {
			names[i] = "/" + name
		}
	}
	return names
}

// named are the ARNs of what may be named by ARN or by name.
func named(names []string, before, after string) *[]*string {
	out := make([]string, len(names))
	for i, name := range names {
		if out[i] = name; !strings.HasPrefix(name, "arn:") {
			out[i] = before + name + after
		}
	}
	return subs(out)
}

func subs(texts []string) *[]*string {
	out := make([]*string, len(texts))
	for i, text := range texts {
		out[i] = &text
		if strings.Contains(text, "${AWS::") {
			out[i] = awscdk.Fn_Sub(&text, nil)
		}
	}
	return &out
}

// suppress says why a finding of cdk-nag about a construct, or below it, is none.
func suppress(construct constructs.Construct, rule, why string) {
	cdknag.NagSuppressions_AddResourceSuppressions(construct, &[]*cdknag.NagPackSuppression{{Id: &rule, Reason: &why}}, new(true))
}
