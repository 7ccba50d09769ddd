package server

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"plumb.dev/plumb/internal/event"
)

const (
	// maxOpen bounds what goes on at once: streams, and those who wait.
	maxOpen = 256
	// lineTimeout is how long a reader may take for a line before it is given up.
	lineTimeout = 30 * time.Second
	// endTimeout is how long a reader may take to be told that it is the end.
	endTimeout = time.Second
	// beat is the time between blank lines, which show that the daemon is there
	// and keep what is in between from hanging up.
	beat = 15 * time.Second
)

// room lets in so many at once.
type room chan struct{}

// enter takes a place, and returns what gives it back.
func (r room) enter() (leave func(), err error) {
	select {
	case r <- struct{}{}:
		return func() { <-r }, nil
	default:
		return nil, huma.Error503ServiceUnavailable("too many streams are open already: end one, or ask for a list")
	}
}

// stoppingKey is under what Serve puts the channel that is closed when the
// daemon stops.
type stoppingKey struct{}

// stopping is closed when the daemon stops. What would go on for long ends then,
// where other requests are let finish.
func stopping(ctx context.Context) <-chan struct{} {
	done, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return done
}

// stream answers with JSON lines for as long as follow goes on, the reader
// stays and the daemon runs. send may be called by one at a time.
func (e endpoints) stream(follow func(ctx context.Context, send func(any) error) error) (*huma.StreamResponse, error) {
	leave, err := e.open.enter()
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer leave()
		r, w := humago.Unwrap(c)
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		l := &lines{w: w, control: http.NewResponseController(w)}
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("X-Accel-Buffering", "no") // a proxy in between shall not wait for more
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			l.beat(ctx, cancel)
		}()
		if l.write(nil) == nil { // the head goes out at once
			if err := follow(ctx, l.send); err != nil && ctx.Err() == nil {
				e.log.Error("a stream broke off", "path", r.URL.Path, "error", err)
			}
		}
		cancel()
		<-stop
		// A line that was under way when the daemon stopped may have been written
		// after all; then the reader is told that this is the end.
		_ = l.control.SetWriteDeadline(time.Now().Add(endTimeout))
	}}, nil
}

// lines writes lines to one reader.
type lines struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
}

// send writes a value as a line of JSON.
func (l *lines) send(value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return l.write(append(content, '\n'))
}

// write writes and flushes, with a deadline of its own: that of the server is
// for whole answers.
func (l *lines) write(content []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flush(content)
}

func (l *lines) flush(content []byte) error {
	// A writer without deadlines has none that could end it.
	_ = l.control.SetWriteDeadline(time.Now().Add(lineTimeout))
	if len(content) > 0 {
		if _, err := l.w.Write(content); err != nil {
			return err
		}
	}
	return l.control.Flush()
}

// beat writes blank lines until ctx ends, and ends the stream when the reader
// has left or the daemon stops.
func (l *lines) beat(ctx context.Context, end func()) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-stopping(ctx):
			end()
			if l.mu.TryLock() {
				l.mu.Unlock()
			} else { // a line is being written; its reader doesn't hold up the end
				_ = l.control.SetWriteDeadline(time.Now())
			}
			return
		case <-ticker.C:
			if !l.mu.TryLock() {
				continue // a line is being written
			}
			err := l.flush([]byte("\n"))
			l.mu.Unlock()
			if err != nil {
				end()
				return
			}
		}
	}
}

// eventFilter selects events.
type eventFilter struct {
	App   string `query:"app" maxLength:"317" doc:"Only events of this App (NAMESPACE/NAME)."`
	Kind  string `query:"kind" maxLength:"63" doc:"Only events of this kind."`
	After int64  `query:"after" minimum:"0" doc:"Only events with a larger id: the next page begins after the last id of this one."`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"At most this many: the first after the given id, or else the newest."`
}

func (f eventFilter) query() event.Query {
	return event.Query{App: f.App, Kind: event.Kind(f.Kind), After: f.After, Limit: f.Limit}
}

func (e endpoints) listEvents(ctx context.Context, in *eventFilter) (*body[list[event.Event]], error) {
	events, err := e.events.ListEvents(ctx, in.query())
	if err != nil {
		return nil, historyError(err)
	}
	return itemsOf(events), nil
}

func (e endpoints) streamEvents(_ context.Context, in *eventFilter) (*huma.StreamResponse, error) {
	return e.stream(func(ctx context.Context, send func(any) error) error {
		return e.events.Follow(ctx, in.query(), func(v event.Event) error { return send(v) })
	})
}

// logFilter selects log lines of an App.
type logFilter struct {
	AppPath
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"200" doc:"The newest so many lines, of those that are kept."`
}

func (e endpoints) listLines(ctx context.Context, in *logFilter) (*body[list[event.Line]], error) {
	if err := e.knows(ctx, in.ID()); err != nil {
		return nil, err
	}
	return itemsOf(e.logs.Lines(in.ID(), in.Limit)), nil
}

func (e endpoints) streamLines(ctx context.Context, in *logFilter) (*huma.StreamResponse, error) {
	if err := e.knows(ctx, in.ID()); err != nil {
		return nil, err
	}
	return e.stream(func(ctx context.Context, send func(any) error) error {
		return e.logs.Follow(ctx, in.ID(), in.Limit, func(l event.Line) error { return send(l) })
	})
}

// knows refuses an App that isn't declared and of which no line is kept.
func (e endpoints) knows(ctx context.Context, id string) error {
	if len(e.logs.Lines(id, 1)) > 0 {
		return nil
	}
	if _, err := e.apps.App(ctx, id); err != nil {
		return appError(id, "can't be read", err, http.StatusServiceUnavailable)
	}
	return nil
}
