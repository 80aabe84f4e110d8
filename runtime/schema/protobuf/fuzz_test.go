package protobuf_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema/protobuf"
)

// Whatever a registry and a topic hold, reading ends, and what was read can be written, if its names allow it, and read
// again.
func FuzzDecode(f *testing.F) {
	for _, c := range corpus.Load(f, "convert-protobuf-to") {
		if in, err := corpus.Bytes(c.Input); err == nil && len(c.Registry) > 0 && len(in) > frame {
			f.Add(c.Registry[0].Schema, in[frame:])
		}
	}
	f.Fuzz(func(t *testing.T, text string, b []byte) {
		s, err := protobuf.Parse(text, nil)
		if err != nil {
			return
		}
		glue := protobuf.Defaults()
		glue.Glue = true
		for _, o := range []protobuf.Options{protobuf.Defaults(), glue} {
			readAndWrite(t, protobuf.New(o), s, b)
		}
	})
}

func readAndWrite(t *testing.T, data *protobuf.Data, s *protobuf.Schema, b []byte) {
	t.Helper()
	of, v, err := data.Decoder(s, nil, nil).DecodeMessage(b)
	if err != nil {
		return
	}
	w, err := data.FromConnect(of)
	if err != nil {
		return
	}
	e, err := data.Encoder(of, nil)
	if err != nil {
		return
	}
	again, err := e.AppendMessage(nil, v)
	if err != nil {
		return
	}
	if w, err = protobuf.Parse(w.String(), nil); err != nil {
		return
	}
	if _, _, err := data.Decoder(w, nil, nil).DecodeMessage(again); err != nil {
		t.Errorf("%s: %x was written as %x, which does not read: %v", s, b, again, err)
	}
}

// What the Protobuf library for Go reads is read here. That refuses more than Java does, such as numbers of fields that no
// schema can have.
func FuzzWire(f *testing.F) {
	for _, m := range []proto.Message{
		structpb.NewStringValue("x"), structpb.NewNumberValue(1.5), wrapperspb.Int64(-1), wrapperspb.String("ä"),
	} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0x2a, 2, 0x1a, 0, 0x32, 4, 0x0a, 2, 0x08, 0})
	description := structpb.File_google_protobuf_struct_proto.Messages().ByName("Value")
	s, err := protobuf.Parse(`syntax = "proto3"; import "google/protobuf/struct.proto"; message V { google.protobuf.Value v = 1; }`, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1000 {
			return // deep nesting has limits that differ
		}
		message, err := proto.Marshal(&wrapperspb.BytesValue{Value: b}) // field 1 again
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			return
		}
		want := proto.Unmarshal(b, dynamicpb.NewMessage(description))
		_, _, got := protobuf.New(protobuf.Defaults()).Decoder(s, nil, nil).DecodeMessage(append([]byte{0}, message...))
		if want == nil && got != nil {
			t.Errorf("%x: got %v, and the library reads it", b, got)
		}
	})
}
