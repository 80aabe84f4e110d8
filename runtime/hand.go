package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/sluice-connect/sluice/runtime/invoke"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// hand returns how a function invokes itself for one further task.
func hand() func(ctx context.Context, tick worker.Tick) error {
	return func(ctx context.Context, tick worker.Tick) error {
		payload, err := json.Marshal(tick)
		if err == nil {
			err = invoke.Client{}.Event(ctx, os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), payload)
		}
		if err != nil {
			return fmt.Errorf("handing %s on: %w", payload, err)
		}
		return nil
	}
}
