// Command source is the function of the connector datagen.Source.
package main

import (
	"github.com/sluice-connect/sluice/functions/datagen"
	"github.com/sluice-connect/sluice/runtime"
)

func main() { runtime.ServeSource(datagen.Source) }
