package history

import (
	"context"
	"errors"
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

// heard is what waits to be read, as ID and message.
func heard(news <-chan event.Event) (said []string) {
	for {
		select {
		case e, open := <-news:
			switch {
			case !open:
				return append(said, "end")
			case e.Kind == event.Missed:
				said = append(said, "missed")
			default:
				said = append(said, fmt.Sprintf("%d %s", e.ID, e.Message))
			}
		default:
			return said
		}
	}
}

func told(r *Recorder, messages ...string) {
	for _, m := range messages {
		r.Tell(event.Event{Message: m})
	}
}

func expect(t *testing.T, news <-chan event.Event, want ...string) {
	t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, heard(news)); diff != "" {
		t.Errorf("heard (-want +got)\n%s", diff)
	}
}

func TestEveryoneHearsInOrder(t *testing.T) {
	t.Parallel()
	recorded(t, false, func(t *testing.T, r *Recorder, _ *shelf) {
		told(r, "before anyone listens")
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		ana, bob := r.Subscribe(t.Context()), r.Subscribe(ctx)
		told(r, "a", "b")
		expect(t, ana, "2 a", "3 b")
		expect(t, bob, "2 a", "3 b")
		cancel()
		synctest.Wait()
		told(r, "c")
		expect(t, bob, "end")
		expect(t, ana, "4 c")
		r.Close()
		expect(t, ana, "end")
		expect(t, r.Subscribe(t.Context()), "end")
	})
}

func TestWhoReadsSlowlyIsToldAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	recorded(t, false, func(t *testing.T, r *Recorder, _ *shelf) {
		slow, quick := r.Subscribe(t.Context()), r.Subscribe(t.Context())
		for i := range 3 * listenerRoom {
			told(r, "x")
			expect(t, quick, fmt.Sprintf("%d x", i+1))
		}
		got := heard(slow)
		if n := len(got); n != listenerRoom+1 || got[n-1] != "missed" || got[n-2] != fmt.Sprintf("%d x", listenerRoom) {
			t.Errorf("who reads nothing finds %d events, and at last %v", n, got[max(0, n-2):])
		}
		told(r, "y")
		expect(t, slow, fmt.Sprintf("%d y", 3*listenerRoom+1))
	})
}

// It is news also while it can't be written, and is told once.
func TestEventsAreToldThoughTheHistoryIsFull(t *testing.T) {
	t.Parallel()
	recorded(t, true, func(t *testing.T, r *Recorder, s *shelf) {
		news := r.Subscribe(t.Context())
		r.Save("a", ofApp("a", 1, release.Succeeded, ""))
		told(r, "a", "b")
		pass(time.Minute)
		expect(t, news, "0 a", "0 b")
		told(r, "c")
		pass(time.Minute)
		expect(t, news, "0 c")
		s.becomes(false)
		pass(time.Minute)
		told(r, "d")
		expect(t, news, "4 d")
		s.shows(t, "a 1 Succeeded ", "event a", "event b", "event c", "event d")
	})
}

func TestFollowMissesNothing(t *testing.T) {
	t.Parallel()
	for _, total := range []int{0, 1, 5, listenerRoom, 10 * listenerRoom} {
		t.Run(fmt.Sprint(total), func(t *testing.T) {
			t.Parallel()
			recorded(t, false, func(t *testing.T, r *Recorder, _ *shelf) {
				told(r, "old", "newer", "newest")
				synctest.Wait()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				last, first := int64(0), int64(0)
				ended := make(chan error)
				go func() {
					ended <- r.Follow(ctx, event.Query{Limit: 2}, func(e event.Event) error {
						if first == 0 {
							first = e.ID
							for range total {
								told(r, "while it reads")
							}
							synctest.Wait() // nobody waits for this reader
						} else if e.ID != last+1 {
							return fmt.Errorf("after %d comes %d", last, e.ID)
						}
						last = e.ID
						return nil
					})
				}()
				pass(time.Minute)
				told(r, "later")
				synctest.Wait()
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if first != 2 || last != int64(3+total+1) {
					t.Errorf("followed from %d to %d; want 2 to %d", first, last, 3+total+1)
				}
			})
		})
	}
}

func TestFollowSelects(t *testing.T) {
	t.Parallel()
	recorded(t, false, func(t *testing.T, r *Recorder, _ *shelf) {
		enough := errors.New("enough")
		var said []string
		tell := func(app string, kind event.Kind, message string) {
			r.Tell(event.Event{App: app, Kind: kind, Message: message})
		}
		tell("a", event.Paused, "1")
		tell("b", event.Paused, "2")
		synctest.Wait()
		ended := make(chan error, 1)
		go func() {
			ended <- r.Follow(t.Context(), event.Query{App: "a", Kind: event.Paused, Limit: 10}, func(e event.Event) error {
				if said = append(said, e.Message); e.Message == "5" {
					return enough
				}
				return nil
			})
		}()
		synctest.Wait()
		tell("b", event.Paused, "3")
		tell("a", event.Resumed, "4")
		tell("a", event.Paused, "5")
		if err := <-ended; !errors.Is(err, enough) {
			t.Errorf("it ends with %v", err)
		}
		if got := strings.Join(said, " "); got != "1 5" {
			t.Errorf("heard %s; want 1 5", got)
		}
	})
}

// Many tell and listen at once; whoever listens hears each one's events in his order.
func TestManyTellAndListen(t *testing.T) {
	t.Parallel()
	const people, each = 8, 100
	r := NewRecorder(&shelf{}, slog.New(slog.DiscardHandler))
	var running, telling, listening sync.WaitGroup
	running.Go(r.Run)
	for range people {
		news := r.Subscribe(t.Context())
		listening.Go(func() {
			next := map[string]int64{}
			for e := range news {
				if e.Release < next[e.App] {
					t.Errorf("%s: event %d comes where %d is due", e.App, e.Release, next[e.App])
				}
				next[e.App] = e.Release + 1
			}
		})
	}
	for p := range people {
		telling.Go(func() {
			for i := range each {
				r.Tell(event.Event{App: fmt.Sprint(p), Release: int64(i)})
			}
		})
	}
	telling.Wait()
	r.Close()
	running.Wait()
	listening.Wait()
}

func TestTheNewestWordIsWritten(t *testing.T) {
	t.Parallel()
	recorded(t, true, func(t *testing.T, r *Recorder, s *shelf) {
		r.Put(DeskPlan, "a", []byte("first")) // is being written
		synctest.Wait()
		for i := range 1000 {
			r.Put(DeskPlan, "a", fmt.Append(nil, i))
			r.Drop(DeskPause, "a")
			r.Put(DeskPause, "a", fmt.Append(nil, i))
		}
		r.Put(DeskPause, "b", []byte("1"))
		r.Drop(DeskPause, "b")
		s.becomes(false)
		pass(time.Minute)
		s.shows(t, "plan a = first", "plan a = 999", "pause a = 999", "pause b dropped")
	})
}

func TestWhatIsPutNowIsWrittenFirstOrNotAtAll(t *testing.T) {
	t.Parallel()
	recorded(t, true, func(t *testing.T, r *Recorder, s *shelf) {
		r.Put(DeskApproval, "a", []byte("older"))
		r.Put(DeskPause, "a", []byte("waits"))
		synctest.Wait()
		if err := r.PutNow(t.Context(), DeskApproval, "a", []byte("refused")); !errors.Is(err, ErrFull) {
			t.Errorf("with no room it ends with %v; want ErrFull", err)
		}
		s.becomes(false)
		if err := r.PutNow(t.Context(), DeskApproval, "a", []byte("newer")); err != nil {
			t.Fatal(err)
		}
		s.shows(t, "approval a = newer")
		pass(time.Minute)
		s.shows(t, "approval a = newer", "pause a = waits")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.PutNow(ctx, DeskApproval, "a", []byte("too late")); !errors.Is(err, context.Canceled) {
			t.Errorf("with an ended context it ends with %v", err)
		}
	})
}
