package kafka

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Failure names the first record of a partition that was not done. All before it were.
type Failure struct {
	// ID is the [Batch.ID] of the record.
	ID string
	// Offset is the offset of the record.
	Offset int64
}

// Response is the answer to a trigger: for each partition, where to begin again. The zero value says that everything
// was done.
//
// A trigger obeys it only if its mapping asks for partial answers; any other takes every answer for a full success. To
// those, an undone record has to be an error.
type Response struct {
	failures []Failure
}

// Fail notes that the record at offset was not done. Of several in one partition the lowest counts.
func (r *Response) Fail(id string, offset int64) {
	for i := range r.failures {
		if f := &r.failures[i]; f.ID == id {
			f.Offset = min(f.Offset, offset)
			return
		}
	}
	r.failures = append(r.failures, Failure{id, offset})
}

// Failures returns one failure per partition, in the order in which the partitions first failed.
func (r *Response) Failures() []Failure { return r.failures }

// OK says whether everything was done.
func (r *Response) OK() bool { return len(r.failures) == 0 }

// AppendJSON appends the answer as the trigger expects it:
//
//	{"batchItemFailures":[{"itemIdentifier":{"partition":"orders-3","offset":41}}]}
func (r *Response) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"batchItemFailures":[`...)
	for i, f := range r.failures {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"itemIdentifier":{"partition":`...)
		dst = appendString(dst, f.ID)
		dst = append(dst, `,"offset":`...)
		dst = strconv.AppendInt(dst, f.Offset, 10)
		dst = append(dst, `}}`...)
	}
	return append(dst, `]}`...)
}

// MarshalJSON is AppendJSON for encoding/json.
func (r *Response) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

// ParseResponse reads a function's answer as a trigger does. An empty answer, null, and an answer without the list are
// full successes. Anything it cannot read is an error, upon which a trigger sends the whole batch again.
func ParseResponse(body []byte) (Response, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return Response{}, nil
	}
	var answer struct {
		Failures []struct {
			Item struct {
				Partition string `json:"partition"`
				Offset    *int64 `json:"offset"`
			} `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return Response{}, fmt.Errorf("reading the function's answer: %w", err)
	}
	var r Response
	for _, f := range answer.Failures {
		if f.Item.Partition == "" || f.Item.Offset == nil {
			return Response{}, errors.New("reading the function's answer: a failure names no partition or no offset")
		}
		r.Fail(f.Item.Partition, *f.Item.Offset)
	}
	return r, nil
}
