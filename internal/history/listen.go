package history

import (
	"context"
	"sync"

	"plumb.dev/plumb/internal/event"
)

// listenerRoom is how many events wait for one who listens.
const listenerRoom = 256

// listeners are those who are told events as they happen. Nobody waits for one
// who doesn't read.
type listeners struct {
	mu    sync.Mutex
	all   map[chan event.Event]bool // whether it missed something since it last had room
	ended bool
}

// Subscribe returns a channel of the events to come, in order, until ctx is
// done or the recorder ends; then it is closed. One who reads too slowly finds
// an event of the kind Missed in the place of what he missed. An event that
// can't be written yet comes without an ID.
func (r *Recorder) Subscribe(ctx context.Context) <-chan event.Event {
	c := make(chan event.Event, listenerRoom+1) // the last place is for the word that something was missed
	if r.listeners.add(c) {
		context.AfterFunc(ctx, func() { r.listeners.remove(c) })
	}
	return c
}

// ListEvents returns events that are kept, oldest first.
func (r *Recorder) ListEvents(ctx context.Context, q event.Query) ([]event.Event, error) {
	r.written(ctx)
	return r.store.ListEvents(ctx, q)
}

// Follow calls fn with the events of a query: those that are kept, and then
// those to come, in order, until ctx is done (which is no error), the recorder
// ends, or fn returns an error, which it returns. What a slow fn missed is
// looked up. Each event comes once, but for one that was told without an ID: it
// comes again if it is looked up later.
func (r *Recorder) Follow(ctx context.Context, q event.Query, fn func(event.Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	news := r.Subscribe(ctx)
	if err := r.catchUp(ctx, &q, fn); err != nil {
		return unlessDone(ctx, err)
	}
	for e := range news {
		var err error
		switch {
		case e.Kind == event.Missed:
			err = r.catchUp(ctx, &q, fn)
		case q.Selects(e):
			err = fn(e)
		}
		q.After = max(q.After, e.ID)
		if err != nil {
			return unlessDone(ctx, err)
		}
	}
	return nil
}

// catchUp passes on what is kept after the last event that was passed on.
func (r *Recorder) catchUp(ctx context.Context, q *event.Query, fn func(event.Event) error) error {
	for {
		events, err := r.store.ListEvents(ctx, *q)
		if err != nil {
			return err
		}
		begun := q.After != 0
		for _, e := range events {
			q.After = e.ID
			if err := fn(e); err != nil {
				return err
			}
		}
		if len(events) == 0 || !begun { // the newest so many are all that was asked for
			return nil
		}
	}
}

// unlessDone is an error that isn't only the end of ctx.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (l *listeners) add(c chan event.Event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		close(c)
		return false
	}
	if l.all == nil {
		l.all = map[chan event.Event]bool{}
	}
	l.all[c] = false
	return true
}

func (l *listeners) remove(c chan event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.all[c]; there {
		delete(l.all, c)
		close(c)
	}
}

// tell passes an event on to everyone who has room for it. Only tell sends, so
// room that is seen stays.
func (l *listeners) tell(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, missed := range l.all {
		switch room := len(c) < listenerRoom; {
		case room:
			l.all[c] = false
			c <- e
		case !missed:
			l.all[c] = true
			c <- event.Event{Time: e.Time, Kind: event.Missed, Message: "more happened than was read: ask for what comes after the last event"}
		}
	}
}

// end closes all channels: nothing more will happen.
func (l *listeners) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for c := range l.all {
		delete(l.all, c)
		close(c)
	}
}
