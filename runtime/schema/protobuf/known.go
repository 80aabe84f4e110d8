package protobuf

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The messages of logical types.
const (
	decimalType   = "confluent.type.Decimal"
	dateType      = "google.type.Date"
	timeType      = "google.type.TimeOfDay"
	timestampType = "google.protobuf.Timestamp"
	metaFile      = "confluent/meta.proto"
	wrappersFile  = "google/protobuf/wrappers.proto"
)

// importOf is the file that must be imported for a type, if there is one.
func importOf(typ string) (path string, ok bool) {
	switch typ {
	case decimalType:
		return "confluent/type/decimal.proto", true
	case dateType:
		return "google/type/date.proto", true
	case timeType:
		return "google/type/timeofday.proto", true
	case timestampType:
		return "google/protobuf/timestamp.proto", true
	}
	if _, ok := unwrapped(protoreflect.FullName(typ)); ok {
		return wrappersFile, true
	}
	return "", false
}

// linked are the files that are part of the Protobuf library.
func linked(path string) protoreflect.FileDescriptor {
	switch path {
	case "google/protobuf/any.proto":
		return anypb.File_google_protobuf_any_proto
	case "google/protobuf/descriptor.proto":
		return descriptorpb.File_google_protobuf_descriptor_proto
	case "google/protobuf/duration.proto":
		return durationpb.File_google_protobuf_duration_proto
	case "google/protobuf/empty.proto":
		return emptypb.File_google_protobuf_empty_proto
	case "google/protobuf/field_mask.proto":
		return fieldmaskpb.File_google_protobuf_field_mask_proto
	case "google/protobuf/struct.proto":
		return structpb.File_google_protobuf_struct_proto
	case "google/protobuf/timestamp.proto":
		return timestamppb.File_google_protobuf_timestamp_proto
	case wrappersFile:
		return wrapperspb.File_google_protobuf_wrappers_proto
	}
	return nil
}

// common are the texts of files that schemas import without having them as references: the numbers and names of their
// fields are all that counts.
func common(path string) (text string, ok bool) {
	switch path {
	case metaFile:
		return `syntax = "proto3"; package confluent;
			message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }`, true
	case "confluent/type/decimal.proto":
		return `syntax = "proto3"; package confluent.type;
			message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`, true
	case "additionalTypes/decimal.proto":
		return `syntax = "proto3"; package additionalTypes;
			message Decimal { int64 units = 1; int32 fraction = 2; uint32 precision = 3; int32 scale = 4; }`, true
	case "metadata/metadata.proto":
		return `syntax = "proto3"; package metadata; import "google/protobuf/descriptor.proto";
			extend google.protobuf.FieldOptions { string metadata_key = 50001; string metadata_value = 50002; }`, true
	case "google/type/date.proto":
		return `syntax = "proto3"; package google.type;
			message Date { int32 year = 1; int32 month = 2; int32 day = 3; }`, true
	case "google/type/timeofday.proto":
		return `syntax = "proto3"; package google.type;
			message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }`, true
	case "google/type/money.proto":
		return `syntax = "proto3"; package google.type;
			message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }`, true
	case "google/type/latlng.proto":
		return `syntax = "proto3"; package google.type; message LatLng { double latitude = 1; double longitude = 2; }`, true
	}
	return "", false
}
