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
// The tests of this project are in part those of Kafka Connect, told again and passing, under the names they have there:
// TestConnect has a subtest for each class, and in it one for each test. Those marked * are in another test, which the
// last column names.
//
//	Connect's test                                         told again as, and what is seen
//	ConnectWorkerIntegrationTest
//	  testRestartFailedTask, testTaskStatuses              same; tasks follow tasks.max
//	  testPauseStopResume                                  same; each change twice
//	  testStoppedState *                                   TestServer_StatesAreThoseOfConnect: any changes, also of what failed
//	  testCreateConnectorWithPausedInitialState            same
//	  testCreate…WithStoppedInitialStateAndModifyOffsets   same, both
//	  testDeleteConnectorCreatedWith…InitialState          same
//	  testPatchConnectorConfig, testPluginAliases          same
//	  testTasksMaxEnforcement *                            worker.TestConnect_TasksMaxEnforcement; but when new tasks cannot be
//	                                                       planned the old ones do not run: they are those of another
//	                                                       configuration
//	  testCompactedDeletedOlderConnectorConfig *           main.TestUp_RunsASourceAtOnce: created again, it has the new one
//	  testAddAndRemoveWorker, testBrokerCoordinator,       there are no workers that keep anything: whoever is invoked reads
//	  testRequestTimeouts, testPollTimeoutExpiry           the table
//	ConnectorRestartApiIntegrationTest                     same: unknown connectors, all variants on healthy and failed tasks
//	ConnectorTopicsIntegrationTest
//	  testGetActiveTopics                                  same
//	  testTopicTrackingIsDisabled, …ResetIsDisabled *      TestServer_LeavesOutWhatIsSwitchedOff
//	ConnectorValidationIntegrationTest                     same: the number of errors of each bad configuration; converters
//	                                                       without a constructor cannot be, since nothing is loaded
//	  testValidation…DoesNotContainResolvedValue *         runtime.TestControls_ShowNoSecret, connector.TestConceal_…
//	ConnectorClientPolicyIntegrationTest                   same, all nine
//	OffsetsApiIntegrationTest                              same: unknown and running connectors, bad bodies, altering, resetting
//	  …InvalidRequestBody, …ZombieSinkTasks *              TestServer_SinkOffsetsThatCannotBe, TestServer_SourceOffsetsThatCannotBe
//	FileStreamSourceConnectorIntegrationTest               same: lines, resuming, altered and reset offsets
//	FileStreamSinkConnectorIntegrationTest                 same: lines, altered and reset offsets, two tasks
//	StandaloneWorkerIntegrationTest
//	  testDynamicLogging                                   same
//	SessionedProtocolIntegrationTest *                     TestServer_RefusesWhatWorkersAskEachOther
//	ConnectorsResourceTest, ConnectorPluginsResourceTest,  TestServer_AnswersAsRecorded: what Kafka Connect 4.3.1 answered to
//	RootResourceTest, LoggingResourceTest,                 317 requests, and TestServer_UnderstandsRequestsAsConnectDoes
//	connect_rest_test.py *
//	connect_distributed_test.py
//	  test_restart_failed_…, test_pause_…, …_persistent *  ConnectWorkerIntegrationTest, and worker.TestSource_…
//
// Not told again is what is about several workers, rebalances, Java's class loading or threads that hang, and
// exactly-once sources: there are none here. Mirrors, errors, transforms and the moving of records are not this package's.
package control
