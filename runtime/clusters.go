package runtime

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// Clusters implements control.Clusters with the settings of a worker and of its connectors. It connects when first asked.
type Clusters struct {
	env worker.Env

	mu     sync.Mutex
	admins map[string]*kafka.Admin // by all their settings
}

var _ control.Clusters = (*Clusters)(nil)

// NewClusters returns the clusters that the worker's settings and those of connectors name.
func NewClusters(e worker.Env) *Clusters { return &Clusters{env: e, admins: map[string]*kafka.Admin{}} }

// ID implements control.Clusters.
func (c *Clusters) ID(ctx context.Context) (string, error) {
	env, _, err := c.env.Resolved(ctx, nil)
	if err != nil {
		return "", c.env.Scrub(err)
	}
	admin, err := c.admin(env.Client)
	if err != nil {
		return "", c.env.Scrub(err)
	}
	id, err := admin.ClusterID(ctx)
	return id, c.env.Scrub(err)
}

// Groups implements control.Clusters. A sink's consumer may be told to read another cluster than the worker's.
func (c *Clusters) Groups(ctx context.Context, sink offset.Connector) (control.Groups, error) {
	env, resolved, err := c.env.Resolved(ctx, sink.Config)
	if err != nil {
		return nil, c.env.Scrub(err)
	}
	properties := maps.Clone(env.Client)
	maps.Copy(properties, config.Prefixed(resolved, "consumer.override."))
	admin, err := c.admin(properties)
	if err != nil {
		return nil, c.env.Scrub(fmt.Errorf("reading the Kafka settings of connector %s: %w", sink.Name, err))
	}
	return admin, nil
}

// admin returns the client with these settings, of which it takes those of connections.
func (c *Clusters) admin(properties map[string]string) (*kafka.Admin, error) {
	own := map[string]string{}
	for _, s := range kafka.Settings() {
		if value, ok := properties[s.Key]; ok && s.Refused == "" {
			own[s.Key] = value
		}
	}
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(own)) {
		fmt.Fprintf(&key, "%q=%q\n", name, own[name])
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if admin := c.admins[key.String()]; admin != nil {
		return admin, nil
	}
	admin, err := kafka.NewAdmin(kafka.AdminConfig{Properties: own})
	if err != nil {
		return nil, fmt.Errorf("reading the settings of Kafka clients: %w", err)
	}
	c.admins[key.String()] = admin
	return admin, nil
}

// Close ends all connections.
func (c *Clusters) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, admin := range c.admins {
		admin.Close()
		delete(c.admins, key)
	}
}
