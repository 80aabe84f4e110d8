// Package invoke calls Lambda functions. An invocation is one signed request; a whole client of the service would double
// what it costs to start a function.
package invoke

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Client invokes functions with the region, the credentials and the endpoint that the environment names, as the SDKs read
// it. Its zero value is ready.
type Client struct{}

// acceptTime is how long Lambda may take to accept an event.
const acceptTime = 10 * time.Second

// mostAnswer is the size of an answer beyond which it is not read: Lambda's own limit, and some.
const mostAnswer = 6<<20 + 4096

// Event has a function handle an event some time soon, and does not wait for it. function is a name, name:alias or ARN.
func (c Client) Event(ctx context.Context, function string, payload []byte) error {
	ctx, cancel := context.WithTimeout(ctx, acceptTime)
	defer cancel()
	_, err := c.send(ctx, function, "Event", payload)
	return err
}

// Call has a function handle an event and returns its answer. If the function failed, the error is an *[Error].
func (c Client) Call(ctx context.Context, function string, payload []byte) (answer []byte, err error) {
	return c.send(ctx, function, "RequestResponse", payload)
}

// Error is the failure of a function that was invoked, as it said itself.
type Error struct {
	Function string
	// Type is the failure's type in the function's language, Message what it says.
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

func (c Client) send(ctx context.Context, function, kind string, payload []byte) ([]byte, error) {
	request, err := request(ctx, function, kind, payload)
	if err != nil {
		return nil, fmt.Errorf("invoking function %s: %w", function, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("invoking function %s: %w", function, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading what function %s answered: %w", function, err)
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("invoking function %s: %s: %s", function, response.Status, text[:min(len(text), 1<<10)])
	}
	if response.Header.Get("X-Amz-Function-Error") != "" {
		failure := &Error{Function: function}
		if json.Unmarshal(text, failure) != nil || failure.Message == "" {
			failure.Message = string(text)
		}
		return nil, failure
	}
	return text, nil
}

func request(ctx context.Context, function, kind string, payload []byte) (*http.Request, error) {
	region := os.Getenv("AWS_REGION")
	address := endpoint(region) + "/2015-03-31/functions/" + url.PathEscape(function) + "/invocations"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Amz-Invocation-Type", kind)
	sum := sha256.Sum256(payload)
	credentials := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	return request, v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "lambda", region, time.Now())
}

func endpoint(region string) string {
	for _, name := range []string{"AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"} {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return "https://lambda." + region + ".amazonaws.com"
}
