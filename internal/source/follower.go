package source

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Repository is what is followed. How to look at one is the business of each
// kind of source; when to, and what is news, is the same for all.
type Repository interface {
	// String is the URL, as it may be told.
	fmt.Stringer
	// Fetch looks at it once. It is called by one at a time.
	Fetch(ctx context.Context, refs []Ref) Found
	// Settled says of a head that it can't become another, so that it needn't be
	// looked at until someone asks.
	Settled(Head) bool
	// Looked is told of each look, before there is another.
	Looked(context.Context, Look)
	// Close lets go of what it holds, once nobody looks any more.
	Close()
}

// Found is what one look brought.
type Found struct {
	// Heads has one of each ref: a revision, an error, or both.
	Heads map[Ref]Head
	// Err says why the repository as a whole can't be looked at. It is looked at
	// less and less often then.
	Err error
	// Outcome is a word for how it ended: ok, or what went wrong.
	Outcome string
}

// Look is one look at a repository, for metrics.
type Look struct {
	URL     string
	Took    time.Duration
	Outcome string
	// Changed is how many of the refs have a new revision.
	Changed int
}

// follower follows one repository, in one goroutine: it looks when it is time,
// or when it is asked to, and hands on what is new.
type follower[R Repository] struct {
	url        string // as it is written
	repository R
	outbox     *Outbox
	logger     *slog.Logger
	spread     float64 // between 0 and 1: how early in its time it looks

	end         context.CancelFunc
	ended       chan struct{}
	asked       chan struct{} // to look now; holds at most one
	rescheduled chan struct{} // to wait for another time; holds at most one

	mu       sync.Mutex
	wanted   map[Ref]time.Duration
	known    map[Ref]Head // what was told last of what is wanted
	all      bool         // the next look is at what is settled as well
	failures int          // looks in a row that failed
}

// want sets what is wanted and returns what isn't any more.
func (f *follower[R]) want(refs map[Ref]time.Duration) []Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	var gone []Ref
	for ref := range f.wanted {
		if _, still := refs[ref]; !still {
			gone = append(gone, ref)
			delete(f.known, ref) // who wants it again is told again
		}
	}
	for ref := range refs {
		if _, had := f.wanted[ref]; !had {
			f.ask()
		}
	}
	f.wanted = refs
	signal(f.rescheduled)
	return gone
}

// ask asks for a look. Those who ask while one is under way are answered by one
// more.
func (f *follower[R]) ask() { signal(f.asked) }

// refresh asks for a look at all that is wanted.
func (f *follower[R]) refresh() {
	f.mu.Lock()
	f.all = true
	f.mu.Unlock()
	f.ask()
}

// run looks at the repository until the follower is let go.
func (f *follower[R]) run(ctx context.Context) {
	timer := time.NewTimer(Idle) // what is wanted asks for the first look
	defer timer.Stop()
	var looked time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.rescheduled:
			if !looked.IsZero() {
				timer.Reset(time.Until(looked.Add(f.pause())))
			}
			continue
		case <-f.asked:
		case <-timer.C:
		}
		f.look(ctx)
		looked = time.Now()
		timer.Reset(f.pause())
	}
}

// pause is how long to wait from one look to the next. What is settled asks for
// none.
func (f *follower[R]) pause() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	moving := maps.Clone(f.wanted)
	maps.DeleteFunc(moving, func(r Ref, _ time.Duration) bool { return f.settled(r) })
	return Pause(moving, f.failures, f.spread)
}

// settled says that a ref was fetched, and can't become another. It is called
// with mu held.
func (f *follower[R]) settled(r Ref) bool {
	h := f.known[r]
	return h.Revision.Commit != "" && h.Err == nil && f.repository.Settled(h)
}

// due is what to look at now.
func (f *follower[R]) due() []Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.all
	f.all = false
	due := slices.Collect(maps.Keys(f.wanted))
	return slices.DeleteFunc(due, func(r Ref) bool { return !all && f.settled(r) })
}

// look looks at the repository once and tells what is new.
func (f *follower[R]) look(ctx context.Context) {
	select { // what asked meanwhile is answered by this look
	case <-f.asked:
	default:
	}
	due := f.due()
	if len(due) == 0 {
		return
	}
	began := time.Now()
	found := f.repository.Fetch(ctx, due)
	if ctx.Err() != nil {
		return // it was let go, so whatever failed doesn't matter
	}
	f.count(found.Err)
	changed := f.tell(due, found.Heads)
	f.repository.Looked(ctx, Look{URL: f.url, Took: time.Since(began), Outcome: found.Outcome, Changed: changed})
}

// count keeps the number of failures, and logs the first of them and the last.
func (f *follower[R]) count(err error) {
	f.mu.Lock()
	failures := f.failures
	if f.failures++; err == nil {
		f.failures = 0
	}
	f.mu.Unlock()
	switch {
	case err != nil && failures == 0:
		f.logger.Warn("repository can't be followed", "url", f.repository.String(), "error", err)
	case err == nil && failures > 0:
		f.logger.Info("repository is followed again", "url", f.repository.String(), "failures", failures)
	}
}

// tell hands on the heads that aren't what they were, and returns how many
// revisions are new.
func (f *follower[R]) tell(due []Ref, found map[Ref]Head) int {
	now, changed := time.Now(), 0
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ref := range due {
		if _, still := f.wanted[ref]; !still {
			continue
		}
		was, told := f.known[ref]
		head := found[ref]
		head.Ref, head.Checked = ref, now
		head = Next(was, head)
		f.known[ref] = head
		if head.Revision.Commit != was.Revision.Commit {
			changed++
		}
		if !told || News(was, head) {
			f.outbox.Put(head)
		}
	}
	return changed
}
