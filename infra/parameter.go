package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Parameters are the stack parameters that all connectors of a stack share. PARAMETERS.md lists them.
type Parameters struct {
	scope constructs.Construct

	// Brokers, cluster and how to sign in.
	Brokers, ClusterArn, Authentication, SecretArn, CaSecretArn, SecretKeyArn awscdk.CfnParameter
	// Network.
	SubnetIDs, SecurityGroupIDs, VpcID, RouteTableIDs, InterfaceEndpoints awscdk.CfnParameter
	// Functions.
	WorkerConfig, SourceMemory, SourceTimeout, SinkMemory, SinkTimeout, LogRetention awscdk.CfnParameter
	// Pollers.
	MinimumPollers, MaximumPollers, PollerGroup, RetryAttempts, FailureRetention awscdk.CfnParameter
	// Doors and alarms.
	RestAPI, RestTokenSecretArn, AlarmTopicArn awscdk.CfnParameter

	conditions map[string]awscdk.CfnCondition
}

// The patterns of parameters. All but the first allow to leave the value empty.
const (
	brokersPattern = `^[A-Za-z0-9._-]+:[0-9]{1,5}(,[A-Za-z0-9._-]+:[0-9]{1,5})*$`
	arnPattern     = `^(arn:[a-z-]+:%s:[a-z0-9-]+:[0-9]{12}:%s[A-Za-z0-9/_+=.@-]+)?$`
	idsPattern     = `^(%s-[0-9a-f]+(,%s-[0-9a-f]+){0,%d})?$`
)

// How many ids the parameters take.
const mostSubnets, mostGroups = 4, 3

// Ways to sign in to Kafka.
const (
	authNone     = "NONE"
	authIAM      = "IAM"
	authPlain    = "PLAIN"
	authScram256 = "SCRAM_SHA_256"
	authScram512 = "SCRAM_SHA_512"
	authMTLS     = "MTLS"
	authTLS      = "TLS"
)

// parameter is a text parameter.
type parameter struct {
	name, doc, value, pattern, constraint string
	required, hidden                      bool
	values                                []string
}

func (p *Parameters) text(d parameter) awscdk.CfnParameter {
	props := &awscdk.CfnParameterProps{Type: new("String"), Description: &d.doc}
	if !d.required {
		props.Default = d.value
	}
	if d.pattern != "" {
		props.AllowedPattern, props.ConstraintDescription = &d.pattern, &d.constraint
	}
	if len(d.values) > 0 {
		props.AllowedValues = jsii.Strings(d.values...)
	}
	if d.hidden {
		props.NoEcho = new(true)
	}
	return awscdk.NewCfnParameter(p.scope, &d.name, props)
}

// number is a whole number within limits.
func (p *Parameters) number(name, doc string, value, least, most float64) awscdk.CfnParameter {
	return awscdk.NewCfnParameter(p.scope, &name, &awscdk.CfnParameterProps{
		Type: new("Number"), Description: &doc, Default: value, MinValue: &least, MaxValue: &most,
	})
}

func newParameters(stack constructs.Construct) *Parameters {
	p := &Parameters{scope: stack, conditions: map[string]awscdk.CfnCondition{}}
	p.kafka()
	p.network()
	p.functions()
	p.pollers()
	p.doors()
	p.rules()
	return p
}

func (p *Parameters) kafka() {
	p.Brokers = p.text(parameter{
		name: "KafkaBrokers", required: true, pattern: brokersPattern, constraint: "host:port, or several of them with commas between",
		doc: "Brokers to begin with, host:port with commas between. For MSK the bootstrap string that goes with the way to sign in: port 9098 for IAM, 9096 for SCRAM, 9094 for TLS.",
	})
	p.ClusterArn = p.text(parameter{
		name: "KafkaClusterArn", pattern: arn("kafka", "cluster/"), constraint: "the ARN of an MSK cluster, or empty",
		doc: "The ARN of the MSK cluster; empty for a cluster that is not one of MSK.",
	})
	p.Authentication = p.text(parameter{
		name: "KafkaAuthentication", value: authNone, values: []string{authNone, authTLS, authIAM, authPlain, authScram256, authScram512, authMTLS},
		doc: "How to sign in to Kafka. NONE speaks without encryption, TLS with it, both without signing in. IAM needs KafkaClusterArn; MSK has SCRAM_SHA_512, not the other two with passwords. All but NONE, TLS and IAM need KafkaSecretArn.",
	})
	p.SecretArn = p.text(parameter{
		name: "KafkaSecretArn", pattern: arn("secretsmanager", "secret:"), constraint: "the ARN of a secret, or empty",
		doc: "The secret to sign in to Kafka with: a JSON object with username and password, or for MTLS with certificate, privateKey and, if that is encrypted, privateKeyPassword. For MSK its name begins with AmazonMSK_.",
	})
	p.CaSecretArn = p.text(parameter{
		name: "KafkaCaSecretArn", pattern: arn("secretsmanager", "secret:"), constraint: "the ARN of a secret, or empty",
		doc: "A secret with the authority that signed the brokers' certificates, a JSON object with certificate, if that is not a public one. For clusters that are not MSK's.",
	})
	p.SecretKeyArn = p.text(parameter{
		name: "KafkaSecretKeyArn", pattern: arn("kms", "key/"), constraint: "the ARN of a key, or empty",
		doc: "The KMS key that KafkaSecretArn and KafkaCaSecretArn are encrypted with, if it is one of your own, which MSK demands; secrets that connectors name may be encrypted with it, too.",
	})
}

func (p *Parameters) network() {
	p.SubnetIDs = p.text(parameter{
		name: "SubnetIds", pattern: ids("subnet", mostSubnets), constraint: "up to four ids of subnets with commas between, or empty",
		doc: "Private subnets to run in, with commas between, where brokers or systems are reachable only from inside a VPC. Empty: outside of any.",
	})
	p.SecurityGroupIDs = p.text(parameter{
		name: "SecurityGroupIds", pattern: ids("sg", mostGroups), constraint: "ids of security groups with commas between, or empty",
		doc: "Security groups of the functions, the Kafka triggers and the endpoints, which let each other in at port 443 if InterfaceEndpoints is true. Needed with SubnetIds.",
	})
	p.VpcID = p.text(parameter{
		name: "VpcId", pattern: `^(vpc-[0-9a-f]+)?$`, constraint: "the id of a VPC, or empty",
		doc: "The VPC of SubnetIds. Needed to have endpoints made in it.",
	})
	p.RouteTableIDs = p.text(parameter{
		name: "RouteTableIds", pattern: ids("rtb", mostSubnets), constraint: "ids of route tables with commas between, or empty",
		doc: "Route tables of SubnetIds that get gateway endpoints to DynamoDB and S3, which cost nothing. Empty if they have them already.",
	})
	p.InterfaceEndpoints = p.text(parameter{
		name: "InterfaceEndpoints", value: "false", values: []string{"false", "true"},
		doc: "Whether to make interface endpoints to Lambda, STS, Secrets Manager and EventBridge Scheduler in SubnetIds, for a VPC that has no NAT gateway. They are billed by the hour and zone.",
	})
}

func (p *Parameters) functions() {
	p.WorkerConfig = p.text(parameter{
		name: "WorkerConfig", value: "{}", pattern: `^\{[\s\S]{0,1198}\}$`, constraint: "a JSON object of at most 1,200 characters", hidden: true,
		doc: "Properties of a Connect worker as a JSON object of strings: default converters, offset.flush.interval.ms, connector.client.config.override.policy, producer.*, config.providers. What it says of Kafka clients wins over what follows from the other parameters. All of a function's environment has room for 4 KB, of which the control function of a stack with every class in -c rest leaves some hundred bytes.",
	})
	p.SourceMemory = p.number("SourceMemory", "Megabytes of memory of each source's function. 1,769 are one processor.", defaultSourceMemory, 128, 10240)
	p.SourceTimeout = p.number("SourceTimeout", "Seconds that one invocation of a source may take.", defaultSourceTimeout, 30, 900)
	p.SinkMemory = p.number("SinkMemory", "Megabytes of memory of each sink's function. 1,769 are one processor.", defaultSinkMemory, 128, 10240)
	p.SinkTimeout = p.number("SinkTimeout", "Seconds that one invocation of a sink may take. Kafka triggers allow 14 minutes.", defaultSinkTimeout, 30, 840)
	p.LogRetention = awscdk.NewCfnParameter(p.scope, new("LogRetentionDays"), &awscdk.CfnParameterProps{
		Type: new("Number"), Default: "30", AllowedValues: jsii.Strings("1", "3", "5", "7", "14", "30", "60", "90", "180", "365", "731", "1827", "3653"),
		Description: new("Days that logs are kept."),
	})
}

func (p *Parameters) pollers() {
	p.MinimumPollers = p.number("MinimumPollers",
		"Pollers that each Kafka trigger always has, each billed by the hour. 0 leaves the number to Lambda, for nothing. With 1 or more, sinks may fail on single records of a batch, and what fails for good goes to a bucket.", 0, 0, 200)
	p.MaximumPollers = p.number("MaximumPollers", "The most pollers of each Kafka trigger, if MinimumPollers is not 0.", 2, 1, 2000)
	p.PollerGroup = p.text(parameter{
		name: "PollerGroup", pattern: `^[A-Za-z0-9_-]{0,128}$`, constraint: "letters, digits, dashes and underscores",
		doc: "A name under which the Kafka triggers of one VPC share what their pollers cost, if MinimumPollers is not 0.",
	})
	p.RetryAttempts = p.number("MaximumRetryAttempts",
		"How often what a sink fails on comes again, if MinimumPollers is not 0, before it goes to the bucket; -1 is without end.", 1000, -1, 10000)
	p.FailureRetention = p.number("FailureRetentionDays", "Days that the bucket keeps what sinks failed on for good.", 90, 1, 3650)
}

func (p *Parameters) doors() {
	p.RestAPI = p.text(parameter{
		name: "RestApi", value: "OFF", values: []string{"OFF", "IAM", "TOKEN"},
		doc: "Whether to have an HTTP API beside the function URL, and who may use it: callers that sign their requests (IAM), or those that know the token in RestTokenSecretArn (TOKEN), for tools that cannot sign.",
	})
	p.RestTokenSecretArn = p.text(parameter{
		name: "RestTokenSecretArn", pattern: arn("secretsmanager", "secret:"), constraint: "the ARN of a secret, or empty",
		doc: "The secret whose text is the bearer token of the HTTP API. Needed with RestApi=TOKEN.",
	})
	p.AlarmTopicArn = p.text(parameter{
		name: "AlarmTopicArn", pattern: arn("sns", ""), constraint: "the ARN of a topic, or empty",
		doc: "The SNS topic that alarms are sent to. Empty: they only show in CloudWatch.",
	})
}

// rules are what parameters demand of each other; CloudFormation checks them before it changes anything.
func (p *Parameters) rules() {
	equals := func(param awscdk.CfnParameter, value string) awscdk.ICfnConditionExpression {
		return awscdk.Fn_ConditionEquals(param.ValueAsString(), value)
	}
	some := func(param awscdk.CfnParameter) awscdk.ICfnConditionExpression {
		return awscdk.Fn_ConditionNot(equals(param, ""))
	}
	rule := func(name string, when, then awscdk.ICfnConditionExpression, why string) {
		awscdk.NewCfnRule(p.scope, &name, &awscdk.CfnRuleProps{
			RuleCondition: when, Assertions: &[]*awscdk.CfnRuleAssertion{{Assert: then, AssertDescription: &why}},
		})
	}
	rule("PasswordsNeedASecret", awscdk.Fn_ConditionOr(
		equals(p.Authentication, authPlain), equals(p.Authentication, authScram256), equals(p.Authentication, authScram512), equals(p.Authentication, authMTLS),
	), some(p.SecretArn), "KafkaAuthentication needs KafkaSecretArn")
	rule("IamNeedsACluster", equals(p.Authentication, authIAM), some(p.ClusterArn), "KafkaAuthentication=IAM needs KafkaClusterArn")
	rule("MskHasNoOtherPasswords", some(p.ClusterArn), awscdk.Fn_ConditionNot(awscdk.Fn_ConditionOr(
		equals(p.Authentication, authPlain), equals(p.Authentication, authScram256),
	)), "MSK signs in by IAM, SCRAM_SHA_512 or MTLS")
	rule("SubnetsNeedSecurityGroups", some(p.SubnetIDs), some(p.SecurityGroupIDs), "SubnetIds need SecurityGroupIds")
	rule("RouteTablesNeedAVpc", some(p.RouteTableIDs), some(p.VpcID), "RouteTableIds need VpcId")
	rule("EndpointsNeedAVpc", equals(p.InterfaceEndpoints, "true"), awscdk.Fn_ConditionAnd(some(p.VpcID), some(p.SubnetIDs)),
		"InterfaceEndpoints=true needs VpcId, SubnetIds and SecurityGroupIds")
	rule("TokensNeedASecret", equals(p.RestAPI, "TOKEN"), some(p.RestTokenSecretArn), "RestApi=TOKEN needs RestTokenSecretArn")
}
