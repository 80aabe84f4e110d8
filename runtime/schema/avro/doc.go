// Package avro maps Connect's schemas and values to those of Avro and back, as Confluent's AvroData does: the same Avro
// schemas down to their connect.* properties, the same bytes, the same Connect schemas and the same messages when data
// does not fit.
//
// A Schema is an Avro schema with everything that its text says, in its order. Data translates schemas and makes the
// Encoders and Decoders that go between Connect values and Avro's binary form in one step, without a generic value in
// between. It is also what writes Avro container files and their like use.
package avro
