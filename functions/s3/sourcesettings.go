package s3

import (
	"strings"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/runtime/config"
)

// sourceSettings are those of both connectors; the class says which ones count.
type sourceSettings struct {
	connection
	confluent storage.ConfluentSource
	aiven     storage.AivenSource

	interval   time.Duration
	after      string
	tags, to   string
	fetchSize  int
	page       int
	encryption string
}

// confluentSource is the class of Confluent's source.
const confluentSource = "io.confluent.connect.s3.source.S3SourceConnector"

// Define declares the settings.
func (s *sourceSettings) Define(d *config.Def) {
	s.defineConfluent(d, confluentSource)
	d.Millis(&s.interval, "s3.poll.interval.ms", time.Minute, "How often the bucket is listed.", config.Check(config.AtLeast(0)), config.Medium, config.Group(groupS3, 4))
	d.String(&s.encryption, "s3.ssea.name", "", "Ignored: objects say how they are encrypted. For sse-c, s3.sse.customer.key is the key.", config.Low, config.Group(groupS3, 7))
	d.String(&s.after, "sluice.after.reading", afterNothing, "What happens to an object when its records are in Kafka: none, delete, tag or move.",
		config.Check(config.CaseInsensitiveIn(afterNothing, afterDelete, afterTag, afterMove)), config.Low, config.Group(groupS3, 18))
	d.String(&s.tags, "sluice.after.reading.tag", "sluice=read", "The tags that are added, as name=value&name=value.", config.Low, config.Group(groupS3, 19))
	d.String(&s.to, "sluice.after.reading.prefix", "read/", "What stands before the key of an object that was moved, in place of topics.dir or aws.s3.prefix.", config.Low, config.Group(groupS3, 20))
	s.confluent = storage.ConfluentSource{Names: `(.+)\+(\d+)\+.+$`}
	d.Include(&s.confluent)
	s.defineAiven(d)
	d.Int(&s.fetchSize, "aws.s3.fetch.buffer.size", 1000, "For how many objects it is remembered which ones were read, beside the key up to which all of them were: an object that comes "+
		"late is found as long as its key is not less than all of theirs.", config.Check(config.Between(1, 20_000)), config.Medium, config.Group(groupAiven, 16))
	d.Int(&s.page, "aws.s3.fetch.page.size", 10, "Ignored: pages have 1000 objects.", config.Low, config.Group(groupAiven, 17))
	d.Include(&s.aiven)
}

// core makes a source without a client.
func (s *sourceSettings) core() (*storage.Source, error) {
	if err := s.missing(); err != nil {
		return nil, err
	}
	if s.isAiven() {
		s.aiven.Bucket, s.aiven.Folder, s.aiven.Window = s.access().bucket, s.aivenPrefix, s.fetchSize
		return s.aiven.Source()
	}
	return s.confluent.Source()
}

// validate finds what is wrong with settings that depend on each other.
func (s *sourceSettings) validate() error {
	source, err := s.core()
	if err != nil {
		return err
	}
	_, err = s.disposal(nil, source.Root)
	return err
}

// source makes the whole source. It makes no call.
func (s *sourceSettings) source() (*storage.Source, error) {
	source, err := s.core()
	if err != nil {
		return nil, err
	}
	access := s.access()
	client, err := access.client()
	if err != nil {
		return nil, err
	}
	store := &store{client: client, bucket: access.bucket, object: object{customerKey: s.customerKey}, part: mostPart}
	source.Shelf, source.Interval = shelf{store}, s.interval
	source.Disposal, err = s.disposal(store, source.Root)
	return source, err
}

// disposal says what happens to objects that were read.
func (s *sourceSettings) disposal(store *store, root string) (storage.Disposal, error) {
	how := strings.ToLower(s.after)
	d := &disposal{store: store, how: how, root: root, to: s.to}
	switch how {
	case afterNothing:
		return nil, nil //nolint:nilnil // nothing happens to them
	case afterTag:
		var err error
		if d.tags, err = parseTags(s.tags); err != nil {
			return nil, config.Invalid("sluice.after.reading.tag", s.tags, err.Error())
		}
	case afterMove:
		if strings.HasPrefix(s.to, root) {
			return nil, config.Invalid("sluice.after.reading.prefix", s.to, "objects would be moved to where they are read, below "+root)
		}
	}
	return d, nil
}
