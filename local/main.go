// Command sluice runs Kafka Connect connectors on a desk: the very function binaries that are deployed, over an embedded
// Kafka and an embedded table, started by one command.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/runtime"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	if err := root().ExecuteContext(ctx); err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			os.Exit(interrupted) //nolint:gocritic // nothing is left to be stopped
		}
		// One clear line; what cobra would add is how to call the command, which is rarely what went wrong.
		text := strings.ReplaceAll(err.Error(), "\n", "; ")
		if errors.Is(err, errUsage) {
			text += " (see 'sluice up --help')"
		}
		fmt.Fprintln(os.Stderr, "sluice:", text)
		stop()
		os.Exit(1)
	}
}

// interrupted is the exit status of a start that Ctrl-C broke off.
const interrupted = 130

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
	cmd.AddCommand(upCommand(), importCommand(), proxyCommand(), redriveCommand(), eventCommand(), versionCommand())
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "sluice %s; behaves as Apache Kafka Connect %s\n", version(), runtime.Version)
			return err
		},
	}
}

// version is what the build knows of itself: the module's version, or the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "of a development build"
	}
	return info.Main.Version
}
