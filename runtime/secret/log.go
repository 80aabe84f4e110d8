package secret

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
)

// LogHandler returns a handler that scrubs what it hands to next: messages and the values of attributes. Numbers, times
// and keys are left as they are.
func (r *Resolver) LogHandler(next slog.Handler) slog.Handler {
	return logHandler{next: next, scrub: r.Scrub}
}

type logHandler struct {
	next  slog.Handler
	scrub func(string) string
}

// Enabled implements slog.Handler.
func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, h.scrub(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, out)
}

// WithAttrs implements slog.Handler. Secrets that are learned later are not found in these attributes.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.next = h.next.WithAttrs(h.attrs(attrs))
	return h
}

// WithGroup implements slog.Handler.
func (h logHandler) WithGroup(name string) slog.Handler {
	h.next = h.next.WithGroup(name)
	return h
}

func (h logHandler) attrs(attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = h.attr(a)
	}
	return out
}

func (h logHandler) attr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(h.scrub(v.String()))
	case slog.KindGroup:
		a.Value = slog.GroupValue(h.attrs(v.Group())...)
	case slog.KindAny:
		a.Value = h.any(v)
	default:
		a.Value = v
	}
	return a
}

// any scrubs a value of any type. It stays what it is unless one of the ways to write it shows a secret.
func (h logHandler) any(v slog.Value) slog.Value {
	if err, ok := v.Any().(error); ok {
		return slog.StringValue(h.scrub(err.Error()))
	}
	text := fmt.Sprintf("%+v", v.Any())
	if b, ok := v.Any().([]byte); ok {
		text = string(b)
	}
	if clean := h.scrub(text); clean != text {
		return slog.StringValue(clean)
	}
	if text, err := json.Marshal(v.Any()); err == nil {
		if clean := h.scrub(string(text)); clean != string(text) {
			return slog.StringValue(clean)
		}
	}
	return v
}
