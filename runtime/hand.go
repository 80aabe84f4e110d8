package runtime

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

	"github.com/sluice-connect/sluice/runtime/worker"
)

// hand returns how a function invokes itself for one further task: Lambda's Invoke call of type Event. It is one signed
// request; a whole client of the service would double what it costs to start a function.
func hand() func(ctx context.Context, tick worker.Tick) error {
	client := &http.Client{Timeout: 10 * time.Second}
	return func(ctx context.Context, tick worker.Tick) error {
		payload, err := json.Marshal(tick)
		if err != nil {
			return fmt.Errorf("writing the event of task %d: %w", *tick.Task, err)
		}
		request, err := invokeRequest(ctx, payload)
		if err != nil {
			return fmt.Errorf("invoking this function for task %d: %w", *tick.Task, err)
		}
		answer, err := client.Do(request)
		if err != nil {
			return fmt.Errorf("invoking this function for task %d: %w", *tick.Task, err)
		}
		defer answer.Body.Close()
		if answer.StatusCode/100 != 2 {
			text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
			return fmt.Errorf("invoking this function for task %d: %s: %s", *tick.Task, answer.Status, text)
		}
		return nil
	}
}

func invokeRequest(ctx context.Context, payload []byte) (*http.Request, error) {
	region := os.Getenv("AWS_REGION")
	endpoint := os.Getenv("AWS_ENDPOINT_URL_LAMBDA")
	if endpoint == "" {
		endpoint = os.Getenv("AWS_ENDPOINT_URL")
	}
	if endpoint == "" {
		endpoint = "https://lambda." + region + ".amazonaws.com"
	}
	name := url.PathEscape(os.Getenv("AWS_LAMBDA_FUNCTION_NAME"))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/2015-03-31/functions/"+name+"/invocations", bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Amz-Invocation-Type", "Event")
	sum := sha256.Sum256(payload)
	credentials := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	return request, v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "lambda", region, time.Now())
}
