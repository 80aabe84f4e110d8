package sql

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// The ways in which MySQL and MariaDB show who is writing.
const (
	sightLocks        = "locks"        // metadata locks, of which whoever writes to a table has one until the transaction ends
	sightTransactions = "transactions" // InnoDB's transactions
	sightNone         = "none"
)

// cacheTime is how long InnoDB may answer from memory when it is asked for transactions.
const cacheTime = 120 * time.Millisecond

// mysqlClock is the session's time, as a time in UTC.
func mysqlClock(ctx context.Context, q querier) (at time.Time, err error) {
	var text string
	err = collect(ctx, q, "select cast(current_timestamp(6) as char)", nil, func(scan func(dest ...any) error) error { return scan(&text) })
	if err != nil {
		return at, err
	}
	return time.Parse("2006-01-02 15:04:05.999999", text)
}

// mysqlWriters asks for metadata locks where they can be seen, which is exact; else for InnoDB's transactions.
func mysqlWriters(ctx context.Context, d *database, name *tableName, _ bool) (writers []string, seen bool, err error) {
	if d.sight == "" {
		if d.sight, err = mysqlSight(ctx, d.pool); err != nil {
			return nil, false, err
		}
	}
	query, args := "", []any(nil)
	switch d.sight {
	case sightNone:
		return nil, false, nil
	case sightLocks:
		query = `select distinct concat(owner_thread_id, '/', owner_event_id) from performance_schema.metadata_locks
			where object_type = 'TABLE' and lock_type in ('SHARED_WRITE', 'SHARED_WRITE_LOW_PRIO', 'SHARED_NO_READ_WRITE')`
		if name != nil {
			query, args = query+" and object_schema = ? and object_name = ?", []any{name.catalog, name.table}
		}
	default:
		return mysqlTransactions(ctx, d)
	}
	err = collect(ctx, d.pool, query, args, func(scan func(dest ...any) error) error {
		var w string
		err := scan(&w)
		writers = append(writers, w)
		return err
	})
	return writers, true, err
}

// errStale says that InnoDB answered from memory.
var errStale = errors.New("InnoDB answers from memory while others ask it for transactions, too")

// mysqlTransactions asks for InnoDB's transactions. InnoDB answers from memory as long as somebody has asked within a tenth of
// a second, whoever that was; so the question itself must be found in the answer, as that of a transaction of our own.
func mysqlTransactions(ctx context.Context, d *database) (writers []string, seen bool, err error) {
	for range unreadableTries {
		writers, err = mysqlAsk(ctx, d)
		if !unreadable(err) && !errors.Is(err, errStale) || !wait(ctx, cacheTime+rand.N(3*cacheTime)) {
			return writers, true, err
		}
	}
	return nil, false, connect.Retry(err, time.Second)
}

func mysqlAsk(ctx context.Context, d *database) (writers []string, err error) {
	if _, err := d.pool.ExecContext(ctx, "start transaction with consistent snapshot"); err != nil {
		return nil, err
	}
	defer func() {
		_, undone := d.pool.ExecContext(ctx, "rollback")
		err = errors.Join(err, undone)
	}()
	fresh, mark := false, "sluice_"+crand.Text()
	query := "select trx_id, trx_mysql_thread_id = connection_id(), trx_rows_modified > 0 or trx_lock_structs > 0," +
		" trx_mysql_thread_id = connection_id() and coalesce(trx_query, '') like '%" + mark + "%' from information_schema.innodb_trx"
	err = collect(ctx, d.pool, query, nil, func(scan func(dest ...any) error) error {
		var w string
		var own, writes, current bool
		err := scan(&w, &own, &writes, &current)
		fresh = fresh || current
		if writes && !own {
			writers = append(writers, w)
		}
		return err
	})
	if err == nil && !fresh {
		err = errStale
	}
	return writers, err
}

// unreadableTries is how often transactions are asked for while one of them cannot be shown.
const unreadableTries = 20

// unreadable tells whether MySQL could not show its transactions because one of them is just running a statement with bytes
// that are no text. Another moment it runs another statement.
func unreadable(err error) bool {
	const cannotConvertString = 3854
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && e.Number == cannotConvertString
}

// mysqlSight finds out what the user may see.
func mysqlSight(ctx context.Context, q querier) (string, error) {
	var n int
	count := func(scan func(dest ...any) error) error { return scan(&n) }
	err := collect(ctx, q, `select count(*) from performance_schema.setup_instruments
		where name = 'wait/lock/metadata/sql/mdl' and enabled = 'YES'`, nil, count)
	if err == nil && n > 0 {
		if err = collect(ctx, q, "select count(*) from performance_schema.metadata_locks", nil, count); err == nil {
			return sightLocks, nil
		}
	}
	if err != nil && !refused(err) {
		return "", fmt.Errorf("looking whether metadata locks can be seen: %w", err)
	}
	switch err = collect(ctx, q, "select count(*) from information_schema.innodb_trx", nil, count); {
	case err == nil, unreadable(err):
		return sightTransactions, nil
	case refused(err):
		return sightNone, nil
	}
	return "", fmt.Errorf("looking whether transactions can be seen: %w", err)
}

// refused tells whether a server answered that it will not, or cannot, say.
func refused(err error) bool {
	_, ok := errors.AsType[*mysql.MySQLError](err)
	return ok
}
