package infra

import (
	"cmp"
	"strings"

	"github.com/sluice-connect/sluice/runtime/convert/registry"
)

// glueRights allow what converters do whose schemas are in AWS Glue's schema registry.
func glueRights(config map[string]string) []Right {
	var all []Right
	for _, side := range []string{"key", "value"} {
		prefix := side + ".converter"
		if !registry.Glue(strings.TrimSpace(config[prefix])) {
			continue
		}
		setting := func(name string) string { return config[prefix+"."+name] }
		if role := setting("assumeRoleArn"); role != "" {
			all = append(all, Right{ID: "TakeOnRoleFor" + word(side) + "Schemas", Actions: []string{"sts:AssumeRole"}, Resources: []string{role}})
			continue
		}
		region, name := cmp.Or(setting("region"), "${AWS::Region}"), cmp.Or(setting("registry.name"), "default-registry")
		arn := func(kind string) string {
			return "arn:${AWS::Partition}:glue:" + region + ":${AWS::AccountId}:" + kind + "/" + name
		}
		actions := []string{"glue:GetSchemaByDefinition"}
		if strings.EqualFold(setting("schemaAutoRegistrationEnabled"), "true") {
			actions = append(actions, "glue:CreateSchema", "glue:RegisterSchemaVersion", "glue:PutSchemaVersionMetadata")
		}
		all = append(all,
			Right{
				ID: "Find" + word(side) + "Schemas", Actions: actions, Resources: []string{arn("registry"), arn("schema") + "/*"},
				Why: "Schemas are named after topics, and made as records need them; the registry is exact.",
			},
			Right{
				ID: "Read" + word(side) + "Schemas", Actions: []string{"glue:GetSchemaVersion"}, Resources: []string{"*"},
				Why: "Records name the version of their schema by its id, which no ARN has.",
			})
	}
	return all
}
