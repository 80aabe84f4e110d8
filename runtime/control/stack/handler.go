package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/control/aws"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// Validator says what Connect would say of a configuration; *control.Server is one.
type Validator interface {
	// Check returns Connect's own message about a connector whose configuration it would refuse. Its function is asked.
	Check(ctx context.Context, c offset.Connector) error
}

// Triggers are those that the stack made; aws.Triggers are.
type Triggers interface {
	Changed(ctx context.Context, c offset.Connector) error
	Deleted(ctx context.Context, c offset.Connector) error
	// Free deletes a function's mappings but those to keep, and returns them when they are gone.
	Free(ctx context.Context, function string, keep []aws.Reading) (gone []aws.Reading, err error)
	// Clean deletes what connectors that REST created made.
	Clean(ctx context.Context) error
}

// Handler answers the custom resources.
type Handler struct {
	Store     offset.Store
	Validator Validator
	Triggers  Triggers
	Clusters  control.Clusters
	Log       *slog.Logger
	// NeedsRegistry tells whether a configuration names a converter that keeps schemas in a registry, or the worker's
	// settings do where it names none. It may be nil.
	NeedsRegistry func(config, worker map[string]string) bool
	// Broken is why the function can do nothing of all this, nil if it can: CloudFormation would wait long for one that
	// does not even start.
	Broken error
	// Tell puts an answer where CloudFormation looks for it. Defaults to a request to that URL.
	Tell func(ctx context.Context, url string, text []byte) error
}

const sink = "sink"

// connectorProperties are those of Custom::Connector.
type connectorProperties struct {
	// Name and Function are the connector's, Type is source or sink.
	Name, Function, Type string
	// File is the configuration of the connector's file, FileState what it shall do.
	File, FileState string
	// Config, State and TasksMax are the stack parameters.
	Config, State, TasksMax string
	// Fixed are settings that the rights of its function follow from.
	Fixed []string
	// Registry is "false" if its function was built without the converters of schema registries.
	Registry string
	// Worker is the stack parameter of the worker's settings, which are those of connectors that have none of their own.
	Worker string
}

// asFile is the value of a parameter that leaves it to the file.
const asFile = "FILE"

// wanted is what a stack wants of a connector, as the item keeps it.
type wanted struct {
	Config map[string]string `json:"config"`
	Target offset.Target     `json:"target"`
}

// base is the StackBase of an item: what the stack last wrote, and what it found and overwrote then, so that a deployment
// that is rolled back can put it back.
type base struct {
	wanted
	// Before is the base before this one, and Was what the item held, which REST may have changed.
	Before *wanted `json:"before,omitempty"`
	Was    *wanted `json:"was,omitempty"`
	// At is when that was.
	At time.Time `json:"at"`
}

// deployment is how long a deployment may take: what the stack wanted before is a rollback within that time, and a change
// of mind after it.
const deployment = time.Hour

// rolledBackTo tells whether the stack wants again what it did before the deployment that is under way.
func (b *base) rolledBackTo(w wanted) bool {
	return b.Before != nil && b.Was != nil && b.Before.same(w) && time.Since(b.At) < deployment
}

// wanted puts the parameters over the file.
func (p connectorProperties) wanted() (wanted, error) {
	w := wanted{Config: map[string]string{}, Target: offset.Target(p.FileState)}
	if err := json.Unmarshal([]byte(p.File), &w.Config); err != nil {
		return w, fmt.Errorf("reading the configuration of connector %s: %w", p.Name, err)
	}
	file := maps.Clone(w.Config)
	var over map[string]any
	if err := json.Unmarshal([]byte(p.Config), &over); err != nil {
		return w, fmt.Errorf("reading the Config parameter of connector %s, which must be a JSON object: %w", p.Name, err)
	}
	for name, value := range over {
		switch v := value.(type) {
		case nil:
			delete(w.Config, name)
		case string:
			w.Config[name] = v
		case bool, float64:
			text, err := json.Marshal(v)
			if err != nil {
				return w, fmt.Errorf("reading the setting %q of connector %s: %w", name, p.Name, err)
			}
			w.Config[name] = string(text)
		default:
			return w, fmt.Errorf("the setting %q of connector %s must be a string, a number or a boolean", name, p.Name)
		}
	}
	for _, fixed := range append(p.Fixed, "name", "connector.class", "topics", "topics.regex", "consumer.override.group.id", "consumer.override.auto.offset.reset") {
		if w.Config[fixed] != file[fixed] {
			return w, fmt.Errorf("the setting %q of connector %s comes from its file: what CloudFormation made follows from it", fixed, p.Name)
		}
	}
	if p.TasksMax != asFile {
		w.Config["tasks.max"] = p.TasksMax
	}
	if p.State != asFile {
		w.Target = offset.Target(p.State)
	}
	return w, nil
}

// connector answers Custom::Connector.
func (h Handler) connector(ctx context.Context, e Event) (id string, err error) {
	var p connectorProperties
	if err := json.Unmarshal(e.ResourceProperties, &p); err != nil {
		return "", fmt.Errorf("reading the properties: %w", err)
	}
	id = "connector/" + p.Name
	if e.RequestType == remove {
		return e.PhysicalResourceID, h.remove(ctx, p, e.PhysicalResourceID)
	}
	w, err := p.wanted()
	if err != nil {
		return e.PhysicalResourceID, err
	}
	if err := h.fits(p, w); err != nil {
		return e.PhysicalResourceID, err
	}
	changed, err := h.changes(ctx, p.Name, w)
	if err == nil && changed {
		err = h.Validator.Check(ctx, offset.Connector{Name: p.Name, Config: w.Config, Trigger: map[string]string{aws.FunctionHandle: p.Function}})
	}
	if err != nil {
		return e.PhysicalResourceID, err
	}
	c, err := h.write(ctx, p, w)
	if err != nil {
		return e.PhysicalResourceID, fmt.Errorf("writing connector %s: %w", p.Name, err)
	}
	if p.Type == sink {
		if err := h.free(ctx, p, w, c); err != nil {
			return e.PhysicalResourceID, err
		}
	}
	return id, h.Triggers.Changed(ctx, c)
}

// fits refuses what the connector's function was not built for. It goes by nothing but the request, so that it lets pass
// what a rollback brings back.
func (h Handler) fits(p connectorProperties, w wanted) error {
	if p.Registry != "false" || h.NeedsRegistry == nil {
		return nil
	}
	var worker map[string]string
	if p.Worker != "" {
		if err := json.Unmarshal([]byte(p.Worker), &worker); err != nil {
			return fmt.Errorf("reading the parameter WorkerConfig, which must be a JSON object of strings: %w", err)
		}
	}
	if !h.NeedsRegistry(w.Config, worker) {
		return nil
	}
	return fmt.Errorf("a parameter of the stack has connector %s convert with a schema registry, for which its function was not built: "+
		"name the converter in the connector's file, or deploy with -c registry=true", p.Name)
}

// changes tells whether the stack wants something else than it last did. If not, nothing is even validated, so that a
// rollback cannot fail.
func (h Handler) changes(ctx context.Context, name string, w wanted) (bool, error) {
	c, _, err := h.Store.Look(ctx, name, 0)
	if errors.Is(err, offset.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking up connector %s: %w", name, err)
	}
	last := baseOf(c)
	return last == nil || !last.same(w) && !last.rolledBackTo(w), nil
}

// baseOf is what the stack last wrote; nil if it never did.
func baseOf(c offset.Connector) *base {
	var b base
	if c.StackBase == "" || json.Unmarshal([]byte(c.StackBase), &b) != nil {
		return nil
	}
	return &b
}

func (w wanted) same(other wanted) bool {
	return w.Target == other.Target && maps.Equal(w.Config, other.Config)
}

// write writes what the stack wants, as far as it is something else than the stack wanted last.
func (h Handler) write(ctx context.Context, p connectorProperties, w wanted) (offset.Connector, error) {
	for {
		c, _, err := h.Store.Look(ctx, p.Name, 0)
		if errors.Is(err, offset.ErrNotFound) {
			c, err = offset.Connector{Name: p.Name}, nil
		}
		if err != nil {
			return c, err
		}
		last := baseOf(c)
		if last != nil && last.same(w) && c.Trigger[aws.FunctionHandle] == p.Function {
			return c, nil
		}
		c.Trigger = maps.Clone(c.Trigger)
		if c.Trigger == nil {
			c.Trigger = map[string]string{}
		}
		c.Trigger[aws.FunctionHandle] = p.Function
		revoke := offset.Keep
		if last == nil || !last.same(w) {
			if revoke, err = merge(&c, last, w); err != nil {
				return c, err
			}
		}
		after, err := h.Store.Put(ctx, c, revoke)
		if errors.Is(err, offset.ErrStale) {
			continue // REST changed it just now
		}
		return after, err
	}
}

// merge puts into a connector's item what the stack wants and did not want before.
func merge(c *offset.Connector, last *base, w wanted) (offset.Revoke, error) {
	next := base{wanted: w, At: time.Now()}
	config, target := w.Config, w.Target
	switch {
	case c.Version == 0:
	case last == nil: // REST created it; the stack takes it over
	case last.rolledBackTo(w):
		// What had been overwritten comes back, as REST had left it.
		config, target = last.Was.Config, last.Was.Target
	default:
		next.Before, next.Was = &last.wanted, &wanted{Config: c.Config, Target: c.Target}
		if maps.Equal(last.Config, w.Config) {
			config = c.Config
		}
		if last.Target == w.Target {
			target = c.Target
		}
	}
	text, err := json.Marshal(next)
	if err != nil {
		return offset.Keep, fmt.Errorf("writing what the stack wants: %w", err)
	}
	c.StackBase = string(text)
	revoke := offset.Keep
	if c.Target != target {
		c.Target, revoke = target, offset.Stop
	}
	if !maps.Equal(c.Config, config) {
		c.Config, c.Stale, revoke = config, true, offset.Restart
		c.Trigger = maps.Clone(c.Trigger)
		delete(c.Trigger, control.Halted)
		if c.Status.State == offset.StateFailed {
			c.Status = offset.Status{Worker: c.Status.Worker}
		}
	}
	return revoke, nil
}

// free deletes the mappings of topics that the connector's file does not name any more, before CloudFormation makes those of
// others: they may have the same consumer group, which no two mappings can have. CloudFormation deletes them too, later,
// and finds nothing. A topic that is read by another group from now on goes on where it was.
func (h Handler) free(ctx context.Context, p connectorProperties, w wanted, c offset.Connector) error {
	var keep []aws.Reading
	groups := map[string]string{}
	for _, one := range []offset.Connector{c, {Name: p.Name, Config: w.Config, Trigger: map[string]string{control.Matched: c.Trigger[control.Matched]}}} {
		for _, topic := range control.Topics(one) {
			groups[topic] = control.Group(one, topic)
			keep = append(keep, aws.Reading{Topic: topic, Group: groups[topic]})
		}
	}
	gone, err := h.Triggers.Free(ctx, p.Function, keep)
	if err != nil {
		return err
	}
	for _, reading := range gone {
		if now := groups[reading.Topic]; now != "" && now != reading.Group {
			if err := h.copyOffsets(ctx, c, reading, now); err != nil {
				return fmt.Errorf("handing topic %s from group %s to %s: %w", reading.Topic, reading.Group, now, err)
			}
		}
	}
	return nil
}

// copyOffsets commits for another group what a group has committed of a topic.
func (h Handler) copyOffsets(ctx context.Context, c offset.Connector, from aws.Reading, to string) error {
	groups, err := h.Clusters.Groups(ctx, c)
	if err != nil {
		return err
	}
	committed, err := groups.GroupOffsets(ctx, from.Group)
	if err != nil {
		return err
	}
	maps.DeleteFunc(committed, func(at kafka.TopicPartition, _ int64) bool { return at.Topic != from.Topic })
	if len(committed) == 0 {
		return nil
	}
	return groups.SetGroupOffsets(ctx, to, committed)
}

// remove deletes a connector that the stack made. What was never made, or was taken over by another, is no error.
func (h Handler) remove(ctx context.Context, p connectorProperties, id string) error {
	name, ours := strings.CutPrefix(id, "connector/")
	if !ours {
		return nil // its creation failed
	}
	for {
		c, _, err := h.Store.Look(ctx, name, 0)
		if errors.Is(err, offset.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("looking up connector %s: %w", name, err)
		}
		if c.StackBase == "" || c.Trigger[aws.FunctionHandle] != p.Function {
			return nil
		}
		if err := h.Triggers.Deleted(ctx, c); err != nil {
			return fmt.Errorf("removing the triggers of connector %s: %w", name, err)
		}
		err = h.Store.Delete(ctx, c)
		if errors.Is(err, offset.ErrStale) {
			continue
		}
		if err == nil {
			err = h.Store.ResetTopics(ctx, name)
		}
		if err != nil {
			return fmt.Errorf("deleting connector %s: %w", name, err)
		}
		return nil
	}
}

// triggersProperties are those of Custom::Triggers.
type triggersProperties struct {
	Name, Function, Type string
	// Schedule is the name of a source's schedule.
	Schedule string
	// Mappings is a JSON object of the UUIDs of a sink's mappings, by topic; PartialAnswers tells whether they report them.
	Mappings, PartialAnswers string
}

// triggers answers Custom::Triggers.
func (h Handler) triggers(ctx context.Context, e Event) (id string, err error) {
	var p triggersProperties
	if err := json.Unmarshal(e.ResourceProperties, &p); err != nil {
		return "", fmt.Errorf("reading the properties: %w", err)
	}
	id = "triggers/" + p.Name
	if e.RequestType == remove {
		return e.PhysicalResourceID, nil // CloudFormation deletes what it made
	}
	for {
		c, _, err := h.Store.Look(ctx, p.Name, 0)
		if errors.Is(err, offset.ErrNotFound) {
			// REST deleted it: what the stack made must not run.
			gone := offset.Connector{Name: p.Name, Target: offset.Stopped, Trigger: p.handles(nil)}
			return id, h.Triggers.Changed(ctx, gone)
		}
		if err != nil {
			return e.PhysicalResourceID, fmt.Errorf("looking up connector %s: %w", p.Name, err)
		}
		handles := p.handles(c.Trigger)
		if !maps.Equal(handles, c.Trigger) {
			c.Trigger = handles
			if c, err = h.Store.Put(ctx, c, offset.Keep); errors.Is(err, offset.ErrStale) {
				continue
			}
			if err != nil {
				return e.PhysicalResourceID, fmt.Errorf("noting the triggers of connector %s: %w", p.Name, err)
			}
		}
		return id, h.Triggers.Changed(ctx, c)
	}
}

func (p triggersProperties) handles(before map[string]string) map[string]string {
	handles := maps.Clone(before)
	if handles == nil {
		handles = map[string]string{}
	}
	handles[aws.FunctionHandle] = p.Function
	if p.Type != sink {
		handles[aws.ScheduleHandle] = p.Schedule
		return handles
	}
	handles[aws.MappingsHandle], handles[worker.PartialAnswers] = p.Mappings, p.PartialAnswers
	return handles
}

// cleanup answers Custom::Cleanup.
func (h Handler) cleanup(ctx context.Context, e Event) (id string, err error) {
	if e.RequestType == remove {
		err = h.Triggers.Clean(ctx)
	}
	return "cleanup", err
}
