// Package registry has the converters that keep schemas in a schema registry, with the names, settings, bytes and messages
// of Confluent's: Avro, Protobuf and JSON Schema. Their registry is any with Confluent's REST API.
//
// A record is framed by the number of its schema: a zero byte and four bytes before the value, or the schema's GUID in a
// header. Schemas are looked up once per process and then known. What fails because the registry cannot be reached is a
// connect.RetryError, for records cannot help it; what fails because of a record, such as a number that no schema has, is
// that record's own.
package registry
