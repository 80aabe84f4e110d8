package storage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
)

// Rounds of everything at once: events cut at random, processes that are killed, freeze and wake up, or lose single
// answers, ticks by other processes meanwhile, several kinds of files, and a reader who looks after every step.
// SLUICE_ROUNDS and SLUICE_SEED ask for more, or for others.
func TestFaults_Files(t *testing.T) {
	t.Parallel()
	rounds, seed := 12, uint64(1)
	if os.Getenv("SLUICE_CI") != "" {
		rounds = 50
	}
	if text := os.Getenv("SLUICE_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("SLUICE_ROUNDS: %v", err)
		}
		rounds = n
	}
	if text := os.Getenv("SLUICE_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SLUICE_SEED: %v", err)
		}
		seed = n
	}
	kinds := []map[string]string{
		settings("flush.size", "3"), settings("flush.size", "40"), settings("partitioner.class", "DefaultPartitioner", "flush.size", "7"),
		settings("flush.size", "40", "test.codec", "gzip"), settings("flush.size", "40", "store.kafka.headers", "true"),
		settings("partitioner.class", "TimeBasedPartitioner", "path.format", "'m'=mm", "partition.duration.ms", "60000", "locale", "en",
			"timestamp.extractor", "Record", "rotate.interval.ms", "20000", "flush.size", "30"),
		settings("partitioner.max.open.files", "2", "flush.size", "30"), settings("flush.size", "9", "test.partitions", "4"),
	}
	for round := range uint64(rounds) {
		random := rand.New(rand.NewPCG(seed, round))
		w := newWorld(t, kinds[random.IntN(len(kinds))], 60)
		w.decode = decodeAny
		(&chaos{world: w, random: random}).run()
		if t.Failed() {
			t.Fatalf("SLUICE_SEED=%d, round %d", seed, round)
		}
	}
}

// decodeAny is decodeLines of what may be compressed, and of nothing for headers.
func decodeAny(name string, data []byte) []int64 {
	if bytes.Contains([]byte(name), []byte(".headers.")) {
		return nil
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		r, err := (&storage.Codec{Name: "gzip"}).Reader(bytes.NewReader(data))
		if err != nil {
			panic(err)
		}
		if data, err = io.ReadAll(r); err != nil {
			panic(err)
		}
	}
	return decodeLines(name, data)
}

type chaos struct {
	*world
	mu     sync.Mutex
	random *rand.Rand
}

func (c *chaos) chance(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.IntN(n) == 0
}

// run delivers everything, with a new process whenever one is killed.
func (c *chaos) run() {
	for lives := 0; ; lives++ {
		if lives == 1000 {
			c.t.Fatal("a thousand processes did not get through")
		}
		dead, depth := false, 0
		var mu sync.Mutex
		step := func(string) error {
			c.look()
			mu.Lock()
			defer mu.Unlock()
			switch {
			case dead:
				return errKilled
			case c.chance(40):
				dead = true
				return errKilled
			case c.chance(30):
				return errors.New("an answer that was lost")
			case depth == 0 && c.chance(40):
				depth++
				c.others()
			}
			return nil
		}
		if c.deliver(c.process(step), c.random) == nil {
			break
		}
	}
	c.finish()
	c.whole()
}

// others is what other processes do while one is frozen: they get the same events, or a tick.
func (c *chaos) others() {
	other := c.process(nil)
	if c.chance(3) {
		c.pass(2 * time.Hour)
		if err := other.Tick(context.Background()); err != nil {
			c.t.Error(err)
		}
		return
	}
	c.mu.Lock()
	cuts := rand.New(rand.NewPCG(c.random.Uint64(), 0))
	c.mu.Unlock()
	until := min(len(c.records), c.acked+1+cuts.IntN(20))
	for c.acked < until {
		n := min(1+cuts.IntN(13), until-c.acked)
		begin := c.acked
		if err := other.Put(context.Background(), append(c.records[:0:0], c.records[begin:begin+n]...)); err != nil {
			c.t.Error(err)
			return
		}
		c.acked = begin + n
	}
}
