// Package table is the desk's DynamoDB: an [http.Handler] that speaks the DynamoDB JSON 1.0 protocol over one file on disk.
//
// It exists so that the very function binaries which are deployed can run on a desk, unchanged, against an endpoint that keeps what it
// acknowledged. It knows the operations the runtime and its tools use (tables, items, conditional writes, queries, batches and
// transactions) and answers everything else with UnknownOperationException. Secondary indexes, streams, backups and PartiQL are not here.
//
// Reading order:
//
//	table.go      Open, ServeHTTP, Counts: from an HTTP request to an operation
//	admin.go      tables and their time-to-live settings
//	read.go       GetItem, BatchGetItem, TransactGetItems; query.go: Query and Scan
//	write.go      PutItem, UpdateItem, DeleteItem, BatchWriteItem; transact.go: TransactWriteItems
//	commit.go     how writes reach the disk, several at a time
//	scope.go, lex.go, condition.go, update.go, project.go, key.go    expressions
//	value.go, number.go, stored.go, size.go                          attribute values and their forms
//
// # Durability
//
// A write is answered after its bolt transaction was committed and synced, so neither a killed process nor a lost power supply takes back
// an answer. Writes that arrive while a commit is under way share the next one.
package table
