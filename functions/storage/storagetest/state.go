package storagetest

import (
	"bytes"
	"context"
	"sync"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// State is a connector's state in memory. The zero State is empty and ready for use.
type State struct {
	mu     sync.Mutex
	values map[connect.TopicPartition]value
}

type value struct {
	data    []byte
	version int64
}

// StateClient is one process's access to a State.
type StateClient struct {
	*State
	// Step is as a Client's.
	Step func(step string) error
}

var _ connect.State = (*StateClient)(nil)

func (s *StateClient) do(name string, f func() error) error {
	if s.Step != nil {
		if err := s.Step("before " + name); err != nil {
			return err
		}
	}
	s.mu.Lock()
	err := f()
	s.mu.Unlock()
	if err != nil || s.Step == nil {
		return err
	}
	return s.Step("after " + name)
}

// Get implements connect.State.
func (s *StateClient) Get(_ context.Context, topic string, partition int32) (data []byte, version int64, err error) {
	err = s.do("get", func() error {
		v := s.values[connect.TopicPartition{Topic: topic, Partition: partition}]
		data, version = bytes.Clone(v.data), v.version
		return nil
	})
	return data, version, err
}

// Put implements connect.State.
func (s *StateClient) Put(_ context.Context, topic string, partition int32, data []byte, version int64) (next int64, err error) {
	err = s.do("put", func() error {
		at := connect.TopicPartition{Topic: topic, Partition: partition}
		if s.values[at].version != version {
			return connect.ErrConflict
		}
		if s.values == nil {
			s.values = map[connect.TopicPartition]value{}
		}
		next = version + 1
		s.values[at] = value{data: bytes.Clone(data), version: next}
		return nil
	})
	return next, err
}
