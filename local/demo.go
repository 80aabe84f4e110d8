package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// demo is what runs when nobody says what to run: a file that grows, a topic, another file.
type demo struct{ source, sink string }

// The names of the demo's parts.
const (
	demoSource = "demo-source"
	demoSink   = "demo-sink"
	demoTopic  = "demo"
)

func newDemo(data string) (*demo, error) {
	dir, err := filepath.Abs(filepath.Join(data, "demo"))
	if err != nil {
		return nil, fmt.Errorf("making the demo's folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the demo's folder: %w", err)
	}
	return &demo{source: filepath.Join(dir, "in.txt"), sink: filepath.Join(dir, "out.txt")}, nil
}

// connectors are the demo's configurations, in Connect's own words.
func (d *demo) connectors() []connectorFile {
	const text = "org.apache.kafka.connect.storage.StringConverter"
	return []connectorFile{
		{path: "the demo", name: demoSource, config: map[string]string{
			"name": demoSource, "connector.class": "FileStreamSource", "file": d.source, "topic": demoTopic,
			"key.converter": text, "value.converter": text,
		}},
		{path: "the demo", name: demoSink, config: map[string]string{
			"name": demoSink, "connector.class": "FileStreamSink", "file": d.sink, "topics": demoTopic,
			"key.converter": text, "value.converter": text,
		}},
	}
}

// grow adds a line to the source file every second until ctx ends.
func (d *demo) grow(ctx context.Context) error {
	f, err := os.OpenFile(d.source, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("growing the demo's file: %w", err)
	}
	defer f.Close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if _, err := fmt.Fprintf(f, "it is %s\n", time.Now().Format(time.RFC3339)); err != nil {
			return fmt.Errorf("growing the demo's file: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
