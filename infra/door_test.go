package infra_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/infra"
)

func TestStack_DoorsAreClosedToStrangers(t *testing.T) {
	s := synth(t, infra.StackProps{})
	if url := s.only(t, "AWS::Lambda::Url", "").Properties; url["AuthType"] != "AWS_IAM" {
		t.Errorf("the function URL lets in %v", url["AuthType"])
	}
	access := text(s.only(t, "AWS::IAM::ManagedPolicy", "").Properties["PolicyDocument"])
	for _, want := range []string{`"lambda:InvokeFunctionUrl"`, `"lambda:InvokeFunction"`, `"lambda:InvokedViaFunctionUrl":"true"`, `"lambda:FunctionUrlAuthType":"AWS_IAM"`} {
		if !strings.Contains(access, want) {
			t.Errorf("who is given the policy of the door lacks %s: %s", want, access)
		}
	}
	for _, kind := range []string{"Api", "Integration", "Route", "Stage"} {
		if r := s.only(t, "AWS::ApiGatewayV2::"+kind, ""); r.Condition != "HasRestApi" {
			t.Errorf("the HTTP API's %s is there if %q", kind, r.Condition)
		}
	}
	route := text(s.only(t, "AWS::ApiGatewayV2::Route", "").Properties["AuthorizationType"])
	if route != `{"Fn::If":["HasRestToken","NONE","AWS_IAM"]}` {
		t.Errorf("the HTTP API lets in by %s", route)
	}
	control := s.Resources["SluiceControl"].Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
	if token := text(control["SLUICE_REST_TOKEN"]); token != `{"Fn::If":["HasRestToken",{"Ref":"RestTokenSecretArn"},""]}` {
		t.Errorf("the control function looks for the token in %s", token)
	}
	permission := s.only(t, "AWS::Lambda::Permission", "")
	if permission.Condition != "HasRestApi" || permission.Properties["Principal"] != "apigateway.amazonaws.com" || permission.Properties["SourceArn"] == nil {
		t.Errorf("who may invoke the control function: %+v", permission)
	}
	if logs := text(s.only(t, "AWS::ApiGatewayV2::Stage", "").Properties["AccessLogSettings"]); !strings.Contains(logs, "context.status") {
		t.Errorf("requests leave no trace: %s", logs)
	}
	for _, name := range []string{"PasswordsNeedASecret", "TokensNeedASecret", "IamNeedsACluster", "SubnetsNeedSecurityGroups", "EndpointsNeedAVpc"} {
		if s.Rules[name] == nil {
			t.Errorf("nothing says %s before a deployment begins", name)
		}
	}
}

func TestStack_EndpointsInAVpc(t *testing.T) {
	s := synth(t, infra.StackProps{Connectors: connectors(t, orders)})
	kinds := map[string]string{}
	for id, r := range s.of("AWS::EC2::VPCEndpoint") {
		words := strings.Split(text(r.Properties["ServiceName"]), `"`)
		name := strings.TrimPrefix(words[len(words)-2], ".")
		kinds[name] = r.Properties["VpcEndpointType"].(string) + " if " + r.Condition
		if id == "" || r.Properties["VpcId"] == nil {
			t.Errorf("%s stands nowhere", id)
		}
	}
	for name, want := range map[string]string{
		"dynamodb": "Gateway if HasRouteTables", "s3": "Gateway if HasRouteTables", "lambda": "Interface if HasInterfaceEndpoints",
		"sts": "Interface if HasInterfaceEndpoints", "secretsmanager": "Interface if HasInterfaceEndpoints", "scheduler": "Interface if HasInterfaceEndpoints",
	} {
		if kinds[name] != want {
			t.Errorf("the endpoint of %s is %q, want %q", name, kinds[name], want)
		}
	}
	for id, r := range s.of("AWS::Lambda::Function") {
		if !strings.Contains(text(r.Properties["VpcConfig"]), "InVpc") {
			t.Errorf("%s does not stand in the VPC", id)
		}
	}
}

func TestStack_BucketOfFailures(t *testing.T) {
	s := synth(t, infra.StackProps{Connectors: connectors(t, audit)})
	bucket := s.only(t, "AWS::S3::Bucket", "")
	if bucket.Condition != "HasProvisionedPollers" || bucket.DeletionPolicy != "Retain" {
		t.Errorf("the bucket is there if %q, and then %s", bucket.Condition, bucket.DeletionPolicy)
	}
	if rule := text(bucket.Properties["LifecycleConfiguration"]); !strings.Contains(rule, "FailureRetentionDays") {
		t.Errorf("it keeps things for %s", rule)
	}
	if policy := text(s.only(t, "AWS::S3::BucketPolicy", "").Properties["PolicyDocument"]); !strings.Contains(policy, "aws:SecureTransport") {
		t.Errorf("it is read without encryption: %s", policy)
	}
	for id, m := range s.of("AWS::Lambda::EventSourceMapping") {
		if to := text(m.Properties["DestinationConfig"]); !strings.Contains(to, "HasProvisionedPollers") || !strings.Contains(to, `"Destination"`) {
			t.Errorf("what %s gives up on goes to %s", id, to)
		}
	}
	rights := text(s.only(t, "AWS::IAM::Policy", "AuditRights").Properties["PolicyDocument"])
	for _, want := range []string{`"Sid":"WriteFailures"`, `"s3:ResourceAccount"`} {
		if !strings.Contains(rights, want) {
			t.Errorf("its rights do not hold %s: %s", want, rights)
		}
	}
}

// Whom a sink tells that it gave up, and what a schedule has look for topics.
func TestStack_ControlIsToldAndKnowsItself(t *testing.T) {
	s := synth(t, infra.StackProps{Connectors: connectors(t, audit), RuntimeProps: infra.RuntimeProps{Rest: []string{"file"}}})
	for prefix, want := range map[string]string{
		"AuditTellsControl":                      `"lambda:InvokeFunction"`,
		"RuntimeSharedFileSinkTellsControl":      `"lambda:InvokeFunction"`,
		"RuntimeControlKnowsItself":              `"lambda:GetFunctionConfiguration"`,
		"RuntimeControlScheduleInvokes":          `"lambda:InvokeFunction"`,
		"RuntimeSharedFileSinkControlShares":     `"lambda:CreateAlias","lambda:DeleteAlias","lambda:ListAliases"`,
		"RuntimeSharedFileSourceControlShares":   `"lambda:GetFunctionConfiguration"`,
		"RuntimeSharedFileSourceScheduleInvokes": `"lambda:InvokeFunction"`,
		"RuntimeSharedFileSourceInvokesItself":   `"lambda:InvokeFunction"`,
		"RuntimeSharedFileSinkControlKeeps":      `"lambda:CreateEventSourceMapping"`,
		"RuntimeControlRights":                   `"lambda:TagResource"`,
	} {
		if policy := text(s.only(t, "AWS::IAM::Policy", prefix).Properties["PolicyDocument"]); !strings.Contains(policy, want) {
			t.Errorf("%s lacks %s: %s", prefix, want, policy)
		}
	}
}

// Lambda takes no more than 4 KB of environment, names and values together, and the emulator does not look.
func TestStack_EnvironmentsFit(t *testing.T) {
	const most, ours = 4096, 300 // what is left to WorkerConfig, of whatever else is set
	s := synth(t, infra.StackProps{
		Connectors:   connectors(t, orders, audit, lake),
		RuntimeProps: infra.RuntimeProps{Rest: []string{"file", "datagen", "sql", "s3", "hdfs"}},
	})
	broker := ".mycluster.abcdef.c2.kafka.ap-southeast-2.amazonaws.com:9096"
	set := map[string]string{
		"KafkaBrokers": "b-1" + broker + ",b-2" + broker + ",b-3" + broker, "KafkaAuthentication": "SCRAM_SHA_512",
		"KafkaClusterArn":    "arn:aws:kafka:ap-southeast-2:111122223333:cluster/mycluster/12345678-1234-1234-1234-123456789012-2",
		"KafkaSecretArn":     "arn:aws:secretsmanager:ap-southeast-2:111122223333:secret:AmazonMSK_mycluster-AbCdEf",
		"RestTokenSecretArn": "arn:aws:secretsmanager:ap-southeast-2:111122223333:secret:sluice-token-AbCdEf",
		"SubnetIds":          strings.Repeat(",subnet-0123456789abcdef0", 3)[1:], "SecurityGroupIds": "sg-0123456789abcdef0",
	}
	conditions := map[string]bool{"SignsInByScram512": true, "HasRestToken": true, "OnMsk": true, "HasProvisionedPollers": true}
	for id, r := range s.of("AWS::Lambda::Function") {
		size := 0
		for name, value := range r.Properties["Environment"].(map[string]any)["Variables"].(map[string]any) {
			size += len(name) + len(s.resolved(t, value, set, conditions))
		}
		if size > most-ours {
			t.Errorf("the environment of %s has %d bytes, and %d are allowed", id, size, most-ours)
		}
		if id == "SluiceControl" {
			t.Logf("the environment of the control function has %d bytes", size)
		}
	}
}

// resolved is about what CloudFormation makes of a text.
func (f template) resolved(t *testing.T, v any, set map[string]string, conditions map[string]bool) string {
	t.Helper()
	call, isCall := v.(map[string]any)
	if !isCall {
		return fmt.Sprint(v)
	}
	for name, argument := range call {
		list, _ := argument.([]any)
		switch name {
		case "Ref":
			id := argument.(string)
			if p, isParameter := f.Parameters[id]; isParameter {
				return cmp.Or(set[id], fmt.Sprint(p.Default))
			}
			return "Sluice-" + id + "-ABCDEFGHIJKL"
		case "Fn::GetAtt":
			return "arn:aws:service:ap-southeast-2:111122223333:kind:Sluice-" + list[0].(string) + "-ABCDEFGHIJKL"
		case "Fn::If":
			if conditions[list[0].(string)] {
				return f.resolved(t, list[1], set, conditions)
			}
			return f.resolved(t, list[2], set, conditions)
		case "Fn::Join":
			var parts []string
			for _, part := range list[1].([]any) {
				parts = append(parts, f.resolved(t, part, set, conditions))
			}
			return strings.Join(parts, list[0].(string))
		}
	}
	t.Fatalf("nobody knows what %v comes to", call)
	return ""
}

// Nothing has a name that an account holds but once, so that an account holds any number of stacks: what is named is named
// within something of the stack's own.
func TestStack_NamesNothing(t *testing.T) {
	s := synth(t, everything(t))
	within := map[string]bool{"AWS::ApiGatewayV2::Stage": true, "AWS::IAM::Policy": true}
	for id, r := range s.Resources {
		kind := r.Type[strings.LastIndexByte(r.Type, ':')+1:]
		for _, name := range []string{"Name", kind + "Name", "PhysicalName"} {
			if kind == "Function" && name == "Name" || within[r.Type] || strings.HasPrefix(r.Type, "Custom::") {
				continue
			}
			if value := r.Properties[name]; value != nil && text(value) != `{"Ref":"AWS::StackName"}` {
				t.Errorf("%s %s is named %s", r.Type, id, text(value))
			}
		}
	}
	for name, value := range s.Outputs {
		if strings.Contains(text(value), `"Export"`) {
			t.Errorf("output %s is exported by a name: %s", name, text(value))
		}
	}
}

func TestStack_FunctionsRolesAndSchedules(t *testing.T) {
	s := synth(t, infra.StackProps{Connectors: connectors(t, orders, audit)})
	for id, r := range s.of("AWS::Lambda::Function") {
		p := r.Properties
		if p["Runtime"] != "provided.al2023" || p["Handler"] != "bootstrap" || text(p["Architectures"]) != `["arm64"]` {
			t.Errorf("%s is run as %v, %v, %s", id, p["Runtime"], p["Handler"], text(p["Architectures"]))
		}
		if !strings.Contains(text(p["LoggingConfig"]), `"LogGroup":{"Ref":"`) || p["MemorySize"] == nil || p["Timeout"] == nil || !strings.Contains(text(p["Role"]), "Role") {
			t.Errorf("%s lacks a log group, memory, a time-out or a role of its own: %s", id, text(p))
		}
	}
	for id, r := range s.of("AWS::IAM::Role") {
		trust := text(r.Properties["AssumeRolePolicyDocument"])
		byLambda := strings.Contains(trust, `"Service":"lambda.amazonaws.com"`)
		byScheduler := strings.Contains(trust, `"Service":"scheduler.amazonaws.com"`) && strings.Contains(trust, `"aws:SourceAccount":{"Ref":"AWS::AccountId"}`)
		if byLambda == byScheduler || r.Properties["ManagedPolicyArns"] != nil {
			t.Errorf("%s is taken on by %s, with %s", id, trust, text(r.Properties["ManagedPolicyArns"]))
		}
	}
	s.only(t, "AWS::Scheduler::ScheduleGroup", "RuntimeSchedules")
	for id, r := range s.of("AWS::Scheduler::Schedule") {
		target := text(r.Properties["Target"])
		if !strings.Contains(text(r.Properties["GroupName"]), "RuntimeSchedules") || !strings.Contains(target, "RuntimeSchedulerRole") {
			t.Errorf("%s is in group %s and invokes as %s", id, text(r.Properties["GroupName"]), target)
		}
	}
}
