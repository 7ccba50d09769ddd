package history

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/release"
)

// shelf is a history that notes what is written to it, and can be full.
type shelf struct {
	Memory // what a recorder never calls

	mu       sync.Mutex
	full     bool
	tries    int
	written  []string
	releases map[int64]release.Release
	events   []event.Event
}

// write notes one writing, in words.
func (s *shelf) write(ctx context.Context, form string, args ...any) error {
	s.tries++
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.full:
		return fmt.Errorf("save: %w", ErrFull)
	}
	s.written = append(s.written, fmt.Sprintf(form, args...))
	return nil
}

func (s *shelf) Save(ctx context.Context, r release.Release) (release.Release, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.ID
	if id == 0 {
		id = int64(len(s.releases) + 1)
	}
	if err := s.write(ctx, "%s %d %s %s", r.App, id, r.Outcome, r.Reason); err != nil {
		return r, err
	}
	r.ID = id
	s.releases[id] = r
	return r, nil
}

func (s *shelf) SaveApplied(ctx context.Context, app string, upserts []AppliedObject, removed []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, u := range upserts {
		ids = append(ids, "+"+u.ID)
	}
	for _, id := range removed {
		ids = append(ids, "-"+id)
	}
	return s.write(ctx, "%s %s", app, strings.Join(ids, " "))
}

func (s *shelf) SaveApps(ctx context.Context, declared, gone []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(ctx, "apps +%v -%v", declared, gone)
}

func (s *shelf) AddEvents(ctx context.Context, events []event.Event) ([]event.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var added []event.Event
	for _, e := range events {
		if err := s.write(ctx, "event %s", e.Message); err != nil {
			return nil, err
		}
		e.ID = int64(len(s.events) + 1)
		s.events = append(s.events, e)
		added = append(added, e)
	}
	return added, nil
}

func (s *shelf) ListEvents(_ context.Context, q event.Query) (list []event.Event, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if q.Selects(e) {
			list = append(list, e)
		}
	}
	switch extra := len(list) - max(q.Limit, 1); {
	case extra > 0 && q.After == 0:
		list = list[extra:]
	case extra > 0:
		list = list[:len(list)-extra]
	}
	return list, nil
}

func (s *shelf) Put(ctx context.Context, kind DeskKind, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(ctx, "%s %s = %s", kind, key, value)
}

func (s *shelf) Drop(ctx context.Context, kind DeskKind, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(ctx, "%s %s dropped", kind, key)
}

func (s *shelf) becomes(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

// tried is how often someone tried to write.
func (s *shelf) tried() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

// release is one release as it was written last, and how many there are.
func (s *shelf) release(id int64) (release.Release, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.releases[id], len(s.releases)
}

// shows holds what was written against what should have been.
func (s *shelf) shows(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want, s.written); diff != "" {
		t.Errorf("what was written (-want +got)\n%s", diff)
	}
}

// recorded runs a test with a recorder that runs, in a time of its own.
func recorded(t *testing.T, full bool, f func(t *testing.T, r *Recorder, s *shelf)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{full: full, releases: map[int64]release.Release{}}
		r := NewRecorder(s, slog.New(slog.DiscardHandler))
		ended := make(chan struct{})
		go func() { r.Run(); close(ended) }()
		synctest.Wait()
		f(t, r, s)
		r.Close()
		<-ended
	})
}

// pass lets time pass in a bubble, and all that it brings about happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func ofApp(app string, minute int, outcome release.Outcome, reason string) release.Release {
	return release.Release{
		App: app, Trigger: release.TriggerCommit, Outcome: outcome, Reason: reason,
		Seen: time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC),
	}
}

func memo(upserts ...string) (m Memo) {
	for _, id := range upserts {
		if gone, removed := strings.CutPrefix(id, "-"); removed {
			m.Remove(gone)
		} else {
			m.Upsert(AppliedObject{ID: id})
		}
	}
	return m
}

func TestWhatHappensIsWrittenInOrder(t *testing.T) {
	t.Parallel()
	recorded(t, false, func(t *testing.T, r *Recorder, s *shelf) {
		begun := r.Begin(t.Context(), ofApp("a", 1, release.Running, ""))
		r.Remember("a", memo("x", "y", "-z"))
		r.Remember("a", memo()) // nothing to remember is nothing to write
		begun.Outcome = release.Succeeded
		r.Save("a", *begun)
		r.Forget("a")
		r.Save("b", ofApp("b", 2, release.Failed, "no"))
		r.Put(DeskPause, "b", []byte("ana"))
		r.Tell(event.Event{Message: "paused"})
		r.Drop(DeskPause, "a")
		synctest.Wait()
		s.shows(t, "a 1 Running ", "a +x +y -z", "a 1 Succeeded ", "apps +[] -[a]", "b 2 Failed no", "pause b = ana", "event paused", "pause a dropped")
	})
}

func TestAFullHistoryIsCaughtUpInOrder(t *testing.T) {
	t.Parallel()
	recorded(t, true, func(t *testing.T, r *Recorder, s *shelf) {
		first := r.Begin(t.Context(), ofApp("a", 1, release.Running, ""))
		if first.ID != 0 {
			t.Errorf("a release that was not written has the ID %d", first.ID)
		}
		r.Save("a", ofApp("a", 1, release.Failed, "once"))
		r.Remember("a", memo("x"))
		r.Save("b", ofApp("b", 1, release.Running, ""))
		r.Save("a", ofApp("a", 1, release.Failed, "twice"))
		r.Save("a", ofApp("a", 1, release.Succeeded, ""))
		r.Save("a", ofApp("a", 2, release.Running, ""))
		r.Forget("c")
		r.Save("b", ofApp("b", 1, release.Succeeded, ""))
		pass(time.Hour)
		s.shows(t)
		s.becomes(false)
		pass(time.Minute) // nobody has to tell that there is room again
		s.shows(t, "a 1 Failed once", "a +x", "b 2 Running ", "a 1 Failed twice", "a 1 Succeeded ", "a 3 Running ", "apps +[] -[c]", "b 2 Succeeded ")
	})
}

func TestTheHistoryFillsUpAgainAndAgain(t *testing.T) {
	t.Parallel()
	recorded(t, false, func(t *testing.T, r *Recorder, s *shelf) {
		var want []string
		for i := range 20 {
			s.becomes(i%3 == 1)
			r.Save("a", ofApp("a", i, release.Succeeded, fmt.Sprint("no ", i)))
			want = append(want, fmt.Sprintf("a %d Succeeded no %d", i+1, i))
			pass(time.Duration(i) * 700 * time.Millisecond)
		}
		s.becomes(false)
		pass(time.Minute)
		s.shows(t, want...)
	})
}

// A release begins while the history is full, and goes on when there is room.
// Whether what waited is written before or after it begins again, it is one release.
func TestAReleaseThatCouldNotBeginIsOneRelease(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"what waited is written first", "it begins again first"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			recorded(t, true, func(t *testing.T, r *Recorder, s *shelf) {
				rel := r.Begin(t.Context(), ofApp("a", 1, release.Running, "first attempt"))
				rel.Outcome, rel.Reason = release.Failed, "first attempt"
				r.Save("a", *rel)
				synctest.Wait()
				s.becomes(false)
				if first == "what waited is written first" {
					pass(time.Minute)
				}
				again := *rel
				again.Outcome, again.Reason = release.Running, "second attempt"
				begun := r.Begin(t.Context(), again)
				begun.Outcome, begun.Reason = release.Succeeded, "second attempt"
				r.Save("a", *begun)
				pass(time.Minute)
				got, n := s.release(1)
				if n != 1 {
					t.Errorf("one release is written as %d", n)
				}
				if got.Outcome != release.Succeeded {
					t.Errorf("the release ends as %s (%s)", got.Outcome, got.Reason)
				}
			})
		})
	}
}

// What waited for room is older than a release that begins meanwhile.
func TestWhatWaitedDoesNotOverwriteWhatIsNewer(t *testing.T) {
	t.Parallel()
	recorded(t, false, func(t *testing.T, r *Recorder, s *shelf) {
		rel := r.Begin(t.Context(), ofApp("a", 1, release.Running, "first attempt"))
		s.becomes(true)
		failed := *rel
		failed.Outcome = release.Failed
		r.Save("a", failed)
		synctest.Wait()
		s.becomes(false)
		again := failed
		again.Outcome, again.Reason = release.Running, "second attempt"
		r.Begin(t.Context(), again)
		pass(time.Minute)
		if got, _ := s.release(1); got.Reason != "second attempt" || got.Outcome != release.Running {
			t.Errorf("while the second attempt runs, the history tells of %s (%s)", got.Outcome, got.Reason)
		}
	})
}

func TestAFullHistoryIsNotHammered(t *testing.T) {
	t.Parallel()
	recorded(t, true, func(t *testing.T, r *Recorder, s *shelf) {
		for i := range 1000 {
			r.Save("a", ofApp("a", i, release.Running, ""))
			synctest.Wait()
		}
		if n := s.tried(); n > 10 {
			t.Errorf("in no time there were %d tries to write", n)
		}
		pass(time.Minute)
		if n := s.tried(); n > 200 || n < 2 {
			t.Errorf("in a minute there were %d tries to write", n)
		}
	})
}

func TestCloseEndsTheRecorder(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		full bool
		todo int
		want int // that are written
	}{
		{"with nothing to do", false, 0, 0},
		{"with much to do", false, 50, 50},
		{"with nothing to do and no room", true, 0, 0},
		{"with much to do and no room", true, 50, 0},
	} {
		for _, when := range []string{"at once", "after a while"} {
			t.Run(tc.name+", "+when, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &shelf{full: tc.full, releases: map[int64]release.Release{}}
					r := NewRecorder(s, slog.New(slog.DiscardHandler))
					ended := make(chan struct{})
					go func() { r.Run(); close(ended) }()
					for i := range tc.todo {
						r.Save("a", ofApp("a", i, release.Succeeded, ""))
					}
					if when == "after a while" {
						pass(time.Hour)
					}
					start := time.Now()
					r.Close()
					<-ended
					if took := time.Since(start); took > 0 {
						t.Errorf("it takes %v to end", took)
					}
					if len(s.written) != tc.want {
						t.Errorf("%d are written, want %d", len(s.written), tc.want)
					}
				})
			})
		}
	}
}

func TestMemoriesGiveWayToReleasesAndPauses(t *testing.T) {
	t.Parallel()
	r := NewRecorder(&shelf{}, slog.New(slog.DiscardHandler)) // which doesn't run
	for range mostRecords {
		r.Remember("a", memo("x"))
	}
	r.Remember("a", memo("one too many"))
	r.Forget("one too many")
	r.Tell(event.Event{Message: "one too many"})
	r.Save("b", ofApp("b", 1, release.Succeeded, ""))
	r.Put(DeskPause, "all", nil)
	if n := len(r.todo); n != mostRecords+2 || r.todo[n-2].release == nil || r.todo[n-1].note == nil {
		t.Errorf("%d records wait, want %d, a release and a pause", n, mostRecords)
	}
}

func TestAnOutageIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lines := &countingWriter{}
		s := &shelf{full: true, releases: map[int64]release.Release{}}
		r := NewRecorder(s, slog.New(slog.NewTextHandler(lines, nil)))
		ended := make(chan struct{})
		go func() { r.Run(); close(ended) }()
		for outage := 1; outage <= 2; outage++ {
			s.becomes(true)
			for i := range 5 {
				r.Save("a", ofApp("a", i, release.Succeeded, ""))
				pass(time.Minute)
			}
			if n := lines.count("can't be written"); n != outage {
				t.Errorf("after outage %d the log has %d lines about it", outage, n)
			}
			s.becomes(false)
			pass(time.Minute)
		}
		r.Close()
		<-ended
	})
}

// countingWriter keeps what is logged.
type countingWriter struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *countingWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *countingWriter) count(text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.text.String(), text)
}

// Many record at once while the history is full now and then: each one's own
// records come in his order, and none is lost or written twice.
func TestManyRecordAtOnce(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 200
	s := &shelf{releases: map[int64]release.Release{}}
	r := NewRecorder(s, slog.New(slog.DiscardHandler))
	r.retry = time.Millisecond
	var running, recording sync.WaitGroup
	running.Go(r.Run)
	for w := range writers {
		recording.Go(func() {
			app := fmt.Sprint("app", w)
			for i := range each {
				s.becomes((w+i)%7 == 0)
				r.Save(app, ofApp(app, i, release.Succeeded, fmt.Sprint(i)))
			}
		})
	}
	recording.Wait()
	s.becomes(false)
	r.Close()
	running.Wait()
	next := map[string]int{}
	for _, line := range s.written {
		words := strings.Fields(line)
		if want := fmt.Sprint(next[words[0]]); words[3] != want {
			t.Fatalf("%s: record %s comes where %s is due", words[0], words[3], want)
		}
		next[words[0]]++
	}
	if len(s.written) != writers*each || len(s.releases) != writers*each {
		t.Errorf("%d records and %d releases are written, want %d", len(s.written), len(s.releases), writers*each)
	}
}
