package worker_test

import (
	"context"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// testPlugins are the least that a worker can do with.
func testPlugins() connector.Plugins {
	return connector.Plugins{
		Converters: []connect.Plugin[connect.Converter]{
			{Class: stringConverter, New: func() connect.Converter { return refusing{} }},
			{Class: "org.apache.kafka.connect.json.JsonConverter", New: func() connect.Converter { return refusing{} }},
		},
		HeaderConverters: []connect.Plugin[connect.HeaderConverter]{{
			Class: "org.apache.kafka.connect.storage.SimpleHeaderConverter",
			New:   func() connect.HeaderConverter { return plainHeader{} },
		}},
		Version: "1",
	}
}

// plainHeader takes headers as the text they are.
type plainHeader struct{}

func (plainHeader) Define(*config.Def) {}

func (plainHeader) EncodeHeader(_ context.Context, _, _ string, d connect.Datum) ([]byte, error) {
	s, _ := d.Value.(string)
	return []byte(s), nil
}

func (plainHeader) DecodeHeader(_ context.Context, _, _ string, b []byte) (connect.Datum, error) {
	return connect.Datum{Value: string(b)}, nil
}

// refusing converts every value but "bad".
type refusing struct{}

func (refusing) Define(*config.Def) {}

func (refusing) Encode(_ context.Context, _ string, d connect.Datum) ([]byte, error) {
	if d.Value == "bad" {
		return nil, schema.Errorf("it is bad")
	}
	s, ok := d.Value.(string)
	if !ok {
		return nil, nil
	}
	return []byte(s), nil
}

func (refusing) Decode(_ context.Context, _ string, b []byte) (connect.Datum, error) {
	if string(b) == "bad" {
		return connect.Datum{}, schema.Errorf("it is bad")
	}
	return connect.Datum{Value: string(b)}, nil
}

// dropping drops every value "drop".
type dropping struct{}

func (dropping) Define(*config.Def) {}

func (dropping) Apply(r *connect.Record) (bool, error) { return r.Value.Value != "drop", nil }
