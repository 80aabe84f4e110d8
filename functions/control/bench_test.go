package main_test

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkControl measures from starting the control function's process to its first answer, as median of 21: the list
// of connectors, which asks the table.
func BenchmarkControl(b *testing.B) {
	s := deploy(b)
	for b.Loop() {
		var took []time.Duration
		for range 21 {
			s.fresh(b)
			s.call(b, "GET", "/connectors", "")
			r := <-s.reports
			if !r.Cold {
				b.Fatal("the process was not new")
			}
			took = append(took, r.Init+r.Duration)
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-to-answer")
	}
}
