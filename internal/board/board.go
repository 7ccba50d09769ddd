// Package board shows how Apps stand to all who ask, a turn of events at a time.
//
// One writer puts what changed, and shows it when the turn is over: whoever
// reads never sees a commit without the declarations that it brought. Invariant:
// Changed's channel closes after the statuses that it tells of are to be seen.
package board

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"plumb.dev/plumb/internal/status"
)

// Board holds the status of each App. Make one with New.
type Board struct {
	next map[string]*status.App // the writer's: what is not shown yet; nil is one that is gone

	mu      sync.RWMutex
	shown   map[string]status.App // by ID; only the writer writes
	changed chan struct{}
}

// New is a board that shows nothing.
func New() *Board {
	return &Board{next: map[string]*status.App{}, shown: map[string]status.App{}, changed: make(chan struct{})}
}

// Put writes how an App stands, and returns what was written before. Like
// Newest, Remove and Show, it is for the one writer.
func (b *Board) Put(s status.App) (before status.App) {
	before, _ = b.Newest(s.ID())
	b.next[s.ID()] = &s
	return before
}

// Newest is what was written last of an App, shown or not.
func (b *Board) Newest(id string) (s status.App, ok bool) {
	if next, written := b.next[id]; written {
		if next == nil {
			return s, false
		}
		return *next, true
	}
	s, ok = b.shown[id]
	return s, ok
}

// Remove writes that an App is gone.
func (b *Board) Remove(id string) { b.next[id] = nil }

// Show shows what was written since the last time, all at once, and tells those
// who wait for it.
func (b *Board) Show() {
	if len(b.next) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, s := range b.next {
		if s == nil {
			delete(b.shown, id)
		} else {
			b.shown[id] = *s
		}
	}
	clear(b.next)
	close(b.changed)
	b.changed = make(chan struct{})
}

// Apps lists how all Apps stand, sorted by namespace and name.
func (b *Board) Apps() []status.App {
	b.mu.RLock()
	apps := make([]status.App, 0, len(b.shown))
	for _, s := range b.shown {
		apps = append(apps, s)
	}
	b.mu.RUnlock()
	slices.SortFunc(apps, func(a, b status.App) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return apps
}

// Changed returns a channel that is closed once something is shown that wasn't
// when it was asked for.
func (b *Board) Changed() <-chan struct{} {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.changed
}
