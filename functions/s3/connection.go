package s3

import (
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// connection are the settings that say where the bucket is, of Confluent's connectors and of Aiven's; the class says which
// ones count.
type connection struct {
	class                         string
	bucket, region, url, endpoint string
	key                           string
	secret, customerKey           config.Secret
	pathStyle                     bool
	retries                       int
	backoff, backoffMax           time.Duration

	aivenBucket, aivenRegion, aivenPrefix string
	role, session, external, stsEndpoint  string
	duration                              int
	aivenRetries                          int
	aivenBackoff                          time.Duration
}

const (
	groupS3    = "S3"
	groupAiven = "AWS"
)

// defineConfluent declares the settings of Confluent's connectors.
func (c *connection) defineConfluent(d *config.Def, class string) {
	d.String(&c.class, "connector.class", class, "", config.Borrowed())
	d.String(&c.bucket, "s3.bucket.name", "", "The bucket.", config.NullDefault(), config.High, config.Group(groupS3, 1))
	d.String(&c.region, "s3.region", "", "Its region. Defaults to that of the function.", config.Medium, config.Group(groupS3, 2))
	d.String(&c.url, "store.url", "", "The URL of a server that speaks S3's protocol.", config.NullDefault(), config.High, config.Group(groupS3, 3))
	d.Password(&c.customerKey, "s3.sse.customer.key", "The customer's key, in base64.", config.NullDefault(), config.Low, config.Group(groupS3, 9))
	d.Bool(&c.pathStyle, "s3.path.style.access.enabled", true, "Whether the bucket stands in the path of URLs rather than in the host.", config.Low, config.Group(groupS3, 14))
	d.Int(&c.retries, "s3.part.retries", 3, "How often a request is tried again before the event is.", config.Check(config.AtLeast(0)), config.Medium, config.Group(groupS3, 15))
	d.Millis(&c.backoff, "s3.retry.backoff.ms", 200*time.Millisecond, "How long to wait before that, at most; twice as long every time.", config.Low, config.Group(groupS3, 16))
}

// defineAiven declares those of Aiven's.
func (c *connection) defineAiven(d *config.Def) {
	d.String(&c.key, "aws.access.key.id", "", "The id of an access key. Defaults to those of the function's role.", config.NullDefault(), config.High, config.Group(groupAiven, 1))
	d.Password(&c.secret, "aws.secret.access.key", "The access key.", config.NullDefault(), config.High, config.Group(groupAiven, 2))
	d.String(&c.aivenBucket, "aws.s3.bucket.name", "", "The bucket, for Aiven's class.", config.NullDefault(), config.High, config.Group(groupAiven, 3))
	d.String(&c.aivenRegion, "aws.s3.region", "", "Its region. Defaults to that of the function.", config.NullDefault(), config.Medium, config.Group(groupAiven, 4))
	d.String(&c.endpoint, "aws.s3.endpoint", "", "The URL of a server that speaks S3's protocol.", config.NullDefault(), config.Low, config.Group(groupAiven, 5))
	d.String(&c.aivenPrefix, "aws.s3.prefix", "", "What stands before the name of every object.", config.NullDefault(), config.Medium, config.Group(groupAiven, 6))
	d.String(&c.role, "aws.sts.role.arn", "", "A role to take on.", config.NullDefault(), config.Medium, config.Group(groupAiven, 10))
	d.String(&c.session, "aws.sts.role.session.name", "", "The name of the role's session.", config.NullDefault(), config.Low, config.Group(groupAiven, 11))
	d.String(&c.external, "aws.sts.role.external.id", "", "The external id that the role asks for.", config.NullDefault(), config.Low, config.Group(groupAiven, 12))
	d.Int(&c.duration, "aws.sts.role.session.duration", 3600, "How long a session lasts, in seconds.", config.Check(config.Between(900, 43200)), config.Low, config.Group(groupAiven, 13))
	d.String(&c.stsEndpoint, "aws.sts.config.endpoint", "", "The URL of the service that gives out roles.", config.NullDefault(), config.Low, config.Group(groupAiven, 14))
	d.MillisInt(&c.backoffMax, "aws.s3.backoff.max.delay.ms", 20*time.Second, "The longest pause between tries.", config.Low, config.Group(groupAiven, 15))
	d.MillisInt(&c.aivenBackoff, "aws.s3.backoff.delay.ms", 100*time.Millisecond, "How long to wait before a request is tried again, at most; twice as long every time.", config.Low, config.Group(groupAiven, 16))
	d.Int(&c.aivenRetries, "aws.s3.backoff.max.retries", 3, "How often a request is tried again before the event is.", config.Check(config.AtLeast(0)), config.Medium, config.Group(groupAiven, 17))
}

// isAiven tells whether the connector is Aiven's.
func (c *connection) isAiven() bool {
	return strings.Contains(c.class, "aiven") || strings.HasPrefix(c.class, "AivenKafkaConnectS3")
}

func (c *connection) access() *access {
	a := &access{
		bucket: c.bucket, region: c.region, endpoint: asURL(c.url), pathStyle: c.pathStyle, key: c.key, secret: c.secret,
		role: c.role, session: c.session, external: c.external, duration: time.Duration(c.duration) * time.Second, stsEndpoint: asURL(c.stsEndpoint),
		retries: c.retries, backoff: c.backoff, backoffMax: c.backoffMax,
	}
	if c.isAiven() {
		a.bucket, a.region, a.endpoint = c.aivenBucket, c.aivenRegion, asURL(c.endpoint)
		a.retries, a.backoff = c.aivenRetries, c.aivenBackoff
	}
	return a
}

// missing is Kafka's error about the bucket, if there is none.
func (c *connection) missing() error {
	if c.access().bucket != "" {
		return nil
	}
	name := "s3.bucket.name"
	if c.isAiven() {
		name = "aws.s3.bucket.name"
	}
	return config.Errorf(name, "Missing required configuration %q which has no default value.", name)
}
