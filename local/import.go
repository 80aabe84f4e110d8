package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/migrate"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// importFlags are the options of sluice import.
type importFlags struct {
	brokers, configs, offsets, worker, rest, user, token string
	dryRun                                               bool
	names                                                []string
}

func importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import --brokers host:port[,…] [flags] [connector …]",
		Short: "Take over the connectors of a Kafka Connect cluster",
		Long: `Reads the internal topics of a Kafka Connect cluster, and creates its connectors, or those that are named, where the REST
API is: stopped, and with the offsets that their sources have there. Says of each what is supported and what is not.

The cluster is only read. Stop a connector there before it is resumed here, or its records come twice.`,
		Example: "  sluice import --brokers broker:9092 --dry-run\n  sluice import --brokers broker:9092 --config-topic my-configs --offset-topic my-offsets orders",
		RunE: func(cmd *cobra.Command, args []string) error {
			f.names = args
			return importConnectors(cmd.Context(), cmd.OutOrStdout(), f)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.brokers, "brokers", "", "the cluster's Kafka: host:port,…")
	fl.StringVar(&f.configs, "config-topic", "connect-configs", "the worker's config.storage.topic")
	fl.StringVar(&f.offsets, "offset-topic", "connect-offsets", "the worker's offset.storage.topic; empty for no offsets")
	fl.StringVar(&f.worker, "worker", "", "the worker's properties file, for how to sign in to Kafka")
	fl.StringVar(&f.rest, "rest", "http://127.0.0.1:8083", "URL of the REST API of who takes the connectors over")
	fl.StringVar(&f.user, "user", "", "name:password for that REST API")
	fl.StringVar(&f.token, "token", "", "bearer token for that REST API")
	fl.BoolVar(&f.dryRun, "dry-run", false, "only say what would be done")
	return cmd
}

// errNotAll says that the report tells of connectors that were not taken over.
var errNotAll = errors.New("not all connectors could be taken over")

func importConnectors(ctx context.Context, out io.Writer, f importFlags) error {
	if f.brokers == "" {
		return fmt.Errorf("--brokers is missing: it says where the cluster keeps its connectors%w", errUsage)
	}
	worker, err := readWorkerFile(f.worker, false)
	if err != nil {
		return err
	}
	client, err := importClient(worker, f.brokers)
	if err != nil {
		return err
	}
	connectors, err := migrate.Read(ctx, migrate.Source{Client: client, ConfigTopic: f.configs, OffsetTopic: f.offsets})
	if err != nil {
		return fmt.Errorf("reading the cluster at %s: %w", f.brokers, err)
	}
	if connectors, err = chosen(connectors, f.names); err != nil {
		return err
	}
	i := importer{rest: restClient{base: strings.TrimSuffix(f.rest, "/"), user: f.user, token: f.token}, client: client, dryRun: f.dryRun}
	done := 0
	for _, c := range connectors {
		report := i.take(ctx, c)
		if _, err := fmt.Fprintf(out, "%s: %s\n", c.Name, report.what); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
		for _, note := range report.notes {
			if _, err := fmt.Fprintf(out, "  %s\n", note); err != nil {
				return fmt.Errorf("writing the report: %w", err)
			}
		}
		if report.good {
			done++
		}
	}
	if done < len(connectors) {
		return fmt.Errorf("%d of %d: %w", len(connectors)-done, len(connectors), errNotAll)
	}
	return nil
}

// importClient makes the options by which the cluster's brokers are reached.
func importClient(worker map[string]string, brokers string) ([]kgo.Opt, error) {
	properties := map[string]string{}
	for _, s := range kafka.Settings() {
		if value, ok := worker[s.Key]; ok && s.Refused == "" {
			properties[s.Key] = value
		}
	}
	properties["bootstrap.servers"] = brokers
	client, err := kafka.ClientOptions(properties, nil)
	if err != nil {
		return nil, fmt.Errorf("reaching Kafka at %s: %w", brokers, err)
	}
	return client, nil
}

// chosen are the connectors that are named, or all.
func chosen(all []migrate.Connector, names []string) ([]migrate.Connector, error) {
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(c migrate.Connector) bool { return c.Name == name }) {
			return nil, fmt.Errorf("the cluster has no connector %q", name)
		}
	}
	return slices.DeleteFunc(all, func(c migrate.Connector) bool { return !slices.Contains(names, c.Name) }), nil
}

// report says what became of a connector.
type report struct {
	what  string
	notes []string
	good  bool
}

// importer creates connectors.
type importer struct {
	rest   restClient
	client []kgo.Opt
	dryRun bool
}

// take takes over one connector.
func (i importer) take(ctx context.Context, c migrate.Connector) report {
	class := c.Config["connector.class"]
	if class == "" {
		return report{what: "not supported: it has no connector.class"}
	}
	kind, problems, err := i.rest.judge(ctx, class, c.Config)
	switch {
	case err != nil:
		return report{what: "not supported: " + err.Error()}
	case len(problems) > 0:
		return report{what: "not supported, because of its settings:", notes: problems}
	}
	r := report{good: true, notes: notHonoured(c.Config)}
	offsets := c.Offsets
	if kind == "sink" {
		if offsets, err = i.groupOffsets(ctx, c); err != nil {
			return report{what: "not taken over: " + err.Error()}
		}
	}
	if c.Target == offset.Running {
		r.notes = append(r.notes, "it is not stopped in the cluster: stop it there before you resume it here")
	}
	count := fmt.Sprintf("%d offsets", len(offsets))
	if kind == "sink" && len(offsets) == 0 {
		count = "where its consumer group is"
	}
	if i.dryRun {
		r.what = "would be created STOPPED, with " + count
		return r
	}
	if err := i.rest.create(ctx, c, offsets); err != nil {
		return report{what: "not taken over: " + err.Error(), notes: r.notes}
	}
	r.what = "created STOPPED, with " + count
	return r
}

// notHonoured names settings of Kafka clients that have no effect or cannot be honoured here.
func notHonoured(config map[string]string) []string {
	var notes []string
	known := map[string]kafka.Handling{}
	for _, s := range kafka.Settings() {
		known[s.Key] = s
	}
	for _, name := range slices.Sorted(maps.Keys(config)) {
		side, setting, found := strings.Cut(name, ".override.")
		if !found || side != "producer" && side != "consumer" && side != "admin" {
			continue
		}
		if s := known[setting]; s.Refused != "" {
			notes = append(notes, fmt.Sprintf("%s is not supported: %s", name, s.Refused))
		} else if s.Ignored != "" {
			notes = append(notes, fmt.Sprintf("%s has no effect: %s", name, s.Ignored))
		}
	}
	return notes
}

// groupOffsets are those of a sink's consumer group, if the sink is to read them by other groups here: it reads several
// topics, and each by a group of its own.
func (i importer) groupOffsets(ctx context.Context, c migrate.Connector) ([]migrate.Offset, error) {
	if c.Config["topics.regex"] == "" && !strings.Contains(c.Config["topics"], ",") {
		return nil, nil
	}
	client, err := kgo.NewClient(i.client...)
	if err != nil {
		return nil, fmt.Errorf("reading the offsets of its consumer group: %w", err)
	}
	defer client.Close()
	group := c.Config["consumer.override.group.id"]
	if group == "" {
		group = "connect-" + c.Name
	}
	committed, err := kadm.NewClient(client).FetchOffsets(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("reading the offsets of consumer group %s: %w", group, err)
	}
	var offsets []migrate.Offset
	for _, o := range committed.Sorted() {
		if o.At < 0 || o.Err != nil {
			continue
		}
		offsets = append(offsets, migrate.Offset{
			Partition: fmt.Appendf(nil, `{"kafka_topic":%q,"kafka_partition":%d}`, o.Topic, o.Partition), // names of topics need no escaping
			Offset:    fmt.Appendf(nil, `{"kafka_offset":%d}`, o.At),
		})
	}
	return offsets, nil
}
