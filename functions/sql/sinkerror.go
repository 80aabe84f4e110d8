package sql

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// failure is what kind of failure an error of a database is.
type failure uint8

const (
	// otherFailure is one of which nothing is known: it may go away.
	otherFailure failure = iota
	// lostConnection is one of the connection or the server. The transaction is gone; what became of a commit is not known.
	lostConnection
	// conflict is one that the database resolved at our cost: a deadlock, a serialization failure, a lock not got in time.
	conflict
	// changedTable says that a table is not what we took it for.
	changedTable
	// badData is one that the same records meet again: a value too long, a constraint.
	badData
)

// failureOf tells failures apart.
func failureOf(err error) failure {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return postgresFailure(pg.Code)
	}
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return mysqlFailure(my.Number)
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteFailure(lite.Code())
	}
	if _, ok := errors.AsType[*schema.Error](err); ok {
		return badData // found before the database was asked
	}
	_, network := errors.AsType[net.Error](err)
	_, refused := errors.AsType[*pgconn.ConnectError](err)
	lost := network || refused || slices.ContainsFunc([]error{
		driver.ErrBadConn, sql.ErrConnDone, mysql.ErrInvalidConn, io.EOF, io.ErrUnexpectedEOF, syscall.EPIPE, syscall.ECONNRESET, net.ErrClosed,
	}, func(known error) bool { return errors.Is(err, known) })
	if lost || strings.Contains(err.Error(), "conn closed") {
		return lostConnection
	}
	return otherFailure
}

func postgresFailure(code string) failure {
	switch {
	case code == "40001", code == "40P01", code == "55P03":
		return conflict
	case strings.HasPrefix(code, "08"), code == "57P01", code == "57P02", code == "57P03", code == "25006":
		return lostConnection // 25006: it is a standby now
	case code == "42P01", code == "42703", code == "42P10", code == "0A000", code == "42846":
		return changedTable
	case strings.HasPrefix(code, "22"), strings.HasPrefix(code, "23") && code != "23503", code == "42804":
		return badData
	}
	return otherFailure
}

func mysqlFailure(number uint16) failure {
	switch number {
	case 1205, 1213, 1412, 1020, 3572:
		return conflict
	case 1053, 1927, 2006, 2013, 1290, 1836, 4031:
		return lostConnection // 1290, 1836: it is read-only now
	case 1146, 1054, 1136:
		return changedTable
	case 1048, 1062, 1263, 1264, 1265, 1292, 1364, 1366, 1367, 1406, 1411, 1416, 1526, 1586, 1690, 3140, 3819, 3854, 4025:
		return badData
	}
	return otherFailure
}

// transient tells whether the same query may succeed another time.
func transient(err error) bool {
	if dead(err) || failureOf(err) == conflict {
		return true
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		// 53, 57 and 58: resources, an operator's intervention, the system; 55000: not in the prerequisite state.
		return slices.Contains([]string{"53", "57", "58"}, pg.Code[:min(2, len(pg.Code))]) || pg.Code == "55000"
	}
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok {
		// Too many connections, out of memory or of disk, interrupted, out of time.
		return slices.Contains([]uint16{1021, 1037, 1040, 1041, 1114, 1203, 1226, 1317, 1969, 3024}, my.Number)
	}
	return false
}

// SQLite's result codes.
const (
	sqliteBusy, sqliteLocked, sqliteTooBig, sqliteConstraint, sqliteMismatch = 5, 6, 18, 19, 20
	sqliteForeignKey                                                         = 787
)

func sqliteFailure(code int) failure {
	switch {
	case code&0xff == sqliteBusy, code&0xff == sqliteLocked:
		return conflict
	case code == sqliteForeignKey:
		return otherFailure
	case code&0xff == sqliteConstraint, code&0xff == sqliteMismatch, code&0xff == sqliteTooBig:
		return badData
	}
	return otherFailure
}

// sqlError is an exception of a JDBC driver.
func sqlError(format string, args ...any) error {
	return schema.NewError(sqlException, fmt.Sprintf(format, args...), nil)
}

const sqlException = "java.sql.SQLException"

// chained is a database's error as the original reports it of a record: an SQLException with the chain of messages.
func chained(err error) *schema.Error {
	class, message := javaError(err)
	return schema.NewError(sqlException, "Exception chain:\n"+class+": "+message+"\n", nil)
}

// javaError is what JDBC's drivers make of an error: the class of the exception, and its message.
func javaError(err error) (class, message string) {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		message = pg.Severity + ": " + pg.Message
		if pg.Detail != "" {
			message += "\n  Detail: " + pg.Detail
		}
		if pg.Hint != "" {
			message += "\n  Hint: " + pg.Hint
		}
		if pg.Where != "" {
			message += "\n  Where: " + pg.Where
		}
		return "org.postgresql.util.PSQLException", message
	}
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok {
		state := string(my.SQLState[:])
		switch {
		case strings.HasPrefix(state, "42"):
			return "java.sql.SQLSyntaxErrorException", my.Message
		case strings.HasPrefix(state, "22"):
			return "com.mysql.cj.jdbc.exceptions.MysqlDataTruncation", "Data truncation: " + my.Message
		case strings.HasPrefix(state, "23"):
			return "java.sql.SQLIntegrityConstraintViolationException", my.Message
		case strings.HasPrefix(state, "40"):
			return "com.mysql.cj.jdbc.exceptions.MySQLTransactionRollbackException", my.Message
		}
		return sqlException, my.Message
	}
	if e, ok := errors.AsType[*schema.Error](err); ok {
		return e.Class, e.Message
	}
	return sqlException, err.Error()
}
