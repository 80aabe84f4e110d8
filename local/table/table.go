package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// maxRequest is the largest request body taken, in bytes.
const maxRequest = 16 << 20

// A Table is the endpoint: all tables of one file. Its methods may be called from several goroutines.
type Table struct {
	db      *bolt.DB
	writes  *committer
	known   map[string]handler
	counts  map[string]*atomic.Int64 // by operation; neither map ever changes
	scratch string                   // a folder to remove at the end, if the file was temporary
}

var _ http.Handler = (*Table)(nil)

// Open opens the endpoint kept in the file at path, which is made if it is not there. One process at a time can have a file open.
// The empty path is a temporary file that Close removes and that is not synced.
func Open(path string) (*Table, error) {
	t := &Table{known: operations(), counts: map[string]*atomic.Int64{}}
	for name := range t.known {
		t.counts[name] = &atomic.Int64{}
	}
	if path == "" {
		scratch, err := os.MkdirTemp("", "table-")
		if err != nil {
			return nil, fmt.Errorf("opening a temporary table: %w", err)
		}
		t.scratch, path = scratch, filepath.Join(scratch, "table.db")
	}
	if err := t.open(path); err != nil {
		return nil, errors.Join(fmt.Errorf("opening table file %s: %w", path, err), t.Close())
	}
	return t, nil
}

func (t *Table) open(path string) error {
	if err := create(path); err != nil {
		return err
	}
	db, err := openFile(path)
	if errors.Is(err, bolterrors.ErrTimeout) {
		return errors.New("another process has it open")
	}
	if err != nil {
		return err
	}
	db.NoSync = t.scratch != ""
	t.db, t.writes = db, newCommitter(db)
	return prepare(db)
}

func openFile(path string) (*bolt.DB, error) {
	// The time-out is for a predecessor that is still ending.
	return bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second, FreelistType: bolt.FreelistMapType})
}

// create makes an empty file under another name and gives it its own when it is whole: bolt would refuse a file whose first pages were
// cut short by a kill.
func create(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(filepath.Dir(path), filepath.Base(path)+".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	fresh := filepath.Join(folder, "table.db")
	db, err := openFile(fresh)
	if err != nil {
		return err
	}
	if err := errors.Join(prepare(db), db.Close()); err != nil {
		return err
	}
	// Unlike a rename, a link never takes the place of a file another process made meanwhile and may be using.
	if err := os.Link(fresh, path); err != nil && !errors.Is(err, os.ErrExist) {
		return os.Rename(fresh, path)
	}
	return nil
}

// Close ends the endpoint after the writes under way and gives the file free. It may be called once.
func (t *Table) Close() error {
	var err error
	if t.db != nil {
		err = t.db.Close()
	}
	if t.scratch != "" {
		err = errors.Join(err, os.RemoveAll(t.scratch))
	}
	if err != nil {
		return fmt.Errorf("closing table: %w", err)
	}
	return nil
}

// Counts tells how often each operation was called since Open, by its name, failed calls included. Operations never called are left out.
func (t *Table) Counts() map[string]int64 {
	counts := map[string]int64{}
	for name, n := range t.counts {
		if n := n.Load(); n > 0 {
			counts[name] = n
		}
	}
	return counts
}

// A handler answers one operation: the body of the request in, the body of the reply out.
type handler func(t *Table, body []byte) ([]byte, error)

// handle gives an operation its decoded request.
func handle[Request any](do func(*Table, *Request) ([]byte, error)) handler {
	return func(t *Table, body []byte) ([]byte, error) {
		request := new(Request)
		err := json.Unmarshal(body, request)
		var answer *apiError
		if err != nil && !errors.As(err, &answer) {
			return nil, unreadable("reading the request: %v", err)
		}
		if err != nil {
			return nil, err
		}
		return do(t, request)
	}
}

// operations is the table of what this endpoint can do.
func operations() map[string]handler {
	return map[string]handler{
		"CreateTable":        handle((*Table).createTable),
		"DescribeTable":      handle((*Table).describeTable),
		"UpdateTable":        handle((*Table).updateTable),
		"DeleteTable":        handle((*Table).deleteTable),
		"ListTables":         handle((*Table).listTables),
		"UpdateTimeToLive":   handle((*Table).updateTimeToLive),
		"DescribeTimeToLive": handle((*Table).describeTimeToLive),
		"GetItem":            handle((*Table).getItem),
		"BatchGetItem":       handle((*Table).batchGetItem),
		"TransactGetItems":   handle((*Table).transactGetItems),
		"Query":              handle((*Table).query),
		"Scan":               handle((*Table).scan),
		"PutItem":            handle((*Table).putItem),
		"UpdateItem":         handle((*Table).updateItem),
		"DeleteItem":         handle((*Table).deleteItem),
		"BatchWriteItem":     handle((*Table).batchWriteItem),
		"TransactWriteItems": handle((*Table).transactWriteItems),
	}
}

// ServeHTTP answers one call of the DynamoDB JSON protocol. Signatures are not looked at.
func (t *Table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	body, err := t.answer(w, r)
	if err != nil {
		var answer *apiError
		if !errors.As(err, &answer) {
			answer = internal(err)
		}
		status, body = answer.status, answer.body()
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.0")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(status)
	// A client that went away does not get its answer; the write it asked for stays.
	_, _ = w.Write(body)
}

func (t *Table) answer(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	version, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	do := t.known[name]
	if r.Method != http.MethodPost || version != "DynamoDB_20120810" || do == nil {
		return nil, unknownOperation()
	}
	t.counts[name].Add(1)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return nil, unreadable("reading the request: %v", err)
	}
	return do(t, body)
}
