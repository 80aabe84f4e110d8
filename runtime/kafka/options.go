package kafka

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SettingError says what is wrong with one setting. It never repeats the value of a setting that may be secret.
type SettingError struct {
	// Key is the name of the setting.
	Key string
	// Err says what is wrong with it.
	Err error
}

// Error implements error.
func (e *SettingError) Error() string { return fmt.Sprintf("configuration %s: %v", e.Key, e.Err) }

// Unwrap returns Err.
func (e *SettingError) Unwrap() error { return e.Err }

// Handling says what becomes of one of the Java client's settings here.
type Handling struct {
	// Key is the name of the setting.
	Key string
	// Ignored, if not empty, is the reason why the setting has no meaning here. Setting it does no harm.
	Ignored string
	// Refused, if not empty, is the reason why the setting cannot be honoured. Setting it is an error.
	Refused string
}

// Settings lists every setting of the Java producer and admin client with what becomes of it, in alphabetical order.
// Those that are neither ignored nor refused are honoured.
func Settings() []Handling {
	all := new(config).settings()
	var list []Handling
	for _, key := range slices.Sorted(maps.Keys(all)) {
		list = append(list, Handling{Key: key, Ignored: all[key].ignored, Refused: all[key].refused})
	}
	return list
}

// Unused returns those keys of props that no Kafka client knows, in alphabetical order. As in Java they are no error;
// they are worth a line in the log, because one of them may be a known one mistyped.
func Unused(props map[string]string) []string {
	all := new(config).settings()
	var unused []string
	for _, key := range slices.Sorted(maps.Keys(props)) {
		if _, ok := all[key]; !ok {
			unused = append(unused, key)
		}
	}
	return unused
}

// setting is what becomes of one key: exactly one of the fields is set.
type setting struct {
	apply   func(value string) error
	ignored string
	refused string
}

// config holds the settings of a client in our terms.
type config struct {
	// any client
	brokers        []string
	clientID       string
	protocol       string
	requestTimeout time.Duration
	setupTimeout   time.Duration
	idle           time.Duration
	metadataMaxAge time.Duration
	backoff        time.Duration
	backoffMax     time.Duration
	tls            tlsSettings
	sasl           saslSettings

	// producers
	acks            string
	idempotence     *bool
	linger          time.Duration
	batchSize       int
	compression     string
	gzipLevel       int
	lz4Level        int
	zstdLevel       int
	maxRequestSize  int
	bufferMemory    int
	deliveryTimeout time.Duration
	retries         int
	inFlight        int
	partitioner     string
	ignoreKeys      bool
	adaptive        bool
}

// newConfig returns the defaults: Kafka's own but for acks and idempotence, where Connect still sets what suits old
// brokers, and for the time connections may be idle, which a frozen process cannot watch.
func newConfig() *config {
	return &config{
		protocol:       "PLAINTEXT",
		requestTimeout: 30 * time.Second,
		setupTimeout:   10 * time.Second,
		idle:           30 * time.Second,
		metadataMaxAge: 5 * time.Minute,
		backoff:        100 * time.Millisecond,
		backoffMax:     time.Second,
		tls:            tlsSettings{verifyHost: true},

		acks:            "all",
		batchSize:       16384,
		compression:     "none",
		gzipLevel:       -1,
		lz4Level:        9,
		zstdLevel:       3,
		maxRequestSize:  1 << 20,
		bufferMemory:    32 << 20,
		deliveryTimeout: 2 * time.Minute,
		retries:         math.MaxInt32,
		inFlight:        1,
		adaptive:        true,
	}
}

// parse reads props into c. It reports every problem, joined, each a *SettingError.
func (c *config) parse(props map[string]string) error {
	all := c.settings()
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(props)) {
		s, ok := all[key]
		value := strings.TrimSpace(props[key])
		var err error
		switch {
		case !ok || s.ignored != "":
		case s.refused != "":
			if value != "" {
				err = errors.New("cannot be honoured: " + s.refused)
			}
		default:
			err = s.apply(value)
		}
		if err != nil {
			problems = append(problems, &SettingError{key, err})
		}
	}
	if len(problems) == 0 {
		problems = c.check()
	}
	return errors.Join(problems...)
}

// check finds settings that contradict each other, by Kafka's rules.
func (c *config) check() []error {
	var problems []error
	if len(c.brokers) == 0 {
		problems = append(problems, &SettingError{"bootstrap.servers", errors.New("is missing: name at least one broker as host:port")})
	}
	explicit := c.idempotence != nil && *c.idempotence
	if explicit && c.acks != "all" {
		problems = append(problems, &SettingError{"acks", errors.New("must be all if enable.idempotence is true")})
	}
	if explicit && c.retries == 0 {
		problems = append(problems, &SettingError{"retries", errors.New("must be above 0 if enable.idempotence is true")})
	}
	if explicit && c.inFlight > 5 {
		problems = append(problems, &SettingError{"max.in.flight.requests.per.connection", errors.New("must be at most 5 if enable.idempotence is true")})
	}
	if c.idempotence == nil {
		// As in Kafka, a setting that contradicts idempotence switches it off unless it was asked for.
		on := c.acks == "all" && c.retries > 0 && c.inFlight <= 5
		c.idempotence = &on
	}
	return problems
}

const (
	noJVM      = "there is no Java virtual machine here"
	noSockets  = "the operating system sizes its buffers itself"
	noTxn      = "no transactions are used"
	oneBackoff = "reconnecting waits as long as any other retry, see retry.backoff.ms"
	noKerberos = "Kerberos (GSSAPI) is not supported; use SCRAM, PLAIN, OAUTHBEARER or AWS_MSK_IAM"
	noJavaCode = "Java classes cannot be run here"
)

// settings is the table of all keys, bound to c.
func (c *config) settings() map[string]setting {
	do := func(apply func(string) error) setting { return setting{apply: apply} }
	ignore := func(why string) setting { return setting{ignored: why} }
	refuse := func(why string) setting { return setting{refused: why} }
	all := map[string]setting{
		"bootstrap.servers":                        do(c.bootstrap),
		"client.id":                                do(text(&c.clientID)),
		"security.protocol":                        do(choice(&c.protocol, strings.ToUpper, "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")),
		"request.timeout.ms":                       do(millis(&c.requestTimeout, 0)),
		"socket.connection.setup.timeout.ms":       do(millis(&c.setupTimeout, 1)),
		"connections.max.idle.ms":                  do(millis(&c.idle, -1)),
		"metadata.max.age.ms":                      do(millis(&c.metadataMaxAge, 0)),
		"retry.backoff.ms":                         do(millis(&c.backoff, 0)),
		"retry.backoff.max.ms":                     do(millis(&c.backoffMax, 0)),
		"auto.include.jmx.reporter":                ignore(noJVM),
		"bootstrap.controllers":                    refuse("brokers are asked, not controllers; use bootstrap.servers"),
		"client.dns.lookup":                        ignore("all addresses of a name are always tried"),
		"config.providers":                         ignore("placeholders are resolved before a client is made"),
		"default.api.timeout.ms":                   ignore("the invocation's deadline bounds every call"),
		"enable.metrics.push":                      ignore("a process that is frozen between invocations has no metrics to push"),
		"metadata.max.idle.ms":                     ignore("an invocation is shorter"),
		"metadata.recovery.strategy":               ignore("brokers are always found anew through bootstrap.servers"),
		"metadata.recovery.rebootstrap.trigger.ms": ignore("brokers are always found anew through bootstrap.servers"),
		"metric.reporters":                         ignore(noJVM),
		"metrics.num.samples":                      ignore(noJVM),
		"metrics.recording.level":                  ignore(noJVM),
		"metrics.sample.window.ms":                 ignore(noJVM),
		"receive.buffer.bytes":                     ignore(noSockets),
		"reconnect.backoff.max.ms":                 ignore(oneBackoff),
		"reconnect.backoff.ms":                     ignore(oneBackoff),
		"security.providers":                       ignore(noJVM),
		"send.buffer.bytes":                        ignore(noSockets),
		"socket.connection.setup.timeout.max.ms":   ignore("the delivery time-out bounds connecting"),
		"acks":                                     do(c.setAcks),
		"enable.idempotence":                       do(c.setIdempotence),
		"linger.ms":                                do(millis(&c.linger, 0)),
		"batch.size":                               do(number(&c.batchSize, 0, math.MaxInt32)),
		"compression.type":                         do(choice(&c.compression, strings.ToLower, "none", "gzip", "snappy", "lz4", "zstd")),
		"compression.gzip.level":                   do(c.setGzipLevel),
		"compression.lz4.level":                    do(number(&c.lz4Level, 1, 17)),
		"compression.zstd.level":                   do(number(&c.zstdLevel, -131072, 22)),
		"max.request.size":                         do(number(&c.maxRequestSize, 0, math.MaxInt32)),
		"buffer.memory":                            do(number(&c.bufferMemory, 0, math.MaxInt64)),
		"delivery.timeout.ms":                      do(millis(&c.deliveryTimeout, 0)),
		"retries":                                  do(number(&c.retries, 0, math.MaxInt32)),
		"max.in.flight.requests.per.connection":    do(number(&c.inFlight, 1, math.MaxInt32)),
		"partitioner.class":                        do(c.setPartitioner),
		"partitioner.ignore.keys":                  do(boolean(&c.ignoreKeys)),
		"partitioner.adaptive.partitioning.enable": do(boolean(&c.adaptive)),
		"partitioner.availability.timeout.ms":      ignore("partitions without a leader are left out as soon as that is known"),
		"max.block.ms":                             ignore("delivery.timeout.ms bounds blocking too"),
		"interceptor.classes":                      refuse(noJavaCode),
		"key.serializer":                           do(byteSerializer),
		"value.serializer":                         do(byteSerializer),
		"transaction.timeout.ms":                   ignore(noTxn),
		"transaction.two.phase.commit.enable":      ignore(noTxn),
		"transactional.id":                         refuse("records are not sent in transactions"),
	}
	c.tls.settings(all, do, ignore, refuse)
	c.sasl.settings(all, do, ignore, refuse)
	return all
}

func (c *config) bootstrap(value string) error {
	c.brokers = nil
	for address := range strings.SplitSeq(value, ",") {
		if address = strings.TrimSpace(address); address == "" {
			continue
		}
		colon := strings.LastIndexByte(address, ':')
		port, err := strconv.Atoi(address[colon+1:])
		if colon <= 0 || err != nil || port < 1 || port > 65535 {
			return fmt.Errorf("invalid address %q: expected host:port", address)
		}
		c.brokers = append(c.brokers, address)
	}
	if len(c.brokers) == 0 {
		return errors.New("names no broker: expected host:port, separated by commas")
	}
	return nil
}

// setAcks reads how many acknowledgements are waited for. None at all would let offsets be committed for records that
// are lost (Invariant 1), so 0 is answered with the weakest form that is an acknowledgement.
func (c *config) setAcks(value string) error {
	switch value {
	case "all", "-1":
		c.acks = "all"
	case "0", "1":
		c.acks = "1"
	default:
		return fmt.Errorf("invalid value %q: must be one of all, -1, 0, 1", value)
	}
	return nil
}

func (c *config) setIdempotence(value string) error {
	on := false
	if err := boolean(&on)(value); err != nil {
		return err
	}
	c.idempotence = &on
	return nil
}

func (c *config) setGzipLevel(value string) error {
	if err := number(&c.gzipLevel, -1, 9)(value); err != nil {
		return err
	}
	if c.gzipLevel == 0 {
		return errors.New("invalid value 0: must be 1 to 9, or -1 for the default")
	}
	return nil
}

const clientsPackage = "org.apache.kafka.clients.producer."

func (c *config) setPartitioner(value string) error {
	switch value {
	case "", clientsPackage + "internals.DefaultPartitioner":
		c.partitioner = ""
	case clientsPackage + "RoundRobinPartitioner", "RoundRobinPartitioner":
		c.partitioner = "round robin"
	case clientsPackage + "UniformStickyPartitioner", "UniformStickyPartitioner":
		c.partitioner, c.ignoreKeys = "", true
	default:
		return fmt.Errorf("%s cannot be honoured: %s; Kafka's own partitioners are known", value, noJavaCode)
	}
	return nil
}

// byteSerializer accepts the serializer Connect always uses.
func byteSerializer(value string) error {
	if value == "" || value == "org.apache.kafka.common.serialization.ByteArraySerializer" {
		return nil
	}
	return errors.New("cannot be honoured: converters turn records into bytes, and bytes are sent as they are")
}

func text(p *string) func(string) error {
	return func(value string) error {
		*p = value
		return nil
	}
}

func boolean(p *bool) func(string) error {
	return func(value string) error {
		switch strings.ToLower(value) {
		case "true":
			*p = true
		case "false":
			*p = false
		default:
			return fmt.Errorf("invalid value %q: expected true or false", value)
		}
		return nil
	}
}

func number(p *int, least, most int) func(string) error {
	return func(value string) error {
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("invalid value %q: expected a whole number", value)
		}
		if n < least || n > most {
			return fmt.Errorf("invalid value %d: must be from %d to %d", n, least, most)
		}
		*p = n
		return nil
	}
}

// millis reads a duration. What is too long for a time.Duration, such as Java's greatest long, is as long as one can
// be.
func millis(p *time.Duration, least int) func(string) error {
	return func(value string) error {
		n := 0
		if err := number(&n, least, math.MaxInt64)(value); err != nil {
			return err
		}
		*p = time.Duration(min(n, math.MaxInt64/int(time.Millisecond))) * time.Millisecond
		return nil
	}
}

// choice reads one of some values, after normal has been applied.
func choice(p *string, normal func(string) string, values ...string) func(string) error {
	return func(value string) error {
		v := normal(value)
		if !slices.Contains(values, v) {
			return fmt.Errorf("invalid value %q: must be one of %s", value, strings.Join(values, ", "))
		}
		*p = v
		return nil
	}
}
