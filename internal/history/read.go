package history

import (
	"context"
	"slices"
	"time"

	"plumb.dev/plumb/internal/release"
)

var _ Reader = (*Recorder)(nil)

// longestBehind bounds how long a reader waits for what is to be written first.
const longestBehind = 5 * time.Second

// Get implements Reader. What was told before is in the answer.
func (r *Recorder) Get(ctx context.Context, id int64) (release.Release, error) {
	r.written(ctx)
	return r.store.Get(ctx, id)
}

// List implements Reader. What was told before is in the answer.
func (r *Recorder) List(ctx context.Context, q Query) ([]release.Release, error) {
	r.written(ctx)
	return r.store.List(ctx, q)
}

// written waits until what was told before is written, or can't be: who saw how
// an App stands, and asks next what happened, finds the one with the other.
func (r *Recorder) written(ctx context.Context) {
	passed := r.queue()
	if passed == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, longestBehind)
	defer cancel()
	select {
	case <-passed:
	case <-ctx.Done():
	}
}

// queue returns a channel that is closed when all that waits now was written or
// can't be; nil if nothing is to be waited for.
func (r *Recorder) queue() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.todo) == 0 || r.failing {
		return nil
	}
	passed := make(chan struct{})
	r.todo = append(r.todo, record{passed: passed})
	r.signal()
	return passed
}

// passWaiting lets readers go on: what they wait for can't be written for now.
// The caller holds mu.
func (r *Recorder) passWaiting() {
	r.todo = slices.DeleteFunc(r.todo, func(one record) bool {
		if one.passed != nil {
			close(one.passed)
		}
		return one.passed != nil
	})
}
