package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/sluice-connect/sluice/functions/storage"
)

// Walk implements storage.Shelf.
func (s *store) Walk(root string) storage.Walk { return &walk{store: s, root: root} }

// walk lists objects a page at a time, in the order of their keys.
type walk struct {
	store *store
	root  string
	after string // what was listed or skipped up to now
	page  []types.Object
	ended bool
}

// Next implements storage.Walk.
func (w *walk) Next(ctx context.Context) (*storage.Entry, error) {
	for len(w.page) == 0 {
		if w.ended {
			return nil, io.EOF
		}
		out, err := w.store.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
			Bucket: &w.store.bucket, Prefix: given(w.root), StartAfter: given(w.after),
		})
		if err != nil {
			return nil, w.store.failed("listing objects below", w.root, err)
		}
		w.page, w.ended = out.Contents, !aws.ToBool(out.IsTruncated)
		if !w.ended && len(w.page) == 0 {
			return nil, fmt.Errorf("listing objects below %s in bucket %s: a page is empty and not the last", w.root, w.store.bucket)
		}
	}
	o := &w.page[0]
	w.page = w.page[1:]
	w.after = aws.ToString(o.Key)
	// An object that was read is not read again under its name, whatever becomes of it.
	return &storage.Entry{
		Name: w.after, ID: w.after, Size: aws.ToInt64(o.Size), Version: aws.ToString(o.ETag), Modified: aws.ToTime(o.LastModified),
	}, nil
}

// Skip implements storage.Walk.
func (w *walk) Skip(name string) {
	for len(w.page) > 0 && aws.ToString(w.page[0].Key) <= name {
		w.page = w.page[1:]
	}
	w.after = max(w.after, name)
}

// shelf is a store as sources see it.
type shelf struct{ *store }

var _ storage.Shelf = shelf{}

// Read implements storage.Shelf.
func (s shelf) Read(ctx context.Context, e *storage.Entry, from, length int64) (io.ReadCloser, error) {
	algorithm, key := s.object.customer()
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &e.Name, SSECustomerAlgorithm: algorithm, SSECustomerKey: key, IfMatch: given(e.Version)}
	if from > 0 || length >= 0 {
		in.Range = aws.String(byteRange(from, length))
	}
	out, err := s.client.GetObject(ctx, in)
	if is(err, http.StatusPreconditionFailed, "PreconditionFailed") {
		return nil, fmt.Errorf("reading %s: %w", e.Name, storage.ErrChanged)
	}
	if err != nil {
		return nil, s.failed("reading", e.Name, err)
	}
	return out.Body, nil
}

// The values of sluice.after.reading.
const (
	afterNothing = "none"
	afterDelete  = "delete"
	afterTag     = "tag"
	afterMove    = "move"
)

// disposal does away with objects that were read.
type disposal struct {
	store *store
	how   string
	root  string // what names began with, in place of which to is put
	to    string
	tags  map[string]string
}

// Dispose implements storage.Disposal.
func (d *disposal) Dispose(ctx context.Context, e *storage.Entry) error {
	switch d.how {
	case afterTag:
		return d.tag(ctx, e)
	case afterMove:
		if err := d.copy(ctx, e); err != nil {
			return err
		}
	}
	// Not under a condition: S3 takes If-Match for deletions in directory buckets only. Nobody replaces what is read once.
	_, err := d.store.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &d.store.bucket, Key: &e.Name})
	return d.store.failed("deleting", e.Name, err)
}

// tag adds to the tags that the object has.
func (d *disposal) tag(ctx context.Context, e *storage.Entry) error {
	has, err := d.store.client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &d.store.bucket, Key: &e.Name})
	if err != nil {
		return d.store.failed("reading the tags of", e.Name, err)
	}
	var set []types.Tag
	for _, t := range has.TagSet {
		if _, ours := d.tags[aws.ToString(t.Key)]; !ours {
			set = append(set, t)
		}
	}
	for name, value := range d.tags {
		set = append(set, types.Tag{Key: &name, Value: &value})
	}
	_, err = d.store.client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: &d.store.bucket, Key: &e.Name, Tagging: &types.Tagging{TagSet: set}})
	return d.store.failed("tagging", e.Name, err)
}

// copy copies an object to where it is moved. The server does it; larger ones than it copies at once are copied in parts.
func (d *disposal) copy(ctx context.Context, e *storage.Entry) error {
	to := d.to + strings.TrimPrefix(e.Name, d.root)
	if e.Size > mostCopied {
		return d.copyParts(ctx, e, to)
	}
	in := &s3.CopyObjectInput{
		Bucket: &d.store.bucket, Key: &to, CopySource: aws.String(copySource(d.store.bucket, e.Name)), CopySourceIfMatch: given(e.Version),
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey = d.store.object.customer()
	in.CopySourceSSECustomerAlgorithm, in.CopySourceSSECustomerKey = d.store.object.customer()
	_, err := d.store.client.CopyObject(ctx, in)
	return d.store.failed("copying "+e.Name+" to", to, err)
}

func (d *disposal) copyParts(ctx context.Context, e *storage.Entry, to string) error {
	draft, err := d.store.Draft(ctx, to, &storage.File{})
	if err != nil {
		return err
	}
	if err := draft.Splice(ctx, e.Name, 0, e.Size); err != nil {
		return errors.Join(err, draft.Abandon(context.WithoutCancel(ctx)))
	}
	sealed, err := draft.Seal(ctx)
	if err != nil {
		return errors.Join(err, draft.Abandon(context.WithoutCancel(ctx)))
	}
	return d.store.Publish(ctx, to, sealed, true)
}

// parseTags reads name=value&name=value.
func parseTags(text string) (map[string]string, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for name := range values {
		tags[name] = values.Get(name)
	}
	if len(tags) == 0 {
		return nil, errors.New("it has no tag")
	}
	return tags, nil
}
