package infra_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/infra"
)

func TestStack_IsTheSameEveryTime(t *testing.T) {
	one := synth(t, infra.StackProps{Connectors: shipped(t)})
	two := synth(t, infra.StackProps{Connectors: shipped(t)})
	if !bytes.Equal(one.text, two.text) {
		t.Error("two templates of the same files differ")
	}
	if bytes.Contains(one.text, []byte("$jsii")) {
		t.Error("what holds Go and JavaScript together shows in the template")
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, one.text, "", " "); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/shipped.template.json", append(bytes.TrimSpace(indented.Bytes()), '\n'))
	t.Logf("%d bytes, %d parameters, %d resources", len(one.text), len(one.Parameters), len(one.Resources))
}

func TestStack_KeepsWhatCannotBeMadeAgain(t *testing.T) {
	kept := synth(t, infra.StackProps{}).only(t, "AWS::DynamoDB::Table", "")
	if kept.DeletionPolicy != "Retain" || kept.Properties["DeletionProtectionEnabled"] != true {
		t.Errorf("the table is not protected: %s, %v", kept.DeletionPolicy, kept.Properties["DeletionProtectionEnabled"])
	}
	gone := synth(t, infra.StackProps{RuntimeProps: infra.RuntimeProps{Disposable: true}}).only(t, "AWS::DynamoDB::Table", "")
	if gone.DeletionPolicy != "Delete" || gone.Properties["DeletionProtectionEnabled"] == true {
		t.Errorf("a table for tests stays: %s", gone.DeletionPolicy)
	}
}

const (
	orders = `{"name": "orders", "config": {"connector.class": "FileStreamSource", "topic": "orders", "file": "/tmp/orders",
		"producer.override.sasl.jaas.config": "${secretsManager:arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf:password} ${secretsManager:plain:user} ${ssm:/orders/url}"}}`
	audit = `{"name": "audit", "initial_state": "STOPPED", "config": {"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
		"topics": "orders, returns", "consumer.override.auto.offset.reset": "latest", "errors.deadletterqueue.topic.name": "dead"}}`
)

func TestStack_Source(t *testing.T) {
	s := synth(t, infra.StackProps{Connectors: connectors(t, orders)})
	schedule := s.only(t, "AWS::Scheduler::Schedule", "Orders").Properties
	target := schedule["Target"].(map[string]any)
	if target["Input"] != `{"connector":"orders"}` {
		t.Errorf("the schedule sends %v", target["Input"])
	}
	if diff := cmp.Diff(map[string]any{"MaximumRetryAttempts": 0.0, "MaximumEventAgeInSeconds": 60.0}, target["RetryPolicy"]); diff != "" {
		t.Error(diff)
	}
	once := s.only(t, "AWS::Lambda::EventInvokeConfig", "Orders").Properties
	if once["MaximumRetryAttempts"] != 0.0 || once["MaximumEventAgeInSeconds"] != 60.0 {
		t.Errorf("ticks are repeated: %v", once)
	}
	if state := schedule["State"]; text(state) != `{"Fn::If":["OrdersRuns`+strings.TrimPrefix(strings.Split(text(state), ",")[0], `{"Fn::If":["OrdersRuns`)+`,"ENABLED","DISABLED"]}` {
		t.Errorf("the schedule's state is %s", text(state))
	}
	for _, name := range []string{"OrdersConfig", "OrdersState", "OrdersTasksMax", "OrdersSchedule"} {
		if _, ok := s.Parameters[name]; !ok {
			t.Errorf("there is no parameter %s", name)
		}
	}
	if p := s.Parameters["OrdersState"]; p.Default != "FILE" || len(p.AllowedValues) != 4 {
		t.Errorf("the state is %+v", p)
	}
	if !s.Parameters["OrdersConfig"].NoEcho {
		t.Error("a configuration, which may hold a password, is shown")
	}
	rights := text(s.only(t, "AWS::IAM::Policy", "OrdersRights").Properties["PolicyDocument"])
	for _, want := range []string{
		`"dynamodb:LeadingKeys":["connectors","orders"]`, `secret:db-AbCdEf"`, `secret:plain-??????`, `parameter/orders/url`,
		`"kafka-cluster:WriteData"`, `},"orders"]]}`,
	} {
		if !strings.Contains(rights, want) {
			t.Errorf("its rights do not hold %s: %s", want, rights)
		}
	}
}

func TestStack_Sink(t *testing.T) {
	s := synth(t, infra.StackProps{Connectors: connectors(t, audit)})
	mappings := s.of("AWS::Lambda::EventSourceMapping")
	groups := map[string]string{}
	for _, m := range mappings {
		p := m.Properties
		topic := p["Topics"].([]any)[0].(string)
		groups[topic] = text(p["SelfManagedKafkaEventSourceConfig"])
		if !strings.Contains(text(p["AmazonManagedKafkaEventSourceConfig"]), `"ConsumerGroupId":"connect-audit.`+topic+`"`) {
			t.Errorf("on MSK %s is read by %s", topic, text(p["AmazonManagedKafkaEventSourceConfig"]))
		}
		if p["StartingPosition"] != "LATEST" {
			t.Errorf("%s is read from %v", topic, p["StartingPosition"])
		}
		for name, want := range map[string]string{
			"FunctionResponseTypes": `{"Fn::If":["HasProvisionedPollers",["ReportBatchItemFailures"],{"Ref":"AWS::NoValue"}]}`,
			"MaximumRetryAttempts":  `{"Fn::If":["HasProvisionedPollers",{"Ref":"MaximumRetryAttempts"},{"Ref":"AWS::NoValue"}]}`,
			"BatchSize":             `{"Ref":"AuditBatchSize"}`, "MaximumBatchingWindowInSeconds": `{"Ref":"AuditBatchWindow"}`,
		} {
			if text(p[name]) != want {
				t.Errorf("%s is %s, want %s", name, text(p[name]), want)
			}
		}
		access := text(p["SourceAccessConfigurations"])
		for _, kind := range []string{"SASL_SCRAM_512_AUTH", "SASL_SCRAM_256_AUTH", "BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE", "VPC_SUBNET", "VPC_SECURITY_GROUP"} {
			if !strings.Contains(access, kind) {
				t.Errorf("nobody can sign in by %s", kind)
			}
		}
	}
	if len(groups) != 2 || groups["orders"] == groups["returns"] {
		t.Errorf("two topics are read by %v", groups)
	}
	if most := s.Parameters["SinkTimeout"].MaxValue; most != 840.0 {
		t.Errorf("a sink may take %v seconds; Kafka triggers allow 840", most)
	}
	rights := text(s.only(t, "AWS::IAM::Policy", "AuditRights").Properties["PolicyDocument"])
	for _, want := range []string{`},"dead"]]}`, `},"returns"]]}`, `},"connect-audit.orders"]]}`, `"kafka:DescribeClusterV2"`} {
		if !strings.Contains(rights, want) {
			t.Errorf("its rights do not hold %s: %s", want, rights)
		}
	}
}

func TestStack_WritesBeforeItTriggers(t *testing.T) {
	s := synth(t, infra.StackProps{Connectors: connectors(t, orders, audit)})
	after := func(id string) string { return text(s.Resources[id].DependsOn) }
	for id, r := range s.Resources {
		name := "Orders"
		if strings.HasPrefix(id, "Audit") {
			name = "Audit"
		}
		switch r.Type {
		case "AWS::Scheduler::Schedule", "AWS::Lambda::EventSourceMapping":
			if !strings.Contains(after(id), name+"Connector") {
				t.Errorf("%s does not wait for the configuration, but for %s", id, after(id))
			}
		case "Custom::Triggers":
			if !strings.Contains(after(id), name+"Schedule") && !strings.Contains(after(id), name+"Trigger") {
				t.Errorf("%s does not wait for what it looks after, but for %s", id, after(id))
			}
		}
	}
	for _, kind := range []string{"Custom::Connector", "Custom::Triggers", "Custom::Cleanup"} {
		for id, r := range s.of(kind) {
			if r.Properties["ServiceTimeout"] == nil {
				t.Errorf("%s waits for an hour when nobody answers", id)
			}
		}
	}
}

// Everything that holds a star says why, in the metadata of its policy, by the id of its statement.
func TestStack_StarsHaveReasons(t *testing.T) {
	s := synth(t, everything(t))
	for id, r := range s.of("AWS::IAM::Policy") {
		reasons := text(r.Metadata["cdk_nag"])
		for _, statement := range statements(r.Properties["PolicyDocument"]) {
			if strings.Contains(text(statement["Action"]), `"*"`) {
				t.Errorf("%s allows every action", id)
			}
			if !strings.Contains(text(statement["Resource"]), "*") {
				continue
			}
			if sid, ok := statement["Sid"].(string); reasons == "null" || ok && !strings.Contains(reasons, strings.TrimRight(sid, "23456789")+":") {
				t.Errorf("%s: nothing says why statement %s has a star: %s", id, sid, text(statement["Resource"]))
			}
		}
	}
}

// statements are all those of a document, also those under a condition.
func statements(v any) []map[string]any {
	var found []map[string]any
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			found = append(found, statements(inner)...)
		}
	case map[string]any:
		if v["Effect"] != nil {
			return []map[string]any{v}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			found = append(found, statements(v[name])...)
		}
	}
	return found
}

// everything is a stack with all there is.
func everything(t *testing.T) infra.StackProps {
	t.Helper()
	return infra.StackProps{
		RuntimeProps: infra.RuntimeProps{Rest: []string{"file", "datagen", "s3"}, Architecture: infra.X86},
		Connectors:   append(shipped(t), connectors(t, orders, audit, lake, `{"name": "all", "connector.class": "FileStreamSink", "topics.regex": "o.*"}`)...),
	}
}

func TestStack_NothingIsFoundByNag(t *testing.T) {
	app, stack := newStack(t, everything(t))
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Verbose: new(true)}), nil)
	found := assertions.Annotations_FromStack(stack.Stack)
	for _, m := range append(*found.FindError(new("*"), assertions.Match_StringLikeRegexp(new("AwsSolutions-.*"))),
		*found.FindWarning(new("*"), assertions.Match_StringLikeRegexp(new("AwsSolutions-.*")))...) {
		t.Errorf("%v", m.Entry.Data) //nolint:staticcheck // it is what the assertions return
	}
}

// Only a connector that converts with a schema registry gets the build that can; so do those of REST, who may want to.
func TestStack_BuildsWithRegistryConverters(t *testing.T) {
	const file = `{"name": "%s", "config": {"connector.class": "FileStreamSink", "topics": "t", "file": "f", "value.converter": "%s"}}`
	code := func(props infra.StackProps) func(id string) string {
		app, _ := newStack(t, props)
		assembly := app.Synth(nil)
		text, err := os.ReadFile(*assembly.GetStackByName(new("Sluice")).TemplateFullPath())
		if err != nil {
			t.Fatal(err)
		}
		var found template
		if err := json.Unmarshal(text, &found); err != nil {
			t.Fatal(err)
		}
		return func(id string) string {
			code, _ := found.Resources[id].Properties["Code"].(map[string]any)
			key, _ := code["S3Key"].(string)
			binary, err := os.ReadFile(filepath.Join(*assembly.Directory(), "asset."+strings.TrimSuffix(key, ".zip"), "bootstrap"))
			if err != nil {
				t.Fatal(err)
			}
			return string(binary)
		}
	}
	files := connectors(t, fmt.Sprintf(file, "plain", "org.apache.kafka.connect.json.JsonConverter"),
		fmt.Sprintf(file, "avro", "io.confluent.connect.avro.AvroConverter"), fmt.Sprintf(file, "glue", "AWSKafkaAvroConverter"))
	of := code(infra.StackProps{Connectors: files, RuntimeProps: infra.RuntimeProps{Rest: []string{"file"}}})
	for id, want := range map[string]string{
		"Plain": "file-sink", "Avro": "file-sink-registry", "Glue": "file-sink-registry", "SharedFileSource": "file-source-registry",
	} {
		if got := of(id); got != want {
			t.Errorf("function %s is %s, want %s", id, got, want)
		}
	}
	if got := code(infra.StackProps{Connectors: files, RuntimeProps: infra.RuntimeProps{Registry: true}})("Plain"); got != "file-sink-registry" {
		t.Errorf("when all are to have it, function Plain is %s", got)
	}
}

// A connector that keeps schemas in AWS Glue may look them up there, and make them only where it shall.
func TestStack_GlueRights(t *testing.T) {
	const file = `{"name": "%s", "config": {"connector.class": "FileStreamSource", "topic": "t", "file": "f",
		"value.converter": "com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter", "value.converter.registry.name": "mine",
		"value.converter.schemaAutoRegistrationEnabled": "%s"}}`
	s := synth(t, infra.StackProps{Connectors: connectors(t, fmt.Sprintf(file, "makes", "true"), fmt.Sprintf(file, "reads", "false"))})
	for prefix, makes := range map[string]bool{"MakesRights": true, "ReadsRights": false} {
		rights := text(s.only(t, "AWS::IAM::Policy", prefix).Properties["PolicyDocument"])
		if !strings.Contains(rights, "glue:GetSchemaByDefinition") || !strings.Contains(rights, "schema/mine/*") {
			t.Errorf("%s does not let it find schemas: %s", prefix, rights)
		}
		if strings.Contains(rights, "glue:CreateSchema") != makes {
			t.Errorf("%s: that it may make schemas is not %v: %s", prefix, makes, rights)
		}
	}
}

func TestStack_SharedFunctionsAreBounded(t *testing.T) {
	s := synth(t, infra.StackProps{RuntimeProps: infra.RuntimeProps{Rest: []string{"file"}}})
	rights := text(s.only(t, "AWS::IAM::Policy", "RuntimeSharedFileSinkRights").Properties["PolicyDocument"])
	if !strings.Contains(rights, `"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["connectors",{"Fn::Join":["",[{"Ref":"RestNamePrefix"},"*"]]}]}`) {
		t.Errorf("shared functions may touch any item: %s", rights)
	}
	functions := text(s.Resources["SluiceControl"].Properties["Environment"])
	if !strings.Contains(functions, "SharedFileSource") || !strings.Contains(functions, `\"shared\":true`) {
		t.Errorf("the control function does not know of them: %s", functions)
	}
}

func TestStack_EveryParameterIsDescribedAndBounded(t *testing.T) {
	s := synth(t, everything(t))
	for name, p := range s.Parameters {
		if name == "BootstrapVersion" { // the CDK's own
			continue
		}
		if p.Description == "" {
			t.Errorf("%s has no description", name)
		}
		if p.AllowedPattern == "" && len(p.AllowedValues) == 0 && (p.MinValue == nil || p.MaxValue == nil) {
			t.Errorf("%s takes anything", name)
		}
		if len(p.Description) > 4000 || len(s.Parameters) > 200 {
			t.Errorf("%s is beyond what CloudFormation takes", name)
		}
	}
	golden(t, "PARAMETERS.md", parameterTable(synth(t, infra.StackProps{
		RuntimeProps: infra.RuntimeProps{Rest: []string{"file"}},
		Connectors: connectors(t, `{"name": "<Source>", "config": {"connector.class": "FileStreamSource", "topic": "t"}}`,
			`{"name": "<Sink>", "config": {"connector.class": "HdfsSinkConnector", "topics": "t"}}`),
	})))
}

// parameterTable lists all parameters: those that are shared, and then those of each connector.
func parameterTable(s template) []byte {
	var b bytes.Buffer
	b.WriteString("# Stack parameters\n\nWritten by `go test ./infra -update`. Those of a connector are named after it: `orders-source` has `OrdersSourceConfig`.\n\n")
	b.WriteString("| Parameter | Default | Takes | What |\n|---|---|---|---|\n")
	row := func(name string, shown string) {
		p := s.Parameters[name]
		value, takes := fmt.Sprint(p.Default), p.ConstraintDescription
		switch {
		case p.Default == nil:
			value = "required"
		case value == "":
			value = "empty"
		default:
			value = "`" + value + "`"
		}
		if len(p.AllowedValues) > 0 {
			takes = strings.Trim(fmt.Sprint(p.AllowedValues), "[]")
		} else if p.Type == "Number" {
			takes = fmt.Sprintf("%v to %v", p.MinValue, p.MaxValue)
		}
		doc := strings.NewReplacer("connector <Source>", "the source", "connector <Sink>", "the sink", "|", "\\|").Replace(p.Description)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", shown, value, strings.ReplaceAll(takes, "|", "\\|"), doc)
	}
	names := slices.Sorted(maps.Keys(s.Parameters))
	own := func(name string) bool {
		return (strings.HasPrefix(name, "Source") || strings.HasPrefix(name, "Sink")) && !strings.HasSuffix(name, "Memory") && !strings.HasSuffix(name, "Timeout")
	}
	for _, name := range names {
		if !own(name) && name != "BootstrapVersion" {
			row(name, name)
		}
	}
	for _, name := range names {
		if own(name) {
			shown := strings.Replace(strings.Replace(name, "Source", "<Source>", 1), "Sink", "<Sink>", 1)
			row(name, shown)
		}
	}
	return b.Bytes()
}

func TestStack_AlarmsOfEveryConnector(t *testing.T) {
	s := synth(t, infra.StackProps{Connectors: connectors(t, orders, audit)})
	for _, id := range []string{
		"OrdersFailed", "OrdersSilent", "OrdersThrottled", "OrdersDeadline",
		"AuditFailed", "AuditLagging", "AuditDeadLetters", "AuditThrottled", "AuditDeadline", "AuditGaveUp1", "AuditGaveUp2",
	} {
		alarm := s.only(t, "AWS::CloudWatch::Alarm", id)
		if !strings.Contains(text(alarm.Properties["AlarmActions"]), "AlarmTopicArn") {
			t.Errorf("%s tells nobody", id)
		}
	}
	if len(s.of("AWS::CloudWatch::Dashboard")) != 1 {
		t.Error("there is no dashboard")
	}
	for id, r := range s.of("AWS::Logs::LogGroup") {
		if r.Properties["RetentionInDays"] == nil {
			t.Errorf("%s keeps its logs for ever", id)
		}
	}
}

func TestStack_TakesEveryExample(t *testing.T) {
	examples, err := infra.ReadConnectors("connectors/examples")
	if err != nil {
		t.Fatal(err)
	}
	s := synth(t, infra.StackProps{Connectors: examples})
	for id, r := range s.of("Custom::Connector") {
		if r.Properties["FileState"] != "STOPPED" {
			t.Errorf("example %s runs", id)
		}
	}
	if rights := text(s.only(t, "AWS::IAM::Policy", "JdbcSourceRights").Properties["PolicyDocument"]); !strings.Contains(rights, "secret:sluice/shop-??????") || !strings.Contains(rights, `},"shop.*"]]}`) {
		t.Errorf("the source's rights are %s", rights)
	}
}

func TestStack_SaysWhatIsWrongWithAFile(t *testing.T) {
	for file, want := range map[string]string{
		`{"name": "x", "config": {"connector.class": "Nothing"}}`:                                   `no connector class "Nothing"`,
		`{"name": "x", "config": {"connector.class": "FileStreamSink"}}`:                            `needs "topics"`,
		`{"name": "orders!", "config": {"connector.class": "FileStreamSource", "topic": "orders"}}`: "as those of another",
	} {
		app := awscdk.NewApp(nil)
		props := infra.StackProps{Connectors: connectors(t, orders, file)}
		props.Functions = binaries(t)
		if _, err := infra.NewStack(app, "Sluice", props); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
	for file, want := range map[string]string{
		`{"config": {"connector.class": "FileStreamSink"}}`:         `"name" is missing`,
		`{"name": "a", "config": {"name": "b"}}`:                    "outside of config",
		`{"name": "a", "config": {"x": {}}}`:                        "must be a string",
		`{"name": "a", "connector.class": "C", "initial_state": 1}`: "JSON",
		`{"name": "日本", "config": {"connector.class": "C"}}`:        "no letter",
		`[]`: "JSON",
	} {
		if _, err := infra.ParseConnector([]byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
}

func text(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
}
