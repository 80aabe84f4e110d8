// Command sink is the function of the connector file.Sink.
package main

import (
	"github.com/sluice-connect/sluice/functions/file"
	"github.com/sluice-connect/sluice/runtime"
)

func main() { runtime.ServeSink(file.Sink) }
