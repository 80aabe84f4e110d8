//go:build unix

package fault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/functions/hdfs/hdfstest"
	"github.com/sluice-connect/sluice/functions/s3/s3test"
	"github.com/sluice-connect/sluice/local/trigger"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// The functions of file sinks are killed at requests to their store, before they are carried out and after, while a reader
// lists and reads: every record is in one file at most, and in the end in one. The functions of file sources, killed alike,
// read all of that into another topic: nothing is missing there.
func TestFaults_FilesKilled(t *testing.T) {
	t.Parallel()
	p := newPlan(t, 2, 50)
	r := newRig(t, rigOptions{})
	var kills, repeated atomic.Int64
	p.run(t, 6, func(i int, random *rand.Rand) error {
		l := newLake(r, fmt.Sprintf("lake%d", i), p.place(i)%2 == 0, random)
		defer l.web.Close()
		n, err := l.round()
		kills.Add(l.kills.Load())
		repeated.Add(int64(n))
		if err != nil {
			return fmt.Errorf("%s: %w; log:\n\t%s\n\t%s", l.name, err, r.log(l.name), r.log(l.name+"-source"))
		}
		r.forget(l.name)
		r.forget(l.name + "-source")
		return nil
	})
	t.Logf("%d processes were killed; the sources read %d records more than once", kills.Load(), repeated.Load())
}

// lake is a store of files, a sink that writes there and a source that reads.
type lake struct {
	*rig
	name   string
	system string
	random *rand.Rand
	files  func() map[string][]byte // those that can be seen
	web    *httptest.Server
	kills  atomic.Int64

	mu       sync.Mutex
	left     int // requests until one is killed
	dealt    int // how many were
	problems []string
	before   map[string][]byte
}

func newLake(r *rig, name string, inS3 bool, random *rand.Rand) *lake {
	l := &lake{rig: r, name: name, random: random, before: map[string][]byte{}}
	var store http.Handler
	if inS3 {
		server := &s3test.Server{}
		l.system, store = "s3", server
		l.files = func() map[string][]byte {
			all := map[string][]byte{}
			for key, o := range server.Objects("b") {
				all[key] = o.Data
			}
			return all
		}
	} else {
		server := &hdfstest.Server{}
		l.system, store, l.files = "hdfs", server, server.Files
	}
	l.web = httptest.NewServer(l.killing(store))
	return l
}

// killing passes requests on, and kills who sent one now and then, before it is carried out or after.
func (l *lake) killing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		before, after := l.deal()
		if before {
			l.kill(q)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, q)
		l.look()
		if after {
			l.kill(q)
			panic(http.ErrAbortHandler)
		}
	})
}

// deal decides about a request.
func (l *lake) deal() (before, after bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left--; l.left != 0 {
		return false, false
	}
	// Ever later, so that what takes many requests gets done at last.
	l.dealt++
	l.left = between(l.random, 2, 25) + 8*l.dealt
	before = l.random.IntN(2) == 0
	return before, !before
}

// kill ends the process that sent a request: its name is that of its credentials, or of its user.
func (l *lake) kill(q *http.Request) {
	who := q.URL.Query().Get("user.name")
	if _, credential, ok := strings.Cut(q.Header.Get("Authorization"), "Credential="); ok {
		who, _, _ = strings.Cut(credential, "/")
	}
	pid, err := strconv.Atoi(who[strings.LastIndexByte(who, '.')+1:])
	if err != nil {
		l.problem(fmt.Errorf("nobody knows who asked: %q", who))
		return
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
		l.kills.Add(1)
	}
}

func (l *lake) problem(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problems = append(l.problems, err.Error())
}

// look is what a reader sees who lists and reads now.
func (l *lake) look() map[int]bool {
	files, seen := l.files(), map[int]bool{}
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, data := range files {
		if then, ok := l.before[name]; ok && !bytes.Equal(then, data) {
			l.problems = append(l.problems, name+" changed")
		}
		l.before[name] = data
		for text := range bytes.Lines(data) {
			var value string
			n, err := 0, json.Unmarshal(text, &value)
			if err == nil {
				n, err = numberOf(value)
			}
			if err != nil || seen[n] {
				l.problems = append(l.problems, fmt.Sprintf("%s has %q, seen before: %t: %v", name, text, seen[n], err))
			}
			seen[n] = true
		}
	}
	return seen
}

// round writes records, and reads them again.
func (l *lake) round() (repeated int, err error) {
	out := l.name + "-out"
	s := &sink{rig: l.rig, name: l.name, random: l.random, partitions: make([]partition, between(l.random, 1, 2))}
	s.life = l.watch.add(l.name)
	l.watch.add(l.name + "-source")
	settings := map[string]map[string]string{
		"s3":   {"s3.bucket.name": "b", "s3.region": "us-east-1", "store.url": l.web.URL, "s3.part.retries": "0"},
		"hdfs": {"store.url": l.web.URL},
	}[l.system]
	classes := map[string][2]string{
		"s3":   {"io.confluent.connect.s3.S3SinkConnector", "io.confluent.connect.s3.source.S3SourceConnector"},
		"hdfs": {"io.confluent.connect.hdfs.HdfsSinkConnector", "io.confluent.connect.hdfs2.Hdfs2SourceConnector"},
	}[l.system]
	s.settings = map[string]string{
		"connector.class": classes[0], "topics": l.name, "format.class": "JsonFormat", "flush.size": strconv.Itoa(between(l.random, 1, 60)),
		"value.converter": jsonConverter, "value.converter.schemas.enable": "false", "rotate.schedule.interval.ms": "1000", "timezone": "UTC",
	}
	source := map[string]string{
		"connector.class": classes[1], "format.class": "JsonFormat", "value.converter": jsonConverter, "value.converter.schemas.enable": "false",
		"s3.poll.interval.ms": "0", "hdfs.poll.interval.ms": "0", "record.batch.max.size": strconv.Itoa(between(l.random, 1, 50)), "sluice.source.idle.ms": "1",
		"transforms": "out", "transforms.out.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.out.regex": ".*", "transforms.out.replacement": out,
		"offset.flush.interval.ms": "20",
	}
	maps.Copy(s.settings, settings)
	maps.Copy(source, settings)
	err = errors.Join(
		l.createTopic(l.name, len(s.partitions)), l.createTopic(out, len(s.partitions)), l.put(l.name, offset.Keep, s.settings), l.put(l.name+"-source", offset.Keep, source),
		l.deployProgram(l.name, l.system+"-sink", time.Minute), l.deployProgram(l.name+"-source", l.system+"-source", time.Minute),
	)
	if err != nil {
		return 0, err
	}
	if err := s.pull(func(m *trigger.Mapping) { m.BatchSize = between(l.random, 3, 40) }); err != nil {
		return 0, err
	}
	defer s.close()
	l.begin()
	for range 3 {
		if err := errors.Join(s.feed(between(l.random, 20, 60), 0), s.finish()); err != nil {
			return 0, err
		}
	}
	if err := l.complete(s.numbers); err != nil {
		return 0, err
	}
	return l.readAll(out, s.numbers)
}

// begin lets the killing begin.
func (l *lake) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = between(l.random, 2, 25)
}

// complete has the clock complete files until all records can be seen.
func (l *lake) complete(n int) error {
	err := l.within(patience, func() (bool, error) {
		_, _ = l.functions.Invoke(l.t.Context(), l.name, fmt.Appendf(nil, `{"connector":%q,"tick":true}`, l.name)) // it may be killed
		seen := len(l.look())
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.problems) > 0 {
			return false, errors.New(strings.Join(l.problems, "; "))
		}
		return seen == n, nil
	})
	if err != nil {
		return fmt.Errorf("completing the files of %d records: %w", n, err)
	}
	return nil
}

// readAll runs the source until all records are in its topic, and counts those that came more than once.
func (l *lake) readAll(out string, n int) (repeated int, err error) {
	var records []*kgo.Record
	seen := map[int]bool{}
	err = l.tickUntil(l.name+"-source", 50*time.Millisecond, func() (bool, error) {
		if records, err = l.readTopic(out); err != nil {
			return false, err
		}
		clear(seen)
		for _, r := range records {
			var value string
			if err := json.Unmarshal(r.Value, &value); err != nil {
				return false, err
			}
			number, err := numberOf(value)
			if err != nil {
				return false, err
			}
			seen[number] = true
		}
		return len(seen) == n, nil
	})
	if err != nil {
		return 0, fmt.Errorf("reading %d records, of which %d came: %w", n, len(slices.Collect(maps.Keys(seen))), err)
	}
	return len(records) - n, nil
}
