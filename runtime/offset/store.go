package offset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// Format is the version of the layout of items. Every item carries it; an item of a later format is refused.
const Format = 1

// MaxName is how many bytes the name of a connector may have. There is no connector of a longer name, nor of none.
const MaxName = 1000

// What callers tell apart with errors.Is. Anything else is the table itself failing.
var (
	// ErrNotFound: there is no such connector.
	ErrNotFound = errors.New("no such connector")
	// ErrHeld: the lease is somebody else's and has not run out.
	ErrHeld = errors.New("held by another invocation")
	// ErrFenced: the lease was lost: somebody else took it after it ran out, or it was taken away. Nothing was written.
	ErrFenced = errors.New("the lease was lost")
	// ErrRevoked: a change revoked the lease. It cannot be renewed, but within Grace its holder may still commit and
	// release.
	ErrRevoked = errors.New("revoked by a change of the connector")
	// ErrStale: the connector changed since it was read; read it again.
	ErrStale = errors.New("the connector changed meanwhile")
)

// Grace is how long a revoked lease still lasts, so that its holder can finish: revoking sets the lease's expiry to the
// earlier of what it was and Grace from now, and leaves owner and epoch as they are.
const Grace = 4 * time.Second

// Store is the table. Implementations are safe for concurrent use, by any number of processes.
type Store interface { //nolint:interfacebloat // the sum of what its users ask for apart
	Catalog
	Changer
	Leaser
	Committer
	Markers
	States
	Topics
	Groups
}

// Catalog reads connectors.
type Catalog interface {
	// Look reads a connector and its first n task items in one strongly consistent call. Tasks that do not exist are
	// left out. ErrNotFound if there is no such connector.
	Look(ctx context.Context, connector string, n int) (Connector, []Task, error)
	// List returns all connectors, sorted by name.
	List(ctx context.Context) ([]Connector, error)
	// Tasks returns all task items of a connector that are not gone, sorted by number.
	Tasks(ctx context.Context, connector string) ([]Task, error)
	// TasksOf returns the same for many connectors, by name: of each as many as its field Tasks says.
	TasksOf(ctx context.Context, connectors []Connector) (map[string][]Task, error)
}

// Changer changes connectors. Every change is conditional on the Version that was read: ErrStale if it is no longer the
// one in the table, and then nothing was written. What they return is the connector as it stands after the change.
type Changer interface {
	// Put writes name, configuration, target and the other fields a user or the control plane decides: all but
	// Version, Generation, Gate and Tasks, which are the table's own. Version 0 creates, under a Generation and a
	// Version above those of any earlier connector of that name. With revoke it raises Generation and revokes every
	// task's lease in one transaction (of several, behind a closed gate, when there are more than 98 tasks). The
	// status of revoked tasks and their NotBefore are cleared as Revoke says.
	Put(ctx context.Context, c Connector, revoke Revoke) (Connector, error)
	// Publish replaces the task settings under the plan lease: raises Generation, writes tasks 0…n-1, marks the rest
	// gone, revokes all, clears Stale and opens the gate. Of what is there it keeps what Restart keeps, since a task
	// that failed with other settings is no failure of these. The other fields of c are written as by Put; PlannedAt
	// becomes the time of the write. ErrFenced if the plan lease is lost.
	Publish(ctx context.Context, c Connector, plan Lease, settings []map[string]string) (Connector, error)
	// Delete removes a connector's item, marks its tasks gone and revokes their leases. Offsets stay, as in Connect,
	// and so do markers, states, topics and groups.
	Delete(ctx context.Context, c Connector) error
	// AlterOffsets sets offsets from outside (a zero Position removes a partition's), clears their private resume
	// positions, raises Generation, clears NotBefore and takes every lease away at once, without grace. all first
	// removes every offset of the connector. Of c it writes nothing. When it needs several transactions, ErrStale can
	// also mean that somebody changed the connector in between; then call it again with what Look returns.
	AlterOffsets(ctx context.Context, c Connector, o connect.Offsets, all bool) (Connector, error)
}

// Revoke says what a change does to running tasks.
type Revoke uint8

// The kinds of revocation.
const (
	// Keep leaves tasks alone.
	Keep Revoke = iota
	// Stop revokes the leases; statuses keep what they say.
	Stop
	// Restart revokes the leases and clears FAILED, trace, attempts, next attempt and NotBefore.
	Restart
)

// Leaser gives out tasks. The plan of a connector is leased like a task, with the number PlanTask.
type Leaser interface {
	// Acquire takes the lease in one conditional write and returns the task's item after it. ErrHeld, ErrStale (other
	// generation, gone, or never published). An ambiguous answer is settled by reading back.
	Acquire(ctx context.Context, c Claim) (Task, error)
	// Renew makes the lease run l.TTL from now. ErrFenced; ErrRevoked when the item's generation is no longer
	// l.Generation, and then nothing is written.
	Renew(ctx context.Context, l Lease) error
	// Check is a strongly consistent look at whether the lease is still held. ErrFenced, ErrRevoked.
	Check(ctx context.Context, l Lease) error
	// Release gives the lease back and writes how the invocation ended; a revoked lease is given back too, but then
	// of the outcome only what was done is written, since the change decided what else the item says. ErrFenced; to give back what was
	// given back already may also be no error.
	Release(ctx context.Context, l Lease, o Outcome) error
}

// PlanTask is the number under which a connector's plan is leased. It needs no published task and ignores Generation.
const PlanTask = -1

// Committer reads and writes source offsets.
type Committer interface {
	// Offsets returns what is stored of the given partitions.
	Offsets(ctx context.Context, connector string, partitions []connect.Partition) (map[connect.Partition]Entry, error)
	// AllOffsets returns every stored offset of a connector, sorted by partition JSON.
	AllOffsets(ctx context.Context, connector string) ([]Entry, error)
	// Commit writes offsets under the lease, at most 99 to a transaction, in one transaction if they fit. ErrFenced:
	// then nothing of the transaction in question was written. After any other error it is not known whether it was
	// written; the holder must not commit anything further then, since what was lost could arrive late. To commit
	// nothing makes no call and never fails.
	Commit(ctx context.Context, l Lease, c Commit) error
}

// Markers remembers failures of sinks across redeliveries, one marker per topic partition.
type Markers interface {
	// Marker returns a partition's marker; the zero Marker but for its names if there is none.
	Marker(ctx context.Context, connector, topic string, partition int32) (Marker, error)
	// PutMarker writes a marker if its Version is still the one in the table, and returns it with the new one.
	// connect.ErrConflict otherwise.
	PutMarker(ctx context.Context, connector string, m Marker) (Marker, error)
	// PutTaskStatus writes the status of a sink's task, for which there is no lease, unless the task has another
	// generation than the one given: ErrStale. What was done is added to what the task did, once.
	PutTaskStatus(ctx context.Context, connector string, task int, generation int64, s Status, done Done) error
}

// States keeps a sink's own small values, see connect.State.
type States interface {
	// State returns a value of the caller's own and its version; version 0 means there is none.
	State(ctx context.Context, connector, topic string, partition int32) (value []byte, version int64, err error)
	// PutState stores a value if the version is still the one given (0: if there is none) and returns the new one.
	// connect.ErrConflict otherwise.
	PutState(ctx context.Context, connector, topic string, partition int32, value []byte, version int64) (int64, error)
}

// Topics remembers which topics a connector was seen to use. A source adds them with its commits.
type Topics interface {
	// Topics returns them sorted.
	Topics(ctx context.Context, connector string) ([]string, error)
	// AddTopics adds topics, without a lease; those that are there already are no error.
	AddTopics(ctx context.Context, connector string, topics ...string) error
	// ResetTopics forgets all of them.
	ResetTopics(ctx context.Context, connector string) error
}

// Groups keeps snapshots of the offsets of a sink's consumer groups, for when the broker forgets an idle group.
type Groups interface {
	// Group returns the snapshot of a group, empty if there is none.
	Group(ctx context.Context, connector, group string) (map[connect.TopicPartition]int64, error)
	// PutGroup replaces the snapshot of a group. An empty one counts as none.
	PutGroup(ctx context.Context, connector, group string, offsets map[connect.TopicPartition]int64) error
}

// Target is what a user wants of a connector.
type Target string

// The targets.
const (
	Running Target = "RUNNING"
	Paused  Target = "PAUSED"
	Stopped Target = "STOPPED"
)

// Connector is a connector's item.
type Connector struct {
	Name   string
	Config map[string]string
	Target Target
	// Version is raised by every write. 0 means not yet written.
	Version int64
	// Generation is raised by every change that revokes leases.
	Generation int64
	// Stale: task settings must be planned again before tasks may run.
	Stale bool
	// Gate is closed while task items are being rewritten in several transactions; no task may be claimed meanwhile.
	// Whoever finds it closed plans again.
	Gate bool
	// Tasks is the number of published tasks; PlannedAt is when they were.
	Tasks     int
	PlannedAt time.Time
	// Status is that of the connector itself: FAILED with a trace when planning fails.
	Status Status
	// Trigger are handles of the schedules and mappings that invoke it, and what is known of them.
	Trigger map[string]string
	// StackBase is the configuration that the stack last wrote.
	StackBase string
}

// Task is a task's item.
type Task struct {
	Connector  string
	ID         int
	Settings   map[string]string
	Generation int64
	Epoch      int64
	// Owner is the holder's nonce, "" if released or revoked; Expires is when its lease runs out.
	Owner   string
	Expires time.Time
	// NotBefore is when the next poll is due; zero means at once.
	NotBefore time.Time
	Status    Status
	// Count is what its invocations did together.
	Count Count
}

// Done is how many records an invocation was given, and how many it passed on.
type Done struct{ In, Out int64 }

// Plus is the sum of both.
func (d Done) Plus(more Done) Done { return Done{d.In + more.In, d.Out + more.Out} }

// Count is what was done since some time; zero as long as it is nothing.
type Count struct {
	Done
	Since time.Time
}

// HeldAt tells whether somebody holds the task at that time.
func (t Task) HeldAt(now time.Time) bool { return t.Owner != "" && t.Expires.After(now) }

// State is what Connect calls the state of a connector or task.
type State string

// The states.
const (
	StateUnassigned State = "UNASSIGNED"
	StateRunning    State = "RUNNING"
	StatePaused     State = "PAUSED"
	StateStopped    State = "STOPPED"
	StateFailed     State = "FAILED"
	StateRestarting State = "RESTARTING"
)

// Status is what really happened last.
type Status struct {
	// State is "" as long as nothing happened.
	State State
	// Trace is the error of a failure.
	Trace string
	// Worker names the function and environment that wrote this.
	Worker string
	// Since is when State became what it is; Success and Failure are when the task last made progress and last failed. Times have milliseconds.
	Since, Success, Failure time.Time
	// Attempts counts failures since the last success; Next is when the next automatic attempt is due, zero if none
	// will come.
	Attempts int
	Next     time.Time
}

// Claim asks for a task's lease.
type Claim struct {
	Connector  string
	Task       int
	Generation int64
	// Nonce is random and used for one claim only; Worker is shown to users.
	Nonce, Worker string
	TTL           time.Duration
}

// Check tells what is wrong with a claim.
func (c Claim) Check() error {
	switch {
	case c.Nonce == "":
		return errors.New("claiming a task: no nonce")
	case c.TTL < time.Millisecond:
		return fmt.Errorf("claiming a task: a lease of %v", c.TTL)
	case c.Task < PlanTask:
		return fmt.Errorf("claiming a task: there is no task %d", c.Task)
	}
	return nil
}

// Lease proves that a task is held.
type Lease struct {
	Connector string
	Task      int
	// Generation is the one the lease was claimed under; the plan lease has none and is never revoked.
	Generation int64
	Nonce      string
	Epoch      int64
	TTL        time.Duration
}

// Entry is what is stored about a source partition.
type Entry struct {
	Partition connect.Partition
	// Offset is what Connect's rules say is committed; zero if nothing is.
	Offset connect.Position
	// Resume is where the next Open goes on, when that is further than Offset.
	Resume connect.Position
}

// Start is where Open goes on.
func (e Entry) Start() connect.Position {
	if !e.Resume.IsZero() {
		return e.Resume
	}
	return e.Offset
}

// Commit is what one commit writes.
type Commit struct {
	// Offsets are committed as Connect commits them. They clear the private resume position of their partition unless
	// Resume has a new one. A zero Position removes what is committed.
	Offsets connect.Offsets
	// Resume are private resume positions.
	Resume connect.Offsets
	// Topics are topics the connector was not yet known to use.
	Topics []string
	// Status is written with the first transaction when it is not nil.
	Status *Status
}

// Outcome is how an invocation of a task ended.
type Outcome struct {
	// NotBefore is when the next poll is due; zero means at once.
	NotBefore time.Time
	// Status replaces the task's status when it is not nil.
	Status *Status
	// Done is added to what the task did, also when the lease was revoked.
	Done Done
}

// Marker remembers a failure at a place in a topic partition.
type Marker struct {
	Topic     string
	Partition int32
	Version   int64
	// Offset is where it fails; First is when it first did, Attempts how often it did.
	Offset   int64
	First    time.Time
	Attempts int
	// Dead are offsets at or after Offset that are in the dead-letter topic already, ascending.
	Dead []int64
}
