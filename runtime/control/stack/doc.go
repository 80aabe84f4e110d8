// Package stack answers the custom resources of Sluice's CloudFormation stacks: the control function is their handler.
//
//	Custom::Connector  validates a connector's configuration and writes it into the table
//	Custom::Triggers   tells the table what triggers the stack made, and makes them fit the target state that is there
//	Custom::Cleanup    removes, when the stack goes, what connectors that REST created left in the account
//
// A configuration is that of the connector's file with the stack parameter over it. The item keeps what the stack last
// wrote, its StackBase; an update that asks for the same writes nothing. So a deployment that fails never overwrites, when
// it is rolled back, what REST changed since; and what REST changed stays until the stack asks for something else.
// Configuration and state are told apart: a new configuration does not start a connector that REST paused.
package stack
