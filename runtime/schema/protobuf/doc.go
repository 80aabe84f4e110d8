// Package protobuf maps Connect's schemas and values to those of Protocol Buffers and back, as Confluent's ProtobufData
// does: the same .proto files down to their field_meta options, the same bytes, the same Connect schemas and the same
// messages when data does not fit.
//
// A Schema is a .proto file. Data translates schemas and makes the Encoders and Decoders that go between Connect values
// and the wire format in one step, without a generic message in between. What stands in front of a message, the indexes
// that say which of the file's messages it is, belongs to this package; the registry's number does not.
package protobuf
