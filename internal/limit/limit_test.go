package limit

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const swift = 10 * time.Millisecond

// bubble runs a test on a limiter in a time of its own.
func bubble(t *testing.T, f func(t *testing.T, l *Limiter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, New()) })
}

// pass lets time pass in a bubble.
func pass(d time.Duration) { <-time.After(d) }

// fill takes all places that there are, and says how many.
func fill(t *testing.T, l *Limiter) int {
	t.Helper()
	n := 0
	for l.busy < int(l.limit) {
		acquire(t, l)
		n++
	}
	return n
}

// acquire takes a place that must be free.
func acquire(t *testing.T, l *Limiter) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Acquire(ctx); err != nil {
		t.Fatalf("with %d of %v places taken there is none: %v", l.busy, l.limit, err)
	}
}

func TestTheLimitBeginsWithAFewPlaces(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, l *Limiter) {
		if n := fill(t, l); n != firstLimit {
			t.Errorf("%d requests may be under way, want %d", n, firstLimit)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := l.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one too many ends with %v", err)
		}
	})
}

func TestTheLimitGrowsByOneARoundWhileAllPlacesAreTaken(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, l *Limiter) {
		for round := range 10 {
			fill(t, l)
			for range l.Places() { // each is answered, and another comes in its place
				l.Release(swift)
				acquire(t, l)
			}
			for l.busy > 0 {
				l.Release(swift)
			}
			if got, want := l.Places(), firstLimit+round+1; got < want-1 || got > want+1 {
				t.Fatalf("after %d full rounds there are %d places, want about %d", round+1, got, want)
			}
		}
	})
}

func TestTheLimitDoesNotGrowWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, l *Limiter) {
		for range 300 {
			for range firstLimit - 1 {
				acquire(t, l)
			}
			for range firstLimit - 1 {
				l.Release(swift)
			}
		}
		if got := l.Places(); got != firstLimit {
			t.Errorf("there are %d places, want %d: nobody needed more", got, firstLimit)
		}
	})
}

func TestTheLimitHasBounds(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, l *Limiter) {
		for range 100 * mostLimit {
			fill(t, l)
			l.Release(swift)
		}
		if got := l.Places(); got != mostLimit || l.busy > mostLimit {
			t.Errorf("there are %d places and %d are taken, want at most %d", got, l.busy, mostLimit)
		}
		for range 100 {
			pass(2 * calmAfter)
			l.Throttled()
		}
		if got := l.Places(); got != leastLimit {
			t.Errorf("a server that refuses all is left %d places, want %d", got, leastLimit)
		}
	})
}

func TestAnswersFromBeforeACutDoNotRaiseTheLimit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, l *Limiter) {
		fill(t, l)
		for l.Places() > leastLimit {
			pass(2 * calmAfter)
			l.Throttled()
		}
		for l.busy > leastLimit {
			l.Release(swift)
		}
		if got := l.Places(); got != leastLimit {
			t.Errorf("what was under way at the cut raises the limit from %d to %d", leastLimit, got)
		}
	})
}

func TestTheLimitIsHalvedOncePerCalmPeriod(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, l *Limiter) {
		got := []int{l.Places()}
		for range 3 {
			for range 50 { // all that were under way are refused at once
				l.Throttled()
			}
			got = append(got, l.Places())
			pass(calmAfter)
			l.Throttled()
			got = append(got, l.Places())
			pass(time.Millisecond)
		}
		if diff := cmp.Diff([]int{24, 12, 12, 6, 6, 3, 3}, got); diff != "" {
			t.Errorf("places (-want +got)\n%s", diff)
		}
	})
}

func TestASlowServerIsGivenLessAndASwiftOneMoreAgain(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, l *Limiter) {
		answer := func(n int, took time.Duration) {
			for range n {
				fill(t, l)
				pass(took)
				l.Release(took)
			}
		}
		answer(1, 5*slowAnswer)
		if got := l.Places(); got != firstLimit {
			t.Errorf("one slow answer leaves %d places, want %d", got, firstLimit)
		}
		answer(100, 5*slowAnswer)
		if got := l.Places(); got != leastLimit {
			t.Errorf("a slow server is left %d places, want %d", got, leastLimit)
		}
		answer(1000, swift)
		if got := l.Places(); got < firstLimit {
			t.Errorf("a server that is swift again is left %d places", got)
		}
	})
}

func TestWhoWaitsIsServedInTheOrderOfComing(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, l *Limiter) {
		fill(t, l)
		const waiters = 30
		var mu sync.Mutex
		var got, want []int
		for i := range waiters {
			want = append(want, i)
			go func() {
				if err := l.Acquire(t.Context()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				got = append(got, i)
				mu.Unlock()
			}()
			synctest.Wait()
		}
		for range waiters {
			l.Release(slowAnswer) // so that the limit doesn't grow, and one place comes at a time
			l.mu.Lock()
			l.smooth, l.limit = 0, firstLimit
			l.mu.Unlock()
			synctest.Wait()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestWhoGivesUpLeavesThePlaceToTheNext(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, l *Limiter) {
		fill(t, l)
		ctx, giveUp := context.WithCancel(t.Context())
		var gaveUp, served sync.WaitGroup
		for range 10 {
			gaveUp.Go(func() {
				if err := l.Acquire(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("who gave up is told %v", err)
				}
			})
		}
		synctest.Wait()
		served.Go(func() {
			if err := l.Acquire(t.Context()); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		giveUp()
		gaveUp.Wait()
		l.Release(swift)
		served.Wait()
		if len(l.waiting) != 0 || l.busy != firstLimit {
			t.Errorf("%d wait and %d places are taken, want none and %d", len(l.waiting), l.busy, firstLimit)
		}
	})
}

// Places come and go at random, and those who wait give up in the very moment
// that a place is theirs. In the end every place is free, and there never were
// more taken than there are.
func TestNoPlaceIsLost(t *testing.T) {
	t.Parallel()
	l := New()
	var wg sync.WaitGroup
	for w := range 3 * firstLimit {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 5))
			for range 100 {
				ctx, cancel := context.WithCancel(t.Context())
				if random.IntN(3) == 0 {
					stop := time.AfterFunc(time.Duration(random.IntN(50))*time.Microsecond, cancel)
					defer stop.Stop()
				}
				if l.Acquire(ctx) == nil {
					l.mu.Lock()
					if l.busy > mostLimit || l.busy < 1 {
						t.Errorf("%d places are taken", l.busy)
					}
					l.mu.Unlock()
					if random.IntN(100) == 0 {
						l.Throttled()
					}
					l.Release(swift)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if l.busy != 0 || len(l.waiting) != 0 {
		t.Errorf("in the end %d places are taken and %d wait", l.busy, len(l.waiting))
	}
}
