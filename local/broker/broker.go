// Package broker is the desk's Kafka: one broker inside the process, speaking the real protocol to any client, its topics and groups kept in a folder.
//
// # What survives
//
// Records that were acknowledged, committed group offsets, topics and their settings survive the end of the process, SIGKILL included: they are handed to
// the operating system before they are acknowledged, as Kafka's default does it. They may be lost when the machine itself stops; [Options.Sync] writes
// every batch through to the disk instead, and slows small batches down most.
//
// # What it is not
//
// It is for a desk and for tests. There is one broker, so no replica, whatever the replication factor says.
package broker

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// clusterID is told to clients; a folder keeps the one it was made with.
const clusterID = "sluice-desk"

// Options are the settings of a broker.
type Options struct {
	// Addr is where it listens, host:port, and what it tells clients. Defaults to 127.0.0.1:9092; port 0 takes a free one.
	Addr string
	// Dir keeps its data. It is made if need be. Without one, everything is lost with the process.
	Dir string
	// Partitions is how many a topic gets whose maker does not say. Defaults to 1.
	Partitions int
	// NoAutoCreate refuses topics nobody made, instead of making them when a client asks for them.
	NoAutoCreate bool
	// Sync writes every batch through to the disk before it is acknowledged.
	Sync bool
	// Log gets warnings. Defaults to io.Discard.
	Log io.Writer
	// Config are broker settings by their Kafka names, log.retention.ms for example. Those kept in Dir win.
	Config map[string]string
	// Listen replaces net.Listen, for tests without a network.
	Listen func(network, address string) (net.Listener, error)
}

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
	lock    *os.File // nil without a folder
	addr    string
}

// Open starts a broker and loads what its folder holds. Its errors are one line each, and name the likely cause.
func Open(opts Options) (*Broker, error) {
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:9092"
	}
	if opts.Partitions == 0 {
		opts.Partitions = 1
	}
	if opts.Log == nil {
		opts.Log = io.Discard
	}
	if opts.Listen == nil {
		opts.Listen = net.Listen
	}
	b := &Broker{}
	if err := b.lockDir(opts.Dir); err != nil {
		return nil, err
	}
	if err := b.start(opts); err != nil {
		b.unlock()
		return nil, err
	}
	return b, nil
}

func (b *Broker) start(opts Options) error {
	listener, err := opts.Listen("tcp", opts.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("starting the broker: %s is in use: does another desk or a Kafka run there?", opts.Addr)
	}
	if err != nil {
		return fmt.Errorf("starting the broker: %w", err)
	}
	b.addr = listener.Addr().String()
	settings := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID(clusterID),
		kfake.DefaultNumPartitions(opts.Partitions),
		kfake.BrokerConfigs(opts.Config),
		kfake.WithLogger(kfake.BasicLogger(opts.Log, kfake.LogLevelWarn)),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return listener, nil }),
	}
	if opts.Dir != "" {
		settings = append(settings, kfake.DataDir(opts.Dir))
	}
	if opts.Sync {
		settings = append(settings, kfake.SyncWrites())
	}
	if b.cluster, err = kfake.NewCluster(settings...); err != nil {
		listener.Close()
		return fmt.Errorf("starting the broker with the data in %s: %w", opts.Dir, err)
	}
	if !opts.NoAutoCreate {
		b.autoCreate()
	}
	return nil
}

// autoCreate makes topics that a client asks for. The broker underneath can do so itself, but writes such topics down only when it is closed: after a
// SIGKILL their records would be in the folder, and nobody would know them.
func (b *Broker) autoCreate() {
	b.cluster.ControlKey(int16(kmsg.Metadata), func(request kmsg.Request) (kmsg.Response, error, bool) {
		metadata := request.(*kmsg.MetadataRequest)
		if metadata.AllowAutoTopicCreation && len(metadata.Topics) > 0 {
			b.cluster.SleepControl(func() { // lets the broker go on meanwhile, to make them
				for _, t := range metadata.Topics {
					if t.Topic != nil && b.cluster.TopicInfo(*t.Topic) == nil {
						b.cluster.CreateTopic(*t.Topic, 0, nil) // an error leaves it unknown, which is what the client is told
					}
				}
			})
		}
		return nil, nil, false
	})
}

// lockDir keeps two brokers from writing into one folder. The lock ends with the process, however that ends.
func (b *Broker) lockDir(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the broker's folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("opening the broker's folder: %w", err)
	}
	if err := lock(file); err != nil {
		file.Close() //nolint:errcheck // the folder stays unlocked anyway
		return fmt.Errorf("opening the broker's folder: %s is in use: does another desk run on it?", dir)
	}
	b.lock = file
	return nil
}

func (b *Broker) unlock() {
	if b.lock != nil {
		b.lock.Close() //nolint:errcheck // the lock goes with the file
	}
}

// Addr is where clients reach it: host:port.
func (b *Broker) Addr() string { return b.addr }

// Close stops the broker and writes what it keeps.
func (b *Broker) Close() error {
	b.cluster.Close()
	b.unlock()
	return nil
}
