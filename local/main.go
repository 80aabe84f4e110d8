// Command sluice runs Kafka Connect connectors on a desk: the very function binaries that are deployed, over an embedded
// Kafka and an embedded table, started by one command.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		// One clear line; what cobra would add is how to call the command, which is rarely what went wrong.
		fmt.Fprintln(os.Stderr, "sluice:", err)
		if errors.Is(err, errUsage) {
			fmt.Fprintln(os.Stderr, "Run 'sluice up --help' for how to call it.")
		}
		stop()
		os.Exit(1) //nolint:gocritic // the deferred stop was just called
	}
}

// errUsage marks errors in how the command was called.
var errUsage = errors.New("")

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "sluice",
		Short:         "Kafka Connect without the cluster",
		Long:          "Sluice runs Kafka Connect connectors as functions. On a desk, 'sluice up' runs the function binaries\nagainst an embedded Kafka and an embedded table.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w%w", err, errUsage) })
	cmd.AddCommand(upCommand())
	return cmd
}
