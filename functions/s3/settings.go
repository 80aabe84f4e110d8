package s3

import (
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/runtime/config"
)

// sinkSettings are those of both connectors; the class says which ones count.
type sinkSettings struct {
	class     string
	confluent storage.Confluent
	aiven     storage.Aiven

	bucket, region, url, endpoint string
	key                           string
	secret                        config.Secret
	pathStyle                     bool
	part                          int
	retries                       int
	backoff, backoffMax           time.Duration
	compression                   string
	level                         int
	encryption, kmsKey            string
	customerKey                   config.Secret
	acl, class2, tags             string
	tagging, conditional          bool
	staging                       string

	aivenBucket, aivenRegion, aivenPrefix string
	role, session, external, stsEndpoint  string
	duration                              int
	aivenEncryption, aivenACL             string
	aivenPart                             int
}

const (
	groupS3    = "S3"
	groupAiven = "AWS"
)

// Define declares the settings.
func (s *sinkSettings) Define(d *config.Def) {
	d.String(&s.class, "connector.class", confluentClass, "", config.Internal())
	d.String(&s.bucket, "s3.bucket.name", "", "The bucket.", config.NullDefault(), config.High, config.Group(groupS3, 1))
	d.String(&s.region, "s3.region", "", "Its region. Defaults to that of the function.", config.Medium, config.Group(groupS3, 2))
	d.String(&s.url, "store.url", "", "The URL of a server that speaks S3's protocol.", config.NullDefault(), config.High, config.Group(groupS3, 3))
	d.Int(&s.part, "s3.part.size", 26214400, "The size of the parts of uploads. Here they are never larger than 8 MiB, for the sake of memory.",
		config.Check(config.AtLeast(leastPart)), config.High, config.Group(groupS3, 4))
	d.String(&s.compression, "s3.compression.type", "none", "How JSON and byte array objects are compressed: none or gzip.",
		config.Check(config.CaseInsensitiveIn("none", "gzip")), config.Low, config.Group(groupS3, 5))
	d.Int(&s.level, "s3.compression.level", -1, "gzip's level, -1 for its default.", config.Check(config.Between(-1, 9)), config.Low, config.Group(groupS3, 6))
	d.String(&s.encryption, "s3.ssea.name", "", "Encryption by the server: AES256 or aws:kms. Or sse-c, with s3.sse.customer.key.",
		config.Check(config.In("", "AES256", "aws:kms", "aws:kms:dsse", "sse-c")), config.Low, config.Group(groupS3, 7))
	d.String(&s.kmsKey, "s3.sse.kms.key.id", "", "The key of aws:kms.", config.Low, config.Group(groupS3, 8))
	d.Password(&s.customerKey, "s3.sse.customer.key", "The customer's key, in base64.", config.NullDefault(), config.Low, config.Group(groupS3, 9))
	d.String(&s.acl, "s3.acl.canned", "", "The canned ACL of objects.", config.NullDefault(), config.Low, config.Group(groupS3, 10))
	d.String(&s.class2, "s3.storage.class", "", "The storage class of objects.", config.NullDefault(), config.Low, config.Group(groupS3, 11))
	d.Bool(&s.tagging, "s3.object.tagging", false, "Whether objects are tagged with startOffset, endOffset and recordCount.", config.Low, config.Group(groupS3, 12))
	d.String(&s.tags, "s3.object.tagging.key.value.pairs", "", "Further tags, as name:value,name:value.", config.Low, config.Group(groupS3, 13))
	d.Bool(&s.pathStyle, "s3.path.style.access.enabled", true, "Whether the bucket stands in the path of URLs rather than in the host.", config.Low, config.Group(groupS3, 14))
	d.Int(&s.retries, "s3.part.retries", 3, "How often a request is tried again before the event is.", config.Check(config.AtLeast(0)), config.Medium, config.Group(groupS3, 15))
	d.Millis(&s.backoff, "s3.retry.backoff.ms", 200*time.Millisecond, "How long to wait before that.", config.Low, config.Group(groupS3, 16))
	d.Bool(&s.conditional, "enable.conditional.writes", true, "Whether an object that is in the way makes the task fail. Otherwise it is replaced.",
		config.Low, config.Group(groupS3, 17))
	d.String(&s.staging, "sluice.staging.dir", ".sluice", "The folder below which records are staged until their object is complete.",
		config.Check(config.NonEmpty()), config.Low, config.Group(groupS3, 18))
	s.confluent = storage.Confluent{}
	d.Include(&s.confluent)
	s.defineAiven(d)
	d.Include(&s.aiven, "avro.codec") // declared before
}

func (s *sinkSettings) defineAiven(d *config.Def) {
	d.String(&s.key, "aws.access.key.id", "", "The id of an access key. Defaults to those of the function's role.", config.NullDefault(), config.High, config.Group(groupAiven, 1))
	d.Password(&s.secret, "aws.secret.access.key", "The access key.", config.NullDefault(), config.High, config.Group(groupAiven, 2))
	d.String(&s.aivenBucket, "aws.s3.bucket.name", "", "The bucket, for Aiven's class.", config.NullDefault(), config.High, config.Group(groupAiven, 3))
	d.String(&s.aivenRegion, "aws.s3.region", "", "Its region. Defaults to that of the function.", config.NullDefault(), config.Medium, config.Group(groupAiven, 4))
	d.String(&s.endpoint, "aws.s3.endpoint", "", "The URL of a server that speaks S3's protocol.", config.NullDefault(), config.Low, config.Group(groupAiven, 5))
	d.String(&s.aivenPrefix, "aws.s3.prefix", "", "What stands before the name of every object.", config.NullDefault(), config.Medium, config.Group(groupAiven, 6))
	d.Int(&s.aivenPart, "aws.s3.part.size.bytes", 5242880, "The size of the parts of uploads.", config.Check(config.AtLeast(1)), config.Low, config.Group(groupAiven, 7))
	d.String(&s.aivenEncryption, "aws.s3.sse.algorithm", "", "Encryption by the server: AES256 or aws:kms.", config.NullDefault(), config.Low, config.Group(groupAiven, 8))
	d.String(&s.aivenACL, "aws.acl.canned", "", "The canned ACL of objects.", config.NullDefault(), config.Low, config.Group(groupAiven, 9))
	d.String(&s.role, "aws.sts.role.arn", "", "A role to take on.", config.NullDefault(), config.Medium, config.Group(groupAiven, 10))
	d.String(&s.session, "aws.sts.role.session.name", "", "The name of the role's session.", config.NullDefault(), config.Low, config.Group(groupAiven, 11))
	d.String(&s.external, "aws.sts.role.external.id", "", "The external id that the role asks for.", config.NullDefault(), config.Low, config.Group(groupAiven, 12))
	d.Int(&s.duration, "aws.sts.role.session.duration", 3600, "How long a session lasts, in seconds.", config.Check(config.Between(900, 43200)), config.Low, config.Group(groupAiven, 13))
	d.String(&s.stsEndpoint, "aws.sts.config.endpoint", "", "The URL of the service that gives out roles.", config.NullDefault(), config.Low, config.Group(groupAiven, 14))
	d.MillisInt(&s.backoffMax, "aws.s3.backoff.max.delay.ms", 20*time.Second, "The longest pause between tries.", config.Low, config.Group(groupAiven, 15))
}

// isAiven tells whether the connector is Aiven's.
func (s *sinkSettings) isAiven() bool {
	return strings.Contains(s.class, "aiven") || strings.HasPrefix(s.class, "AivenKafkaConnectS3")
}

func (s *sinkSettings) access() *access {
	a := &access{
		bucket: s.bucket, region: s.region, endpoint: asURL(s.url), pathStyle: s.pathStyle, key: s.key, secret: s.secret,
		role: s.role, session: s.session, external: s.external, duration: time.Duration(s.duration) * time.Second, stsEndpoint: asURL(s.stsEndpoint),
		retries: s.retries, backoff: s.backoff, backoffMax: s.backoffMax,
	}
	if s.isAiven() {
		a.bucket, a.region, a.endpoint = s.aivenBucket, s.aivenRegion, asURL(s.endpoint)
	}
	return a
}

// mostPart bounds the memory of an upload.
const mostPart = 8 << 20

func (s *sinkSettings) partSize() int {
	if s.isAiven() {
		return min(max(s.aivenPart, leastPart), mostPart)
	}
	return min(s.part, mostPart)
}

// object says how objects are written.
func (s *sinkSettings) object() (object, error) {
	o := object{kmsKey: s.kmsKey, acl: types.ObjectCannedACL(s.acl), class: types.StorageClass(s.class2), offsets: s.tagging}
	encryption := s.encryption
	if s.isAiven() {
		encryption, o.acl = s.aivenEncryption, types.ObjectCannedACL(s.aivenACL)
	}
	if encryption == "sse-c" {
		if s.customerKey.Reveal() == "" {
			return o, config.Invalid("s3.sse.customer.key", nil, "sse-c needs the customer's key")
		}
		o.customerKey = s.customerKey
	} else {
		o.encryption = types.ServerSideEncryption(encryption)
	}
	for pair := range strings.SplitSeq(s.tags, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, ":")
		if !ok {
			return o, config.Invalid("s3.object.tagging.key.value.pairs", s.tags, "pairs look like name:value")
		}
		if o.tags == nil {
			o.tags = map[string]string{}
		}
		o.tags[name] = value
	}
	return o, nil
}

// shape is the shape of objects.
func (s *sinkSettings) shape() (*storage.Shape, error) {
	if s.access().bucket == "" {
		name := "s3.bucket.name"
		if s.isAiven() {
			name = "aws.s3.bucket.name"
		}
		return nil, config.Errorf(name, "Missing required configuration %q which has no default value.", name)
	}
	var shape *storage.Shape
	var err error
	own := map[string]string{"connector.class": s.class}
	if s.isAiven() {
		s.aiven.Folder, s.aiven.AvroCodec = s.aivenPrefix, s.confluent.AvroCodec()
		own["aws.s3.bucket.name"], own["aws.s3.prefix"] = s.aivenBucket, s.aivenPrefix
		shape, err = s.aiven.Shape()
	} else {
		own["s3.bucket.name"], own["s3.compression.type"] = s.bucket, s.compression
		shape, err = s.confluent.Shape(&storage.Codec{Name: strings.ToLower(s.compression), Level: s.level})
	}
	if err != nil {
		return nil, err
	}
	maps.Copy(shape.Settings, own)
	maps.DeleteFunc(shape.Settings, func(_, v string) bool { return v == "" })
	shape.Overwrite = !s.conditional
	return shape, nil
}

// validate finds what is wrong with settings that depend on each other. That a template has no group of records is told
// when the task starts, as Aiven's connector does.
func (s *sinkSettings) validate() error {
	_, err := s.object()
	_, failed := s.shape()
	if len(config.Errors(failed)) == 0 {
		failed = nil
	}
	return errors.Join(err, failed)
}
