// Package registry has the converters that keep schemas in a schema registry: those of Confluent for Avro, Protobuf and JSON
// Schema, with any registry that has Confluent's REST API, and those of AWS Glue for Avro and JSON Schema, each with its names,
// settings, bytes and messages.
//
// Confluent's frame a record by the number of its schema: a zero byte and four bytes before the value, or the schema's GUID in
// a header. Glue's frame it by a three, a byte for the compression and the id of the schema's version. Schemas are looked up
// once per process and then known. What fails because the registry cannot be reached is a connect.RetryError, for records
// cannot help it; what fails because of a record, such as a number that no schema has, is that record's own.
//
// Glue's converters differ from AWS's where those fail. An outage of Glue fails no record. Avro's also writes texts, numbers and
// other values that are no records. JSON Schema's also reads unions of null with several schemas or by anyOf, newer versions of
// JSON Schema, constants, and optional members whose schema is that of one that is required; and it writes decimals as numbers
// with all their digits.
package registry
