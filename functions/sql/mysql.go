package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// mysqlDialect is MySQL's and MariaDB's.
func mysqlDialect() *dialect {
	return &dialect{
		name: "MySql", systems: []string{"mysql", "mariadb"}, quote: '`', catalogs: true,
		connector: mysqlConnector, limit: mysqlLimit,
		version: "select version()", number: "select connection_id()", kill: "kill",
		isolate: func(level string) (string, error) { return "set session transaction isolation level " + level, nil },
		read:    mysqlRead, clock: mysqlClock,
		// As a text it would be made a TIMESTAMP, and 1970 is none: nothing would be later.
		before: "CAST(", after: " AS DATETIME(6))",
		writers:    mysqlWriters,
		listTables: mysqlTables, readColumns: mysqlColumns,
	}
}

// mysqlConnector makes the driver. It tries the hosts in their order.
func mysqlConnector(a address, user, password string) (driver.Connector, error) {
	var hosts mysqlHosts
	for _, host := range a.hosts {
		cfg := mysql.NewConfig()
		cfg.User, cfg.Passwd, cfg.DBName = user, password, a.database
		cfg.Net, cfg.Addr = "tcp", host
		cfg.ClientFoundRows = true // as Connector/J counts
		cfg.Logger = &mysql.NopLogger{}
		o := mysqlOptions{config: cfg, params: map[string]string{}}
		for _, p := range a.params {
			if err := o.set(p); err != nil {
				return nil, fmt.Errorf("the parameter %s: %w", p.name, err)
			}
		}
		if err := o.finish(a.system); err != nil {
			return nil, err
		}
		c, err := mysql.NewConnector(cfg)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, c)
	}
	return hosts, nil
}

// mysqlHosts are connectors of one database, in order of preference.
type mysqlHosts []driver.Connector

// Connect connects to the first host that lets it. One that refuses the user, or has no such database, ends the search.
func (h mysqlHosts) Connect(ctx context.Context) (driver.Conn, error) {
	var errs []error
	for _, c := range h {
		conn, err := c.Connect(ctx)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
		if e, ok := errors.AsType[*mysql.MySQLError](err); ok && slices.Contains([]uint16{1044, 1045, 1049, 1698}, e.Number) || ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// Driver is the driver of them all.
func (h mysqlHosts) Driver() driver.Driver { return h[0].Driver() }

// mysqlOptions collects what the parameters of a URL say.
type mysqlOptions struct {
	config *mysql.Config
	params map[string]string // those that are only understood together
}

// set takes one parameter. Names are Connector/J's and MariaDB's.
func (o *mysqlOptions) set(p param) (err error) {
	switch p.name {
	case "user":
		o.config.User = either(o.config.User, p.value)
	case "password":
		o.config.Passwd = either(o.config.Passwd, p.value)
	case "sslMode", "useSSL", "useSsl", "requireSSL", "verifyServerCertificate", "trustServerCertificate", "serverSslCert",
		"trustCertificateKeyStoreUrl", "connectionTimeZone", "serverTimezone", "forceConnectionTimeZoneToSession":
		o.params[p.name] = p.value
	case "connectTimeout":
		o.config.Timeout, err = milliseconds(p.value)
	case "socketTimeout":
		o.config.ReadTimeout, err = milliseconds(p.value)
		o.config.WriteTimeout = o.config.ReadTimeout
	case "sessionVariables":
		return o.sessionVariables(p.value)
	case "connectionCollation":
		o.config.Collation = p.value
	case "characterEncoding":
		if !slices.Contains([]string{"utf8", "utf-8", "utf8mb4"}, strings.ToLower(p.value)) {
			return fmt.Errorf("the connection speaks UTF-8, which loses nothing; %q is not needed", p.value)
		}
	case "useCompression":
		var yes bool
		if yes, err = truth(p.value); err == nil {
			err = o.config.Apply(mysql.EnableCompression(yes))
		}
	case "useAffectedRows":
		var yes bool
		yes, err = truth(p.value)
		o.config.ClientFoundRows = !yes
	case "serverRSAPublicKeyFile", "serverRsaPublicKeyFile":
		o.config.ServerPubKey, err = mysqlPublicKey(p.value)
	case "zeroDateTimeBehavior", "yearIsDateType":
		// The source reads them; see reading.
	default:
		if !slices.Contains(mysqlWithoutEffect(), p.name) {
			return errors.New("it is not known here")
		}
	}
	return err
}

// mysqlWithoutEffect are parameters that are taken and change nothing: they are about things that the driver here does
// always, or has no use for.
func mysqlWithoutEffect() []string {
	return []string{
		// Rows are always streamed, dead connections always replaced.
		"defaultFetchSize", "useCursorFetch", "autoReconnect", "autoReconnectForPools", "failOverReadOnly", "maxReconnects",
		"initialTimeout", "secondsBeforeRetryMaster", "queriesBeforeRetryMaster", "secondsBeforeRetrySource",
		"queriesBeforeRetrySource", "retriesAllDown", "transactionReplay", "tcpKeepAlive", "tcpNoDelay", "useReadAheadInput",
		// Statements are prepared by the server, and rows sent many at a time.
		"useServerPrepStmts", "cachePrepStmts", "prepStmtCacheSize", "prepStmtCacheSqlLimit", "rewriteBatchedStatements",
		"useBulkStmts", "useBulkStmtsForInserts", "allowMultiQueries", "cacheCallableStmts", "callableStmtCacheSize",
		// The driver here keeps no state of the session that it would have to look after.
		"useLocalSessionState", "useLocalTransactionState", "elideSetAutoCommits", "cacheServerConfiguration",
		"cacheResultSetMetadata", "maintainTimeStats", "alwaysSendSetIsolation", "useInformationSchema",
		"nullCatalogMeansCurrent", "nullDatabaseMeansCurrent", "noAccessToProcedureBodies",
		// A key is asked of the server if there is no TLS; db.timezone says what a time without zone means.
		"allowPublicKeyRetrieval", "useTimezone", "useLegacyDatetimeCode", "cacheDefaultTimezone", "cacheDefaultTimeZone",
		"useJDBCCompliantTimezoneShift", "preserveInstants", "treatUtilDateAsTimestamp", "sendFractionalSeconds",
		"noDatetimeStringSync",
		// Types are those of the defaults.
		"useUnicode", "useOldAliasMetadataBehavior", "tinyInt1isBit", "transformedBitIsBoolean", "jdbcCompliantTruncation",
		// Nothing is logged or traced.
		"logger", "profileSQL", "dumpQueriesOnException", "includeInnodbStatusInDeadlockExceptions", "logSlowQueries",
	}
}

// sessionVariables reads a=1,b='x,y'.
func (o *mysqlOptions) sessionVariables(text string) error {
	if o.config.Params == nil {
		o.config.Params = map[string]string{}
	}
	quote := rune(0)
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool {
		switch {
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case r == quote:
			quote = 0
		}
		return quote == 0 && (r == ',' || r == ';')
	}) {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return fmt.Errorf("%q is not name=value", part)
		}
		o.config.Params[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return nil
}

// finish puts together what parameters say together.
func (o *mysqlOptions) finish(system string) error {
	if err := o.tls(system); err != nil {
		return err
	}
	if force, err := truth(either(o.params["forceConnectionTimeZoneToSession"], "false")); err != nil {
		return fmt.Errorf("the parameter forceConnectionTimeZoneToSession: %w", err)
	} else if zone := either(o.params["connectionTimeZone"], o.params["serverTimezone"]); force && zone != "" {
		if err := o.sessionVariables("time_zone='" + strings.ReplaceAll(zone, "'", "''") + "'"); err != nil {
			return err
		}
	}
	return nil
}

// mysqlLimit has the server end statements after some milliseconds: MariaDB all of them, MySQL those that read.
func mysqlLimit(version string, ms int64) []string {
	if mariaDB(version) {
		return []string{fmt.Sprintf("set session max_statement_time = %d.%03d", ms/1000, ms%1000)}
	}
	return []string{fmt.Sprintf("set session max_execution_time = %d", ms)}
}

func mariaDB(version string) bool { return strings.Contains(version, "MariaDB") }

// mysqlTables lists tables. A name is made of the catalog, which is MySQL's database, and the table's.
func mysqlTables(ctx context.Context, q querier, f tableFilter) ([]tableName, error) {
	kinds := map[string]string{"BASE TABLE": "TABLE", "VIEW": "VIEW", "SYSTEM VIEW": "SYSTEM VIEW"}
	query := "select table_schema, table_name, table_type from information_schema.tables" +
		" where table_schema not in ('information_schema', 'performance_schema', 'mysql', 'sys')"
	var args []any
	if f.catalog != nil {
		query, args = query+" and table_schema = ?", append(args, *f.catalog)
	}
	var names []tableName
	err := collect(ctx, q, query+" order by 1, 2", args, func(scan func(dest ...any) error) error {
		var n tableName
		var kind string
		if err := scan(&n.catalog, &n.table, &kind); err != nil {
			return err
		}
		if f.has(kinds[kind]) {
			names = append(names, n)
		}
		return nil
	})
	return names, err
}

func mysqlColumns(ctx context.Context, q querier, name tableName) (*table, error) {
	const query = `select c.table_schema, c.column_name, c.column_type, c.is_nullable,
		case when version() like '%MariaDB%' then coalesce(c.column_default, 'NULL') <> 'NULL' else c.column_default is not null end,
		c.extra, coalesce(k.ordinal_position, 0), coalesce(c.datetime_precision, -1)
		from information_schema.columns c left join information_schema.key_column_usage k
			on k.table_schema = c.table_schema and k.table_name = c.table_name and k.column_name = c.column_name
			and k.constraint_name = 'PRIMARY'
		where c.table_schema = coalesce(nullif(?, ''), database()) and c.table_name = ? order by c.ordinal_position`
	t := &table{name: tableName{table: name.table}}
	err := collect(ctx, q, query, []any{either(name.catalog, name.schema), name.table}, func(scan func(dest ...any) error) error {
		var c column
		var nullable, extra string
		if err := scan(&t.name.catalog, &c.name, &c.typ, &nullable, &c.defaulted, &extra, &c.key, &c.digits); err != nil {
			return err
		}
		c.typ, extra = strings.ToLower(c.typ), strings.ToLower(extra)
		c.nullable = nullable == "YES"
		c.counting = strings.Contains(extra, "auto_increment")
		c.computed = strings.Contains(extra, "generated") && !strings.Contains(extra, "default_generated")
		c.defaulted = c.defaulted || c.counting || c.computed || strings.Contains(extra, "default_generated")
		t.columns = append(t.columns, c)
		return nil
	})
	if len(t.columns) == 0 {
		return nil, err
	}
	return t, err
}
