package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // functions run where there is none

	"github.com/sluice-connect/sluice/runtime/config"
)

const (
	// cancelTime is how long a server that was told to stop a statement may take to say so.
	cancelTime = 2 * time.Second
	// pingTime is how long a connection that lay idle may take to show that it is alive, and idleTime how long it may have
	// lain before that is asked.
	pingTime = 2 * time.Second
	idleTime = 5 * time.Second
)

// connection are the settings that both directions have.
type connection struct {
	url, user   string
	password    config.Secret
	attempts    int
	backoff     time.Duration
	dialectName string
	timezone    string
	quoting     string

	userGiven, passwordGiven bool
}

// Define declares the settings.
func (c *connection) Define(d *config.Def) {
	d.String(&c.url, "connection.url", "", "JDBC URL of the database: jdbc:mysql://, jdbc:mariadb://, jdbc:postgresql:// or jdbc:sqlite:.",
		config.Required(), config.High, config.Group("Database", 1), config.WidthLong, config.Display("JDBC URL"),
		config.Check(config.Func("a JDBC URL", func(_ string, value any) error {
			text, _ := value.(string)
			return checkURL(text)
		})))
	d.String(&c.user, "connection.user", "", "Name of the database's user.", config.NullDefault(), config.Given(&c.userGiven),
		config.High, config.Group("Database", 2), config.WidthMedium, config.Display("JDBC User"))
	d.Password(&c.password, "connection.password", "Password of the database's user.", config.NullDefault(),
		config.Given(&c.passwordGiven), config.High, config.Group("Database", 3), config.WidthShort, config.Display("JDBC Password"))
	d.Int(&c.attempts, "connection.attempts", 3, "How often to try to connect.", config.Check(config.AtLeast(1)),
		config.Low, config.Group("Database", 4), config.WidthShort, config.Display("JDBC connection attempts"))
	d.Millis(&c.backoff, "connection.backoff.ms", 10*time.Second, "Pause between attempts to connect.", config.Check(config.AtLeast(0)),
		config.Low, config.Group("Database", 5), config.WidthShort, config.Display("JDBC connection backoff in milliseconds"))
	d.String(&c.dialectName, "dialect.name", "", "The database's dialect: MySqlDatabaseDialect, PostgreSqlDatabaseDialect or"+
		" SqliteDatabaseDialect. By default it follows from the URL.", config.Check(config.Func("a dialect", checkDialect)),
		config.Low, config.Group("Database", 6), config.WidthLong, config.Display("Database Dialect"))
	d.String(&c.timezone, "db.timezone", "UTC", "The time zone of times that have none in the database.",
		config.Check(config.Func("a time zone", checkZone)),
		config.Medium, config.Group("Database", 7), config.WidthMedium, config.Display("DB time zone"))
	d.String(&c.quoting, "quote.sql.identifiers", "ALWAYS", "ALWAYS, or NEVER: then the database takes names as if they were not quoted,"+
		" which PostgreSQL brings to lower case. They are quoted all the same.",
		config.Check(config.CaseInsensitiveIn("ALWAYS", "NEVER")),
		config.Medium, config.Group("Database", 8), config.WidthMedium, config.Display("Quote Identifiers"))
}

// checkURL tells what is wrong with a URL, as far as that can be known without connecting.
func checkURL(text string) error {
	const name = "connection.url"
	a, err := parseURL(text)
	if err != nil {
		return config.Errorf(name, "Invalid value for configuration %s: %s", name, err)
	}
	d, ok := dialectOf(a.system)
	if !ok {
		return config.Invalid(name, nil, "there is no driver for it")
	}
	if _, err := d.connector(a, "user", "password"); err != nil {
		return config.Errorf(name, "Invalid value for configuration %s: %s", name, err)
	}
	return nil
}

func checkDialect(name string, value any) error {
	text, _ := value.(string)
	if text == "" {
		return nil
	}
	for _, d := range dialects() {
		if strings.EqualFold(text, d.name+"DatabaseDialect") {
			return nil
		}
	}
	return config.Invalid(name, value, "there is no such dialect")
}

func checkZone(name string, value any) error {
	text, _ := value.(string)
	if _, err := zone(text); err != nil {
		return config.Invalid(name, value, "Invalid time zone identifier")
	}
	return nil
}

// zone reads a time zone as Java writes it: Europe/Berlin, GMT+2, UTC.
func zone(text string) (*time.Location, error) {
	for _, prefix := range []string{"GMT", "UTC", "UT"} {
		offset, ok := strings.CutPrefix(text, prefix)
		if !ok || offset == "" || offset[0] != '+' && offset[0] != '-' {
			continue
		}
		for _, layout := range []string{"-07:00", "-0700", "-07"} {
			padded := offset
			if len(offset) == 2 || len(offset) == 5 && offset[2] == ':' {
				padded = offset[:1] + "0" + offset[1:]
			}
			if t, err := time.Parse(layout, padded); err == nil {
				return t.Location(), nil
			}
		}
	}
	return time.LoadLocation(text)
}

// database is a task's connection to its database, one at a time. It is for one goroutine.
type database struct {
	*dialect
	address address
	pool    *sql.DB
	// server is the server's version, which tells MariaDB from MySQL.
	server string
	// fold brings identifiers of records to the form in which the database has them; see quote.sql.identifiers.
	fold func(name string) string

	used    time.Time // when a connection was handed out last
	limited time.Time // the deadline that the server knows
	sight   string    // how this user sees who is writing, "" before that was asked
	blind   bool      // it was said that the user does not see it
}

// open connects to the database, trying as often as the settings say.
func (c *connection) open(ctx context.Context) (*database, error) {
	a, err := parseURL(c.url)
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
	d := &database{dialect: dialect, address: a, pool: sql.OpenDB(connector), fold: func(name string) string { return name }}
	if dialect.folds && strings.EqualFold(c.quoting, "NEVER") {
		d.fold = strings.ToLower
	}
	d.pool.SetMaxOpenConns(1)
	d.pool.SetMaxIdleConns(1)
	for attempt := 1; ; attempt++ {
		if err = d.pool.QueryRowContext(ctx, dialect.version).Scan(&d.server); err == nil {
			d.used = time.Now()
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
// or the function was frozen meanwhile, is replaced first. The server ends statements at ctx's deadline by itself.
func (d *database) conn(ctx context.Context) (*sql.Conn, error) {
	conn, err := d.live(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", d.name, err)
	}
	d.used = time.Now()
	if deadline, ok := ctx.Deadline(); ok && !deadline.Equal(d.limited) {
		for _, statement := range d.limit(d.server, max(1, time.Until(deadline).Milliseconds())) {
			// Servers too old to know the setting do without: the context ends the wait in any case.
			_, _ = conn.ExecContext(ctx, statement)
		}
		d.limited = deadline
	}
	return conn, nil
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
	d.discard(conn)
	return d.pool.Conn(ctx)
}

// discard closes the connection behind conn, whatever goes on in it.
func (d *database) discard(conn *sql.Conn) {
	d.limited = time.Time{}
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}

// close lets go of the connection.
func (d *database) close() error {
	if err := d.pool.Close(); err != nil {
		return fmt.Errorf("closing the connection to %s: %w", d.name, err)
	}
	return nil
}

// either returns the first text that is not empty.
func either(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func milliseconds(text string) (time.Duration, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number of milliseconds", text)
	}
	return time.Duration(n) * time.Millisecond, nil
}

func truth(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes":
		return true, nil
	case "false", "no":
		return false, nil
	}
	return false, errors.New("it is neither true nor false")
}
