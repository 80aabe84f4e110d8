package kafka_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// options returns what the library makes of settings, by the names of its options.
func options(t *testing.T, more ...string) (*kgo.Client, error) {
	t.Helper()
	opts, err := kafka.ProducerOptions(props("kafka.example:9092", more...), nil)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatalf("%v are settings the library does not take: %v", more, err)
	}
	t.Cleanup(client.Close)
	return client, nil
}

func TestProducerOptions_Defaults(t *testing.T) {
	t.Parallel()
	client, err := options(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		option any
		value  any
	}{
		{kgo.SeedBrokers, []string{"kafka.example:9092"}},
		{kgo.RequiredAcks, kgo.AllISRAcks()},
		{kgo.DisableIdempotentWrite, false},
		{kgo.ProducerLinger, time.Duration(0)},
		{kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.NoCompression()}},
		{kgo.MaxBufferedBytes, int64(32 << 20)},
		{kgo.RecordDeliveryTimeout, time.Duration(0)},
		{kgo.ProduceRequestTimeout, 15 * time.Second},
		{kgo.RequestTimeoutOverhead, 15 * time.Second},
		{kgo.DialTimeout, 10 * time.Second},
		{kgo.MetadataMaxAge, 5 * time.Minute},
		{kgo.MetadataMinAge, 250 * time.Millisecond},
		{kgo.ConnIdleTimeout, 30 * time.Second},
		{kgo.DisableClientMetrics, true},
	} {
		expectOption(t, client, want.option, want.value)
	}
}

func expectOption(t *testing.T, client *kgo.Client, option, want any) {
	t.Helper()
	if diff := cmp.Diff(want, client.OptValue(option), cmp.AllowUnexported(kgo.Acks{}, kgo.CompressionCodec{})); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestProducerOptions_HonoursSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		props  []string
		option any
		want   any
	}{
		{[]string{"bootstrap.servers", " a:1 ,b:2,"}, kgo.SeedBrokers, []string{"a:1", "b:2"}},
		{[]string{"client.id", "mine"}, kgo.ClientID, "mine"},
		{[]string{"acks", "1"}, kgo.RequiredAcks, kgo.LeaderAck()},
		{[]string{"acks", "0"}, kgo.RequiredAcks, kgo.LeaderAck()},
		{[]string{"acks", "1"}, kgo.DisableIdempotentWrite, true},
		{[]string{"acks", "-1"}, kgo.DisableIdempotentWrite, false},
		{[]string{"enable.idempotence", "FALSE"}, kgo.DisableIdempotentWrite, true},
		{[]string{"enable.idempotence", "false"}, kgo.MaxProduceRequestsInflightPerBroker, 1},
		{[]string{"enable.idempotence", "false", "max.in.flight.requests.per.connection", "3"}, kgo.MaxProduceRequestsInflightPerBroker, 3},
		{[]string{"max.in.flight.requests.per.connection", "5"}, kgo.DisableIdempotentWrite, false},
		{[]string{"max.in.flight.requests.per.connection", "6"}, kgo.DisableIdempotentWrite, true},
		{[]string{"retries", "3"}, kgo.RecordRetries, int64(3)},
		{[]string{"retries", "0"}, kgo.DisableIdempotentWrite, true},
		{[]string{"linger.ms", "20"}, kgo.ProducerLinger, 20 * time.Millisecond},
		{[]string{"linger.ms", "9000000"}, kgo.ProducerLinger, time.Minute},
		{[]string{"compression.type", "gzip", "compression.gzip.level", "1"}, kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.GzipCompression().WithLevel(1)}},
		{[]string{"compression.type", "Snappy"}, kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.SnappyCompression()}},
		{[]string{"compression.type", "lz4"}, kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.Lz4Compression()}},
		{[]string{"compression.type", "lz4", "compression.lz4.level", "1"}, kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.Lz4Compression().WithLevel(512)}},
		{[]string{"compression.type", "lz4", "compression.lz4.level", "17"}, kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.Lz4Compression().WithLevel(1 << 17)}},
		{[]string{"compression.type", "zstd"}, kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.ZstdCompression().WithLevel(2)}},
		{[]string{"compression.type", "zstd", "compression.zstd.level", "22"}, kgo.ProducerBatchCompression, []kgo.CompressionCodec{kgo.ZstdCompression().WithLevel(4)}},
		{[]string{"buffer.memory", "1000"}, kgo.MaxBufferedBytes, int64(1000)},
		{[]string{"request.timeout.ms", "4000"}, kgo.ProduceRequestTimeout, 2 * time.Second},
		{[]string{"request.timeout.ms", "4000"}, kgo.RequestTimeoutOverhead, 2 * time.Second},
		{[]string{"socket.connection.setup.timeout.ms", "2500"}, kgo.DialTimeout, 2500 * time.Millisecond},
		{[]string{"connections.max.idle.ms", "-1"}, kgo.ConnIdleTimeout, 15 * time.Minute},
		{[]string{"connections.max.idle.ms", "60000"}, kgo.ConnIdleTimeout, time.Minute},
		{[]string{"metadata.max.age.ms", "10000"}, kgo.MetadataMaxAge, 10 * time.Second},
		{[]string{"metadata.max.age.ms", "9223372036854775807"}, kgo.MetadataMaxAge, time.Hour},
		{[]string{"max.block.ms", "9223372036854775807", "delivery.timeout.ms", "2147483647"}, kgo.RecordDeliveryTimeout, time.Duration(0)},
		{[]string{"key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer"}, kgo.ProducerLinger, time.Duration(0)},
		{[]string{"interceptor.classes", "", "transactional.id", ""}, kgo.ProducerLinger, time.Duration(0)},
		{[]string{"some.interceptor.setting", "x"}, kgo.ProducerLinger, time.Duration(0)},
	} {
		t.Run(strings.Join(test.props, " "), func(t *testing.T) {
			t.Parallel()
			client, err := options(t, test.props...)
			if err != nil {
				t.Fatal(err)
			}
			expectOption(t, client, test.option, test.want)
		})
	}
}

func TestProducerOptions_TakesAnyRequestSize(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"0", "1", "1048576", "200000000", "2147483647"} {
		if _, err := options(t, "max.request.size", size, "request.timeout.ms", "1", "metadata.max.age.ms", "0", "connections.max.idle.ms", "0", "batch.size", "0", "buffer.memory", "0"); err != nil {
			t.Error(err)
		}
	}
}

func TestProducerOptions_NamesTheKeyAndTheFault(t *testing.T) {
	t.Parallel()
	sasl := func(mechanism, jaas string) []string {
		return []string{"security.protocol", "SASL_SSL", "sasl.mechanism", mechanism, "sasl.jaas.config", jaas}
	}
	for _, test := range []struct {
		props []string
		key   string
		want  string
	}{
		{[]string{"bootstrap.servers", ""}, "bootstrap.servers", "names no broker"},
		{[]string{"bootstrap.servers", "kafka"}, "bootstrap.servers", `invalid address "kafka": expected host:port`},
		{[]string{"bootstrap.servers", "kafka:99999"}, "bootstrap.servers", "expected host:port"},
		{[]string{"bootstrap.servers", ":9092"}, "bootstrap.servers", "expected host:port"},
		{[]string{"acks", "2"}, "acks", `invalid value "2": must be one of all, -1, 0, 1`},
		{[]string{"acks", "1", "enable.idempotence", "true"}, "acks", "must be all if enable.idempotence is true"},
		{[]string{"retries", "0", "enable.idempotence", "true"}, "retries", "must be above 0"},
		{[]string{"max.in.flight.requests.per.connection", "6", "enable.idempotence", "true"}, "max.in.flight.requests.per.connection", "must be at most 5"},
		{[]string{"linger.ms", "soon"}, "linger.ms", `invalid value "soon": expected a whole number`},
		{[]string{"linger.ms", "-1"}, "linger.ms", "must be from 0 to"},
		{[]string{"enable.idempotence", "yes"}, "enable.idempotence", "expected true or false"},
		{[]string{"compression.type", "brotli"}, "compression.type", "must be one of none, gzip, snappy, lz4, zstd"},
		{[]string{"compression.gzip.level", "0"}, "compression.gzip.level", "must be 1 to 9"},
		{[]string{"partitioner.class", "com.example.Mine"}, "partitioner.class", "com.example.Mine cannot be honoured"},
		{[]string{"key.serializer", "org.apache.kafka.common.serialization.StringSerializer"}, "key.serializer", "cannot be honoured"},
		{[]string{"interceptor.classes", "com.example.Mine"}, "interceptor.classes", "cannot be honoured: Java classes cannot be run here"},
		{[]string{"transactional.id", "x"}, "transactional.id", "cannot be honoured"},
		{[]string{"security.protocol", "TLS"}, "security.protocol", "must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"},
		{[]string{"ssl.truststore.type", "JKS"}, "ssl.truststore.type", "only PEM is read here"},
		{[]string{"security.protocol", "SSL", "ssl.truststore.location", "/no/such.jks"}, "ssl.truststore.location", "a store without a type is in Java's own format"},
		{[]string{"security.protocol", "SSL", "ssl.truststore.type", "PEM", "ssl.truststore.location", "/no/such.pem"}, "ssl.truststore.location", "reading the store: open /no/such.pem"},
		{[]string{"security.protocol", "SSL", "ssl.truststore.certificates", "garbage"}, "ssl.truststore.certificates", "has no certificate in PEM form"},
		{[]string{"security.protocol", "SSL", "ssl.keystore.key", "garbage"}, "ssl.keystore.key", "need each other"},
		{[]string{"security.protocol", "SSL", "ssl.keystore.key", "garbage", "ssl.keystore.certificate.chain", "garbage"}, "ssl.keystore.key", "has no private key in PEM form"},
		{[]string{"ssl.cipher.suites", "TLS_RSA_WITH_RC4_128_SHA"}, "ssl.cipher.suites", "unknown or no longer secure"},
		{[]string{"ssl.enabled.protocols", "SSLv3"}, "ssl.enabled.protocols", "expected TLSv1.2, TLSv1.3 or both"},
		{[]string{"ssl.engine.factory.class", "x"}, "ssl.engine.factory.class", "cannot be honoured"},
		{[]string{"security.protocol", "SASL_SSL"}, "sasl.mechanism", "is missing (Kafka's default is GSSAPI)"},
		{[]string{"sasl.mechanism", "GSSAPI"}, "sasl.mechanism", "Kerberos (GSSAPI) is not supported"},
		{[]string{"sasl.mechanism", "scram-sha-256"}, "sasl.mechanism", "must be one of PLAIN"},
		{[]string{"security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN"}, "sasl.jaas.config", "is missing: expected org.apache.kafka.common.security.plain.PlainLoginModule"},
		{sasl("SCRAM-SHA-512", plain("ada", "hush")), "sasl.jaas.config", "needs org.apache.kafka.common.security.scram.ScramLoginModule"},
		{sasl("PLAIN", plain("ada", "")), "sasl.jaas.config", "has no username or no password"},
		{sasl("PLAIN", "PlainLoginModule hush"), "sasl.jaas.config", "expected required after the name"},
		{sasl("PLAIN", `PlainLoginModule required password="hush`), "sasl.jaas.config", "a quote is not closed"},
		{sasl("PLAIN", `PlainLoginModule required password="hush"`), "sasl.jaas.config", "expected a semicolon at the end"},
		{sasl("PLAIN", `PlainLoginModule required password hush;`), "sasl.jaas.config", `expected options as name="value"`},
		{sasl("PLAIN", `PlainLoginModule required password=;`), "sasl.jaas.config", "expected a value for the option password"},
		{sasl("PLAIN", `PlainLoginModule required; Other required;`), "sasl.jaas.config", "expected one login module"},
		{sasl("AWS_MSK_IAM", ""), "sasl.mechanism", "needs AWS credentials"},
		{sasl("AWS_MSK_IAM", `software.amazon.msk.auth.iam.IAMLoginModule required awsRoleArn="arn";`), "sasl.jaas.config", "awsRoleArn cannot be honoured"},
		{sasl("OAUTHBEARER", ""), "sasl.oauthbearer.token.endpoint.url", "is missing"},
		{append(sasl("OAUTHBEARER", ""), "sasl.oauthbearer.token.endpoint.url", "file:///token"), "sasl.oauthbearer.token.endpoint.url", "must be an https address"},
		{append(sasl("OAUTHBEARER", ""), "sasl.oauthbearer.token.endpoint.url", "https://id.example"), "sasl.oauthbearer.client.credentials.client.id", "is missing"},
		{[]string{"sasl.login.callback.handler.class", "com.example.Mine"}, "sasl.login.callback.handler.class", "cannot be honoured"},
	} {
		t.Run(strings.Join(test.props, " "), func(t *testing.T) {
			t.Parallel()
			_, err := options(t, test.props...)
			var setting *kafka.SettingError
			if !errors.As(err, &setting) {
				t.Fatalf("the error is %v", err)
			}
			if setting.Key != test.key || !strings.Contains(err.Error(), "configuration "+test.key+": ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestProducerOptions_NeedsTheRightPassword(t *testing.T) {
	t.Parallel()
	key, cert := string(readFile(t, "testdata/encrypted-key.pem")), string(readFile(t, "testdata/encrypted-cert.pem"))
	for password, want := range map[string]string{
		"":            "the private key is encrypted, but ssl.key.password is not set",
		"guess":       "decrypting the private key: wrong ssl.key.password?",
		"open sesame": "",
	} {
		_, err := options(t, "security.protocol", "SSL", "ssl.keystore.key", key, "ssl.keystore.certificate.chain", cert, "ssl.key.password", password)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != "configuration ssl.keystore.key: "+want) {
			t.Errorf("%q: the error is %v", password, err)
		}
	}
}

// FuzzClientOptions feeds what people write in forms of their own, none of which may panic or be told in an error.
func FuzzClientOptions(f *testing.F) {
	key, err := os.ReadFile("testdata/encrypted-key.pem")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain("ada", `h\"ush`), string(key))
	f.Add("Module required a=b c='d' ;", "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, jaas, key string) {
		_, err := kafka.ClientOptions(props("kafka.example:9092", "security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN",
			"sasl.jaas.config", jaas, "ssl.keystore.key", key, "ssl.keystore.certificate.chain", "x", "ssl.key.password", "open sesame"), nil)
		if err == nil {
			t.Fatal("no error, and the chain is no certificate")
		}
		if _, ok := errors.AsType[*kafka.SettingError](err); !ok {
			t.Fatalf("the error is %v", err)
		}
	})
}

func TestProducerOptions_ReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := kafka.ProducerOptions(props("kafka.example:9092", "acks", "2", "linger.ms", "x", "ssl.keystore.type", "JKS", "unknown", "y"), nil)
	if err == nil || strings.Count(err.Error(), "configuration ") != 3 {
		t.Errorf("the error is %v", err)
	}
	if _, err := kafka.ClientOptions(nil, nil); err == nil || !strings.Contains(err.Error(), "configuration bootstrap.servers: is missing") {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff([]string{"lingerms", "unknown"}, kafka.Unused(map[string]string{"unknown": "", "acks": "all", "lingerms": "5"})); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestNewProducer_ChecksItsSettings(t *testing.T) {
	t.Parallel()
	if _, err := kafka.NewProducer(kafka.ProducerConfig{Properties: props("kafka.example:9092", "acks", "2")}); err == nil {
		t.Error("no error")
	}
	if _, err := kafka.NewAdmin(kafka.AdminConfig{Properties: props("kafka.example:9092", "acks", "2")}); err == nil {
		t.Error("no error")
	}
}

func TestSettings_AreListed(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, h := range kafka.Settings() {
		b.WriteString(h.Key)
		switch {
		case h.Ignored != "":
			b.WriteString(" | ignored: " + h.Ignored)
		case h.Refused != "":
			b.WriteString(" | refused: " + h.Refused)
		}
		b.WriteByte('\n')
	}
	golden := "testdata/settings.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(readFile(t, golden)), b.String()); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}
