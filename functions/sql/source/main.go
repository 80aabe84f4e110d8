// Command source is the function of the connector sql.Source.
package main

import (
	"github.com/sluice-connect/sluice/functions/sql"
	"github.com/sluice-connect/sluice/runtime"
)

func main() { runtime.ServeSource(sql.Source) }
