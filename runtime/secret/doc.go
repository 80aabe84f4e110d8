// Package secret puts values in the place of ${provider:key} and ${provider:path:key} in settings, as Kafka Connect's
// configuration providers do, and keeps those values from being shown.
//
//	Resolve  placeholders become values, when a task starts: what is stored keeps its placeholders
//	Restore  values become placeholders again in settings that are about to be stored
//	Scrub    values become placeholders again in what people read: errors, traces, logs
//
// A worker's properties say which providers there are: config.providers, config.providers.<name>.class and
// config.providers.<name>.param.*, with Kafka's class names.
//
//	${file:/path/to.properties:key}    FileConfigProvider: a Java properties file
//	${directory:/path:name}            DirectoryConfigProvider: a file's whole content
//	${env:NAME}                        EnvVarConfigProvider: an environment variable
//	${secretsManager:name-or-arn:key}  AWS Secrets Manager: a member of a JSON secret; without key all of it
//	${ssm:/name}                       AWS Systems Manager: a parameter, decrypted
//
// The last two are there without being declared; a declaration of that name sets their region, endpoint and ttl.ms, or
// replaces them. Each value of theirs costs one signed request, and is kept for five minutes or for ttl.ms.
//
// As in Kafka, a placeholder whose provider or key is unknown stays as it is, values are not searched for placeholders,
// and nothing is escaped. Invariant 6 rests on this package: a resolved secret appears in no log, error, answer or table
// item.
package secret
