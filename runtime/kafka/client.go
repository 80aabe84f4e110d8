package kafka

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ClientOptions turns the settings of a Java client into those of ours. It reads what concerns every client:
// brokers, security and time-outs; settings of producers are checked, but have no effect. [Settings] lists them all.
// Credentials may be nil unless the mechanism is AWS_MSK_IAM.
//
// It reports every problem, joined, each a *[SettingError].
func ClientOptions(props map[string]string, credentials Credentials) ([]kgo.Opt, error) {
	c := newConfig()
	if err := c.parse(props); err != nil {
		return nil, err
	}
	return c.clientOptions(credentials)
}

// ProducerOptions is ClientOptions with the settings of producers taken to heart: acks=all and idempotent unless they
// say otherwise. Of delivery.timeout.ms nothing is left in them; [Producer] keeps it.
func ProducerOptions(props map[string]string, credentials Credentials) ([]kgo.Opt, error) {
	c := newConfig()
	if err := c.parse(props); err != nil {
		return nil, err
	}
	opts, err := c.clientOptions(credentials)
	if err != nil {
		return nil, err
	}
	return append(opts, c.producerOptions()...), nil
}

// metadataMinAge is the least time between two looks at who leads what. The library's own 5 s are a third of a lease.
const metadataMinAge = 250 * time.Millisecond

func (c *config) clientOptions(credentials Credentials) ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.brokers...),
		kgo.DialTimeout(c.setupTimeout),
		// A request's own time-out, which the broker keeps, and the time granted on top of it make up Kafka's one.
		kgo.RequestTimeoutOverhead(between(100*time.Millisecond, c.requestTimeout/2, 15*time.Minute)),
		kgo.MetadataMaxAge(between(metadataMinAge, c.metadataMaxAge, time.Hour)),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.RetryBackoffFn(backoff(c.backoff, c.backoffMax)),
		// A frozen process cannot push metrics, and closing would wait for it.
		kgo.DisableClientMetrics(),
	}
	if c.clientID != "" {
		opts = append(opts, kgo.ClientID(c.clientID))
	}
	if c.idle < 0 {
		c.idle = math.MaxInt64
	}
	opts = append(opts, kgo.ConnIdleTimeout(between(100*time.Millisecond, c.idle, 15*time.Minute)))
	if c.protocol == "SSL" || c.protocol == "SASL_SSL" {
		dial, err := c.tls.config()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(dial))
	}
	if c.protocol == "SASL_PLAINTEXT" || c.protocol == "SASL_SSL" {
		mechanism, err := c.sasl.login(credentials)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

// unknownTopicTries is how often a topic may be absent, a quarter of a second apart, before its records fail: long
// enough for a broker to create it and tell the others.
const unknownTopicTries = 20

// producerOptions leaves the delivery time-out to Delivery: the library's own counts from a record's timestamp, so that
// it would fail records that tell of something older at once.
func (c *config) producerOptions() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ProducerBatchCompression(c.codec()),
		kgo.ProducerLinger(min(c.linger, time.Minute)),
		kgo.ProduceRequestTimeout(between(100*time.Millisecond, c.requestTimeout/2, math.MaxInt32*time.Millisecond)),
		kgo.UnknownTopicRetries(unknownTopicTries),
		kgo.MaxBufferedRecords(math.MaxInt32),
		kgo.MaxBufferedBytes(max(1, c.bufferMemory)),
		kgo.ProducerBatchMaxBytes(int32(c.batchLimit())),
		kgo.RecordPartitioner(c.recordPartitioner()),
	}
	if c.batchLimit() > 100<<20 {
		opts = append(opts, kgo.BrokerMaxWriteBytes(int32(c.batchLimit())))
	}
	if c.retries < math.MaxInt32 {
		opts = append(opts, kgo.RecordRetries(c.retries))
	}
	if c.acks == "1" {
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()))
	}
	if !*c.idempotence {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(c.inFlight))
	}
	return opts
}

// batchLimit is the most bytes of a batch of records, and so of a record.
func (c *config) batchLimit() int { return min(max(512, c.maxRequestSize), 1<<30) }

func (c *config) codec() kgo.CompressionCodec {
	switch c.compression {
	case "gzip":
		return kgo.GzipCompression().WithLevel(c.gzipLevel)
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		return kgo.Lz4Compression().WithLevel(lz4Level(c.lz4Level))
	case "zstd":
		return kgo.ZstdCompression().WithLevel(zstdLevel(c.zstdLevel))
	default:
		return kgo.NoCompression()
	}
}

// lz4Level turns Kafka's level into the library's: it has nine, each a power of two from 1<<9 on, and Kafka's
// default, 9, is Java's fast compressor, so it is the library's fast one too.
func lz4Level(level int) int {
	if level == 9 {
		return 0
	}
	return 1 << (8 + min(level, 9))
}

// zstdLevel turns zstd's level into the nearest of the library's four.
func zstdLevel(level int) int {
	switch {
	case level < 3:
		return 1
	case level < 6:
		return 2
	case level < 10:
		return 3
	default:
		return 4
	}
}

// recordPartitioner returns Kafka's partitioner: a record goes where it says; by the hash of its key; or, without a
// key, where the others go until enough bytes have gone there.
func (c *config) recordPartitioner() kgo.Partitioner {
	if c.partitioner == "round robin" {
		return explicitPartitioner{kgo.RoundRobinPartitioner()}
	}
	return explicitPartitioner{kgo.UniformBytesPartitioner(max(1, c.batchSize), c.adaptive, !c.ignoreKeys, nil)}
}

// backoff doubles the time to wait from least to most, give or take a fifth.
func backoff(least, most time.Duration) func(int) time.Duration {
	return func(failures int) time.Duration {
		wait := float64(least) * math.Pow(2, float64(min(max(failures, 1), 40)-1))
		wait = min(wait, float64(max(least, most)))
		return time.Duration(wait * (0.8 + 0.4*rand.Float64()))
	}
}

// between returns d, or the bound it is beyond.
func between(least, d, most time.Duration) time.Duration { return min(max(least, d), most) }
