//go:build unix

package fault_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// step is something a process does that can be seen from outside.
type step struct {
	name string
	// after: the request was carried out, and the process did not see the answer yet.
	after bool
}

func (s step) String() string {
	if s.after {
		return "after " + s.name
	}
	return "before " + s.name
}

// slow is 1 if a process that is killed there holds the lease of the plan.
func (s step) slow() int {
	if s == (step{"claim plan", true}) || s == (step{"publish", false}) {
		return 1
	}
	return 0
}

// both are the two moments of each of these steps.
func both(names ...string) []step {
	var steps []step
	for _, name := range names {
		steps = append(steps, step{name, false}, step{name, true})
	}
	return steps
}

// watch knows all connectors whose processes pass through gates.
type watch struct {
	mu    sync.Mutex
	lives map[string]*life
}

// life is what the gates saw of one connector.
type life struct {
	name string

	// order is held while an offset is read or written, so that what was seen has the order in which it happened.
	order sync.Mutex

	mu       sync.Mutex
	trap     *trap
	counts   map[step]int
	commits  []commit
	starts   []int64
	problems []string
	observe  func(s step, pid int)
	// dead are the processes that were killed; what they sent and the gates did not pass on yet is lost.
	dead map[int]bool
	// slow is how long a produce request takes to get to the broker, at random; nil for at once.
	slow func() time.Duration
}

// commit is a commit of a source's offset that was carried out.
type commit struct {
	pid      int
	position int64
	token    string
}

// trap waits for a process to come to a step.
type trap struct {
	step step
	// nth is how often the step has to be seen, 1 for at once.
	nth int
	// spring is what happens then, while the process waits for its request.
	spring func(pid int)
	// drop throws the request away, or the answer.
	drop bool
	// kills: spring ends the process.
	kills bool
	hit   chan struct{}
	pid   int // who was caught; after hit
}

// of finds the connector and the process that a credential or a client id names; nil if it is none of ours.
func (w *watch) of(who string) (*life, int) {
	dot := strings.LastIndexByte(who, '.')
	if dot < 0 {
		return nil, 0
	}
	pid, err := strconv.Atoi(who[dot+1:])
	if err != nil {
		return nil, 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lives[who[:dot]], pid
}

func (w *watch) add(name string) *life {
	l := &life{name: name, counts: map[step]int{}, dead: map[int]bool{}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives[name] = l
	return l
}

func (w *watch) forget(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.lives, name)
}

// reach notes a step and tells whether the request, or its answer, is to be thrown away.
func (l *life) reach(s step, pid int) (drop bool) {
	if l == nil {
		return false
	}
	l.linger(s)
	l.mu.Lock()
	if l.dead[pid] {
		l.mu.Unlock()
		return true
	}
	l.counts[s]++
	t, observe := l.trap, l.observe
	if t != nil && t.step == s {
		t.nth--
	}
	if t == nil || t.step != s || t.nth > 0 {
		t = nil
	} else {
		l.trap = nil
	}
	l.mu.Unlock()
	if observe != nil {
		observe(s, pid)
	}
	if t == nil {
		return false
	}
	t.pid = pid
	if t.kills {
		l.died(pid)
	}
	t.spring(pid)
	close(t.hit)
	return t.drop
}

// set sets a trap in the place of any other.
func (l *life) set(t *trap) *trap {
	t.hit = make(chan struct{})
	t.nth = max(1, t.nth)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trap = t
	return t
}

// kill sets a trap that kills.
func (l *life) kill(s step, nth int) *trap {
	return l.set(&trap{step: s, nth: nth, drop: true, kills: true, spring: kill})
}

// died notes that a process is killed.
func (l *life) died(pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead[pid] = true
}

// linger lets a produce request take its time.
func (l *life) linger(s step) {
	l.mu.Lock()
	slow := l.slow
	var wait time.Duration
	if slow != nil && s == (step{"produce", false}) {
		wait = slow()
	}
	l.mu.Unlock()
	if wait > 0 {
		<-time.After(wait)
	}
}

// kill ends a process at once. It waits for the answer to its request, so the number is still its own.
func kill(pid int) { _ = syscall.Kill(pid, syscall.SIGKILL) }

// watch has every step told to somebody, or to nobody.
func (l *life) watch(observe func(s step, pid int)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.observe = observe
}

func (t *trap) sprung() bool {
	select {
	case <-t.hit:
		return true
	default:
		return false
	}
}

// committed notes a commit that was carried out. The table does nothing about one it knows already by its token.
func (l *life) committed(pid int, position int64, token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.commits, func(c commit) bool { return c.token == token }) {
		return
	}
	if n := len(l.commits); n > 0 && position < l.commits[n-1].position {
		l.problems = append(l.problems, fmt.Sprintf("process %d committed %d after %d was committed", pid, position, l.commits[n-1].position))
	}
	l.commits = append(l.commits, commit{pid, position, token})
}

// started notes that a process was told where to go on.
func (l *life) started(pid int, position int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := int64(0)
	if n := len(l.commits); n > 0 {
		last = l.commits[n-1].position
	}
	if position != last {
		l.problems = append(l.problems, fmt.Sprintf("process %d starts at %d, and %d is committed", pid, position, last))
	}
	l.starts = append(l.starts, position)
}

// history is what was committed last, what starts there were, and what was wrong.
func (l *life) history() (last int64, starts []int64, problems []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.commits); n > 0 {
		last = l.commits[n-1].position
	}
	return last, slices.Clone(l.starts), slices.Clone(l.problems)
}

func (l *life) seen(s step) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[s]
}

// deck deals steps so that each comes up as often as any other, in random order.
type deck struct {
	steps []step
	least int
	// hands are what each round gets.
	hands [][]step

	mu   sync.Mutex
	hits map[step]int
}

// newDeck deals hands of up to two steps for so many rounds or more, and each step as often as is planned, or more.
func newDeck(p plan, steps []step) *deck {
	d := &deck{steps: steps, least: p.least, hits: map[step]int{}}
	random := rand.New(rand.NewPCG(p.seed, 1<<40))
	for dealt := 0; len(d.hands) < p.rounds || dealt < p.least; dealt++ {
		pile := slices.Clone(steps)
		random.Shuffle(len(pile), func(i, j int) { pile[i], pile[j] = pile[j], pile[i] })
		var hand []step
		for _, s := range pile {
			if s.slow() > 0 {
				d.hands = append(d.hands, []step{s})
				continue
			}
			if hand = append(hand, s); len(hand) == 2 {
				d.hands, hand = append(d.hands, hand), nil
			}
		}
		if len(hand) > 0 {
			d.hands = append(d.hands, hand)
		}
	}
	slices.SortStableFunc(d.hands, func(a, b []step) int { return cmp.Compare(b[0].slow(), a[0].slow()) })
	return d
}

func (d *deck) hit(s step) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hits[s]++
}

// report tells how often each step was hit, and fails the test if one was not hit often enough.
func (d *deck) report(t *testing.T) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	total := 0
	for _, s := range slices.SortedFunc(maps.Keys(d.hits), func(a, b step) int { return strings.Compare(a.name+a.String(), b.name+b.String()) }) {
		t.Logf("%4d × killed %s", d.hits[s], s)
		total += d.hits[s]
	}
	t.Logf("%d kills", total)
	for _, s := range d.steps {
		if d.hits[s] < d.least && !t.Failed() {
			t.Errorf("killed %d times %s; it should be %d", d.hits[s], s, d.least)
		}
	}
}
