package table

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// A committer writes to the file. Work that arrives while a commit is under way is committed together by whoever comes first after it, so
// one sync serves many writers and a lone writer never waits.
type committer struct {
	db    *bolt.DB
	turn  chan struct{} // holds one element while somebody commits
	queue chan *work
}

// A work is one request's part of a commit.
type work struct {
	do   func(tx *bolt.Tx) (changed bool, err error)
	err  error
	done chan struct{}
}

// maxShared is how many requests share a commit at most.
const maxShared = 256

func newCommitter(db *bolt.DB) *committer {
	return &committer{db: db, turn: make(chan struct{}, 1), queue: make(chan *work, maxShared)}
}

// run executes do inside a read-write transaction and returns after its effects are on disk. An *apiError of do is do's answer and must
// come before its first change; any other error undoes the whole transaction, the work of others included.
func (c *committer) run(do func(tx *bolt.Tx) (changed bool, err error)) error {
	w := &work{do: do, done: make(chan struct{})}
	c.queue <- w
	select {
	case <-w.done:
		return w.err
	case c.turn <- struct{}{}:
	}
	defer func() { <-c.turn }()
	c.drain()
	// Another may have taken w along before it was this one's turn; else it was in the queue just now.
	<-w.done
	return w.err
}

// drain commits what is queued. The queue holds at most one commit's worth.
func (c *committer) drain() {
	var batch []*work
	for len(c.queue) > 0 && len(batch) < maxShared {
		batch = append(batch, <-c.queue)
	}
	if len(batch) == 0 {
		return
	}
	// Should one of them panic, the others still get an answer.
	err := errors.New("another request sharing the write broke it off")
	defer func() {
		for _, w := range batch {
			if err != nil {
				w.err = err
			}
			close(w.done)
		}
	}()
	err = c.commit(batch)
}

func (c *committer) commit(batch []*work) error {
	tx, err := c.db.Begin(true)
	if err != nil {
		return fmt.Errorf("beginning a write: %w", err)
	}
	// After a commit this does nothing.
	defer tx.Rollback()
	dirty := false
	for _, w := range batch {
		changed, err := w.do(tx)
		var answer *apiError
		if err != nil && !errors.As(err, &answer) {
			return fmt.Errorf("writing: %w", err)
		}
		w.err = err
		dirty = dirty || changed
	}
	if !dirty {
		return nil
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing to disk: %w", err)
	}
	return nil
}
