package s3

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // S3 makes ETags of it
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// store keeps files in a bucket.
type store struct {
	client *s3.Client
	bucket string
	object object
	// part is how large parts are that are not copied by the server.
	part int

	buffers sync.Pool // of drafts
}

var _ storage.Store = (*store)(nil)

// object is how objects are written.
type object struct {
	encryption  types.ServerSideEncryption
	kmsKey      string
	customerKey config.Secret
	acl         types.ObjectCannedACL
	class       types.StorageClass
	offsets     bool              // as tags
	tags        map[string]string // fixed ones
}

// customer are the headers of encryption with a key of the customer's: algorithm and key.
func (o *object) customer() (algorithm, key *string) {
	if o.customerKey.Reveal() == "" {
		return nil, nil
	}
	return aws.String("AES256"), aws.String(o.customerKey.Reveal())
}

// Stage implements storage.Staging.
func (s *store) Stage(ctx context.Context, name string, data []byte) error {
	algorithm, key := s.object.customer()
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &name, Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))),
		ServerSideEncryption: s.object.encryption, SSEKMSKeyId: given(s.object.kmsKey),
		SSECustomerAlgorithm: algorithm, SSECustomerKey: key,
	})
	return s.failed("staging", name, err)
}

// Read implements storage.Staging.
func (s *store) Read(ctx context.Context, name string, from, length int64) (io.ReadCloser, error) {
	algorithm, key := s.object.customer()
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &name, SSECustomerAlgorithm: algorithm, SSECustomerKey: key}
	if from > 0 || length >= 0 {
		in.Range = aws.String(byteRange(from, length))
	}
	out, err := s.client.GetObject(ctx, in)
	if err != nil {
		return nil, s.failed("reading", name, err)
	}
	return out.Body, nil
}

func byteRange(from, length int64) string {
	text := "bytes=" + strconv.FormatInt(from, 10) + "-"
	if length >= 0 {
		text += strconv.FormatInt(from+length-1, 10)
	}
	return text
}

// mostDeleted is how many objects one request deletes.
const mostDeleted = 1000

// Remove implements storage.Staging.
func (s *store) Remove(ctx context.Context, names ...string) error {
	for len(names) > 0 {
		n := min(len(names), mostDeleted)
		batch := names[:n]
		names = names[n:]
		if n == 1 {
			_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &batch[0]})
			if err := s.failed("removing", batch[0], err); err != nil {
				return err
			}
			continue
		}
		list := make([]types.ObjectIdentifier, n)
		for i := range batch {
			list[i].Key = &batch[i]
		}
		out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &s.bucket, Delete: &types.Delete{Objects: list, Quiet: aws.Bool(true)}})
		if err := s.failed("removing", batch[0]+" and others", err); err != nil {
			return err
		}
		for _, e := range out.Errors {
			return fmt.Errorf("removing %s: %s: %s", aws.ToString(e.Key), aws.ToString(e.Code), aws.ToString(e.Message))
		}
	}
	return nil
}

// handle is a sealed draft: a multipart upload with its parts.
type handle struct {
	Upload string `json:"u"`
	Parts  []part `json:"p"`
}

// part is one part of an upload. Its number is its place, from 1.
type part struct {
	ETag string `json:"e"`
	// CRC32 is its checksum in base64, if the server said one.
	CRC32 string `json:"c,omitempty"`
}

// Publish implements storage.Publisher.
func (s *store) Publish(ctx context.Context, name, text string, overwrite bool) error {
	var h handle
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return fmt.Errorf("reading the handle of an upload: %w", err)
	}
	parts := make([]types.CompletedPart, len(h.Parts))
	for i, p := range h.Parts {
		parts[i] = types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: aws.String(p.ETag), ChecksumCRC32: given(p.CRC32)} //nolint:gosec // at most 10,000
	}
	in := &s3.CompleteMultipartUploadInput{Bucket: &s.bucket, Key: &name, UploadId: &h.Upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}
	if !overwrite {
		in.IfNoneMatch = aws.String("*")
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey = s.object.customer()
	_, err := s.client.CompleteMultipartUpload(ctx, in)
	switch {
	case err == nil:
		return nil
	case is(err, http.StatusNotFound, "NoSuchUpload"):
		return s.completed(ctx, name)
	case is(err, http.StatusPreconditionFailed, "PreconditionFailed"):
		return s.taken(ctx, name, h, text)
	}
	return s.failed("completing", name, err)
}

// completed tells what became of an upload that is gone: it was completed, or else somebody aborted it.
func (s *store) completed(ctx context.Context, name string) error {
	if _, err := s.head(ctx, name); err != nil {
		return fmt.Errorf("completing %s: the upload is gone and there is no such object: somebody aborted the upload, or moved "+
			"the object away in the moment in which it appeared; its records are lost unless the offsets are reset: %w", name, err)
	}
	return nil
}

func (s *store) head(ctx context.Context, name string) (*s3.HeadObjectOutput, error) {
	in := &s3.HeadObjectInput{Bucket: &s.bucket, Key: &name}
	in.SSECustomerAlgorithm, in.SSECustomerKey = s.object.customer()
	return s.client.HeadObject(ctx, in)
}

// taken tells whether the object that has the name is this upload, completed before, or has the same bytes.
func (s *store) taken(ctx context.Context, name string, h handle, text string) error {
	_, err := s.client.ListParts(ctx, &s3.ListPartsInput{Bucket: &s.bucket, Key: &name, UploadId: &h.Upload})
	if is(err, http.StatusNotFound, "NoSuchUpload") {
		return nil
	}
	if err != nil {
		return s.failed("looking at the upload of", name, err)
	}
	there, err := s.head(ctx, name)
	if err != nil {
		return s.failed("looking at", name, err)
	}
	if etag := h.etag(); etag == "" || strings.Trim(aws.ToString(there.ETag), `"`) != etag {
		return fmt.Errorf("%s in bucket %s was not written by this connector, or before its offsets were changed; move it away, or "+
			"set enable.conditional.writes=false to have it replaced: %w", name, s.bucket, storage.ErrTaken)
	}
	return s.Discard(ctx, name, text)
}

// etag is what the object's ETag will be: a digest of the digests of its parts. It is empty where ETags are no digests.
func (h *handle) etag() string {
	all := md5.New() //nolint:gosec // see above
	for _, p := range h.Parts {
		sum, err := hex.DecodeString(strings.Trim(p.ETag, `"`))
		if err != nil || len(sum) != md5.Size {
			return ""
		}
		all.Write(sum)
	}
	return hex.EncodeToString(all.Sum(nil)) + "-" + strconv.Itoa(len(h.Parts))
}

// Discard implements storage.Publisher.
func (s *store) Discard(ctx context.Context, name, text string) error {
	var h handle
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return fmt.Errorf("reading the handle of an upload: %w", err)
	}
	return s.abort(ctx, name, h.Upload)
}

func (s *store) abort(ctx context.Context, name, upload string) error {
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &name, UploadId: &upload})
	if is(err, http.StatusNotFound, "NoSuchUpload") {
		return nil
	}
	return s.failed("aborting the upload of", name, err)
}

// is tells whether an error is an answer of the server with the status and one of the codes.
func is(err error, status int, codes ...string) bool {
	if response, ok := errors.AsType[*awshttp.ResponseError](err); !ok || response.HTTPStatusCode() != status {
		return false
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	for _, code := range codes {
		if api.ErrorCode() == code {
			return true
		}
	}
	return false
}

// failed says what was being done. What may pass by itself is tried again as long as the invocation has time.
func (s *store) failed(doing, name string, err error) error {
	if err == nil {
		return nil
	}
	if is(err, http.StatusNotFound, "NoSuchKey") {
		return fmt.Errorf("%s %s: %w", doing, name, storage.ErrNotFound)
	}
	wrapped := fmt.Errorf("%s %s in bucket %s: %w", doing, name, s.bucket, err)
	retryable := retry.IsErrorRetryables(retry.DefaultRetryables)
	if retryable.IsErrorRetryable(err) == aws.TrueTernary || is(err, http.StatusConflict, "ConditionalRequestConflict", "OperationAborted") {
		return connect.Retry(wrapped, 0)
	}
	return wrapped
}
