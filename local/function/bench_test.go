package function_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/local/function"
)

func BenchmarkInvoke_Small(b *testing.B) { benchmarkInvoke(b, 100, false) }

func BenchmarkInvoke_SmallFrozen(b *testing.B) { benchmarkInvoke(b, 100, true) }

func BenchmarkInvoke_5MB(b *testing.B) { benchmarkInvoke(b, 5<<20, false) }

func benchmarkInvoke(b *testing.B, size int, freeze bool) {
	s := newService(b, function.Options{Freeze: freeze})
	deploy(b, s, "f", func(f *function.Function) { f.Env["ROLE"] = "raw" })
	payload := fmt.Appendf(nil, `{"Text":"%s"}`, strings.Repeat("x", size))
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := s.Invoke(b.Context(), "f", payload); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.SetBytes(int64(len(payload)))
}

func BenchmarkInvoke_Cold(b *testing.B) {
	reports := make(chan function.Report, 1)
	s := newService(b, function.Options{OnReport: func(r function.Report) { reports <- r }})
	var inits []time.Duration
	for i := 0; b.Loop(); i++ {
		deploy(b, s, "f", func(f *function.Function) { f.Env["ROLE"], f.Env["N"] = "raw", fmt.Sprint(i) })
		if _, err := s.Invoke(b.Context(), "f", []byte("{}")); err != nil {
			b.Fatal(err)
		}
		inits = append(inits, (<-reports).Init)
	}
	slices.Sort(inits)
	b.ReportMetric(float64(inits[len(inits)/2].Microseconds()), "init-p50-µs")
}
