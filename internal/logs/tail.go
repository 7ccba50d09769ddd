package logs

import (
	"container/list"
	"context"
	"fmt"
	"slices"
	"sync"

	"plumb.dev/plumb/internal/event"
)

// Bounds say how much is kept, of lines and of bytes.
type Bounds struct {
	AppLines, AppBytes int // of one App; what is about none has a share of its own, as large as an App's
	AllLines, AllBytes int // of all together
}

// DefaultBounds are enough for the last hours of an App that isn't well.
func DefaultBounds() Bounds {
	return Bounds{AppLines: 500, AppBytes: 128 << 10, AllLines: 20_000, AllBytes: 8 << 20}
}

// Tail is the newest lines of a log. It is safe for concurrent use.
type Tail struct {
	bounds Bounds

	mu    sync.Mutex
	last  int64
	lines list.List // of entry, oldest first
	bytes int
	apps  map[string]*share
	news  chan struct{} // closed at the next line; nil while nobody waits
}

// share is what is kept of one App.
type share struct {
	entries []*list.Element // oldest first
	bytes   int
	last    int64 // how many there were
}

// entry is one line, with its place among the lines of its App.
type entry struct {
	app   string
	nth   int64
	bytes int
	line  event.Line
}

// NewTail is one that holds nothing yet.
func NewTail(b Bounds) *Tail { return &Tail{bounds: b, apps: map[string]*share{}} }

// add keeps a line.
func (t *Tail) add(app string, line event.Line) {
	bytes := sizeOf(line)
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.apps[app]
	if s == nil {
		s = &share{}
		t.apps[app] = s
	}
	t.last++
	s.last++
	line.ID = t.last
	s.entries = append(s.entries, t.lines.PushBack(&entry{app: app, nth: s.last, bytes: bytes, line: line}))
	s.bytes += bytes
	t.bytes += bytes
	for len(s.entries) > t.bounds.AppLines || s.bytes > t.bounds.AppBytes {
		t.drop(s.entries[0])
	}
	for t.lines.Len() > t.bounds.AllLines || t.bytes > t.bounds.AllBytes {
		t.drop(t.lines.Front()) // the oldest of all is the oldest of its App
	}
	if t.news != nil {
		close(t.news)
		t.news = nil
	}
}

// drop forgets the oldest line of an App.
func (t *Tail) drop(oldest *list.Element) {
	e := t.lines.Remove(oldest).(*entry)
	s := t.apps[e.app]
	s.entries[0] = nil
	s.entries = s.entries[1:]
	s.bytes -= e.bytes
	t.bytes -= e.bytes
	if len(s.entries) == 0 {
		delete(t.apps, e.app)
	}
}

// sizeOf is about how much room a line takes.
func sizeOf(l event.Line) int {
	n := 200 + len(l.Message)
	for name, value := range l.Attrs {
		n += 50 + len(name) + len(value)
	}
	return n
}

// Lines returns the newest lines about an App, or of the whole log for none,
// oldest first: at most limit, or all that are kept where limit is 0.
func (t *Tail) Lines(app string, limit int) []event.Line {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := []event.Line{}
	for _, e := range t.newest(app, limit, 0) {
		lines = append(lines, e.line)
	}
	return lines
}

// newest are the newest entries after a line's ID, oldest first.
func (t *Tail) newest(app string, limit int, after int64) (found []*entry) {
	room := func() bool { return limit <= 0 || len(found) < limit }
	if app == "" {
		for el := t.lines.Back(); el != nil && room() && el.Value.(*entry).line.ID > after; el = el.Prev() {
			found = append(found, el.Value.(*entry))
		}
	} else if s := t.apps[app]; s != nil {
		for i := len(s.entries) - 1; i >= 0 && room() && s.entries[i].Value.(*entry).line.ID > after; i-- {
			found = append(found, s.entries[i].Value.(*entry))
		}
	}
	slices.Reverse(found)
	return found
}

// Follow calls fn with the newest lines, and then with those to come, until ctx
// is done, which is no error, or fn returns one. Where fn is so slow that lines
// were dropped before it took them, one line says how many.
func (t *Tail) Follow(ctx context.Context, app string, limit int, fn func(event.Line) error) error {
	var last *entry
	for {
		found, news := t.next(app, limit, last)
		for _, e := range found {
			if missed := e.after(last, app); missed > 0 {
				if err := fn(missing(e.line, missed)); err != nil {
					return err
				}
			}
			last = e
			if err := fn(e.line); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return nil
			}
		}
		if limit = 0; len(found) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-news:
		}
	}
}

// after is how many lines there were between two. Those of an App are counted
// anew once none of them is kept.
func (e *entry) after(last *entry, app string) int64 {
	switch {
	case last == nil:
		return 0
	case app == "":
		return e.line.ID - last.line.ID - 1
	default:
		return max(0, e.nth-last.nth-1)
	}
}

// next are the lines after one, and what is closed at the line after them.
func (t *Tail) next(app string, limit int, last *entry) ([]*entry, <-chan struct{}) {
	after := int64(0)
	if last != nil {
		after = last.line.ID
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.news == nil {
		t.news = make(chan struct{})
	}
	return t.newest(app, limit, after), t.news
}

// missing stands for lines that were dropped before a line.
func missing(before event.Line, lines int64) event.Line {
	return event.Line{
		ID: before.ID - 1, Time: before.Time, Level: "WARN", Message: "more was logged than was read",
		Attrs: map[string]string{"missed": fmt.Sprint(lines)},
	}
}
