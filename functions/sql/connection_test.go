package sql_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/sql"
)

func open(t *testing.T, s *server) *sql.Database {
	t.Helper()
	d, err := sql.Open(t.Context(), s.settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestDescribe_ReadsTheCatalog(t *testing.T) {
	t.Parallel()
	create := map[string]string{
		"sqlite":     `create table "A b" (id integer primary key, n int, name varchar(20) not null default 'x', at timestamp)`,
		"mysql":      "create table `A b` (id int unsigned not null auto_increment primary key, n int, name varchar(20) not null default 'x', at datetime(3))",
		"postgresql": `create table "A b" (id serial primary key, n int, name varchar(20) not null default 'x', at timestamp(3))`,
	}
	create["mariadb"] = create["mysql"]
	types := map[string][4]string{
		"sqlite":     {"integer", "int", "varchar(20)", "timestamp"},
		"mysql":      {"int unsigned", "int", "varchar(20)", "datetime(3)"},
		"mariadb":    {"int(10) unsigned", "int(11)", "varchar(20)", "datetime(3)"},
		"postgresql": {"integer", "integer", "character varying(20)", "timestamp(3) without time zone"},
	}
	onEach(t, func(t *testing.T, s *server) {
		s.exec(t, create[s.system], "create table pair (b int not null, a int not null, primary key (a, b))",
			"create view v as select 1 as one")
		d := open(t, s)
		table, err := d.Describe(t.Context(), string(quote(s))+"A b"+string(quote(s)))
		if err != nil || table == nil {
			t.Fatal(table, err)
		}
		typ, digits := types[s.system], 3
		if s.system == "sqlite" {
			digits = -1
		}
		want := []sql.Column{
			{Name: "id", Type: typ[0], Defaulted: true, Counting: true, Key: 1, Digits: -1},
			{Name: "n", Type: typ[1], Nullable: true, Digits: -1},
			{Name: "name", Type: typ[2], Defaulted: true, Digits: -1},
			{Name: "at", Type: typ[3], Nullable: true, Digits: digits},
		}
		if diff := cmp.Diff(want, table.Columns()); diff != "" {
			t.Errorf("columns (-want +got):\n%s", diff)
		}
		if !table.Has("n") || table.Has("N!") {
			t.Error("a column is not found, or one that is not there")
		}
		pair, err := d.Describe(t.Context(), "pair")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a", "b"}, pair.PrimaryKey()); diff != "" {
			t.Errorf("primary key (-want +got):\n%s", diff)
		}
		if missing, err := d.Describe(t.Context(), "nope"); missing != nil || err != nil {
			t.Errorf("a table that is not there: %v, %v", missing, err)
		}
		own := s.name()
		filter := sql.FilterOf([]string{"TABLE"}, own, nil)
		names, err := d.Tables(t.Context(), filter)
		if err != nil || len(names) != 2 {
			t.Errorf("tables: %v, %v", names, err)
		}
		names, err = d.Tables(t.Context(), sql.FilterOf([]string{"VIEW"}, own, nil))
		if err != nil || len(names) != 1 || !strings.HasSuffix(names[0].String(), "v") {
			t.Errorf("views: %v, %v", names, err)
		}
	})
}

// name is the name of the test's database where databases are catalogs.
func (s *server) name() *string {
	if s.system != "mysql" && s.system != "mariadb" {
		return nil
	}
	url := s.settings["connection.url"]
	name := url[strings.LastIndexByte(url, '/')+1:]
	return &name
}

func quote(s *server) byte {
	if s.name() != nil {
		return '`'
	}
	return '"'
}

// kill ends the connection on which a query was answered with id.
func kill(t *testing.T, s *server, id int) {
	t.Helper()
	var err error
	if s.system == "postgresql" {
		_, err = s.db.ExecContext(t.Context(), "select pg_terminate_backend($1)", id)
	} else {
		_, err = s.db.ExecContext(t.Context(), "kill ?", id)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestConn_ReplacesADeadOne(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		if s.system == "sqlite" {
			t.Skip("a file does not die")
		}
		d := open(t, s)
		before := session(t, d, s)
		kill(t, s, before)
		d.Idle(time.Minute)
		if after := session(t, d, s); after == before {
			t.Error("the connection was not replaced")
		}
	})
}

// session asks for the connection's number.
func session(t *testing.T, d *sql.Database, s *server) (id int) {
	t.Helper()
	conn, err := d.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	query := "select connection_id()"
	if s.system == "postgresql" {
		query = "select pg_backend_pid()"
	}
	if err := errors.Join(conn.QueryRowContext(t.Context(), query).Scan(&id), conn.Close()); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestConn_TheServerKnowsTheDeadline(t *testing.T) {
	t.Parallel()
	sleep := map[string]string{
		"mysql":   "select count(*) from information_schema.columns a, information_schema.columns b, information_schema.columns c, information_schema.columns d",
		"mariadb": "select sleep(60)", "postgresql": "select pg_sleep(60)::text",
	}
	onEach(t, func(t *testing.T, s *server) {
		if s.system == "sqlite" {
			t.Skip("there is no server")
		}
		d := open(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		conn, err := d.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		// Not ctx: that the client gives up is not what is looked for.
		var n any
		err = conn.QueryRowContext(t.Context(), sleep[s.system]).Scan(&n)
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err == nil {
			t.Error("the server did not end the statement")
		}
	})
}

func TestOpen_SaysWhereAndWhoWithoutThePassword(t *testing.T) {
	t.Parallel()
	settings := map[string]string{
		"connection.url": "jdbc:mysql://127.0.0.1:1,127.0.0.1:2/x", "connection.user": "anna", "connection.password": "geheim",
		"connection.attempts": "2", "connection.backoff.ms": "1",
	}
	_, err := sql.Open(t.Context(), settings)
	if err == nil || !strings.Contains(err.Error(), `connecting to MySql at 127.0.0.1:1, 127.0.0.1:2 as "anna": `) || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
	postgres := maps.Clone(settings)
	postgres["connection.url"] = "jdbc:postgresql://127.0.0.1:1/x"
	if _, err = sql.Open(t.Context(), postgres); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
}

func TestZone_ReadsJavasNames(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]int{
		"UTC": 0, "GMT+2": 7200, "GMT-05:30": -19800, "America/New_York": -14400, "GMT": 0, "UTC+1": 3600,
	} {
		l, err := sql.Zone(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, offset := at.In(l).Zone(); offset != want {
			t.Errorf("%s is %d s from UTC, want %d", text, offset, want)
		}
	}
	if _, err := sql.Zone("Middle/Earth"); err == nil {
		t.Error("there is no such zone")
	}
}
