package history

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/release"
)

// Memory keeps all that outlives a restart.
type Memory interface {
	Store
	Applied
	Apps
	Events
	Desk
}

// Memo is what is to be remembered of some objects.
type Memo struct {
	upserts []AppliedObject
	removed []string
}

// Upsert adds an object.
func (m *Memo) Upsert(o AppliedObject) { m.upserts = append(m.upserts, o) }

// Remove adds that an object, by its ID, is to be forgotten.
func (m *Memo) Remove(id string) { m.removed = append(m.removed, id) }

// Recorder writes to a history beside those who decide, in order. What can't be
// written (a full disk) is kept and tried again, so that nothing is lost while
// the daemon lives.
type Recorder struct {
	store Memory
	log   *slog.Logger
	retry time.Duration

	writing sync.Mutex       // one writes at a time: the queue, or Begin
	ids     map[string]int64 // of releases that got none when they began
	full    bool             // the last write failed: one line in the log is enough

	mu      sync.Mutex
	todo    []record
	failing bool // what is first in todo can't be written for now
	wake    chan struct{}
	closed  chan struct{}
	close   sync.Once

	listeners listeners
}

// record is one thing to write.
type record struct {
	app     string
	release *release.Release
	event   *event.Event
	told    bool // the event is known to those who listen
	note    *note
	memo    Memo
	forget  bool
	passed  chan struct{} // closed when its turn comes; nothing is written
}

// note is a value for the desk, or without one that it is to be dropped.
type note struct {
	kind  DeskKind
	key   string
	value []byte
	drop  bool
}

// spare says that losing the record costs work or a line to read, never truth.
func (r record) spare() bool { return r.release == nil && r.note == nil && r.passed == nil }

// about says whether the record is for the same place on the desk.
func (r record) about(kind DeskKind, key string) bool {
	return r.note != nil && r.note.kind == kind && r.note.key == key
}

// mostRecords bounds what waits for a history that can't be written; beyond it
// memories, which are only a cache, and events are dropped first.
const mostRecords = 100_000

// NewRecorder is a recorder that has nothing to write yet. Nothing is written
// until Run, but for what Begin does itself.
func NewRecorder(store Memory, log *slog.Logger) *Recorder {
	return &Recorder{store: store, log: log, retry: 2 * time.Second, wake: make(chan struct{}, 1), closed: make(chan struct{}), ids: map[string]int64{}}
}

// Begin records a release before its work begins, and gives it its ID. Where
// that can't be done the work goes on: holding the target in line comes first.
// What waits to be written of the same release is older, and is dropped.
func (r *Recorder) Begin(ctx context.Context, rel release.Release) *release.Release {
	r.writing.Lock()
	defer r.writing.Unlock()
	saved, err := r.writeRelease(ctx, rel)
	if err != nil {
		r.log.Error("a release can't be recorded before it begins; it is recorded when it ends", "app", rel.App, "error", err)
		return &rel
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.todo = slices.DeleteFunc(r.todo, func(one record) bool { return one.release != nil && nameOf(*one.release) == nameOf(rel) })
	return &saved
}

// nameOf tells one release from another before it has an ID.
func nameOf(r release.Release) string {
	return fmt.Sprint(r.App, " ", r.Trigger, " ", r.Seen.UnixNano())
}

// Save writes a release as it is now.
func (r *Recorder) Save(app string, rel release.Release) { r.add(record{app: app, release: &rel}) }

// Remember writes what is to be remembered of an App's objects.
func (r *Recorder) Remember(app string, m Memo) {
	if len(m.upserts)+len(m.removed) > 0 {
		r.add(record{app: app, memo: m})
	}
}

// Forget removes what is remembered of an App.
func (r *Recorder) Forget(app string) { r.add(record{app: app, forget: true}) }

// Tell writes an event, and tells those who listen.
func (r *Recorder) Tell(e event.Event) { r.add(record{app: e.App, event: &e}) }

// Put writes a value to the desk.
func (r *Recorder) Put(kind DeskKind, key string, value []byte) {
	r.add(record{note: &note{kind: kind, key: key, value: value}})
}

// Drop takes a value from the desk.
func (r *Recorder) Drop(kind DeskKind, key string) {
	r.add(record{note: &note{kind: kind, key: key, drop: true}})
}

// PutNow writes a value to the desk before it returns, for what must outlive a
// kill before anything follows from it. Where that can't be done nothing
// changed. What waits to be written in the same place is older, and is dropped.
func (r *Recorder) PutNow(ctx context.Context, kind DeskKind, key string, value []byte) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := r.store.Put(ctx, kind, key, value); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.todo = slices.DeleteFunc(r.todo, func(one record) bool { return one.about(kind, key) })
	return nil
}

func (r *Recorder) add(one record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.todo) >= mostRecords && one.spare() {
		return
	}
	if one.note != nil && len(r.todo) > 0 { // the newest word is enough; the first of the queue may be being written
		rest := slices.DeleteFunc(r.todo[1:], func(old record) bool { return old.about(one.note.kind, one.note.key) })
		r.todo = r.todo[:1+len(rest)]
	}
	r.todo = append(r.todo, one)
	r.signal()
}

func (r *Recorder) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Close lets Run end when all is written, or can't be.
func (r *Recorder) Close() { r.close.Do(func() { close(r.closed) }) }

// Run writes until it is closed. Then what waits is tried once more.
func (r *Recorder) Run() {
	defer r.listeners.end()
	last := false
	for {
		wrote, err := r.writeNext()
		switch {
		case err != nil && last:
			return
		case err != nil:
			last = !r.pause()
			continue
		case wrote:
			continue
		}
		select {
		case <-r.wake:
		case <-r.closed:
			if !r.waiting() {
				return
			}
		}
	}
}

func (r *Recorder) waiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.todo) > 0
}

// pause waits a little before another try. It says false when there is no more
// time for one.
func (r *Recorder) pause() bool {
	timer := time.NewTimer(r.retry)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.closed:
		return false
	}
}

// writeNext writes what waits longest, and says whether there was anything.
func (r *Recorder) writeNext() (bool, error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.mu.Lock()
	if len(r.todo) == 0 {
		r.mu.Unlock()
		return false, nil
	}
	one := r.todo[0]
	r.mu.Unlock()
	err := r.write(one)
	if err != nil && !r.full {
		r.log.Error("the history can't be written; what happened is kept in memory and written when it can be", "error", err)
	}
	r.full = err != nil
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = err != nil
	if err != nil {
		r.tellWaiting()
		r.passWaiting()
		return false, err
	}
	r.todo = r.todo[1:]
	return true, nil
}

func (r *Recorder) write(one record) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	switch {
	case one.release != nil:
		_, err := r.writeRelease(ctx, *one.release)
		return err
	case one.event != nil:
		return r.writeEvent(ctx, one)
	case one.note != nil && one.note.drop:
		return r.store.Drop(ctx, one.note.kind, one.note.key)
	case one.note != nil:
		return r.store.Put(ctx, one.note.kind, one.note.key, one.note.value)
	case one.passed != nil:
		close(one.passed)
		return nil
	case one.forget:
		return r.store.SaveApps(ctx, nil, []string{one.app})
	default:
		return r.store.SaveApplied(ctx, one.app, one.memo.upserts, one.memo.removed)
	}
}

// writeRelease writes a release, one that could not be recorded when it began
// under the ID that it got at its first writing.
func (r *Recorder) writeRelease(ctx context.Context, rel release.Release) (release.Release, error) {
	nameless := rel.ID == 0
	if nameless {
		rel.ID = r.ids[nameOf(rel)]
	}
	saved, err := r.store.Save(ctx, rel)
	if err == nil && nameless {
		r.ids[nameOf(rel)] = saved.ID
	}
	return saved, err
}

// writeEvent writes an event, and tells it under the ID that it got.
func (r *Recorder) writeEvent(ctx context.Context, one record) error {
	added, err := r.store.AddEvents(ctx, []event.Event{*one.event})
	if err != nil || one.told {
		return err
	}
	for _, e := range added {
		r.listeners.tell(e)
	}
	return nil
}

// tellWaiting tells the events that wait for a history that can't be written,
// without an ID: what happens is news now. The caller holds mu.
func (r *Recorder) tellWaiting() {
	for i, one := range r.todo {
		if one.event != nil && !one.told {
			r.todo[i].told = true
			r.listeners.tell(*one.event)
		}
	}
}
