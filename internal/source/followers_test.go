package source_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
)

// shelf is a repository whose refs have the revisions that stand on it.
type shelf struct {
	url string
	ask func()

	mu      sync.Mutex
	stands  map[source.Ref]string
	fails   error
	settled map[source.Ref]bool
	fetched [][]string // the branches of each look
	wait    chan struct{}
	closed  bool
}

func (s *shelf) String() string                          { return s.url }
func (s *shelf) Settled(h source.Head) bool              { return s.settled[h.Ref] }
func (s *shelf) Looked(_ context.Context, _ source.Look) {}
func (s *shelf) Close()                                  { s.closed = true }
func (s *shelf) Fetch(ctx context.Context, refs []source.Ref) source.Found {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wait != nil {
		<-s.wait
	}
	found := source.Found{Heads: map[source.Ref]source.Head{}, Err: s.fails}
	var branches []string
	for _, r := range refs {
		branches = append(branches, r.Branch)
		found.Heads[r] = source.Head{Err: s.fails}
		if s.fails == nil {
			found.Heads[r] = source.Head{Revision: release.Revision{Commit: s.stands[r]}}
		}
	}
	slices.Sort(branches)
	s.fetched = append(s.fetched, branches)
	return found
}

// TestFollowers: who is looked at when, and what is told. Time is the bubble's.
func TestFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := source.Ref{URL: "u", Branch: "a"}, source.Ref{URL: "u", Branch: "b"}
		var opened []*shelf
		followers := source.NewFollowers(t.Context(), slog.New(slog.DiscardHandler), func(url string, ask func()) *shelf {
			s := &shelf{url: url, ask: ask, stands: map[source.Ref]string{a: "a1", b: "b1"}, settled: map[source.Ref]bool{b: true}}
			opened = append(opened, s)
			return s
		})
		defer followers.Close()
		told := map[source.Ref]source.Head{}
		take := func() (n int) {
			for synctest.Wait(); ; synctest.Wait() {
				select {
				case h := <-followers.Heads():
					told[h.Ref] = h
					n++
				default:
					return n
				}
			}
		}
		followers.Follow(map[source.Ref]time.Duration{a: time.Minute, b: time.Second})
		if n := take(); n != 2 || told[a].Revision.Commit != "a1" || told[b].Revision.Commit != "b1" || told[a].Checked.IsZero() {
			t.Fatalf("%d were told: %v", n, told)
		}
		one := opened[0]
		one.mu.Lock()
		one.fetched, one.stands[a], one.stands[b] = nil, "a2", "b2"
		one.mu.Unlock()
		<-time.After(3 * time.Minute)
		if n := take(); n != 1 || told[a].Revision.Commit != "a2" || len(one.fetched) < 2 || slices.ContainsFunc(one.fetched, func(l []string) bool { return slices.Contains(l, "b") }) {
			t.Errorf("what is settled was looked at, or what isn't was not: %v, %v", one.fetched, told)
		}
		one.ask()
		if take(); told[b].Revision.Commit != "b2" {
			t.Errorf("who asks has all looked at: %v", told)
		}
		one.mu.Lock()
		one.fails = errors.New("away")
		one.mu.Unlock()
		one.ask()
		if take(); told[a].Err == nil || told[a].Revision.Commit != "a2" {
			t.Errorf("in an outage: %v", told)
		}
		// Who comes back while the former is at work begins after it.
		one.mu.Lock()
		one.wait = make(chan struct{})
		one.mu.Unlock()
		one.ask()
		synctest.Wait()
		followers.Follow(nil)
		followers.Follow(map[source.Ref]time.Duration{a: time.Minute})
		if n := take(); n != 0 || len(opened) != 2 || len(opened[1].fetched) != 0 || one.closed || len(followers.InUse()) != 2 {
			t.Errorf("%d were told, while the former is at work", n)
		}
		close(one.wait)
		if n := take(); n != 1 || !one.closed || told[a].Revision.Commit != "a1" || len(followers.InUse()) != 1 {
			t.Errorf("%d were told once it had ended: %v", n, told)
		}
		if n := followers.Refresh(func(s *shelf) bool { return s == opened[1] }); n != 1 {
			t.Errorf("%d were refreshed", n)
		}
	})
}
