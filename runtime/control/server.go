package control

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Options are what a Server works with.
type Options struct {
	Store     offset.Store
	Functions Functions
	Triggers  Triggers
	Clusters  Clusters
	// Meter may be nil: then health says how much connectors did by what the table knows.
	Meter Meter
	// Admit refuses a connector that cannot be run here, before it is written: what it says is answered with 400. nil
	// admits all.
	Admit func(ctx context.Context, c offset.Connector) error
	// Settings are what the worker's properties say about the API, Auth who may call.
	Settings Settings
	Auth     Auth
	// Plugins are the converters, transforms and predicates to list.
	Plugins connector.Plugins
	// Version is shown as that of the worker.
	Version string
	// Worker is the worker_id of what no function wrote a status of yet, such as host and port of this server.
	Worker string
	// Level is that of this process's log, which /admin/loggers/root shows and sets. nil if it cannot be set.
	Level *slog.LevelVar
	// Log takes what people should read. Defaults to slog.Default().
	Log *slog.Logger
}

// Server answers Connect's REST API. It keeps nothing between requests but log levels, and which
// settings of connector classes are passwords.
type Server struct {
	Options
	routes  []route
	loggers *loggers
	classes classes
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
	a := page(r, http.StatusBadRequest, "Ambiguous URI")
	if segments, ok := split(r.URL); len(r.RequestURI) > longestURI {
		a = page(r, http.StatusRequestURITooLong, "URI Too Long")
	} else if ok {
		s.Settings.decorate(w.Header(), r)
		a = s.serve(r.WithContext(ctx), segments)
	}
	a.write(w, r.Method == http.MethodHead)
}

// longestURI is what Connect's web server reads of one.
const longestURI = 8 << 10

// mostBody is the size of a request's body beyond which it is refused: more than any connector's configuration, and more
// than a table's item can hold.
const mostBody = 4 << 20

func (s *Server) serve(r *http.Request, segments []string) answer {
	preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
	if !preflight && !s.Auth.admits(r) { // browsers ask without credentials whether they may send them
		return s.Auth.refused()
	}
	route, params, err := s.find(r.Method, segments)
	if err != nil {
		return failure(err)
	}
	if !route.free {
		switch sent(r.Header) {
		case mediaBroken:
			return page(r, http.StatusBadRequest, "Bad Request")
		case mediaOther:
			return failure(bare(http.StatusUnsupportedMediaType))
		case mediaNone, mediaJSON:
		}
	}
	shown, ok := accepted(r.Header)
	if !ok && r.Method != http.MethodOptions {
		return failure(bare(http.StatusNotAcceptable))
	}
	a, err := route.serve(&request{Request: r, params: params})
	if err != nil && r.Context().Err() == context.DeadlineExceeded {
		err = fail(http.StatusInternalServerError, "Request timed out")
	}
	if err != nil {
		a = failure(err)
	}
	a.media = shown
	return a
}
