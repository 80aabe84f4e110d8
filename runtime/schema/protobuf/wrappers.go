package protobuf

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/runtime/schema"
)

const wrapperPackage = "google.protobuf"

// wrapper is one of the messages of google/protobuf/wrappers.proto.
type wrapper struct {
	name string
	kind protoreflect.Kind
}

// wrappers are the messages of google/protobuf/wrappers.proto in their order.
func wrappers() []wrapper {
	return []wrapper{
		{"DoubleValue", protoreflect.DoubleKind},
		{"FloatValue", protoreflect.FloatKind},
		{"Int64Value", protoreflect.Int64Kind},
		{"UInt64Value", protoreflect.Uint64Kind},
		{"Int32Value", protoreflect.Int32Kind},
		{"UInt32Value", protoreflect.Uint32Kind},
		{"BoolValue", protoreflect.BoolKind},
		{"StringValue", protoreflect.StringKind},
		{"BytesValue", protoreflect.BytesKind},
	}
}

// wrapperOf returns the wrapper of a kind and its place in the file.
func wrapperOf(k protoreflect.Kind) (w wrapper, index int) {
	for i, w := range wrappers() {
		if w.kind == k {
			return w, i
		}
	}
	return wrapper{}, -1
}

// unwrapped is the kind that a message of that full name wraps.
func unwrapped(fullName protoreflect.FullName) (protoreflect.Kind, bool) {
	name, ok := strings.CutPrefix(string(fullName), wrapperPackage+".")
	if !ok {
		return 0, false
	}
	for _, w := range wrappers() {
		if w.name == name {
			return w.kind, true
		}
	}
	return 0, false
}

// kindOf is the kind of the field that holds values of a primitive type.
func kindOf(t schema.Type) protoreflect.Kind {
	switch t {
	case schema.Int8, schema.Int16, schema.Int32:
		return protoreflect.Int32Kind
	case schema.Int64:
		return protoreflect.Int64Kind
	case schema.Float32:
		return protoreflect.FloatKind
	case schema.Float64:
		return protoreflect.DoubleKind
	case schema.Boolean:
		return protoreflect.BoolKind
	case schema.String:
		return protoreflect.StringKind
	}
	return protoreflect.BytesKind
}

// wrappersText is the file of the wrappers, which stands for values that are no messages.
func wrappersText() string {
	var b strings.Builder
	b.WriteString("syntax = \"proto3\";\npackage " + wrapperPackage + ";\n\n")
	for _, option := range []string{
		`java_package = "com.google.protobuf"`,
		`java_outer_classname = "WrappersProto"`,
		`java_multiple_files = true`,
		`go_package = "google.golang.org/protobuf/types/known/wrapperspb"`,
		`cc_enable_arenas = true`,
		`objc_class_prefix = "GPB"`,
		`csharp_namespace = "Google.Protobuf.WellKnownTypes"`,
	} {
		b.WriteString("option " + option + ";\n")
	}
	b.WriteByte('\n')
	for _, w := range wrappers() {
		b.WriteString("message " + w.name + " {\n  " + w.kind.String() + " value = 1 [json_name = \"value\"];\n}\n")
	}
	return b.String()
}
