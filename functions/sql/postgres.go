package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresDialect is PostgreSQL's.
func postgresDialect() *dialect {
	return &dialect{
		name: "PostgreSql", systems: []string{"postgresql"}, quote: '"', dollar: true, folds: true,
		connector: postgresConnector,
		limit:     func(_ string, ms int64) []string { return []string{fmt.Sprintf("set statement_timeout = %d", ms)} },
		version:   "show server_version",
		isolate: func(level string) (string, error) {
			return "set session characteristics as transaction isolation level " + level, nil
		},
		read: postgresRead, zoned: true, clock: postgresClock, oldest: postgresOldest, writers: postgresWriters,
		listTables: postgresTables, readColumns: postgresColumns,
	}
}

// postgresConnector makes the driver, which tries the hosts in their order.
func postgresConnector(a address, user, password string) (driver.Connector, error) {
	var hosts, ports []string
	for _, h := range a.hosts {
		host, port, err := net.SplitHostPort(h)
		if err != nil {
			return nil, err
		}
		hosts, ports = append(hosts, host), append(ports, port)
	}
	o := postgresOptions{settings: map[string]string{
		"host": strings.Join(hosts, ","), "port": strings.Join(ports, ","), "dbname": a.database, "user": user,
		"password": password, "sslmode": "prefer",
	}}
	for _, p := range a.params {
		if err := o.set(p); err != nil {
			return nil, fmt.Errorf("the parameter %s: %w", p.name, err)
		}
	}
	if o.settings["dbname"] == "" {
		o.settings["dbname"] = o.settings["user"] // as PostgreSQL does
	}
	cfg, err := pgx.ParseConfig(o.text())
	if err != nil {
		return nil, errors.New("it, or the user or password, cannot be used for a connection to PostgreSQL")
	}
	// Who stops waiting has the server stop working.
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: cancelTime}
	}
	return stdlib.GetConnector(*cfg), nil
}

// postgresOptions collects the settings of a connection, in libpq's words.
type postgresOptions struct{ settings map[string]string }

// set takes one parameter. Names are pgjdbc's.
func (o *postgresOptions) set(p param) (err error) {
	same := map[string]string{ // pgjdbc's name → libpq's
		"sslmode": "sslmode", "sslrootcert": "sslrootcert", "sslcert": "sslcert", "sslkey": "sslkey",
		"sslpassword": "sslpassword", "sslNegotiation": "sslnegotiation", "channelBinding": "channel_binding",
		"ApplicationName": "application_name", "options": "options", "currentSchema": "search_path",
	}
	if name, ok := same[p.name]; ok {
		o.settings[name] = p.value
		return nil
	}
	switch p.name {
	case "user", "password":
		o.settings[p.name] = either(o.settings[p.name], p.value)
	case "ssl":
		// pgjdbc: true, or no value at all, means to verify.
		yes, err := truth(either(p.value, "true"))
		if err != nil {
			return err
		}
		if yes && o.settings["sslmode"] == "prefer" {
			o.settings["sslmode"] = "verify-full"
		}
	case "sslfactory":
		if p.value != "org.postgresql.ssl.NonValidatingFactory" {
			return fmt.Errorf("%q is a Java class; use sslmode and sslrootcert", p.value)
		}
		o.settings["sslmode"] = "require"
	case "connectTimeout", "loginTimeout":
		if _, err := strconv.Atoi(p.value); err != nil {
			return fmt.Errorf("%q is not a number of seconds", p.value)
		}
		o.settings["connect_timeout"] = p.value
	case "targetServerType":
		o.settings["target_session_attrs"], err = targetServer(p.value)
	case "readOnly":
		var yes bool
		if yes, err = truth(p.value); yes {
			o.settings["default_transaction_read_only"] = "on"
		}
	default:
		if !slices.Contains(postgresWithoutEffect(), p.name) {
			return errors.New("it is not known here")
		}
	}
	return err
}

func targetServer(name string) (string, error) {
	kinds := map[string]string{
		"any": "any", "primary": "primary", "master": "primary", "secondary": "standby", "slave": "standby",
		"preferSecondary": "prefer-standby", "preferSlave": "prefer-standby", "preferPrimary": "any",
	}
	kind, ok := kinds[name]
	if !ok {
		return "", fmt.Errorf("there is no kind of server %q", name)
	}
	return kind, nil
}

// postgresWithoutEffect are parameters that are taken and change nothing.
func postgresWithoutEffect() []string {
	return []string{
		// Rows are always streamed, statements prepared, values sent as is best, dead connections found.
		"defaultRowFetchSize", "adaptiveFetch", "adaptiveFetchMinimum", "adaptiveFetchMaximum", "prepareThreshold",
		"preparedStatementCacheQueries", "preparedStatementCacheSizeMiB", "preferQueryMode", "binaryTransfer",
		"binaryTransferEnable", "binaryTransferDisable", "reWriteBatchedInserts", "tcpKeepAlive", "tcpNoDelay",
		"socketTimeout", "cancelSignalTimeout", "sendBufferSize", "receiveBufferSize", "maxResultBuffer", "maxSendBufferSize",
		// The hosts are tried in their order, each time.
		"loadBalanceHosts", "hostRecheckSeconds",
		// Of Java's own concern.
		"assumeMinServerVersion", "autosave", "cleanupSavepoints", "databaseMetadataCacheFields",
		"databaseMetadataCacheFieldsMiB", "escapeSyntaxCallMode", "groupStartupParameters", "gssEncMode", "gsslib",
		"logServerErrorDetail", "logUnclosedConnections", "loggerFile", "loggerLevel", "quoteReturningIdentifiers",
		"readOnlyMode", "stringtype", "unknownLength", "useSpnego", "jaasLogin", "jaasApplicationName",
	}
}

// text writes the settings as libpq reads them.
func (o *postgresOptions) text() string {
	var b strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for name, value := range o.settings {
		if value != "" {
			fmt.Fprintf(&b, "%s='%s' ", name, escape.Replace(value))
		}
	}
	return b.String()
}

// postgresTables lists tables. A name is made of the schema and the table's.
func postgresTables(ctx context.Context, q querier, f tableFilter) ([]tableName, error) {
	kinds := map[string]string{
		"r": "TABLE", "p": "PARTITIONED TABLE", "v": "VIEW", "m": "MATERIALIZED VIEW", "f": "FOREIGN TABLE",
	}
	query := `select n.nspname, c.relname, c.relkind::text from pg_catalog.pg_class c
		join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\_toast%' and n.nspname not like 'pg\_temp%'`
	var args []any
	if f.schema != nil {
		query, args = query+" and n.nspname like $1", append(args, *f.schema)
	}
	var names []tableName
	err := collect(ctx, q, query+" order by 1, 2", args, func(scan func(dest ...any) error) error {
		var n tableName
		var kind string
		if err := scan(&n.schema, &n.table, &kind); err != nil {
			return err
		}
		if f.has(kinds[kind]) {
			names = append(names, n)
		}
		return nil
	})
	return names, err
}

func postgresColumns(ctx context.Context, q querier, name tableName) (*table, error) {
	const query = `select n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), not a.attnotnull,
		a.atthasdef or a.attidentity <> '', a.attgenerated <> '',
		a.attidentity <> '' or coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') like 'nextval(%',
		coalesce(array_position(i.indkey::int2[], a.attnum), -1) + 1,
		case when a.atttypid in ('timestamp'::regtype, 'timestamptz'::regtype) then
			case when a.atttypmod < 0 then 6 else a.atttypmod end when a.atttypid = 'date'::regtype then 0 else -1 end
		from pg_catalog.pg_attribute a
		join pg_catalog.pg_class c on c.oid = a.attrelid
		join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
		left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
		where c.oid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by a.attnum`
	// A table's name has no catalog but that of the connection.
	path := postgresDialect().quotedTable(tableName{schema: name.schema, table: name.table})
	t := &table{}
	err := collect(ctx, q, query, []any{path}, func(scan func(dest ...any) error) error {
		var c column
		err := scan(&t.name.schema, &t.name.table, &c.name, &c.typ, &c.nullable, &c.defaulted, &c.computed, &c.counting, &c.key, &c.digits)
		if err != nil {
			return err
		}
		c.typ = strings.ToLower(c.typ)
		t.columns = append(t.columns, c)
		return nil
	})
	if len(t.columns) == 0 {
		return nil, err
	}
	return t, err
}
