package control

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// rootLogger is the logger whose level is that of this process.
const rootLogger = "root"

// loggers are the levels that were set by REST. As in Connect they are lost with the process. The level of root is that of
// the process's log; other names, which Java code would log under, are kept and shown and have nothing to filter here.
type loggers struct {
	level *slog.LevelVar // nil if the log's level cannot be changed
	now   func() time.Time

	mu  sync.Mutex
	set map[string]loggerLevel
}

// loggerLevel is Connect's LoggerLevel.
type loggerLevel struct {
	Level    string `json:"level"`
	Modified *int64 `json:"last_modified"` // in milliseconds; nil if it was never changed
}

// levels are Connect's, as this process's log has them.
func levels() map[string]slog.Level {
	return map[string]slog.Level{
		"ALL": slog.LevelDebug - 8, "TRACE": slog.LevelDebug - 4, "DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo,
		"WARN": slog.LevelWarn, "ERROR": slog.LevelError, "FATAL": slog.LevelError + 4, "OFF": slog.LevelError + 8,
	}
}

func newLoggers(level *slog.LevelVar) *loggers {
	root := loggerLevel{Level: "INFO"}
	if level != nil {
		for name, l := range levels() {
			if l == level.Level() {
				root.Level = name
			}
		}
	}
	return &loggers{level: level, now: time.Now, set: map[string]loggerLevel{rootLogger: root}}
}

func (l *loggers) get(name string) (loggerLevel, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	level, found := l.set[inOwnCase(name)]
	return level, found
}

// inOwnCase is the name of a logger: that of root may be written in any case.
func inOwnCase(name string) string {
	if strings.EqualFold(name, rootLogger) {
		return rootLogger
	}
	return name
}

func (l *loggers) all() map[string]loggerLevel {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.set)
}

// put sets the level of a logger and of those below it, and returns which ones it changed, sorted.
func (l *loggers) put(namespace, level string) []string {
	namespace = inOwnCase(namespace)
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.set[namespace]; !known {
		l.set[namespace] = loggerLevel{}
	}
	now := l.now().UnixMilli()
	changed := []string{}
	for name, old := range l.set {
		within := namespace == rootLogger || name == namespace || strings.HasPrefix(name, namespace+".")
		if !within || old.Level == level {
			continue
		}
		l.set[name] = loggerLevel{level, &now}
		changed = append(changed, name)
	}
	if namespace == rootLogger && l.level != nil {
		l.level.Set(levels()[level])
	}
	slices.Sort(changed)
	return changed
}

func (s *Server) listLoggers(*request) (answer, error) { return ok(s.loggers.all()), nil }

func (s *Server) logger(r *request) (answer, error) {
	level, found := s.loggers.get(r.name())
	if !found {
		return answer{}, fail(http.StatusNotFound, "Logger %s not found.", r.name())
	}
	return ok(level), nil
}

// setLogger answers PUT /admin/loggers/…: for this process, or with scope=cluster for all, of which there is this one.
func (s *Server) setLogger(r *request) (answer, error) {
	body, err := r.read()
	if err != nil {
		return answer{}, err
	}
	wanted, err := settingsOf(body, "The level")
	if err != nil {
		return answer{}, err
	}
	if wanted["level"] == nil {
		return answer{}, fail(http.StatusBadRequest, "Desired 'level' parameter was not specified in request.")
	}
	level := strings.ToUpper(strings.TrimSpace(*wanted["level"]))
	if level == "" {
		return answer{}, errors.New("Illegal null or empty Level name.") //nolint:staticcheck,revive // Connect's own words
	}
	if _, known := levels()[level]; !known {
		return answer{}, fail(http.StatusNotFound, "invalid log level '%s'.", *wanted["level"])
	}
	changed := s.loggers.put(r.name(), level)
	if strings.EqualFold(r.query().Get("scope"), "cluster") {
		return answer{status: http.StatusNoContent}, nil
	}
	return ok(changed), nil
}
