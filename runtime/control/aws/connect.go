package aws

import (
	"context"
	"errors"
	"os"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
)

// Connect gives the triggers their clients, with the region, credentials and endpoint that the environment names. It makes
// no call, and leaves out the SDK's own search for settings: a function has all of it in its environment.
func (t *Triggers) Connect() error {
	region := os.Getenv("AWS_REGION")
	if region == "" {
		return errors.New("opening the triggers: no region; set AWS_REGION")
	}
	credentials := sdk.NewCredentialsCache(sdk.CredentialsProviderFunc(environment))
	t.Mappings.API = lambda.New(lambda.Options{Region: region, Credentials: credentials, BaseEndpoint: endpoint("LAMBDA")})
	t.Schedules = scheduler.New(scheduler.Options{Region: region, Credentials: credentials, BaseEndpoint: endpoint("SCHEDULER")})
	return nil
}

func environment(context.Context) (sdk.Credentials, error) {
	return sdk.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "environment",
	}, nil
}

// endpoint is where a service answers, nil for the usual place.
func endpoint(service string) *string {
	for _, name := range []string{"AWS_ENDPOINT_URL_" + service, "AWS_ENDPOINT_URL"} {
		if url := os.Getenv(name); url != "" {
			return &url
		}
	}
	return nil
}
