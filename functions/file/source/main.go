// Command source is the function of the connector file.Source.
package main

import (
	"github.com/sluice-connect/sluice/functions/file"
	"github.com/sluice-connect/sluice/runtime"
)

func main() { runtime.ServeSource(file.Source) }
