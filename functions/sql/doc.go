// Package sql reads from SQL databases and writes to them, as the JDBC connectors of Confluent and Aiven do: MySQL, MariaDB,
// PostgreSQL and SQLite. A configuration written for those works unchanged.
//
// # How it is made
//
// [dialect] holds what a database system has of its own; all else is the same for all of them. [connection] are the
// settings both directions have; its open gives a [database]: the one connection of a task, replaced when it is found
// dead, whose server ends statements when the invocation does. [table] is what the catalog says of a table.
//
// Identifiers are always quoted, and values always bound.
package sql
