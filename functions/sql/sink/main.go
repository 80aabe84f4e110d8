// Command sink is the function of the connector sql.Sink.
package main

import (
	"github.com/sluice-connect/sluice/functions/sql"
	"github.com/sluice-connect/sluice/runtime"
)

func main() { runtime.ServeSink(sql.Sink) }
