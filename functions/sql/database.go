package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// cancelTime is how long a server that was told to stop a statement may take to say so.
	cancelTime = 2 * time.Second
	// pingTime is how long a connection that lay idle may take to show that it is alive, and idleTime how long it may have
	// lain before that is asked.
	pingTime = 2 * time.Second
	idleTime = 5 * time.Second
	// limitMargin is how much later than the deadline a server ends a statement by itself, if it was not told to.
	limitMargin = 500 * time.Millisecond
)

// database is a task's connection to its database, one at a time. It is for one goroutine.
type database struct {
	*dialect
	address  address
	pool     *sql.DB
	sessions *sessions
	// server is the server's version, which tells MariaDB from MySQL.
	server string
	// fold brings identifiers of records to the form in which the database has them; see quote.sql.identifiers.
	fold func(name string) string

	used    time.Time // when a connection was handed out last
	limited time.Time // the deadline that the server knows
	sight   string    // how this user sees who is writing, "" before that was asked
	blind   bool      // it was said that the user does not see it
}

// open connects to the database, trying as often as the settings say. setup are statements that every connection begins with.
func (c *connection) open(ctx context.Context, setup ...string) (*database, error) {
	a, err := c.parse()
	if err != nil {
		return nil, fmt.Errorf("reading connection.url: %w", err)
	}
	dialect, ok := dialectOf(a.system)
	if !ok {
		return nil, fmt.Errorf("there is no dialect for %s", a.system)
	}
	connector, err := dialect.connector(a, c.user, c.password.Reveal())
	if err != nil {
		return nil, fmt.Errorf("reading connection.url: %w", err)
	}
	connections := &sessions{Connector: connector, setup: setup, number: dialect.number}
	d := &database{
		dialect: dialect, address: a, pool: sql.OpenDB(connections), sessions: connections, fold: func(name string) string { return name },
	}
	if dialect.folds && c.folds() {
		d.fold = strings.ToLower
	}
	d.pool.SetMaxOpenConns(1)
	d.pool.SetMaxIdleConns(1)
	for attempt := 1; ; attempt++ {
		if err = d.pool.QueryRowContext(ctx, dialect.version).Scan(&d.server); err == nil {
			d.touch()
			return d, nil
		}
		if attempt >= c.attempts || !wait(ctx, c.backoff) {
			break
		}
	}
	err = errors.Join(err, d.pool.Close())
	return nil, fmt.Errorf("connecting to %s at %s as %q: %w", dialect.name, strings.Join(a.hosts, ", ")+a.file(), c.user, err)
}

// file is SQLite's file, for messages.
func (a address) file() string {
	if a.system == "sqlite" {
		return a.database
	}
	return ""
}

// sessions makes connections that are set up alike.
type sessions struct {
	driver.Connector
	setup  []string
	number string // asks for the connection's number, "" if that is of no use
	last   string // the number of the connection made last
}

// Connect makes a connection.
func (s *sessions) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, statement := range s.setup {
		if err := execute(ctx, conn, statement); err != nil {
			return nil, errors.Join(fmt.Errorf("setting up the connection by %q: %w", statement, err), conn.Close())
		}
	}
	if s.number == "" {
		return conn, nil
	}
	if s.last, err = ask(ctx, conn, s.number); err != nil {
		return nil, errors.Join(fmt.Errorf("asking for the connection's number: %w", err), conn.Close())
	}
	return conn, nil
}

// execute runs a statement on a driver's connection.
func execute(ctx context.Context, conn driver.Conn, statement string) error {
	c, ok := conn.(driver.ExecerContext)
	if !ok {
		return fmt.Errorf("the driver %T does not run statements", conn)
	}
	_, err := c.ExecContext(ctx, statement, nil)
	return err
}

// ask runs a query for one value on a driver's connection.
func ask(ctx context.Context, conn driver.Conn, query string) (answer string, err error) {
	c, ok := conn.(driver.QueryerContext)
	if !ok {
		return "", fmt.Errorf("the driver %T does not run queries", conn)
	}
	rows, err := c.QueryContext(ctx, query, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	values := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(values); err != nil {
		return "", err
	}
	return textOf(values[0])
}

// wait waits, and tells whether ctx lasted.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// conn hands out the connection; the caller closes it, which gives it back. One that is dead, because the server ended it
// or the function was frozen meanwhile, is replaced first. The server ends statements soon after ctx's deadline by itself.
func (d *database) conn(ctx context.Context) (*sql.Conn, error) {
	conn, err := d.live(ctx)
	if err == nil && !d.tellLimit(ctx, conn) {
		d.discard(ctx, conn)
		if conn, err = d.pool.Conn(ctx); err == nil {
			d.tellLimit(ctx, conn)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", d.name, err)
	}
	d.touch()
	return conn, nil
}

// tellLimit lets the server know the deadline, if it does not yet, and tells whether the connection lives.
func (d *database) tellLimit(ctx context.Context, conn *sql.Conn) bool {
	deadline, ok := ctx.Deadline()
	if !ok || deadline.Equal(d.limited) {
		return true
	}
	for _, statement := range d.limit(d.server, (max(0, time.Until(deadline)) + limitMargin).Milliseconds()) {
		// Servers too old to know the setting do without: the context ends the wait in any case.
		if _, err := conn.ExecContext(ctx, statement); err != nil && ctx.Err() == nil && dead(err) {
			return false
		}
	}
	d.limited = deadline
	return true
}

// live returns a connection that answers, if it lay idle for long enough to be in doubt.
func (d *database) live(ctx context.Context) (*sql.Conn, error) {
	conn, err := d.pool.Conn(ctx)
	if err != nil || time.Since(d.used) < idleTime {
		return conn, err
	}
	pinging, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	if conn.PingContext(pinging) == nil {
		return conn, nil
	}
	d.discard(ctx, conn)
	return d.pool.Conn(ctx)
}

// touch notes that the connection is in use. The clock on the wall counts: a machine that is frozen may stop the other one.
func (d *database) touch() { d.used = time.Now().Round(0) }

// discard closes the connection behind conn, whatever goes on in it. When ctx has ended, a statement may still run for which
// nobody waits any more, and the server is told to end it, unless the driver has done so.
func (d *database) discard(ctx context.Context, conn *sql.Conn) {
	number := d.sessions.last
	d.limited = time.Time{}
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
	if ctx.Err() == nil || d.kill == "" || number == "" {
		return
	}
	telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer cancel()
	// If it cannot be told, the deadline ends the statement, or that its answer finds nobody.
	other, err := d.sessions.Connector.Connect(telling)
	if err != nil {
		return
	}
	defer func() { _ = other.Close() }()
	_ = execute(telling, other, d.kill+" "+number)
}

// close lets go of the connection.
func (d *database) close() error {
	if err := d.pool.Close(); err != nil {
		return fmt.Errorf("closing the connection to %s: %w", d.name, err)
	}
	return nil
}
