// Package registry has the converters that keep schemas in a schema registry: those of Confluent for Avro, Protobuf and JSON
// Schema, with any registry that has Confluent's REST API, and that of AWS Glue for Avro, each with its names, settings, bytes
// and messages.
//
// Confluent's frame a record by the number of its schema: a zero byte and four bytes before the value, or the schema's GUID in
// a header. Glue's frame it by a three, a byte for the compression and the id of the schema's version. Schemas are looked up
// once per process and then known. What fails because the registry cannot be reached is a connect.RetryError, for records
// cannot help it; what fails because of a record, such as a number that no schema has, is that record's own.
//
// Glue's converters of JSON Schema and Protobuf, of which there is no release in Maven Central, are not here. Glue's Avro
// converter differs from AWS's in this: it also writes texts, numbers and other values that are no records, which AWS's
// serializer refuses; and an outage of Glue fails no record.
package registry
