package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// eventFlags are the options of sluice event.
type eventFlags struct {
	brokers, topic, lines string
	records               int
	wait                  time.Duration
}

func eventCommand() *cobra.Command {
	var f eventFlags
	cmd := &cobra.Command{
		Use:     "event",
		Short:   "Make the event by which a Kafka trigger invokes a sink, out of a topic or of lines",
		Long:    "Prints an event as Lambda's Kafka triggers send it: for sam local invoke, for a test, for a look at what a sink gets.",
		Example: "  sluice event --topic demo --records 10 > demo.json\n  sluice event --lines orders.txt > orders.json\n  echo hello | sluice event --lines - | sam local invoke DemoSink -e -",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return makeEvent(cmd, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.brokers, "brokers", "127.0.0.1:9092", "the Kafka cluster, host:port,…")
	fl.StringVar(&f.topic, "topic", "demo", "the topic to read, or that lines are said to come from")
	fl.StringVar(&f.lines, "lines", "", "a file of lines, each the value of a record, instead of a topic; - for standard input")
	fl.IntVar(&f.records, "records", 100, "most records")
	fl.DurationVar(&f.wait, "wait", 5*time.Second, "how long to wait for a topic's records")
	return cmd
}

func makeEvent(cmd *cobra.Command, f eventFlags) error {
	if f.records < 1 {
		return fmt.Errorf("--records %d: choose 1 or more%w", f.records, errUsage)
	}
	e := kafka.Encoder{Source: "SelfManagedKafka", Bootstrap: f.brokers}
	var err error
	if f.lines != "" {
		err = addLines(cmd, &e, f)
	} else {
		err = addTopic(cmd.Context(), &e, f)
	}
	if err != nil {
		return err
	}
	if e.Len() == 0 {
		return errors.New("making an event: there are no records")
	}
	_, err = cmd.OutOrStdout().Write(append(e.Bytes(), '\n'))
	return err
}

func addLines(cmd *cobra.Command, e *kafka.Encoder, f eventFlags) error {
	in := cmd.InOrStdin()
	if f.lines != "-" {
		file, err := os.Open(f.lines)
		if err != nil {
			return fmt.Errorf("reading lines: %w", err)
		}
		defer file.Close()
		in = file
	}
	lines := bufio.NewReader(in)
	for n := range f.records {
		line, err := lines.ReadString('\n')
		if line = strings.TrimSuffix(line, "\n"); line != "" || err == nil {
			m := kafka.Message{Offset: int64(n), Timestamp: time.Now().UnixMilli(), Value: []byte(line)}
			if !e.Add(f.topic, 0, &m) {
				return nil // as much as an event holds
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading lines: %w", err)
		}
	}
	return nil
}

// addTopic reads a topic from its beginning.
func addTopic(ctx context.Context, e *kafka.Encoder, f eventFlags) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(f.brokers, ",")...), kgo.ConsumeTopics(f.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return fmt.Errorf("reading topic %s: %w", f.topic, err)
	}
	defer client.Close()
	waiting, cancel := context.WithTimeout(ctx, f.wait)
	defer cancel()
	records := map[int32][]*kgo.Record{}
	for n := 0; n < f.records; {
		fetches := client.PollRecords(waiting, f.records-n)
		if waiting.Err() != nil {
			break // what came is what there is
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("reading topic %s: %w", f.topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			records[r.Partition] = append(records[r.Partition], r)
			n++
		})
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for partition, list := range records {
		for _, r := range list {
			m := message(r)
			if !e.Add(f.topic, partition, &m) {
				return nil
			}
		}
	}
	return nil
}

// message is a record as events hold it.
func message(r *kgo.Record) kafka.Message {
	m := kafka.Message{
		Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value,
		TimestampType: kafka.TimestampType(r.Attrs.TimestampType()),
	}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, kafka.Header(h))
	}
	return m
}
