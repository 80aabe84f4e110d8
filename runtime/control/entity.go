package control

import (
	"context"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// connectorInfo is Connect's ConnectorInfo.
type connectorInfo struct {
	Name   string             `json:"name"`
	Config map[string]*string `json:"config"`
	Tasks  []taskID           `json:"tasks"`
	Type   string             `json:"type"`
	// OffsetsStatus says what became of initial_offsets.
	OffsetsStatus string `json:"offsets_status,omitempty"`
}

type taskID struct {
	Connector string `json:"connector"`
	Task      int    `json:"task"`
}

// taskInfo is Connect's TaskInfo.
type taskInfo struct {
	ID     taskID            `json:"id"`
	Config map[string]string `json:"config"`
}

// connectorStatus is Connect's ConnectorStateInfo.
type connectorStatus struct {
	Name      string       `json:"name"`
	Connector state        `json:"connector"`
	Tasks     []taskStatus `json:"tasks"`
	Type      string       `json:"type"`
}

type state struct {
	State   offset.State `json:"state"`
	Worker  string       `json:"worker_id"`
	Trace   string       `json:"trace,omitempty"`
	Version *string      `json:"version"`
}

type taskStatus struct {
	ID int `json:"id"`
	state
}

func (s *Server) infoOf(ctx context.Context, c offset.Connector, p Plugin) connectorInfo {
	info := connectorInfo{Name: c.Name, Config: make(map[string]*string, len(c.Config)), Tasks: []taskID{}, Type: p.Type}
	for name, value := range s.masked(ctx, c, p, c.Config) {
		info.Config[name] = &value
	}
	for id := range shownTasks(c) {
		info.Tasks = append(info.Tasks, taskID{c.Name, id})
	}
	return info
}

// stoppedHandle marks, among the trigger handles, a connector that was stopped: its tasks are shown again only when they
// were planned anew.
const stoppedHandle = "stopped"

// Halted is the trigger handle that says why a sink's function had its trigger stopped for good. A restart and a change
// of the configuration remove it.
const Halted = "halted"

// Controller is the trigger handle that names the control function, on AWS: a sink's function that had its trigger stopped
// sends it a [FollowEvent], since it may not touch triggers itself.
const Controller = "control"

// FollowEvent has the control function make triggers fit the table: those of Connector, or, if that is empty, those of all
// sinks that read the topics of a pattern.
type FollowEvent struct {
	// Control is "follow".
	Control   string `json:"control"`
	Connector string `json:"connector,omitempty"`
}

// shownTasks is how many tasks users see: none from a stop until they are planned again, although they are still there.
func shownTasks(c offset.Connector) int {
	if c.Target == offset.Stopped || c.Stale && c.Trigger[stoppedHandle] != "" {
		return 0
	}
	return c.Tasks
}
