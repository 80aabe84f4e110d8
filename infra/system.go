package infra

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/functions/datagen"
	"github.com/sluice-connect/sluice/functions/file"
	"github.com/sluice-connect/sluice/functions/hdfs"
	"github.com/sluice-connect/sluice/functions/s3"
	"github.com/sluice-connect/sluice/functions/sql"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// classes are all that can be deployed. Databases and HDFS are reached by what a configuration says, and not by rights.
func classes() []Class {
	lake := sinkClass("s3", s3.Sink)
	lake.Rights, lake.Fixed = bucketRights, []string{
		"s3.bucket.name", "topics.dir", "directory.delim", "sluice.staging.dir", "s3.sse.kms.key.id", "s3.acl.canned", "s3.object.tagging",
		"s3.object.tagging.key.value.pairs", "aws.s3.bucket.name", "aws.s3.prefix", "aws.acl.canned", "aws.sts.role.arn",
	}
	return []Class{
		sourceClass("datagen", datagen.Source, setting("kafka.topic")),
		sourceClass("file", file.Source, setting("topic")),
		sinkClass("file", file.Sink),
		sourceClass("sql", sql.Source, tableTopics),
		sinkClass("sql", sql.Sink),
		lake,
		sinkClass("hdfs", hdfs.Sink),
	}
}

func sourceClass(system string, c connect.SourceConnector, topics func(map[string]string) []string) Class {
	return Class{System: system, Direction: source, Name: c.Class, Aliases: c.Aliases, Topics: topics}
}

func sinkClass(system string, c connect.SinkConnector) Class {
	_, ticks := c.New().(connect.Ticker)
	return Class{System: system, Direction: sink, Name: c.Class, Aliases: c.Aliases, Ticks: ticks}
}

// setting takes the topic from a setting.
func setting(name string) func(map[string]string) []string {
	return func(config map[string]string) []string { return []string{config[name]} }
}

// tableTopics are those of a source of tables: a prefix and the table's name, or all of it where a query is read.
func tableTopics(config map[string]string) []string {
	if config["query"] != "" || config["query.masked"] != "" {
		return []string{config["topic.prefix"]}
	}
	return []string{config["topic.prefix"] + "*"}
}

// bucketRights let a sink write objects into its bucket, and stage records there. With keys of its own, or those of a role
// that it takes on, it needs none.
func bucketRights(config map[string]string) ([]Right, error) {
	bucket, objects := config["s3.bucket.name"], cmp.Or(config["topics.dir"], "topics")+cmp.Or(config["directory.delim"], "/")
	setting := "s3.bucket.name"
	if bucket == "" {
		setting = "aws.s3.bucket.name"
		bucket = config[setting]
		objects, _, _ = strings.Cut(config["aws.s3.prefix"], "{{")
	}
	if role := config["aws.sts.role.arn"]; role != "" {
		return []Right{{ID: "TakeOnRole", Actions: []string{"sts:AssumeRole"}, Resources: []string{role}}}, nil
	}
	if config["aws.access.key.id"] != "" {
		return nil, nil
	}
	for name, value := range map[string]string{setting: bucket, "topics.dir": objects, "sluice.staging.dir": config["sluice.staging.dir"]} {
		if strings.Contains(value, "${") || name == setting && value == "" {
			return nil, fmt.Errorf("the rights of its role follow from the setting %q, which must stand in its file", name)
		}
	}
	arn := "arn:${AWS::Partition}:s3:::" + bucket
	rights := []Right{
		{ID: "ListBucket", Actions: []string{"s3:ListBucket"}, Resources: []string{arn}},
		{
			ID: "WriteObjects", Actions: slices.Concat([]string{"s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}, objectActions(config)),
			Resources: []string{arn + "/" + objects + "*"}, Why: "The names of objects follow from the records.",
		},
		{
			ID: "StageRecords", Actions: []string{"s3:PutObject", "s3:GetObject", "s3:DeleteObject"},
			Resources: []string{arn + "/" + cmp.Or(config["sluice.staging.dir"], ".sluice") + "/" + config["name"] + "/*"}, Why: "Pieces have fresh names in a folder of the connector's own.",
		},
	}
	key := config["s3.sse.kms.key.id"]
	switch {
	case key == "":
		return rights, nil
	case strings.HasPrefix(key, "arn:") && strings.Contains(key, ":key/"):
	case strings.ContainsAny(key, ":/$"):
		return nil, fmt.Errorf(`the setting "s3.sse.kms.key.id" must be the id or the ARN of a key, and not %q: rights are those of keys`, key)
	default:
		key = "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/" + key
	}
	return append(rights, Right{ID: "UseKey", Actions: []string{"kms:GenerateDataKey", "kms:Decrypt"}, Resources: []string{key}}), nil
}

// objectActions are those that settings of objects take beside.
func objectActions(config map[string]string) []string {
	var actions []string
	if strings.EqualFold(config["s3.object.tagging"], "true") || config["s3.object.tagging.key.value.pairs"] != "" {
		actions = append(actions, "s3:PutObjectTagging")
	}
	if cmp.Or(config["s3.acl.canned"], config["aws.acl.canned"]) != "" {
		actions = append(actions, "s3:PutObjectAcl")
	}
	return actions
}
