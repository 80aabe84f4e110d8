package s3

import (
	"errors"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/runtime/config"
)

// sinkSettings are those of both connectors; the class says which ones count.
type sinkSettings struct {
	connection
	confluent storage.Confluent
	aiven     storage.Aiven

	part                 int
	compression          string
	level                int
	encryption, kmsKey   string
	acl, class2, tags    string
	tagging, conditional bool
	staging              string

	aivenEncryption, aivenACL string
	aivenPart                 int
}

// Define declares the settings.
func (s *sinkSettings) Define(d *config.Def) {
	s.defineConfluent(d, confluentClass)
	d.Int(&s.part, "s3.part.size", 26214400, "The size of the parts of uploads. Here they are never larger than 8 MiB, for the sake of memory.",
		config.Check(config.AtLeast(leastPart)), config.High, config.Group(groupS3, 4))
	d.String(&s.compression, "s3.compression.type", "none", "How JSON and byte array objects are compressed: none or gzip.",
		config.Check(config.CaseInsensitiveIn("none", "gzip")), config.Low, config.Group(groupS3, 5))
	d.Int(&s.level, "s3.compression.level", -1, "gzip's level, -1 for its default.", config.Check(config.Between(-1, 9)), config.Low, config.Group(groupS3, 6))
	d.String(&s.encryption, "s3.ssea.name", "", "Encryption by the server: AES256 or aws:kms. Or sse-c, with s3.sse.customer.key.",
		config.Check(config.In("", "AES256", "aws:kms", "aws:kms:dsse", "sse-c")), config.Low, config.Group(groupS3, 7))
	d.String(&s.kmsKey, "s3.sse.kms.key.id", "", "The key of aws:kms.", config.Low, config.Group(groupS3, 8))
	d.String(&s.acl, "s3.acl.canned", "", "The canned ACL of objects.", config.NullDefault(), config.Low, config.Group(groupS3, 10))
	d.String(&s.class2, "s3.storage.class", "", "The storage class of objects.", config.NullDefault(), config.Low, config.Group(groupS3, 11))
	d.Bool(&s.tagging, "s3.object.tagging", false, "Whether objects are tagged with startOffset, endOffset and recordCount.", config.Low, config.Group(groupS3, 12))
	d.String(&s.tags, "s3.object.tagging.key.value.pairs", "", "Further tags, as name:value,name:value.", config.Low, config.Group(groupS3, 13))
	d.Bool(&s.conditional, "enable.conditional.writes", true, "Whether an object that is in the way makes the task fail. Otherwise it is replaced.",
		config.Low, config.Group(groupS3, 17))
	d.String(&s.staging, "sluice.staging.dir", ".sluice", "The folder below which records are staged until their object is complete.",
		config.Check(config.NonEmpty()), config.Low, config.Group(groupS3, 18))
	s.confluent = storage.Confluent{}
	d.Include(&s.confluent)
	s.defineAiven(d)
	d.Include(&s.aiven, "avro.codec") // declared before
	d.Int(&s.aivenPart, "aws.s3.part.size.bytes", 5242880, "The size of the parts of uploads.", config.Check(config.AtLeast(1)), config.Low, config.Group(groupAiven, 7))
	d.String(&s.aivenEncryption, "aws.s3.sse.algorithm", "", "Encryption by the server: AES256 or aws:kms.", config.NullDefault(), config.Low, config.Group(groupAiven, 8))
	d.String(&s.aivenACL, "aws.acl.canned", "", "The canned ACL of objects.", config.NullDefault(), config.Low, config.Group(groupAiven, 9))
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
	if err := s.missing(); err != nil {
		return nil, err
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
