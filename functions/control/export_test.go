package main

import (
	"context"

	"github.com/sluice-connect/sluice/runtime/worker"
)

// Refuse is what the function answers to a request that is not let in, where the secret holds the bearer token.
func Refuse(ctx context.Context, secret string, resolver worker.Secrets, payload []byte) []byte {
	return tokens{secret: secret, resolver: resolver}.refuse(ctx, payload)
}
