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
//
// # What is not Connect's
//
// Each addition has a resource of its own, or an optional member or header of a request: GET /connectors/…/health and
// expand=health, POST /connectors/…/run, offsets and initial_offsets in POST /connectors, ETag and If-Match, and
// /openapi.json, which describes all of it. Literal PASSWORD settings are masked, unless the worker says
// sluice.rest.passwords=raw.
//
// # Connect's own tests
//
// The tests of this package are in part those of Kafka Connect, told again and passing: TestConnect in integration_test.go
// has a subtest for each class, and in it one for each test, named as there.
//
//	Connect's test class                       what of it is replayed, and where if not in TestConnect
//	ConnectWorkerIntegrationTest               restart of a failed task, statuses while tasks.max changes, pause, stop and
//	                                           resume, initial states with and without offsets, deletion before any run,
//	                                           PATCH of a configuration
//	ConnectorRestartApiIntegrationTest         unknown connectors, all variants on healthy and on failed tasks
//	ConnectorTopicsIntegrationTest             active topics and their reset; switched off in
//	                                           TestServer_LeavesOutWhatIsSwitchedOff
//	ConnectorValidationIntegrationTest         the number of errors of ten bad configurations; more in runtime/connector
//	OffsetsApiIntegrationTest                  unknown and running connectors, bad bodies, altering, resetting
//	FileStreamSourceConnectorIntegrationTest   lines, resuming, altered and reset offsets
//	FileStreamSinkConnectorIntegrationTest     lines, altered and reset offsets, two tasks
//	StandaloneWorkerIntegrationTest            log levels
//	SessionedProtocolIntegrationTest           unsigned and badly signed requests, in
//	                                           TestServer_RefusesWhatWorkersAskEachOther
//
// Not replayed is what is about several workers, rebalances, Java's class loading or threads that hang: there are none
// here.
package control
