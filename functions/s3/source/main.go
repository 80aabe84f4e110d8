// Command source is the function of the connector s3.Source.
package main

import (
	"github.com/sluice-connect/sluice/functions/s3"
	"github.com/sluice-connect/sluice/runtime"
)

func main() { runtime.ServeSource(s3.Source) }
