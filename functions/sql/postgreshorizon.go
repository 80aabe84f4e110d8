package sql

import (
	"context"
	"database/sql"
	"time"
)

func postgresClock(ctx context.Context, q querier) (at time.Time, err error) {
	err = collect(ctx, q, "select clock_timestamp()", nil, func(scan func(dest ...any) error) error { return scan(&at) })
	return at, err
}

// postgresOldest is when the oldest transaction in the database began: none of those that are open can write a now() before
// that. seen is false if the user may not see it of all.
func postgresOldest(ctx context.Context, q querier) (at time.Time, seen bool, err error) {
	const query = `select (select min(xact_start) from activity), (select count(*) from activity where backend_type is null)
		+ (select count(*) from pg_catalog.pg_prepared_xacts where database = current_database())`
	const activity = `with activity as (select xact_start, backend_type from pg_catalog.pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid() and (backend_type is null
			or backend_type in ('client backend', 'background worker', 'parallel worker', 'logical replication worker'))) `
	var began sql.NullTime
	var hidden int
	err = collect(ctx, q, activity+query, nil, func(scan func(dest ...any) error) error { return scan(&began, &hidden) })
	return began.Time, hidden == 0, err
}

// postgresWriters asks who holds the lock that everybody who writes to the table has until the transaction ends. For
// timestamps it asks for all transactions: now() is when the transaction began, whatever it wrote to since.
func postgresWriters(ctx context.Context, d *database, name *tableName, byTime bool) (writers []string, seen bool, err error) {
	query := `select distinct virtualtransaction from pg_catalog.pg_locks where locktype = 'relation' and granted
		and mode = 'RowExclusiveLock' and relation >= 16384
		and database = (select oid from pg_catalog.pg_database where datname = current_database())`
	var args []any
	switch {
	case byTime:
		query = `select virtualtransaction from pg_catalog.pg_locks where locktype = 'virtualxid' and granted
			and pid in (select pid from pg_catalog.pg_stat_activity where datname = current_database() and pid <> pg_backend_pid())
			union select 'prepared/' || transaction::text from pg_catalog.pg_prepared_xacts where database = current_database()`
	case name != nil:
		query = `with recursive tree as (select to_regclass($1)::oid as oid
			union select inhrelid from pg_catalog.pg_inherits join tree on inhparent = tree.oid) ` +
			query + " and relation in (select oid from tree)"
		args = append(args, d.quotedTable(*name))
	}
	err = collect(ctx, d.pool, query, args, func(scan func(dest ...any) error) error {
		var w string
		err := scan(&w)
		writers = append(writers, w)
		return err
	})
	return writers, true, err
}
