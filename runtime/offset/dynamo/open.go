package dynamo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/logging"
)

// Open returns the store in the table the options and the environment name. It makes no call. The SDK's own search for
// settings is left out: a Lambda function has all of it in the environment, and pays for what it links at every start.
func Open(_ context.Context, o Options) (*Store, error) {
	if o.Table == "" {
		return nil, errors.New("opening the table: it has no name")
	}
	region := first(o.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	if region == "" {
		return nil, fmt.Errorf("opening table %s: no region; set AWS_REGION", o.Table)
	}
	options := dynamodb.Options{
		Region:      region,
		Credentials: aws.NewCredentialsCache(aws.CredentialsProviderFunc(o.credentials)),
		Retryer:     aws.NopRetryer{},
		HTTPClient:  httpClient(),
		Logger:      logging.Nop{},
		// The SDK complains about the checksum of every answer that is an error; TLS and the JSON's end say the same.
		DisableValidateResponseChecksum: true,
	}
	if endpoint := first(o.Endpoint, os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"), os.Getenv("AWS_ENDPOINT_URL")); endpoint != "" {
		options.BaseEndpoint = &endpoint
	}
	return New(dynamodb.New(options), o.Table, o), nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func (o Options) credentials(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{AccessKeyID: o.AccessKey, SecretAccessKey: o.SecretKey, SessionToken: o.SessionToken, Source: "options"}
	if o.AccessKey == "" {
		c = aws.Credentials{
			AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "environment",
		}
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return c, errors.New("no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return c, nil
}

// httpClient keeps few connections, since an invocation makes few calls at once, and gives up dialling soon, since an
// attempt is short.
func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) {
			d.Timeout, d.KeepAlive = time.Second, 15*time.Second
		}).
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost = 4, 4
			t.TLSHandshakeTimeout = time.Second
			t.IdleConnTimeout = 50 * time.Second
		})
}

// CreateTable makes the table, paid per request, unless it is there, and waits until it can be used.
func (s *Store) CreateTable(ctx context.Context) error {
	_, err := s.api.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &s.table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	var there *types.ResourceInUseException
	if err != nil && !errors.As(err, &there) {
		return fmt.Errorf("creating table %s: %w", s.table, err)
	}
	for {
		out, err := s.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.table})
		if err != nil {
			return fmt.Errorf("waiting for table %s: %w", s.table, err)
		}
		if out.Table != nil && out.Table.TableStatus == types.TableStatusActive {
			return nil
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for table %s: %w", s.table, err)
		}
	}
}
