package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
	"github.com/sluice-connect/sluice/runtime/secret"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// The environment variables of a function, beside those that Lambda and the AWS SDKs define.
const (
	// EnvTable names the DynamoDB table. Defaults to "sluice".
	EnvTable = "SLUICE_TABLE"
	// EnvConnector names the connector that a sink's function works for.
	EnvConnector = "SLUICE_CONNECTOR"
	// EnvWorker is a JSON object of Connect worker properties: bootstrap.servers, security, default converters,
	// offset.flush.interval.ms, producer.*, config.providers and so on. Values may be placeholders of those providers.
	EnvWorker = "SLUICE_WORKER"
	// EnvClient is a JSON object of properties of Kafka clients, as a deployment has them from how it reaches its brokers.
	// EnvWorker wins over it. Values may be placeholders.
	EnvClient = "SLUICE_CLIENT"
	// EnvLog is "text" for logs that people read; JSON otherwise.
	EnvLog = "SLUICE_LOG"
)

// Environment is what a function is started with.
type Environment struct {
	// Store is the table.
	Store *dynamo.Store
	// Connector is the connector that a sink's function works for.
	Connector string
	// Worker is what the deployment says about all its connectors.
	Worker worker.Env
	// Properties are those of the worker, as they were given.
	Properties map[string]string
}

// LoadEnvironment reads the environment. plugins are what the worker's settings may name. It makes no call, so that a
// function is ready at once.
func LoadEnvironment(ctx context.Context, plugins connector.Plugins) (Environment, error) {
	e := Environment{Connector: os.Getenv(EnvConnector)}
	properties, err := workerProperties()
	if err != nil {
		return e, err
	}
	e.Properties = properties
	table := os.Getenv(EnvTable)
	if table == "" {
		table = "sluice"
	}
	if e.Store, err = dynamo.Open(ctx, dynamo.Options{Table: table}); err != nil {
		return e, fmt.Errorf("opening the table: %w", err)
	}
	if e.Worker, err = worker.NewEnv(properties, plugins); err != nil {
		return e, err
	}
	secrets := secret.New(secret.Options{Properties: properties})
	e.Worker.Secrets = secrets
	e.Worker.Worker = workerID()
	e.Worker.Log = slog.New(secrets.LogHandler(logHandler())) // Invariant 6
	return e, nil
}

// workerProperties are those of the client's variable, and over them those of the worker's.
func workerProperties() (map[string]string, error) {
	properties := map[string]string{}
	for _, name := range []string{EnvClient, EnvWorker} {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &properties); err != nil {
			return nil, fmt.Errorf("reading %s, which must be a JSON object of strings: %w", name, err)
		}
	}
	return properties, nil
}

// workerID names the function and the environment of it that this process is, as Connect names host and port.
func workerID() string {
	name := os.Getenv("AWS_LAMBDA_FUNCTION_NAME")
	if name == "" {
		name = "function"
	}
	if stream := os.Getenv("AWS_LAMBDA_LOG_STREAM_NAME"); stream != "" {
		return name + ":" + stream
	}
	return fmt.Sprintf("%s:%d", name, os.Getpid())
}

func logHandler() slog.Handler {
	if os.Getenv(EnvLog) == "text" {
		return slog.NewTextHandler(os.Stderr, nil)
	}
	return slog.NewJSONHandler(os.Stderr, nil)
}
