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
	objects := sourceClass("s3", s3.Source, objectTopics)
	objects.Rights, objects.Fixed = readRights, []string{
		"s3.bucket.name", "topics.dir", "directory.delim", "aws.s3.bucket.name", "aws.s3.prefix", "aws.sts.role.arn",
		"sluice.after.reading", "sluice.after.reading.prefix",
	}
	return []Class{
		sourceClass("datagen", datagen.Source, setting("kafka.topic")),
		sourceClass("file", file.Source, setting("topic")),
		sinkClass("file", file.Sink),
		sourceClass("sql", sql.Source, tableTopics),
		sinkClass("sql", sql.Sink),
		objects,
		lake,
		sourceClass("hdfs", hdfs.Source, objectTopics),
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

// objectTopics are those of a source of files: what the names of files say, but for those that settings say.
func objectTopics(config map[string]string) []string {
	if strings.EqualFold(config["mode"], "GENERIC") {
		var topics []string
		for rule := range strings.SplitSeq(config["topic.regex.list"], ",") {
			topic, _, _ := strings.Cut(strings.TrimSpace(rule), ":")
			topics = append(topics, topic)
		}
		return topics
	}
	if topic := config["topic"]; topic != "" && !strings.Contains(config["file.name.template"], "{{topic}}") {
		return []string{topic}
	}
	return []string{"*"}
}

// bucketOf is the ARN of a connector's bucket, and what names of its objects begin with. others are the rights of a connector
// that does not use its own role: with keys of its own, or those of a role that it takes on.
func bucketOf(config map[string]string, also ...string) (arn, objects string, others []Right, own bool, err error) {
	bucket, setting := config["s3.bucket.name"], "s3.bucket.name"
	objects = cmp.Or(config["topics.dir"], "topics") + cmp.Or(config["directory.delim"], "/")
	if bucket == "" {
		setting = "aws.s3.bucket.name"
		bucket = config[setting]
		objects, _, _ = strings.Cut(config["aws.s3.prefix"], "{{")
	}
	if role := config["aws.sts.role.arn"]; role != "" {
		return "", "", []Right{{ID: "TakeOnRole", Actions: []string{"sts:AssumeRole"}, Resources: []string{role}}}, false, nil
	}
	if config["aws.access.key.id"] != "" {
		return "", "", nil, false, nil
	}
	values := map[string]string{setting: bucket, "topics.dir": objects}
	for _, name := range also {
		values[name] = config[name]
	}
	for name, value := range values {
		if strings.Contains(value, "${") || name == setting && value == "" {
			return "", "", nil, false, fmt.Errorf("the rights of its role follow from the setting %q, which must stand in its file", name)
		}
	}
	return "arn:${AWS::Partition}:s3:::" + bucket, objects, nil, true, nil
}

// readRights let a source read objects of its bucket, and do with them what it is told to.
func readRights(config map[string]string) ([]Right, error) {
	arn, objects, others, own, err := bucketOf(config, "sluice.after.reading", "sluice.after.reading.prefix")
	if err != nil || !own {
		return others, err
	}
	actions := []string{"s3:GetObject"}
	rights := []Right{{ID: "ListBucket", Actions: []string{"s3:ListBucket"}, Resources: []string{arn}}}
	switch strings.ToLower(config["sluice.after.reading"]) {
	case "delete":
		actions = append(actions, "s3:DeleteObject")
	case "tag":
		actions = append(actions, "s3:GetObjectTagging", "s3:PutObjectTagging")
	case "move":
		actions = append(actions, "s3:DeleteObject", "s3:GetObjectTagging")
		rights = append(rights, Right{
			ID: "MoveObjects", Actions: []string{"s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"},
			Resources: []string{arn + "/" + cmp.Or(config["sluice.after.reading.prefix"], "read/") + "*"}, Why: "Objects keep the rest of their names.",
		})
	}
	return append(rights, Right{ID: "ReadObjects", Actions: actions, Resources: []string{arn + "/" + objects + "*"}, Why: "It reads all objects there."}), nil
}

// bucketRights let a sink write objects into its bucket, and stage records there.
func bucketRights(config map[string]string) ([]Right, error) {
	arn, objects, others, own, err := bucketOf(config, "sluice.staging.dir")
	if err != nil || !own {
		return others, err
	}
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
