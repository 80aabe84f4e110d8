package infra_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/infra"
)

const lake = `{"name": "lake", "config": {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": "orders", "s3.bucket.name": "b",
	"topics.dir": "raw", "s3.sse.kms.key.id": "11-22", "s3.object.tagging": true}}`

func TestStack_SinkThatCompletesThingsByTheClock(t *testing.T) {
	s := synth(t, infra.StackProps{Connectors: connectors(t, lake, audit), RuntimeProps: infra.RuntimeProps{Rest: []string{"s3"}}})
	schedule := s.only(t, "AWS::Scheduler::Schedule", "").Properties
	if input := schedule["Target"].(map[string]any)["Input"]; input != `{"connector":"lake","tick":true}` {
		t.Errorf("the schedule sends %v", input)
	}
	if state := text(schedule["State"]); !strings.Contains(state, `"ENABLED","DISABLED"`) {
		t.Errorf("its state is %s", state)
	}
	once := s.only(t, "AWS::Lambda::EventInvokeConfig", "Lake").Properties
	if once["MaximumRetryAttempts"] != 0.0 || once["MaximumEventAgeInSeconds"] != 60.0 {
		t.Errorf("ticks are repeated: %v", once)
	}
	if _, ok := s.Parameters["LakeSchedule"]; !ok {
		t.Error("there is no parameter LakeSchedule")
	}
	if _, ok := s.Parameters["AuditSchedule"]; ok {
		t.Error("a sink that does nothing by the clock has a schedule")
	}
	if told := text(s.only(t, "Custom::Triggers", "Lake").Properties); !strings.Contains(told, `"Schedule":{"Ref":"LakeSchedule`) {
		t.Errorf("the table is not told of the schedule: %s", told)
	}
	if functions := text(s.Resources["SluiceControl"].Properties["Environment"]); !strings.Contains(functions, `\"ticks\":true`) {
		t.Errorf("the control function does not know who ticks: %s", functions)
	}
}

func TestStack_RightsOfABucket(t *testing.T) {
	s := synth(t, infra.StackProps{Connectors: connectors(t, lake)})
	found := map[string]map[string]any{}
	for _, statement := range statements(s.only(t, "AWS::IAM::Policy", "LakeRights").Properties["PolicyDocument"]) {
		found[statement["Sid"].(string)] = statement
	}
	for sid, want := range map[string][2]string{
		"ListBucket":   {`"s3:ListBucket"`, `:s3:::b"}`},
		"WriteObjects": {`["s3:PutObject","s3:GetObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts","s3:PutObjectTagging"]`, `:s3:::b/raw/*"}`},
		"StageRecords": {`["s3:PutObject","s3:GetObject","s3:DeleteObject"]`, `:s3:::b/.sluice/lake/*"}`},
		"UseKey":       {`["kms:GenerateDataKey","kms:Decrypt"]`, `:key/11-22"}`},
	} {
		if got := text(found[sid]["Action"]); strings.Trim(got, "[]") != strings.Trim(want[0], "[]") {
			t.Errorf("%s: %s, want %s", sid, got, want[0])
		}
		if got := strings.Trim(text(found[sid]["Resource"]), "[]"); !strings.HasSuffix(got, want[1]) {
			t.Errorf("%s: on %s, want …%s", sid, got, want[1])
		}
	}
	fixed := s.only(t, "Custom::Connector", "Lake").Properties["Fixed"].([]any)
	if !strings.Contains(text(fixed), `"s3.bucket.name"`) {
		t.Errorf("a parameter can name another bucket than its rights do: %v", fixed)
	}
}

func TestStack_RightsOfOtherBuckets(t *testing.T) {
	const with = `{"name": "lake", "config": {"connector.class": "AivenKafkaConnectS3SinkConnector", "topics": "orders", "aws.s3.bucket.name": "b"`
	for settings, want := range map[string][]string{
		`, "aws.s3.prefix": "a/{{topic}}/"`:                           {"ListBucket b", "WriteObjects b/a/*", "StageRecords b/.sluice/lake/*"},
		`, "aws.access.key.id": "k", "aws.secret.access.key": "s"`:    nil,
		`, "aws.sts.role.arn": "arn:aws:iam::111122223333:role/lake"`: {"TakeOnRole arn:aws:iam::111122223333:role/lake"},
	} {
		s := synth(t, infra.StackProps{Connectors: connectors(t, with+settings+"}}")})
		var got []string
		for _, statement := range statements(s.only(t, "AWS::IAM::Policy", "LakeRights").Properties["PolicyDocument"]) {
			sid, resource := statement["Sid"].(string), text(statement["Resource"])
			switch sid {
			case "ListBucket", "WriteObjects", "StageRecords", "TakeOnRole":
				resource = strings.Trim(resource, `[]{}"`)
				got = append(got, sid+" "+resource[strings.LastIndex(resource, ":::")+1:])
			}
		}
		for i := range got {
			got[i] = strings.NewReplacer(" ::", " ", `Fn::Sub":"arn:${AWS::Partition}:s3:::`, "").Replace(got[i])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", settings, diff)
		}
	}
	for settings, want := range map[string]string{
		`"s3.bucket.name": "${env:B}"`:                             `"s3.bucket.name"`,
		`"flush.size": "1"`:                                        `"aws.s3.bucket.name"`,
		`"s3.bucket.name": "b", "topics.dir": "${env:D}"`:          `"topics.dir"`,
		`"s3.bucket.name": "b", "s3.sse.kms.key.id": "alias/lake"`: "ARN of a key",
	} {
		props := infra.StackProps{Connectors: connectors(t, `{"name": "x", "config": {"connector.class": "S3SinkConnector", "topics": "t", `+settings+`}}`)}
		props.Functions = binaries(t)
		if _, err := infra.NewStack(awscdk.NewApp(nil), "Sluice", props); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", settings, err, want)
		}
	}
}

func TestStack_RightsToRead(t *testing.T) {
	const with = `{"name": "lake", "config": {"connector.class": "io.confluent.connect.s3.source.S3SourceConnector", "s3.bucket.name": "b", "format.class": "JsonFormat"`
	for settings, want := range map[string][]string{
		``:                                   {`ReadObjects ["s3:GetObject"]`},
		`, "sluice.after.reading": "delete"`: {`ReadObjects ["s3:GetObject","s3:DeleteObject"]`},
		`, "sluice.after.reading": "move"`: {
			`MoveObjects ["s3:PutObject","s3:PutObjectTagging","s3:AbortMultipartUpload","s3:ListMultipartUploadParts"]`,
			`ReadObjects ["s3:GetObject","s3:DeleteObject","s3:GetObjectTagging"]`,
		},
	} {
		s := synth(t, infra.StackProps{Connectors: connectors(t, with+settings+"}}")})
		var got []string
		for _, statement := range statements(s.only(t, "AWS::IAM::Policy", "LakeRights").Properties["PolicyDocument"]) {
			if sid := statement["Sid"]; sid == "ReadObjects" || sid == "MoveObjects" {
				got = append(got, sid.(string)+" "+text(statement["Action"]))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", settings, diff)
		}
	}
}
