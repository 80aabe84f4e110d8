package connect

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrConflict means that somebody else changed a thing first.
var ErrConflict = errors.New("changed by somebody else meanwhile")

// RetryError asks the runtime to repeat the call that returned it, as Connect's RetriableException does.
type RetryError struct {
	// After is how long to wait first. 0 means RetryDelay.
	After time.Duration
	// Outage says that something is out of reach, such as a schema registry, so that no record is to blame: none is passed
	// over for it, nor dead-lettered, whatever errors.tolerance says.
	Outage bool
	Err    error
}

// Retry wraps err so that the call is repeated after a while; after 0 leaves the delay to the runtime.
func Retry(err error, after time.Duration) error { return &RetryError{After: after, Err: err} }

// Error implements error.
func (e *RetryError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *RetryError) Unwrap() error { return e.Err }

// BatchError is a Put that could not write some of its records because of what they are. What becomes of those is decided
// by errors.tolerance, as for records that a sink of Connect reports to its ErrantRecordReporter. Return it only for
// records that will never be written: a target that is out of reach is no record's fault.
type BatchError struct {
	// Failed maps the index of a record in the slice handed to Put to why it failed. The others are written.
	Failed map[int]error
	// Err is for a target that does not say which record it refuses: Failed is empty then, and none of the records is
	// written. If failures are tolerated the runtime puts ever smaller parts of them until it knows.
	Err error
}

// Error implements error.
func (e *BatchError) Error() string {
	first := -1
	for i := range e.Failed {
		if first < 0 || i < first {
			first = i
		}
	}
	switch {
	case first >= 0:
		return fmt.Sprintf("writing records: %d failed, the first, number %d: %v", len(e.Failed), first, e.Failed[first])
	case e.Err != nil:
		return fmt.Sprintf("writing records: one of them was refused: %v", e.Err)
	}
	return "writing records: none failed"
}

// Unwrap returns Err.
func (e *BatchError) Unwrap() error { return e.Err }

// Stage is the step in which a record failed. Its text is Connect's name of it.
type Stage string

// The stages, as dead letters and log lines name them.
const (
	StagePoll            Stage = "TASK_POLL"
	StagePut             Stage = "TASK_PUT"
	StageTransform       Stage = "TRANSFORMATION"
	StageKeyConverter    Stage = "KEY_CONVERTER"
	StageValueConverter  Stage = "VALUE_CONVERTER"
	StageHeaderConverter Stage = "HEADER_CONVERTER"
	StageProduce         Stage = "KAFKA_PRODUCE"
)

// StageError is a failure in a stage, with the Java class of the plugin that was at work.
type StageError struct {
	Stage Stage
	Class string
	Err   error
}

// Error implements error.
func (e *StageError) Error() string {
	class := e.Class[strings.LastIndexByte(e.Class, '.')+1:]
	switch e.Stage {
	case StageKeyConverter:
		return fmt.Sprintf("converting the key with %s: %v", class, e.Err)
	case StageValueConverter:
		return fmt.Sprintf("converting the value with %s: %v", class, e.Err)
	case StageHeaderConverter:
		return fmt.Sprintf("converting a header with %s: %v", class, e.Err)
	case StageTransform:
		return fmt.Sprintf("transforming with %s: %v", class, e.Err)
	case StagePoll:
		return fmt.Sprintf("polling %s: %v", class, e.Err)
	case StagePut:
		return fmt.Sprintf("putting records to %s: %v", class, e.Err)
	case StageProduce:
		return e.Err.Error() // it says where it was going
	}
	return fmt.Sprintf("%s: %v", e.Stage, e.Err)
}

// Unwrap returns the cause.
func (e *StageError) Unwrap() error { return e.Err }
