// Package jsonschema maps Connect's schemas to JSON Schema and back, as Confluent's JsonSchemaData does: the same
// documents down to their connect.* keywords, the same Connect schemas and the same messages when something does not fit.
// Values are read and written by convert.JSONValues.
//
// A Schema is a JSON Schema document. Only what says something about types counts here; whether a value keeps to all of it
// is asked of a Checker, which few converters do.
package jsonschema
