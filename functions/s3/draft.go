package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-connect/sluice/functions/storage"
)

// Limits of S3: every part but the last has at least leastPart bytes, a copied one at most mostCopied, and an upload has at most
// mostParts parts.
const (
	leastPart  = 5 << 20
	mostCopied = 5 << 30
	mostParts  = 10_000
)

// draft is a multipart upload under way. It keeps less than a part in memory, and is written from one goroutine.
type draft struct {
	store  *store
	name   string
	file   *storage.File
	upload string
	buffer *bytes.Buffer

	beginning errgroup.Group // of the upload, at once if possible
	copying   errgroup.Group // by the server, side by side
	mu        sync.Mutex
	parts     []part
}

// mostCopying is how many parts of one upload the server copies at a time.
const mostCopying = 8

// Draft implements storage.Publisher.
func (s *store) Draft(ctx context.Context, name string, f *storage.File) (storage.Draft, error) {
	d := &draft{store: s, name: name, file: f}
	d.copying.SetLimit(mostCopying)
	d.buffer, _ = s.buffers.Get().(*bytes.Buffer)
	if d.buffer == nil {
		d.buffer = new(bytes.Buffer)
	}
	if !s.object.offsets {
		d.beginning.Go(func() error { return d.create(ctx) })
	}
	return d, nil
}

// begin waits for the upload, which begins with the first part if its tags were not known before.
func (d *draft) begin(ctx context.Context) error {
	if err := d.beginning.Wait(); err != nil || d.upload != "" {
		return err
	}
	return d.create(ctx)
}

func (d *draft) create(ctx context.Context) error {
	o := &d.store.object
	in := &s3.CreateMultipartUploadInput{
		Bucket: &d.store.bucket, Key: &d.name, ServerSideEncryption: o.encryption, SSEKMSKeyId: given(o.kmsKey),
		ACL: o.acl, StorageClass: o.class, Tagging: given(d.tags()), ContentType: aws.String("binary/octet-stream"),
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey = o.customer()
	out, err := d.store.client.CreateMultipartUpload(ctx, in)
	if err != nil {
		return d.store.failed("beginning", d.name, err)
	}
	d.upload = aws.ToString(out.UploadId)
	return nil
}

// tags are those of the object, in the form of a query.
func (d *draft) tags() string {
	o := &d.store.object
	values := url.Values{}
	for name, value := range o.tags {
		values.Set(name, value)
	}
	if o.offsets {
		values.Set("startOffset", strconv.FormatInt(d.file.Start, 10))
		values.Set("endOffset", strconv.FormatInt(d.file.End, 10))
		values.Set("recordCount", strconv.Itoa(d.file.Count))
	}
	return values.Encode()
}

// Append implements storage.Draft.
func (d *draft) Append(ctx context.Context, data []byte) error {
	for {
		n := min(len(data), d.size()-d.buffer.Len())
		d.buffer.Write(data[:n])
		if data = data[n:]; d.buffer.Len() < d.size() {
			return nil
		}
		if err := d.flush(ctx); err != nil {
			return err
		}
	}
}

// size is how large the next part is. It grows with their number, so that any object fits into as many as there may be.
func (d *draft) size() int { return d.store.part << (len(d.parts) / (mostParts / 5)) }

// flush uploads what is in the buffer as a part.
func (d *draft) flush(ctx context.Context) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	number := d.next()
	in := &s3.UploadPartInput{
		Bucket: &d.store.bucket, Key: &d.name, UploadId: &d.upload, PartNumber: number,
		Body: bytes.NewReader(d.buffer.Bytes()), ContentLength: aws.Int64(int64(d.buffer.Len())),
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey = d.store.object.customer()
	out, err := d.store.client.UploadPart(ctx, in)
	if err != nil {
		return d.store.failed("uploading a part of", d.name, err)
	}
	d.done(number, part{ETag: aws.ToString(out.ETag), CRC32: aws.ToString(out.ChecksumCRC32)})
	d.buffer.Reset()
	return nil
}

// next is the number of the next part, which is kept for it.
func (d *draft) next() *int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parts = append(d.parts, part{})
	return aws.Int32(int32(len(d.parts))) //nolint:gosec // at most 10,000
}

func (d *draft) done(number *int32, p part) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parts[*number-1] = p
}

// Splice implements storage.Draft. The server copies what can be a part of its own; the rest is read.
func (d *draft) Splice(ctx context.Context, piece string, from, length int64) error {
	for length > 0 {
		lack := int64(0) // what the buffer needs before it is a part
		if n := d.buffer.Len(); n > 0 {
			lack = max(0, leastPart-int64(n))
		}
		if length-lack < leastPart {
			return d.read(ctx, piece, from, length)
		}
		if lack > 0 {
			if err := d.read(ctx, piece, from, lack); err != nil {
				return err
			}
			from, length = from+lack, length-lack
		}
		if d.buffer.Len() > 0 {
			if err := d.flush(ctx); err != nil {
				return err
			}
		}
		n := min(length, mostCopied)
		if rest := length - n; rest > 0 && rest < leastPart {
			n -= leastPart
		}
		if err := d.copy(ctx, piece, from, n); err != nil {
			return err
		}
		from, length = from+n, length-n
	}
	return nil
}

func (d *draft) read(ctx context.Context, piece string, from, length int64) error {
	r, err := d.store.Read(ctx, piece, from, length)
	if err != nil {
		return err
	}
	chunk := make([]byte, min(length, 256<<10))
	for left := length; left > 0 && err == nil; {
		n, failed := io.ReadFull(r, chunk[:min(left, int64(len(chunk)))])
		left -= int64(n)
		if err = d.Append(ctx, chunk[:n]); err == nil && failed != nil {
			err = fmt.Errorf("reading %s: %w", piece, failed)
		}
	}
	return errors.Join(err, r.Close())
}

func (d *draft) copy(ctx context.Context, piece string, from, length int64) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	number := d.next()
	in := &s3.UploadPartCopyInput{
		Bucket: &d.store.bucket, Key: &d.name, UploadId: &d.upload, PartNumber: number,
		CopySource: aws.String(copySource(d.store.bucket, piece)), CopySourceRange: aws.String(byteRange(from, length)),
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey = d.store.object.customer()
	in.CopySourceSSECustomerAlgorithm, in.CopySourceSSECustomerKey = d.store.object.customer()
	d.copying.Go(func() error {
		out, err := d.store.client.UploadPartCopy(ctx, in)
		if err != nil {
			return d.store.failed("copying "+piece+" into", d.name, err)
		}
		d.done(number, part{ETag: aws.ToString(out.CopyPartResult.ETag), CRC32: aws.ToString(out.CopyPartResult.ChecksumCRC32)})
		return nil
	})
	return nil
}

// copySource is a bucket and a key as the header wants them.
func copySource(bucket, key string) string {
	parts := strings.Split(key, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return bucket + "/" + strings.Join(parts, "/")
}

// Seal implements storage.Draft.
func (d *draft) Seal(ctx context.Context) (string, error) {
	if d.buffer.Len() > 0 || len(d.parts) == 0 {
		if err := d.flush(ctx); err != nil {
			return "", err
		}
	}
	if err := d.copying.Wait(); err != nil {
		return "", err
	}
	text, err := json.Marshal(handle{Upload: d.upload, Parts: d.parts})
	if err == nil {
		d.release()
	}
	return string(text), err
}

// release lets another draft have the buffer.
func (d *draft) release() {
	d.buffer.Reset()
	d.store.buffers.Put(d.buffer)
	d.buffer = nil
}

// Abandon implements storage.Draft.
func (d *draft) Abandon(ctx context.Context) error {
	d.release()
	_ = d.beginning.Wait() // an upload that was not begun need not be aborted
	_ = d.copying.Wait()   // Seal said it, or something else went wrong
	if d.upload == "" {
		return nil
	}
	return d.store.abort(ctx, d.name, d.upload)
}
