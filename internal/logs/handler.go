package logs

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"plumb.dev/plumb/internal/event"
)

// longest is how many bytes of a message or a value are kept.
const longest = 4 << 10

// Handler passes on to next what is logged, and keeps the lines that next wants.
func (t *Tail) Handler(next slog.Handler) slog.Handler { return &handler{tail: t, next: next} }

// handler is a slog.Handler beside another.
type handler struct {
	tail  *Tail
	next  slog.Handler
	group string      // the prefix of attributes' names: a.b.
	attrs []namedText // what every line has
}

type namedText struct{ name, text string }

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	attrs := slices.Clone(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		attrs = appendAttr(attrs, h.group, a)
		return true
	})
	line := event.Line{Time: r.Time, Level: levelOf(r.Level), Message: cut(r.Message)}
	app := ""
	for _, a := range attrs {
		if a.name == "app" {
			app = a.text
			continue
		}
		if line.Attrs == nil {
			line.Attrs = make(map[string]string, len(attrs))
		}
		line.Attrs[a.name] = a.text
	}
	if app != "" {
		line.Attrs = withApp(line.Attrs, app)
	}
	h.tail.add(app, line)
	return h.next.Handle(ctx, r)
}

// withApp tells of which App a line is: who asks for the whole log needs that.
func withApp(attrs map[string]string, app string) map[string]string {
	if attrs == nil {
		attrs = map[string]string{}
	}
	attrs["app"] = app
	return attrs
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.next = h.next.WithAttrs(attrs)
	with.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		with.attrs = appendAttr(with.attrs, h.group, a)
	}
	return &with
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.next = h.next.WithGroup(name)
	with.group = h.group + name + "."
	return &with
}

// appendAttr adds an attribute, a group's one by one.
func appendAttr(to []namedText, prefix string, a slog.Attr) []namedText {
	value := a.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		if a.Key == "" && value.Any() == nil {
			return to // slog's handlers leave out what is empty
		}
		return append(to, namedText{prefix + a.Key, cut(textOf(value))})
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, inner := range value.Group() {
		to = appendAttr(to, prefix, inner)
	}
	return to
}

// textOf is a value as people read it.
func textOf(v slog.Value) (text string) {
	if v.Kind() == slog.KindTime {
		return v.Time().Format(time.RFC3339Nano)
	}
	if v.Kind() != slog.KindAny {
		return v.String()
	}
	defer func() { // as slog's own: a value that can't be told must not end the daemon
		if problem := recover(); problem != nil {
			text = fmt.Sprintf("!PANIC: %v", problem)
		}
	}()
	if marshaler, ok := v.Any().(encoding.TextMarshaler); ok {
		if b, err := marshaler.MarshalText(); err == nil {
			return string(b)
		}
	}
	return fmt.Sprintf("%+v", v.Any())
}

// levelOf is one of four words.
func levelOf(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return slog.LevelDebug.String()
	case l < slog.LevelWarn:
		return slog.LevelInfo.String()
	case l < slog.LevelError:
		return slog.LevelWarn.String()
	}
	return slog.LevelError.String()
}

// cut leaves of a long text what is kept, never half a character.
func cut(text string) string {
	if len(text) <= longest {
		return text
	}
	end := longest
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.Clone(text[:end]) + "…"
}
