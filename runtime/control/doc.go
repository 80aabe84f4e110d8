// Package control is Connect's REST API: connectors as a user sees them. One [Server] answers it as an http.Handler over
// three ports: the table ([offset.Store]), the functions that know the connector classes ([Functions]), and what invokes
// them ([Triggers]). It links no connector and no driver: what a class alone can say is asked of its function.
//
// # What is true
//
// The table is. Every change is a write on condition that the connector is still as it was read; PUT and the changes of
// state read again and repeat, PATCH merges again, and a request with If-Match is refused instead. A state is derived
// from what is in the table and from whether the trigger really is off; nothing about connectors is remembered here, so
// that any number of servers may answer for one table.
//
// Statuses, bodies and texts are those of Kafka Connect 4.3.1, as recorded from it in testdata.
package control
