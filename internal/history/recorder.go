package history

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
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
// written (a full disk) is kept and tried again, so that nothing is lost while
// the daemon lives.
type Recorder struct {
	store Memory
	log   *slog.Logger
	retry time.Duration

	writing sync.Mutex       // one writes at a time: the queue, or Begin
	ids     map[string]int64 // of releases that got none when they began
	full    bool             // the last write failed: one line in the log is enough

	mu     sync.Mutex
	todo   []record
	wake   chan struct{}
	closed chan struct{}
	close  sync.Once
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
func (r *Recorder) Close() { r.close.Do(func() { close(r.closed) }) }

// Run writes until it is closed. Then what waits is tried once more.
func (r *Recorder) Run() {
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
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
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
