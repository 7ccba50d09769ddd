package history

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/release"
)

func (s *shelf) Get(_ context.Context, id int64) (release.Release, error) {
	r, _ := s.release(id)
	return r, nil
}

func (s *shelf) List(context.Context, Query) (list []release.Release, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.releases {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b release.Release) int { return int(b.ID - a.ID) })
	return list, nil
}

// read is what a recorder tells at once, without any time passing.
func read(t *testing.T, r *Recorder) (releases []release.Release, events []event.Event) {
	t.Helper()
	start := time.Now()
	releases, err := r.List(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	if events, err = r.ListEvents(t.Context(), event.Query{Limit: 1000}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took != 0 {
		t.Errorf("it took %s to read", took)
	}
	return releases, events
}

func TestWhatWasToldIsRead(t *testing.T) {
	t.Parallel()
	recorded(t, false, func(t *testing.T, r *Recorder, _ *shelf) {
		for i := range 100 {
			begun := r.Begin(t.Context(), ofApp("a", i, release.Running, ""))
			begun.Outcome = release.Succeeded
			r.Save("a", *begun)
			r.Tell(event.Event{App: "a", Message: "it succeeded"})
			if releases, events := read(t, r); releases[0].Outcome != release.Succeeded || len(events) != len(releases) {
				t.Errorf("the newest release is %s, of %d, with %d events", releases[0].Outcome, len(releases), len(events))
				return
			}
			if one, err := r.Get(t.Context(), begun.ID); err != nil || one.Outcome != release.Succeeded {
				t.Errorf("the release is %s (%v)", one.Outcome, err)
				return
			}
		}
	})
}

func TestNobodyWaitsToReadWhatCantBeWritten(t *testing.T) {
	t.Parallel()
	recorded(t, true, func(t *testing.T, r *Recorder, s *shelf) {
		r.Save("a", ofApp("a", 1, release.Succeeded, ""))
		if releases, _ := read(t, r); len(releases) != 0 { // tried, and failed meanwhile
			t.Errorf("got %v", releases)
		}
		if releases, _ := read(t, r); len(releases) != 0 { // known to fail
			t.Errorf("got %v", releases)
		}
		s.becomes(false)
		pass(3 * time.Second)
		if releases, _ := read(t, r); len(releases) != 1 {
			t.Errorf("got %v", releases)
		}
	})
}

func TestReadingWaitsOnlySoLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := NewRecorder(&shelf{releases: map[int64]release.Release{}}, nil) // nobody writes
		r.Save("a", ofApp("a", 1, release.Succeeded, ""))
		start := time.Now()
		if _, err := r.List(t.Context(), Query{}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != longestBehind {
			t.Errorf("it took %s", took)
		}
	})
}
