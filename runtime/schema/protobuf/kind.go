package protobuf

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar returns the kind of a scalar type's keyword.
func scalar(name string) (protoreflect.Kind, bool) {
	switch name {
	case "double":
		return protoreflect.DoubleKind, true
	case "float":
		return protoreflect.FloatKind, true
	case "int32":
		return protoreflect.Int32Kind, true
	case "int64":
		return protoreflect.Int64Kind, true
	case "uint32":
		return protoreflect.Uint32Kind, true
	case "uint64":
		return protoreflect.Uint64Kind, true
	case "sint32":
		return protoreflect.Sint32Kind, true
	case "sint64":
		return protoreflect.Sint64Kind, true
	case "fixed32":
		return protoreflect.Fixed32Kind, true
	case "fixed64":
		return protoreflect.Fixed64Kind, true
	case "sfixed32":
		return protoreflect.Sfixed32Kind, true
	case "sfixed64":
		return protoreflect.Sfixed64Kind, true
	case "bool":
		return protoreflect.BoolKind, true
	case "string":
		return protoreflect.StringKind, true
	case "bytes":
		return protoreflect.BytesKind, true
	}
	return 0, false
}

// wireType is how values of a kind stand on the wire.
func wireType(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.DoubleKind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return protowire.Fixed64Type
	case protoreflect.FloatKind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return protowire.Fixed32Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}

// isInt32 and isInt64 tell which of Java's types holds values of an integer kind.
func isInt32(k protoreflect.Kind) bool {
	switch k {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return true
	}
	return false
}

func isInt64(k protoreflect.Kind) bool {
	switch k {
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return true
	}
	return false
}

// FormError is a failure of the wire format: bytes that are not what their schema says, or data that a message has no
// place for. Failures of the mapping are a schema.Error instead.
type FormError struct {
	// Class is the Java class of the exception, Message its message, which may be empty.
	Class, Message string
}

// Error implements error.
func (e *FormError) Error() string {
	if e.Message == "" {
		return e.Class
	}
	return e.Message
}

// JavaClass is the exception's class.
func (e *FormError) JavaClass() string { return e.Class }

// Java's exceptions that have no message of their own here.
const (
	illegalArgument   = "java.lang.IllegalArgumentException"
	invalidBuffer     = "com.google.protobuf.InvalidProtocolBufferException"
	bufferUnderflow   = "java.nio.BufferUnderflowException"
	validationFailure = "com.google.protobuf.Descriptors$DescriptorValidationException"
)

func truncated() error {
	return &FormError{invalidBuffer, "While parsing a protocol message, the input ended unexpectedly in the middle of a field. " +
		" This could mean either that the input has been truncated or that an embedded message misreported its own length."}
}
