package sql_test

import (
	"context"
	"crypto/rand"
	stdsql "database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
)

// server is a database of a test's own.
type server struct {
	// system is mysql, mariadb, postgresql or sqlite.
	system string
	// settings are connection.url and its like.
	settings map[string]string
	// db is for preparing and looking; the connector under test has its own connection.
	db *stdsql.DB
}

// systems are all, SQLite first, which is always there.
func systems() []string { return []string{"sqlite", "mysql", "mariadb", "postgresql"} }

// onEach runs a test on a fresh database of each system.
func onEach(t *testing.T, test func(t *testing.T, s *server)) {
	t.Helper()
	for _, system := range systems() {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t, system))
		})
	}
}

// fresh makes an empty database. It skips the test if the system's server is not there.
func fresh(tb testing.TB, system string) *server {
	tb.Helper()
	if system == "sqlite" {
		path := filepath.Join(tb.TempDir(), "test.db")
		s := &server{system: system, settings: map[string]string{"connection.url": "jdbc:sqlite:" + path + "?journal_mode=WAL&synchronous=OFF"}}
		s.open(tb, "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
		return s
	}
	variable := "SLUICE_TEST_" + strings.ToUpper(strings.TrimSuffix(system, "ql"))
	if system == "mysql" {
		variable = "SLUICE_TEST_MYSQL"
	}
	if system == "postgresql" {
		variable = "SLUICE_TEST_POSTGRES"
	}
	at := os.Getenv(variable)
	if at == "" {
		if os.Getenv("SLUICE_CI") != "" {
			tb.Fatal(variable + " is not set")
		}
		tb.Skip(variable + " is not set")
	}
	u, err := url.Parse(at)
	if err != nil {
		tb.Fatal(err)
	}
	name := "sluice_" + strings.ToLower(rand.Text()[:12])
	password, _ := u.User.Password()
	s := &server{system: system, settings: map[string]string{
		"connection.url": "jdbc:" + system + "://" + u.Host + "/" + name, "connection.user": u.User.Username(), "connection.password": password,
	}}
	driver, source := "mysql", u.User.String()+"@tcp("+u.Host+")/"
	own := source + name + "?interpolateParams=true"
	if system == "postgresql" {
		driver, source, own = "pgx", at, strings.Replace(at, u.Path, "/"+name, 1)
	}
	admin, err := stdsql.Open(driver, source)
	if err != nil {
		tb.Fatal(err)
	}
	ctx := context.WithoutCancel(tb.Context())
	if _, err := admin.ExecContext(ctx, "create database "+name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		drop := "drop database " + name
		if system == "postgresql" {
			drop += " with (force)"
		}
		if _, err := admin.ExecContext(ctx, drop); err != nil {
			tb.Error(err)
		}
		if err := admin.Close(); err != nil {
			tb.Error(err)
		}
	})
	s.open(tb, driver, own)
	return s
}

func (s *server) open(tb testing.TB, driver, source string) {
	tb.Helper()
	db, err := stdsql.Open(driver, source)
	if err != nil {
		tb.Fatal(err)
	}
	s.db = db
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
}

// exec runs statements.
func (s *server) exec(tb testing.TB, statements ...string) {
	tb.Helper()
	for _, statement := range statements {
		if _, err := s.db.ExecContext(tb.Context(), statement); err != nil {
			tb.Fatalf("%s: %v", statement, err)
		}
	}
}
