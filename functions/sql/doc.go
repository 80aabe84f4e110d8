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
// A query that fails for a reason that may go away, a lock not got in time say, is sent again as query.retry.attempts says.
// Where the original would send a query again that can never succeed, the task fails, and says why.
//
// An offset never passes a timestamp whose rows were not all read: records in the midst of rows with one timestamp have no
// offset.
//
// The originals leave out columns whose type Connect has none for, and fail on values that do not fit the type they chose.
// sluice.types=extended carries them: BIGINT UNSIGNED and long BITs as Decimal, NUMERIC without scale, MySQL's TIME,
// intervals, ranges, network addresses, bit strings, composite types and those of extensions as text, PostgreSQL's arrays as
// arrays, and SQLite's INTEGER as 64 bits.
//
// # Sink
//
// Every record becomes a row of the table that table.name.format says; modes, keys, deletes and the creation and evolution
// of tables are the originals'. A batch is one transaction. Tables are made to fit before it begins. Rows go by COPY and by
// statements over arrays to PostgreSQL, and by statements of up to 256 rows to the others; rows of one key within a batch
// count as if they were written one after the other.
//
// An error is tried again max.retries times, as ever, unless the same records must meet it again: a value too long, a
// constraint. A deadlock, a serialization failure, a connection found dead and a table changed by somebody else are tried
// again at once and count for nothing. With errors.tolerance=all a record that cannot be written is found by halving the
// batch, and reported alone, while the others are written; without, nothing of the batch is.
//
// Delivery is at least once, and without a key a batch that comes again is there twice. sluice.exactly.once=true writes the
// offsets of the records into the table sluice_offsets, in the transaction that writes the records, and skips what it says
// is written; a record that failed is named there, so that it is reported again if it comes again. Offsets that a user sets
// by REST count for it, too. A topic that was deleted and made anew begins at 0 again, so reset the connector's offsets then.
//
// Aiven's connector makes VARCHAR(256) of text in MySQL, where Confluent's makes TEXT, and runs the deletes of a batch after
// all its writes, so that a row deleted and written again within a batch is gone. Under Aiven's class names both is done so;
// sluice.delete.order=offset keeps the order of the records.
//
// A time without a zone is that of db.timezone. So is a day, unless date.timezone is UTC: the originals take a Date's
// midnight to that zone, which west of Greenwich is the day before.
//
// Days before 15 October 1582 are in Java's older calendar, in which the originals have them, unless date.calendar.system is
// PROLEPTIC_GREGORIAN.
//
// # Connections
//
// A JDBC URL is understood with the parameters that matter here; one that is not known is an error. So it is with driver
// properties, which are settings of their own, connection.<property>. Several hosts are tried in their order. Certificates are read as PEM, not from Java's key stores. Where MySQL's caching_sha2_password goes without
// TLS, the password is encrypted with the server's public key, which is asked of the server unless serverRSAPublicKeyFile
// names it.
//
// # How it is made
//
// [dialect] holds what a database system has of its own; all else is the same for all of them. [connection] are the
// settings both directions have; its open gives a [database]: the one connection of a task, replaced when it is found
// dead, whose server ends a statement when nobody waits for it any more. [table] is what the catalog says of a table. [reader] reads
// one table of a source up to a [horizon], by a [result] that is read row by row. A [sinkWriter] makes a [plan] for each pair
// of schemas, parts a batch into segments that go the same way, and hands them to the [rowWriter] of the system.
//
// Identifiers are always quoted, and values always bound, but for the defaults of new columns, which no database takes so.
package sql
