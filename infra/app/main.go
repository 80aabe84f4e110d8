// Command app is the CDK app: a stack out of a folder of connector files. cdk.json says how it is built and run.
//
//	cdk deploy -c connectors=DIR -c stack=NAME -c arch=arm64|x86_64 -c rest=file,sql -c registry=true -c retain=false
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/sluice-connect/sluice/infra"
)

func main() {
	defer jsii.Close()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sluice:", err)
		jsii.Close()
		os.Exit(1) //nolint:gocritic // closed just above
	}
}

// architecture is what make was told to build for.
func architecture() string {
	if arch := os.Getenv("ARCH"); arch != "" {
		return arch
	}
	return infra.ARM
}

// run makes the stack. The context's values, all of them optional, say what is decided when the template is made.
func run() error {
	app := awscdk.NewApp(nil)
	value := func(name, otherwise string) string {
		if text, ok := app.Node().TryGetContext(&name).(string); ok && text != "" {
			return text
		}
		return otherwise
	}
	files, err := infra.ReadConnectors(value("connectors", "connectors"))
	if err != nil {
		return err
	}
	props := infra.StackProps{
		RuntimeProps: infra.RuntimeProps{
			Functions: value("functions", "../.build/lambda"), Architecture: value("arch", architecture()), Disposable: value("retain", "true") == "false",
			Registry: value("registry", "false") == "true",
		},
		Connectors: files,
	}
	if rest := value("rest", ""); rest != "" {
		props.Rest = strings.Split(rest, ",")
	}
	if props.Architecture != infra.ARM && props.Architecture != infra.X86 {
		return fmt.Errorf("arch is %q; it can be %s or %s", props.Architecture, infra.ARM, infra.X86)
	}
	if _, err := infra.NewStack(app, value("stack", "Sluice"), props); err != nil {
		return err
	}
	app.Synth(nil)
	return nil
}
