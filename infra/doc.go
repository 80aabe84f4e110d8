// Package infra declares Sluice on AWS, as CDK constructs: what the app in infra/app deploys, and what other people's apps
// can use beside resources of their own.
//
//	Runtime          the table, the control function with its doors, the network; one per stack
//	SourceConnector  a connector file of a source: function, role, schedule, alarms, stack parameters
//	SinkConnector    the same of a sink, with a Kafka trigger for each of its topics
//	NewStack         all of it out of a folder of connector files; the app is no more than this
//
// # How a deployment goes
//
// What CloudFormation cannot change in place (a connector's name, class and topics) comes from its file when the template
// is made; everything else is a stack parameter. A parameter that overrides something of the file has a default that says
// "as the file does": CloudFormation keeps the value a stack was made with, also one that was a default, so that a default
// copied from the file would hide every later edit of the file.
//
// For each connector the order is: function and role, then Custom::Connector, by which the control function validates the
// configuration and writes it into the table; then the schedule or the mappings; then Custom::Triggers, which makes them
// fit the target state in the table. The table says what is wanted, not the template: what was paused by REST stays paused.
//
// # Reading order
//
// stack.go, runtime.go, source.go, sink.go; file.go and class.go (which function runs a connector, and what it may do);
// kafka.go (brokers and how to sign in), network.go, rights.go, function.go, rest.go (connectors made by REST),
// observe.go (alarms and dashboard), parameter.go (and their table, PARAMETERS.md).
package infra
