// Command control is the function that answers the REST API on AWS, behind an HTTP API or a function URL.
//
// Beside what every function reads from its environment, which is the table and the worker's settings, it reads
// SLUICE_FUNCTIONS, the connectors' functions, and SLUICE_BASE_PATH, the path under which a custom domain maps the API.
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/control/aws"
	"github.com/sluice-connect/sluice/runtime/control/gateway"
	"github.com/sluice-connect/sluice/runtime/invoke"
)

func main() {
	h, err := open(context.Background())
	if err != nil {
		slog.Error("starting the function failed", "error", err)
		os.Exit(1)
	}
	lambda.Start(h)
}

// handler tells the kinds of event apart.
type handler struct {
	rest gateway.Handler
}

// open wires the function. It makes no call, so that the function is ready at once.
func open(ctx context.Context) (handler, error) {
	e, err := runtime.LoadEnvironment(ctx)
	if err != nil {
		return handler{}, err
	}
	list, err := aws.ParseFunctions(os.Getenv(aws.EnvFunctions))
	if err != nil {
		return handler{}, err
	}
	functions := aws.Functions{Lambda: invoke.Client{}, List: list}
	server := control.New(control.Options{
		Store: e.Store, Functions: functions, Triggers: aws.Triggers{Functions: functions}, Clusters: runtime.NewClusters(e.Worker),
		Plugins: runtime.Plugins(), Version: runtime.Version, Worker: e.Worker.Worker, Log: e.Worker.Log,
	})
	return handler{rest: gateway.Handler{HTTP: server, Base: os.Getenv("SLUICE_BASE_PATH")}}, nil
}

// Invoke implements lambda.Handler.
func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if gateway.Is(payload) {
		return h.rest.Invoke(ctx, payload)
	}
	return nil, errors.New("reading the event: it is no HTTP request")
}
