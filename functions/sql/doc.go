// Package sql reads from SQL databases and writes to them, as the JDBC connectors of Confluent and Aiven do: MySQL, MariaDB,
// PostgreSQL and SQLite. A configuration written for those works unchanged. Where the two differ, Aiven's behaviour is had
// by Aiven's class names.
//
// # Source
//
// Every row becomes a record without a key, whose value is a struct named after the table. The modes, filters, queries and
// types are the originals'; the source partition and offset of a table are
//
//	{"protocol": "1", "table": "shop.orders"}    {"incrementing": 14, "timestamp": 1704067200001, "timestamp_nanos": 1000000}
//
// and the older {"table": "orders"} is read, too, so that offsets of a running Kafka Connect are gone on from. Rows are
// streamed: at most batch.max.rows are in memory. poll.interval.ms says when a table is looked at again, whether or not the
// function is invoked more often. A bulk copy begins anew when its invocation ended before it did.
//
// No row is missed. A row gets its number or its timestamp when it is written, and is seen when its transaction ends, so a
// later one may be seen first. The originals read on and never come back. This source reads up to a horizon, behind which
// nobody can write any more: it notes who is writing to the table, and waits until they have ended. PostgreSQL shows that
// to everybody; for timestamps its user should be a member of pg_monitor, else every open transaction is waited for. MySQL
// shows it to users that may read performance_schema, and MySQL and MariaDB to those with the privilege PROCESS; others
// read sluice.incrementing.delay.ms late. A transaction that stays open holds its table back, and the log says so. What
// the database cannot know is the user's to care for: numbers that an application takes long before it uses them, sequences
// with a cache, and timestamps of an application's own clock, for which there is timestamp.delay.interval.ms.
// sluice.horizon=none has the originals' behaviour.
//
// An offset never passes a timestamp whose rows were not all read: records in the midst of rows with one timestamp have no
// offset.
//
// The originals leave out columns whose type Connect has none for, and fail on values that do not fit the type they chose.
// sluice.types=extended carries them: BIGINT UNSIGNED and long BITs as Decimal, NUMERIC without scale, MySQL's TIME,
// intervals, ranges, network addresses and bit strings as text, PostgreSQL's arrays as arrays, and SQLite's INTEGER as
// 64 bits.
//
// # Connections
//
// A JDBC URL is understood with the parameters that matter here; one that is not known is an error. Several hosts are tried in
// their order. Certificates are read as PEM, not from Java's key stores. Where MySQL's caching_sha2_password goes without
// TLS, the password is encrypted with the server's public key, which is asked of the server unless serverRSAPublicKeyFile
// names it.
//
// # How it is made
//
// [dialect] holds what a database system has of its own; all else is the same for all of them. [connection] are the
// settings both directions have; its open gives a [database]: the one connection of a task, replaced when it is found
// dead, whose server ends statements when the invocation does. [table] is what the catalog says of a table. [reader] reads
// one table of a source up to a [horizon], by a [result] that is read row by row.
//
// Identifiers are always quoted, and values always bound.
package sql
