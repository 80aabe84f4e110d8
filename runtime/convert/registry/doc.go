// Package registry has the converters that keep schemas in a schema registry: those of Confluent and those of AWS Glue, each
// for Avro, Protobuf and JSON Schema, with their names, settings, bytes and messages. Confluent's work with any registry that
// has Confluent's REST API.
//
// Confluent's frame a record by the number of its schema: a zero byte and four bytes before the value, or the schema's GUID in
// a header. Glue's frame it by a three, a byte for the compression and the id of the schema's version. Schemas are looked up
// once per process and then known. What fails because the registry cannot be reached is a connect.RetryError, for records
// cannot help it; what fails because of a record, such as a number that no schema has, is that record's own.
//
// Glue's converters differ from AWS's where those fail. An outage of Glue fails no record. Avro's also writes texts, numbers and
// other values that are no records. JSON Schema's also reads unions of null with several schemas or by anyOf, newer versions of
// JSON Schema, constants, and optional members whose schema is that of one that is required; and it writes decimals as numbers
// with all their digits. Protobuf's also writes tombstones, structs whose names have a package, structs in structs whatever
// their names, and maps that are null; and decimals that its message has no place for fail, where AWS's writes another number.
package registry
