// Package metric writes one line per invocation in CloudWatch's embedded metric format: a log line that CloudWatch turns
// into metrics, and that anybody else can read as JSON.
package metric

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Namespace is the namespace of all metrics.
const Namespace = "Sluice"

// Line is the account of one invocation.
type Line struct {
	// Time is when the invocation ended.
	Time time.Time
	// Dimensions are names with few values, such as connector and task.
	Dimensions map[string]string
	// Metrics are the numbers, by Connect's attribute names.
	Metrics map[string]Metric
	// Properties are further facts that are no metrics, such as an error.
	Properties map[string]any
}

// Metric is one number with CloudWatch's name of its unit.
type Metric struct {
	Value float64
	Unit  Unit
}

// Unit is CloudWatch's name of a unit.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
	Bytes        Unit = "Bytes"
)

// Write writes the line and a line end in one call of w.Write.
func (l Line) Write(w io.Writer) error {
	type definition struct {
		Name string
		Unit Unit
	}
	names := slices.Sorted(maps.Keys(l.Metrics))
	definitions := make([]definition, len(names))
	out := make(map[string]any, len(l.Metrics)+len(l.Dimensions)+len(l.Properties)+1)
	maps.Copy(out, l.Properties)
	for i, name := range names {
		definitions[i] = definition{name, l.Metrics[name].Unit}
		out[name] = l.Metrics[name].Value
	}
	for name, value := range l.Dimensions {
		out[name] = value
	}
	out["_aws"] = map[string]any{
		"Timestamp": l.Time.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace":  Namespace,
			"Dimensions": [][]string{slices.Sorted(maps.Keys(l.Dimensions))},
			"Metrics":    definitions,
		}},
	}
	text, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
