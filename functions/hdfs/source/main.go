// Command source is the function of the connector hdfs.Source.
package main

import (
	"github.com/sluice-connect/sluice/functions/hdfs"
	"github.com/sluice-connect/sluice/runtime"
)

func main() { runtime.ServeSource(hdfs.Source) }
