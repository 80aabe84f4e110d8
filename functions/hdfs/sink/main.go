// Command sink is the function of the connector hdfs.Sink.
package main

import (
	"github.com/sluice-connect/sluice/functions/hdfs"
	"github.com/sluice-connect/sluice/runtime"
)

func main() { runtime.ServeSink(hdfs.Sink) }
