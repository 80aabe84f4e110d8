// Command sink is the function of the connector s3.Sink.
package main

import (
	"github.com/sluice-connect/sluice/functions/s3"
	"github.com/sluice-connect/sluice/runtime"
)

func main() { runtime.ServeSink(s3.Sink) }
