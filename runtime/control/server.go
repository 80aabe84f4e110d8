package control

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Functions are the connectors' functions.
type Functions interface {
	// Plugins describes the connector classes there are, each once.
	Plugins(ctx context.Context) ([]Plugin, error)
	// Ask sends a control request to the function of a class, named in full, and returns what it answers.
	Ask(ctx context.Context, class string, request []byte) (answer []byte, err error)
}

// Plugin is a connector class, as its function describes it.
type Plugin struct {
	// Class is its full Java class name, Aliases are further names of it.
	Class   string   `json:"class"`
	Aliases []string `json:"aliases,omitempty"`
	// Type is "source" or "sink".
	Type    string `json:"type"`
	Version string `json:"version"`
}

// Triggers are what invokes functions: schedules and Kafka triggers.
type Triggers interface {
	// Changed is told after every change of a connector that is in the table. If the connector is to run, a source is
	// invoked at once, and a sink of which Stale is set is asked to plan its tasks. It must not wait for either.
	Changed(ctx context.Context, c offset.Connector) error
	// Deleted is told after a connector left the table.
	Deleted(ctx context.Context, connector string) error
	// Delivering tells whether a sink's trigger may still hand records over. It is asked of sinks that are not to run:
	// only when it is off are they paused or stopped.
	Delivering(ctx context.Context, c offset.Connector) (bool, error)
}

// Options are what a Server works with.
type Options struct {
	Store     offset.Store
	Functions Functions
	Triggers  Triggers
	// Groups are the consumer groups of sinks.
	Groups Groups
	// Plugins are the converters, transforms and predicates to list.
	Plugins connector.Plugins
	// Version is shown as that of the worker, ClusterID as that of the Kafka cluster.
	Version   string
	ClusterID func() string
	// Worker is the worker_id of what no function wrote a status of yet, such as host and port of this server.
	Worker string
	// Level is that of this process's log, which /admin/loggers/root shows and sets. nil if it cannot be set.
	Level *slog.LevelVar
	// Log takes what people should read. Defaults to slog.Default().
	Log *slog.Logger
}

// Server answers Connect's REST API. It keeps nothing between requests but log levels.
type Server struct {
	Options
	routes  []route
	loggers *loggers
}

var _ http.Handler = (*Server)(nil)

// New returns a server.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Server{Options: o, loggers: newLoggers(o.Level)}
	s.routes = s.table()
	return s
}

// requestTime is how long one request may take, as in Connect.
const requestTime = 90 * time.Second

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), requestTime)
	defer cancel()
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, mostBody)
	}
	s.serve(r.WithContext(ctx)).write(w, r.Method == http.MethodHead)
}

// mostBody is the size of a request's body beyond which it is refused: more than any connector's configuration, and more
// than a table's item can hold.
const mostBody = 4 << 20

func (s *Server) serve(r *http.Request) answer {
	segments, ok := split(r.URL.EscapedPath())
	if !ok {
		return ambiguous()
	}
	serve, params, err := s.find(r.Method, segments)
	if err != nil {
		return failure(err)
	}
	if !acceptable(r) {
		return failure(bare(http.StatusNotAcceptable))
	}
	a, err := serve(&request{Request: r, params: params})
	if err != nil && r.Context().Err() == context.DeadlineExceeded {
		err = fail(http.StatusInternalServerError, "Request timed out")
	}
	if err != nil {
		return failure(err)
	}
	return a
}
