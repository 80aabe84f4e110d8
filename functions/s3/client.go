package s3

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/sluice-connect/sluice/runtime/config"
)

// access says where the bucket is and as whom it is used.
type access struct {
	bucket, region, endpoint string
	pathStyle                bool
	key                      string
	secret                   config.Secret
	role, session, external  string
	duration                 time.Duration
	stsEndpoint              string
	retries                  int
	backoff, backoffMax      time.Duration
}

// client makes no call.
func (a *access) client() (*s3.Client, error) {
	region := cmp.Or(a.region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	if region == "" {
		return nil, errors.New("opening the bucket: there is no region; set AWS_REGION")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.MaxIdleConnsPerHost = 32
	transport.ResponseHeaderTimeout = 30 * time.Second
	client := &http.Client{Transport: transport}
	var identity aws.CredentialsProvider = aws.CredentialsProviderFunc(environment)
	if a.key != "" {
		identity = credentials.NewStaticCredentialsProvider(a.key, a.secret.Reveal(), "")
	}
	if a.role != "" {
		service := sts.New(sts.Options{Region: region, Credentials: aws.NewCredentialsCache(identity), HTTPClient: client, BaseEndpoint: given(a.stsEndpoint)})
		identity = stscreds.NewAssumeRoleProvider(service, a.role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName, o.ExternalID = cmp.Or(a.session, "sluice"), given(a.external)
			if a.duration > 0 {
				o.Duration = a.duration
			}
		})
	}
	return s3.New(s3.Options{
		Region: region, Credentials: aws.NewCredentialsCache(identity), HTTPClient: client, Logger: logging.Nop{},
		UsePathStyle: a.pathStyle, BaseEndpoint: given(cmp.Or(a.endpoint, os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"))),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 1 + a.retries
			o.RateLimiter = unlimited{}
			o.Backoff = retry.BackoffDelayerFunc(a.pause)
		}),
		// The SDK complains about every answer without a checksum; TLS and the length say the same.
		DisableLogOutputChecksumValidationSkipped: true,
	}), nil
}

// pause is how long to wait before a try: at random, at most twice as long every time.
func (a *access) pause(attempt int, _ error) (time.Duration, error) {
	most := max(a.backoffMax, a.backoff)
	limit := min(most, a.backoff<<min(attempt, 16))
	return rand.N(limit + 1), nil
}

// unlimited lets every retry pass: the runtime bounds them by the invocation's time.
type unlimited struct{}

// GetToken implements retry.RateLimiter.
func (unlimited) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}

// AddTokens implements retry.RateLimiter.
func (unlimited) AddTokens(uint) error { return nil }

// environment are the credentials of the function's role.
func environment(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "the environment",
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return c, errors.New("no credentials; set aws.access.key.id and aws.secret.access.key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return c, nil
}

// given is a pointer to a text that is not empty.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// asURL puts https:// before an endpoint without a scheme.
func asURL(endpoint string) string {
	if endpoint == "" || strings.Contains(endpoint, "://") {
		return endpoint
	}
	return "https://" + endpoint
}
