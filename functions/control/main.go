// Command control is the function that answers the REST API on AWS, behind an HTTP API or a function URL, and the custom
// resources of the stack. A schedule and sinks have it follow what changes without a request: control.FollowEvent.
//
// Beside what every function reads from its environment, which is the table and the worker's settings, it reads
// SLUICE_FUNCTIONS, the connectors' functions; SLUICE_TRIGGERS, how schedules and mappings are made; SLUICE_REST_TOKEN, the
// secret that holds the bearer token of an HTTP API; and SLUICE_BASE_PATH, the path under which a custom domain maps it.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/control/aws"
	"github.com/sluice-connect/sluice/runtime/control/gateway"
	"github.com/sluice-connect/sluice/runtime/control/stack"
	"github.com/sluice-connect/sluice/runtime/convert/registry/outline"
	"github.com/sluice-connect/sluice/runtime/invoke"
)

func main() {
	h, err := open(context.Background())
	if err != nil {
		slog.Error("starting the function failed", "error", err)
		h = broken(err)
	}
	lambda.Start(h)
}

// broken is the function where its settings are no good, as a stack parameter may make them: it says so to CloudFormation,
// which undoes the change, rather than to keep it waiting. To HTTP it says no more than that, for it knows nobody's token.
func broken(err error) handler {
	answer := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"error_code":500,"message":"The function's settings are not good: its log says why."}`)
	}
	return handler{
		rest:   gateway.Handler{HTTP: http.HandlerFunc(answer)},
		stack:  stack.Handler{Broken: fmt.Errorf("starting the control function: %w", err), Log: slog.Default()},
		broken: err,
	}
}

// handler tells the kinds of event apart.
type handler struct {
	rest  gateway.Handler
	stack stack.Handler
	token tokens
	// follow keeps triggers when no request does: new topics of a pattern, and sinks that gave up.
	follow aws.Follower
	// broken is why it can do none of this.
	broken error
}

// open wires the function. It makes no call, so that the function is ready at once.
func open(ctx context.Context) (handler, error) {
	// Those that keep schemas in a registry are only described: what they link takes longer to start than all the rest.
	plugins := runtime.Plugins().With(outline.Converters())
	e, err := runtime.LoadEnvironment(ctx, plugins)
	if err != nil {
		return handler{}, err
	}
	list, err := aws.ParseFunctions(os.Getenv(aws.EnvFunctions))
	if err != nil {
		return handler{}, err
	}
	for i := range list {
		list[i].Version = cmp.Or(list[i].Version, runtime.Version)
	}
	settings, err := aws.ParseSettings(os.Getenv(aws.EnvTriggers))
	if err != nil {
		return handler{}, err
	}
	settings.Control = os.Getenv("AWS_LAMBDA_FUNCTION_NAME")
	triggers := aws.Triggers{Functions: aws.Functions{Lambda: invoke.Client{}, List: list}, Store: e.Store, Settings: settings}
	if err := triggers.Connect(); err != nil {
		return handler{}, err
	}
	rest, err := control.ParseSettings(e.Properties)
	if err != nil {
		return handler{}, err
	}
	clusters := runtime.NewClusters(e.Worker)
	server := control.New(control.Options{
		Store: e.Store, Functions: triggers.Functions, Triggers: triggers, Clusters: clusters, Admit: triggers.Admit,
		Settings: rest, Plugins: plugins, Version: runtime.Version, Worker: e.Worker.Worker, Log: e.Worker.Log,
	})
	return handler{
		rest: gateway.Handler{HTTP: server, Base: os.Getenv("SLUICE_BASE_PATH")},
		stack: stack.Handler{
			Store: e.Store, Validator: server, Triggers: triggers, Clusters: clusters, Log: e.Worker.Log,
			NeedsRegistry: outline.NeededBy,
		},
		token: tokens{secret: os.Getenv(envToken), resolver: e.Worker.Secrets},

		follow: aws.Follower{Triggers: triggers, Pattern: server},
	}, nil
}

// Invoke implements lambda.Handler.
func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	switch {
	case gateway.Is(payload):
		if answer := h.token.refuse(ctx, payload); answer != nil {
			return answer, nil
		}
		return h.rest.Invoke(ctx, payload)
	case stack.Is(payload):
		return h.stack.Invoke(ctx, payload)
	case h.broken != nil:
		return nil, h.broken
	case aws.IsFollow(payload):
		return h.follow.Invoke(ctx, payload)
	}
	return nil, errors.New("reading the event: it is no HTTP request, and none of CloudFormation")
}
