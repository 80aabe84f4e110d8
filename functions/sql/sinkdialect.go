package sql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// sinkDialect is what one database system has of its own when it is written to.
type sinkDialect struct {
	types sqlTypes
	// boolean are the literals of truth values, binary is the format of one of bytes, and quotedText writes one of text.
	boolean    map[bool]string
	binary     string
	quotedText func(text string) string
	// alterOne says that an ALTER TABLE adds one column only.
	alterOne bool
	// begin starts a transaction that is going to write.
	begin string
	// home is a query for the catalog and the schema in which names without them are.
	home string
	// kind is a query for the type of a table, given its schema or catalog and its name.
	kind string
	// upsert is what follows the rows of an INSERT that is to change rows that are there. It is nil where batches are written
	// by [postgresWriter].
	upsert func(keys, others []string) string
	// offsets makes the table of offsets.
	offsets string
	// lock follows a SELECT whose rows are to be locked.
	lock string
	// most is the most values that may be bound to a statement.
	most int
}

// sqlTypes are the types of a system's new columns.
type sqlTypes struct {
	logical map[string]string // by the schema's name; %d stands for a decimal's scale
	plain   map[schema.Type]string
	fine    string // of timestamps in microseconds
	arrays  bool
}

func sinkDialectOf(d *dialect, aiven bool) sinkDialect {
	switch d.name {
	case "MySql":
		return mysqlSink(aiven)
	case "PostgreSql":
		return postgresSink()
	}
	return sqliteSink()
}

// mysqlSink is MySQL's and MariaDB's. Aiven's connector has another type for text.
func mysqlSink(aiven bool) sinkDialect {
	text := "TEXT"
	if aiven {
		text = "VARCHAR(256)"
	}
	return sinkDialect{
		types: sqlTypes{
			logical: map[string]string{
				schema.DecimalName: "DECIMAL(65,%d)", schema.DateName: "DATE", schema.TimeName: "TIME(3)", schema.TimestampName: "DATETIME(3)",
			},
			plain: map[schema.Type]string{
				schema.Int8: "TINYINT", schema.Int16: "SMALLINT", schema.Int32: "INT", schema.Int64: "BIGINT", schema.Float32: "FLOAT",
				schema.Float64: "DOUBLE", schema.Boolean: "TINYINT", schema.String: text, schema.Bytes: "VARBINARY(1024)",
			},
			fine: "DATETIME(6)",
		},
		boolean: map[bool]string{true: "1", false: "0"}, binary: "x'%x'",
		quotedText: func(text string) string {
			if strings.Contains(text, `\`) { // whether it escapes depends on sql_mode
				return fmt.Sprintf("(CONVERT(x'%x' USING utf8mb4))", text)
			}
			return singleQuoted(text)
		},
		begin: "START TRANSACTION", home: "select coalesce(database(), ''), ''",
		kind: "select case table_type when 'BASE TABLE' then 'TABLE' else table_type end from information_schema.tables" +
			" where table_schema = ? and table_name = ?",
		upsert: func(keys, others []string) string {
			if len(others) == 0 {
				others = keys
			}
			return " ON DUPLICATE KEY UPDATE " + assignments(others, "%[1]s=VALUES(%[1]s)")
		},
		offsets: "CREATE TABLE IF NOT EXISTS sluice_offsets (connector VARCHAR(255) NOT NULL, kafka_topic VARCHAR(249) NOT NULL," +
			" kafka_partition INT NOT NULL, kafka_offset BIGINT NOT NULL, failed LONGTEXT NOT NULL," +
			" PRIMARY KEY (connector, kafka_topic, kafka_partition)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ENGINE=InnoDB",
		lock: " FOR UPDATE", most: 65535,
	}
}

func postgresSink() sinkDialect {
	return sinkDialect{
		types: sqlTypes{
			logical: map[string]string{
				schema.DecimalName: "DECIMAL", schema.DateName: "DATE", schema.TimeName: "TIME", schema.TimestampName: "TIMESTAMP",
			},
			plain: map[schema.Type]string{
				schema.Int8: "SMALLINT", schema.Int16: "SMALLINT", schema.Int32: "INT", schema.Int64: "BIGINT", schema.Float32: "REAL",
				schema.Float64: "DOUBLE PRECISION", schema.Boolean: "BOOLEAN", schema.String: "TEXT", schema.Bytes: "BYTEA",
			},
			fine: "TIMESTAMP", arrays: true,
		},
		boolean: map[bool]string{true: "TRUE", false: "FALSE"}, binary: `'\x%x'`,
		quotedText: func(text string) string {
			if strings.Contains(text, `\`) { // whether it escapes depends on standard_conforming_strings, but not after an E
				return "E" + singleQuoted(strings.ReplaceAll(text, `\`, `\\`))
			}
			return singleQuoted(text)
		},
		begin: "BEGIN", home: "select current_database(), coalesce(current_schema(), 'public')",
		kind: "select case c.relkind when 'v' then 'VIEW' when 'p' then 'PARTITIONED TABLE' else 'TABLE' end from pg_catalog.pg_class c" +
			" join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2",
		offsets: "CREATE TABLE IF NOT EXISTS sluice_offsets (connector TEXT NOT NULL, kafka_topic TEXT NOT NULL," +
			" kafka_partition INT NOT NULL, kafka_offset BIGINT NOT NULL, failed TEXT NOT NULL," +
			" PRIMARY KEY (connector, kafka_topic, kafka_partition))",
		lock: " FOR UPDATE", most: 65535,
	}
}

func sqliteSink() sinkDialect {
	return sinkDialect{
		types: sqlTypes{
			logical: map[string]string{
				schema.DecimalName: "NUMERIC", schema.DateName: "NUMERIC", schema.TimeName: "NUMERIC", schema.TimestampName: "NUMERIC",
			},
			plain: map[schema.Type]string{
				schema.Int8: "INTEGER", schema.Int16: "INTEGER", schema.Int32: "INTEGER", schema.Int64: "INTEGER", schema.Float32: "REAL",
				schema.Float64: "REAL", schema.Boolean: "INTEGER", schema.String: "TEXT", schema.Bytes: "BLOB",
			},
			fine: "NUMERIC",
		},
		boolean: map[bool]string{true: "1", false: "0"}, binary: "x'%x'", quotedText: singleQuoted,
		alterOne: true, begin: "BEGIN IMMEDIATE", home: "select '', ''",
		kind: "select upper(type) from sqlite_schema where ? = '' and name = ?",
		upsert: func(keys, others []string) string {
			target := " ON CONFLICT (" + strings.Join(keys, ",") + ") DO "
			if len(others) == 0 {
				return target + "NOTHING"
			}
			return target + "UPDATE SET " + assignments(others, "%[1]s=excluded.%[1]s")
		},
		offsets: "CREATE TABLE IF NOT EXISTS sluice_offsets (connector TEXT NOT NULL, kafka_topic TEXT NOT NULL," +
			" kafka_partition INTEGER NOT NULL, kafka_offset INTEGER NOT NULL, failed TEXT NOT NULL," +
			" PRIMARY KEY (connector, kafka_topic, kafka_partition))",
		most: 32766,
	}
}

// singleQuoted is a text in quotes, which are doubled inside.
func singleQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// assignments writes one assignment for every column, which are quoted already.
func assignments(columns []string, format string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = fmt.Sprintf(format, c)
	}
	return strings.Join(out, ",")
}

// target is a table that is written to.
type target struct {
	*table
	// kind is what JDBC calls its type: TABLE, PARTITIONED TABLE or VIEW.
	kind string
	// casts are PostgreSQL's names of the columns' types, without sizes: a value that is cast to a type with a size would be
	// cut to it in silence.
	casts map[string]string
}

// describe reads a table's columns. It returns nil if there is no such table.
func (w *sinkWriter) describe(ctx context.Context, name tableName) (*target, error) {
	found, err := w.db.describe(ctx, w.conn, name)
	if err != nil || found == nil {
		return nil, err
	}
	t := &target{table: found}
	space := either(found.name.schema, found.name.catalog)
	if err := w.conn.QueryRowContext(ctx, w.kind, space, found.name.table).Scan(&t.kind); err != nil {
		return nil, fmt.Errorf("reading the type of %s: %w", name, err)
	}
	if w.upsert == nil {
		t.casts, err = postgresCasts(ctx, w.conn, found.name)
	}
	return t, err
}

func postgresCasts(ctx context.Context, conn *sql.Conn, name tableName) (map[string]string, error) {
	casts := map[string]string{}
	err := collect(ctx, conn, `select a.attname, pg_catalog.format_type(a.atttypid, -1) from pg_catalog.pg_attribute a
		join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped`, []any{name.schema, name.table},
		func(scan func(dest ...any) error) error {
			var column, cast string
			if err := scan(&column, &cast); err != nil {
				return err
			}
			casts[column] = cast
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("reading the types of %s: %w", name, err)
	}
	return casts, nil
}
