package aws

import (
	"fmt"
	"math"
	"strings"
)

// Measured is what functions took on a machine, each with the share of a processor that its memory buys on Lambda.
type Measured struct {
	// Quota says how they got no more than their share.
	Quota  string   `json:"quota"`
	Memory []Memory `json:"memory"`
}

// Memory is what the functions took with so much memory.
type Memory struct {
	Megabytes int      `json:"megabytes"`
	Source    Function `json:"source"` // reads lines of a file
	Sink      Function `json:"sink"`   // prints records
}

// Function is what one function took, in milliseconds, as medians; records have 200 bytes.
type Function struct {
	// Cold is from the start of a process to the end of its first invocation.
	Cold float64 `json:"cold"`
	// One, Few and Many are warm invocations with 1, 500 and Records records; of a sink with at most 10,000.
	One  float64 `json:"one"`
	Few  float64 `json:"few"`
	Many float64 `json:"many"`
	// OneProcessor and ManyProcessor are what of it was processor time.
	OneProcessor  float64 `json:"oneProcessor"`
	ManyProcessor float64 `json:"manyProcessor"`
	// Records is how many are many.
	Records int `json:"records"`
	// RSS is the most memory it had, in bytes.
	RSS int64 `json:"rss"`
}

// perRecord is milliseconds of one record more.
func (f Function) perRecord(most int) float64 {
	return (f.Many - f.One) / float64(min(f.Records, most)-1)
}

// Prices are list prices in US dollars, on demand, of one region.
type Prices struct {
	// As says of which region and day they are.
	As string
	// GBSecond and Request are Lambda's, on arm64.
	GBSecond, Request float64
	// Tick is an invocation by EventBridge Scheduler.
	Tick float64
	// Write and Read are units of DynamoDB: a write of 1 KB, a strongly consistent read of 4 KB.
	Write, Read float64
	// LogGB is what CloudWatch takes for a gigabyte of logs; Metric and Alarm are a month of one, an alarm by its metrics.
	LogGB, Metric, Alarm float64
	// MCU is an hour of MSK Connect's smallest worker, EPU of a provisioned poller, NAT of a gateway, Endpoint of an
	// interface endpoint in one zone.
	MCU, EPU, NAT, Endpoint float64
}

// List are the prices that COST.md is made with.
func List() Prices {
	return Prices{
		As:       "us-east-1, list prices of November 2026, no free tier",
		GBSecond: 0.0000133334, Request: 0.20e-6, Tick: 1.00e-6, Write: 0.625e-6, Read: 0.125e-6,
		LogGB: 0.50, Metric: 0.30, Alarm: 0.10, MCU: 0.11, EPU: 0.185, NAT: 0.045, Endpoint: 0.01,
	}
}

// What a month has, and what an invocation leaves and asks.
const (
	hours   = 730
	seconds = hours * 3600
	// logged is the bytes that one invocation leaves in the log: the runtime's line of metrics, Lambda's own three, and what
	// CloudWatch adds to each.
	logged = 2000
	// A source's tick calls the table five times: it looks up the connector and its tasks, takes the lease, commits in a
	// transaction, which counts twice, and releases. A sink's batch looks up the connector and its tasks.
	tickWrites, tickReads, batchReads = 6, 2, 1
	// Each connector emits eight metrics, and its alarms look at six.
	metrics, alarmed = 8, 6
	// The defaults of a sink's trigger.
	batch, window = 500, 1.0
	mostBatch     = 10_000 // records of the largest event that is measured
	// What a VPC needs without a NAT gateway, as the stack makes it.
	endpoints, zones = 4, 2
)

// Month is what one source and one sink cost in a month.
type Month struct {
	// Source and Sink are Lambda, schedules and the table; Watch is logs, metrics and alarms of both.
	Source, Sink, Watch float64
}

// Sum is all of it.
func (m Month) Sum() float64 { return m.Source + m.Sink + m.Watch }

// Cost is what a source that is invoked every minute and a sink with the default batches cost at a rate of records per
// second. A source that has more to do than a minute holds runs all the time, in as many invocations as that takes.
func Cost(p Prices, m Memory, rate float64) Month {
	gb := float64(m.Megabytes) / 1024
	var c Month
	ticks := seconds / 60.0
	busy := (m.Source.One + 60*rate*m.Source.perRecord(math.MaxInt)) / 1000
	c.Source = ticks * (busy*gb*p.GBSecond + p.Request + p.Tick + tickWrites*p.Write + tickReads*p.Read)

	// A batch is handed over when it is full, or when the window is over after its first record.
	batches := rate / min(batch, max(1, rate*window))
	took := (m.Sink.One + (rate/batches-1)*m.Sink.perRecord(mostBatch)) / 1000
	c.Sink = seconds * batches * (took*gb*p.GBSecond + p.Request + batchReads*p.Read)

	invocations := ticks + seconds*batches
	c.Watch = invocations*logged/1e9*p.LogGB + 2*metrics*p.Metric + 2*alarmed*p.Alarm
	return c
}

// even is the rate at which two things cost the same, 0 if there is none up to a million records a second.
func even(one, other func(rate float64) float64) float64 {
	low, high := 0.01, 1e6
	if one(high) < other(high) {
		return 0
	}
	for range 60 {
		mid := math.Sqrt(low * high)
		if one(mid) < other(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// Table are the tables of COST.md, for functions with so much memory.
func Table(p Prices, all Measured, megabytes int) (string, error) {
	m, ok := all.of(megabytes)
	if !ok {
		return "", fmt.Errorf("nothing was measured with %d MB", megabytes)
	}
	w := &strings.Builder{}
	fmt.Fprintf(w, "| Records a second | Source | Sink | Logs, metrics, alarms | Sluice | with NAT | with endpoints | with provisioned pollers | MSK Connect |\n")
	fmt.Fprintf(w, "|---|---|---|---|---|---|---|---|---|\n")
	nat, private, pollers := hours*p.NAT, hours*p.Endpoint*endpoints*zones, hours*p.EPU
	connect := 2 * hours * p.MCU
	for _, rate := range []float64{1, 10, 100, 1000, 10_000} {
		c := Cost(p, m, rate)
		fmt.Fprintf(w, "| %.0f | %.2f | %.2f | %.2f | **%.2f** | %.2f | %.2f | %.2f | %.2f |\n",
			rate, c.Source, c.Sink, c.Watch, c.Sum(), c.Sum()+nat, c.Sum()+private, c.Sum()+pollers, connect)
	}
	sum := func(more float64) func(float64) float64 {
		return func(rate float64) float64 { return Cost(p, m, rate).Sum() + more }
	}
	flat := func(float64) float64 { return connect }
	fmt.Fprintf(w, "\nIt stops being cheaper than two workers of MSK Connect at this many records a second:\n\n")
	fmt.Fprintf(w, "| | Records a second |\n|---|---|\n")
	for _, row := range []struct {
		name string
		more float64
	}{{"Sluice alone", 0}, {"with a NAT gateway of its own", nat}, {"with endpoints of its own", private}, {"with provisioned pollers", pollers}} {
		text := "never cheaper"
		if sum(row.more)(0.01) < connect {
			text = about(even(sum(row.more), flat))
		}
		fmt.Fprintf(w, "| %s | %s |\n", row.name, text)
	}
	return w.String(), nil
}

// about is a number with two digits that count.
func about(rate float64) string {
	if rate == 0 {
		return "always cheaper"
	}
	scale := math.Pow(10, math.Floor(math.Log10(rate))-1)
	return fmt.Sprintf("%.0f", math.Round(rate/scale)*scale)
}

// MemoryTable is the table by which the defaults of memory are chosen.
func MemoryTable(p Prices, all Measured) string {
	w := &strings.Builder{}
	fmt.Fprintf(w, "| Memory | Source: cold | 1 record | 500 | 20,000 | RSS | Sink: cold | 1 record | 500 | 10,000 | RSS | $ for a million records, source / sink |\n")
	fmt.Fprintf(w, "|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, m := range all.Memory {
		gb := float64(m.Megabytes) / 1024
		million := func(f Function, most int) float64 { return f.perRecord(most) * 1e6 / 1000 * gb * p.GBSecond }
		fmt.Fprintf(w, "| %d MB | %.0f | %.1f | %.1f | %.0f | %.0f MB | %.0f | %.1f | %.1f | %.0f | %.0f MB | %.5f / %.5f |\n", m.Megabytes,
			m.Source.Cold, m.Source.One, m.Source.Few, m.Source.Many, float64(m.Source.RSS)/1e6,
			m.Sink.Cold, m.Sink.One, m.Sink.Few, m.Sink.Many, float64(m.Sink.RSS)/1e6, million(m.Source, math.MaxInt), million(m.Sink, mostBatch))
	}
	return w.String()
}

func (m Measured) of(megabytes int) (Memory, bool) {
	for _, one := range m.Memory {
		if one.Megabytes == megabytes {
			return one, true
		}
	}
	return Memory{}, false
}
