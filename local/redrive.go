package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// redriveFlags are the options of sluice redrive.
type redriveFlags struct {
	bucket, prefix, function, region, profile string
	dry                                       bool
}

func redriveCommand() *cobra.Command {
	var f redriveFlags
	cmd := &cobra.Command{
		Use:   "redrive --bucket BUCKET",
		Short: "Put back what sinks failed on for good",
		Long: `Reads what Kafka triggers gave up on from the stack's bucket, the output FailuresBucket, oldest first, and invokes the
sinks with it once more. What a sink takes is deleted from the bucket; what it fails on again stays there.`,
		Example: "  sluice redrive --bucket sluice-failures --dry-run\n  sluice redrive --bucket sluice-failures --function Sluice-OrdersSink-abc",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runRedrive(cmd, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.bucket, "bucket", "", "the bucket")
	fl.StringVar(&f.prefix, "prefix", "aws/lambda/", "only what has a key that begins so; aws/lambda/UUID/ is one trigger")
	fl.StringVar(&f.function, "function", "", "the function to invoke (default: the one that failed)")
	fl.StringVar(&f.region, "region", "", "AWS region (default: that of the environment)")
	fl.StringVar(&f.profile, "profile", "", "AWS profile (default: that of the environment)")
	fl.BoolVar(&f.dry, "dry-run", false, "only say what is there")
	return cmd
}

func runRedrive(cmd *cobra.Command, f redriveFlags) error {
	if f.bucket == "" {
		return fmt.Errorf("--bucket is missing%w", errUsage)
	}
	account, err := awsConfig(cmd.Context(), f.region, f.profile)
	if err != nil {
		return err
	}
	r := redriver{
		redriveFlags: f, out: cmd.OutOrStdout(), lambda: lambda.NewFromConfig(account),
		bucket: s3.NewFromConfig(account, func(o *s3.Options) { o.UsePathStyle = account.BaseEndpoint != nil }),
	}
	return r.run(cmd.Context())
}

// redriver puts back what is in a bucket.
type redriver struct {
	redriveFlags
	out    io.Writer
	bucket *s3.Client
	lambda *lambda.Client
}

func (r redriver) run(ctx context.Context) error {
	objects, err := r.list(ctx)
	if err != nil {
		return err
	}
	failed := 0
	for _, o := range objects {
		n, err := r.one(ctx, *o.Key)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			failed++
			r.say("%s stays: %v\n", *o.Key, err)
		case r.dry:
			r.say("%s has %d records\n", *o.Key, n)
		default:
			r.say("%s: %d records are done with\n", *o.Key, n)
		}
	}
	if failed > 0 {
		return fmt.Errorf("redriving bucket %s: %d of %d objects stay", r.redriveFlags.bucket, failed, len(objects))
	}
	return nil
}

// say tells how it went. Nobody is left to tell that this failed.
func (r redriver) say(format string, arguments ...any) {
	_, _ = fmt.Fprintf(r.out, format, arguments...)
}

// list are the objects, oldest first.
func (r redriver) list(ctx context.Context) ([]types.Object, error) {
	var objects []types.Object
	for pages := s3.NewListObjectsV2Paginator(r.bucket, &s3.ListObjectsV2Input{Bucket: &r.redriveFlags.bucket, Prefix: &r.prefix}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing bucket %s: %w", r.redriveFlags.bucket, err)
		}
		objects = append(objects, page.Contents...)
	}
	slices.SortStableFunc(objects, func(a, b types.Object) int { return a.LastModified.Compare(*b.LastModified) })
	return objects, nil
}

// one puts one object back, and returns how many records it held.
func (r redriver) one(ctx context.Context, key string) (int, error) {
	object, err := r.bucket.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.redriveFlags.bucket, Key: &key})
	if err != nil {
		return 0, fmt.Errorf("reading it: %w", err)
	}
	defer object.Body.Close()
	text, err := io.ReadAll(object.Body)
	if err != nil {
		return 0, fmt.Errorf("reading it: %w", err)
	}
	function, payload, err := gaveUp(text)
	if err != nil {
		return 0, err
	}
	if r.function != "" {
		function = r.function
	}
	pieces, n, err := pieces(payload)
	if err != nil || r.dry {
		return n, err
	}
	for _, piece := range pieces {
		if err := r.invoke(ctx, function, piece); err != nil {
			return n, err
		}
	}
	if _, err = r.bucket.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &r.redriveFlags.bucket, Key: &key}); err != nil {
		return n, fmt.Errorf("its records are done with, but deleting it: %w", err)
	}
	return n, nil
}

func (r redriver) invoke(ctx context.Context, function string, piece []byte) error {
	answer, err := r.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: piece})
	if err != nil {
		return fmt.Errorf("invoking %s: %w", function, err)
	}
	if answer.FunctionError != nil {
		return fmt.Errorf("%s failed on it again: %s", function, answer.Payload)
	}
	var partial struct {
		Failures []json.RawMessage `json:"batchItemFailures"`
	}
	if json.Unmarshal(answer.Payload, &partial) == nil && len(partial.Failures) > 0 {
		return fmt.Errorf("%s failed again from %s on", function, bytes.Join(rawBytes(partial.Failures), []byte(", ")))
	}
	return nil
}

func rawBytes(raw []json.RawMessage) [][]byte {
	out := make([][]byte, len(raw))
	for i, r := range raw {
		out[i] = r
	}
	return out
}

// gaveUp reads what a trigger wrote: the function that failed, without a version behind it, and the event it failed on.
func gaveUp(text []byte) (function string, payload []byte, err error) {
	var record struct {
		RequestContext struct {
			FunctionArn string `json:"functionArn"`
		} `json:"requestContext"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(text, &record); err != nil {
		return "", nil, fmt.Errorf("it is not what a trigger writes: %w", err)
	}
	payload = record.Payload
	var inner string
	if json.Unmarshal(payload, &inner) == nil {
		payload = []byte(inner)
	}
	if len(payload) == 0 {
		return "", nil, errors.New("it holds no payload")
	}
	return strings.TrimSuffix(record.RequestContext.FunctionArn, ":$LATEST"), payload, nil
}

// pieces parts an event into those that Lambda takes. Records keep their order; what is larger than any event is an error.
func pieces(payload []byte) (events [][]byte, records int, err error) {
	var decoder kafka.Decoder
	event, err := decoder.Decode(payload)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the event: %w", err)
	}
	encoder := kafka.Encoder{Source: event.Source, Arn: event.Arn, Bootstrap: event.Bootstrap}
	flush := func() {
		if encoder.Len() > 0 {
			events = append(events, bytes.Clone(encoder.Bytes()))
			encoder.Reset()
		}
	}
	for _, batch := range event.Batches {
		for i := range batch.Messages {
			m := &batch.Messages[i]
			records++
			if encoder.Add(batch.Topic, batch.Partition, m) {
				continue
			}
			flush()
			if !encoder.Add(batch.Topic, batch.Partition, m) {
				return nil, records, fmt.Errorf("the record %s-%d@%d is larger than any event; take it out by hand", batch.Topic, batch.Partition, m.Offset)
			}
		}
	}
	flush()
	return events, records, nil
}
