package limit

import (
	"context"
	"sync"
	"time"
)

// The bounds of how many requests are under way at once.
const (
	firstLimit = 24
	leastLimit = 2
	mostLimit  = 96
)

// slowAnswer is the time of an answer above which the server is taken to be
// busy: more at once would only wait in its queues.
const slowAnswer = 400 * time.Millisecond

// calmAfter is how long one sign of overload is acted on before the next counts.
const calmAfter = 250 * time.Millisecond

// Limiter bounds how many changes are under way at once, by what the server
// can take: one more each time a full round was answered swiftly, half as many
// when it says that there are too many (429) or becomes slow. There is no limit
// on the rate. Who waits is served in the order of coming.
type Limiter struct {
	mu      sync.Mutex
	limit   float64
	busy    int
	waiting []chan struct{}
	lastCut time.Time
	smooth  time.Duration // the smoothed time of an answer
}

// New makes a Limiter that begins with a few places.
func New() *Limiter { return &Limiter{limit: firstLimit} }

// Acquire waits for a place.
func (l *Limiter) Acquire(ctx context.Context) error {
	l.mu.Lock()
	if l.busy < int(l.limit) {
		l.busy++
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, w := range l.waiting {
			if w == turn {
				l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
				return ctx.Err()
			}
		}
		l.busy-- // the place was given in the same moment
		l.handOut()
		return ctx.Err()
	}
}

// Release gives a place back, with how long the answer took.
func (l *Limiter) Release(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	const share = 8 // each answer weighs an eighth
	l.smooth += (took - l.smooth) / share
	full := l.busy == int(l.limit) // more than that were under way before a cut, and tell nothing of the new limit
	l.busy--
	switch {
	case l.smooth > slowAnswer:
		l.cut()
	case full && l.limit < mostLimit:
		l.limit += 1 / l.limit
	}
	l.handOut()
}

// Places is how many may be under way at once by now.
func (l *Limiter) Places() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.limit)
}

// Throttled is told that the server answered 429.
func (l *Limiter) Throttled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut()
}

func (l *Limiter) cut() {
	if now := time.Now(); now.Sub(l.lastCut) > calmAfter {
		l.lastCut = now
		l.limit = max(leastLimit, l.limit/2)
	}
}

func (l *Limiter) handOut() {
	for len(l.waiting) > 0 && l.busy < int(l.limit) {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		l.busy++
	}
}
