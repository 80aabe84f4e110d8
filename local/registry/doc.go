// Package registry is the desk's schema registry: the REST API of Confluent's inside the process, its schemas kept in a
// file.
//
// Schemas of any type are registered, found by number, by GUID, by subject and version and by content, refer to one another,
// and are deleted softly and for good. Schemas of Avro are parsed, normalized when asked, and held to the subject's
// compatibility level; those of Protobuf and JSON Schema are taken as they are, and count as compatible. There are no
// contexts, rules, modes but READWRITE, nor users.
//
// The same address answers the API of AWS Glue's schema registry, as far as Kafka's serializers use it.
package registry
