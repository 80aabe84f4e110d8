package protobuf

import (
	"encoding/base64"
	"fmt"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// serialized is the descriptor that a text in base64 holds, nil if it holds none.
func serialized(text string) *descriptorpb.FileDescriptorProto {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	d := &descriptorpb.FileDescriptorProto{}
	if proto.Unmarshal(b, d) != nil || len(d.GetMessageType()) == 0 {
		return nil
	}
	return d
}

// Serialized is the file as a descriptor in base64, without options that are not needed to read messages. It is "" for a file
// that was not parsed.
func (s *Schema) Serialized() string {
	if s.read == nil {
		return ""
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(protodesc.ToFileDescriptorProto(s.read))
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(b)
}

// note keeps the entries of a field's meta data, as a file's text has them.
func (r *reader) note(name protoreflect.FullName, text string) error {
	m, err := r.newMeta()
	if err != nil {
		return err
	}
	if err := (prototext.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(text), m); err != nil {
		return fmt.Errorf("reading the option (confluent.field_meta) of %s: %w", name, err)
	}
	r.keep(name, m)
	return nil
}

// fieldMeta is the number of the option (confluent.field_meta).
const fieldMeta = 1088

// noteSerialized is note for the options of a descriptor, of which that one is not known.
func (r *reader) noteSerialized(name protoreflect.FullName, unknown []byte) error {
	for len(unknown) > 0 {
		number, typ, n := protowire.ConsumeTag(unknown)
		if n < 0 {
			return protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(number, typ, unknown[n:])
		if size < 0 {
			return protowire.ParseError(size)
		}
		if number == fieldMeta && typ == protowire.BytesType {
			m, err := r.newMeta()
			if err != nil {
				return err
			}
			b, _ := protowire.ConsumeBytes(unknown[n:])
			if err := proto.Unmarshal(b, m); err != nil {
				return fmt.Errorf("reading the option (confluent.field_meta) of %s: %w", name, err)
			}
			r.keep(name, m)
		}
		if typ == protowire.BytesType && (number == glueKeyNumber || number == glueKeyNumber+1) {
			b, _ := protowire.ConsumeBytes(unknown[n:])
			r.noteGlue(name, [...]string{glueKey, glueValue}[number-glueKeyNumber], b)
		}
		unknown = unknown[n+size:]
	}
	return nil
}

// noteGlue keeps what AWS Glue's converter noted beside a field.
func (r *reader) noteGlue(name protoreflect.FullName, option string, value []byte) {
	if r.meta[name] == nil {
		r.meta[name] = map[string]string{}
	}
	r.meta[name][option] = string(value)
}

// newMeta is an empty confluent.Meta.
func (r *reader) newMeta() (*dynamicpb.Message, error) {
	if err := r.load(metaFile); err != nil {
		return nil, err
	}
	found, err := r.files.FindDescriptorByName("confluent.Meta")
	if err != nil {
		return nil, err
	}
	description, ok := found.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, fmt.Errorf("confluent.Meta is no message")
	}
	return dynamicpb.NewMessage(description), nil
}

func (r *reader) keep(name protoreflect.FullName, m *dynamicpb.Message) {
	params := m.Descriptor().Fields().ByName("params")
	if params == nil || !params.IsMap() {
		return
	}
	entries := map[string]string{}
	m.Get(params).Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		entries[k.String()] = v.String()
		return true
	})
	r.meta[name] = entries
}
