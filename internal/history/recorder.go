package history

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"plumb.dev/plumb/internal/release"
)

// Memory keeps releases, and what was applied.
type Memory interface {
	Store
	Applied
	Apps
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
// written (a full disk) is kept and tried again, so that
// nothing is lost while the daemon lives.
type Recorder struct {
	store Memory
	log   *slog.Logger
	retry time.Duration

	mu      sync.Mutex
	todo    []record
	wake    chan struct{}
	closed  bool
	ids     map[string]int64 // of releases that got none when they began
	limited bool             // the last write failed: one line in the log is enough
}

// record is one thing to write.
type record struct {
	app     string
	release *release.Release
	memo    Memo
	forget  bool
}

// mostRecords bounds what waits for a history that can't be written; beyond it
// memories, which are only a cache, are dropped first.
const mostRecords = 100_000

// NewRecorder is a recorder that has nothing to write yet. Nothing is written
// until Run, but for what Begin does itself.
func NewRecorder(store Memory, log *slog.Logger) *Recorder {
	return &Recorder{store: store, log: log, retry: 2 * time.Second, wake: make(chan struct{}, 1), ids: map[string]int64{}}
}

// Begin records a release before its work begins, and gives it its ID. Where
// that can't be done the work goes on: holding the target in line comes first.
func (r *Recorder) Begin(ctx context.Context, rel release.Release) *release.Release {
	saved, err := r.store.Save(ctx, rel)
	if err != nil {
		r.log.Error("a release can't be recorded before it begins; it is recorded when it ends", "app", rel.App, "error", err)
		return &rel
	}
	return &saved
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

func (r *Recorder) add(one record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.todo) >= mostRecords && one.release == nil {
		return
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
func (r *Recorder) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.signal()
}

// Run writes until it is closed.
func (r *Recorder) Run() {
	for {
		one, ok, closed := r.next()
		switch {
		case ok:
			if err := r.write(one); err != nil && !r.putBack(one, err, closed) {
				return
			}
		case closed:
			return
		default:
			<-r.wake
		}
	}
}

func (r *Recorder) next() (one record, ok, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.todo) == 0 {
		return record{}, false, r.closed
	}
	one = r.todo[0]
	r.todo = r.todo[1:]
	return one, true, r.closed
}

// putBack keeps what could not be written, and waits a little. It says false
// when there is no more time for another try.
func (r *Recorder) putBack(one record, err error, closed bool) bool {
	if !r.limited {
		r.log.Error("the history can't be written; what happened is kept in memory and written when it can be", "error", err)
		r.limited = true
	}
	if closed {
		return false
	}
	r.mu.Lock()
	r.todo = append([]record{one}, r.todo...)
	r.mu.Unlock()
	timer := time.AfterFunc(r.retry, r.signal)
	defer timer.Stop()
	<-r.wake
	return true
}

// writeRelease writes a release, one that could not be recorded when it began
// under the ID that it got at its first writing.
func (r *Recorder) writeRelease(ctx context.Context, rel release.Release) error {
	name := fmt.Sprint(rel.App, " ", rel.Trigger, " ", rel.Seen.UnixNano())
	nameless := rel.ID == 0
	if nameless {
		rel.ID = r.ids[name]
	}
	saved, err := r.store.Save(ctx, rel)
	if err == nil && nameless {
		r.ids[name] = saved.ID
	}
	return err
}

func (r *Recorder) write(one record) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var err error
	switch {
	case one.release != nil:
		err = r.writeRelease(ctx, *one.release)
	case one.forget:
		err = r.store.SaveApps(ctx, nil, []string{one.app})
	default:
		err = r.store.SaveApplied(ctx, one.app, one.memo.upserts, one.memo.removed)
	}
	if err == nil {
		r.limited = false
	}
	return err
}
