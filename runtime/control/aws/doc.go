// Package aws implements the ports of runtime/control with Lambda.
//
// Functions are those that the stack deployed: it tells the control function of them in the environment variable
// SLUICE_FUNCTIONS, a JSON list with one object for each connector class:
//
//	[{"class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "type": "source", "version": "4.3.1",
//	  "function": "sluice-rest-file-source"}]
//
// What is said there needs no call, so that most requests are answered without any function but this one. A connector that
// the stack made has a function of its own, which its item names in the trigger handle "function"; the others share the one
// of their class. Either may be an alias, name:alias.
package aws
