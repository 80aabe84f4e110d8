package main_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// BenchmarkControl measures from starting the control function's process to its first answer, as median of 21: the list
// of connectors, which asks the table. Every process is let be until the last has answered, for none is to start while
// another ends.
func BenchmarkControl(b *testing.B) {
	s := deploy(b)
	control := s.control
	for b.Loop() {
		var took []time.Duration
		var names []string
		for n := range 21 {
			s.control.Name = fmt.Sprintf("%s-%d", control.Name, n)
			names = append(names, s.control.Name)
			if err := s.functions.Deploy(s.control); err != nil {
				b.Fatal(err)
			}
			s.call(b, "GET", "/connectors", "")
			r := <-s.reports
			if !r.Cold {
				b.Fatal("the process was not new")
			}
			took = append(took, r.Init+r.Duration)
		}
		for _, name := range names {
			s.functions.Remove(name)
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-to-answer")
	}
}
