package rotate

import (
	"slices"
	"strings"
	"time"

	"plumb.dev/plumb/internal/object"
)

// The times between two tries of what could not be rotated.
const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// Tried is what came of rotating a Secret that was due.
type Tried struct {
	Due      time.Time // when it was
	Failures int
	Again    time.Time
}

// Failed is what is remembered after another try that failed.
func (t Tried) Failed(due, now time.Time) Tried {
	if !t.Due.Equal(due) {
		t = Tried{Due: due}
	}
	wait := firstRetry << min(t.Failures, 6)
	t.Failures++
	t.Again = now.Add(min(wait, lastRetry))
	return t
}

// Next says which Secrets are to be rotated now, and when to ask again; zero is
// not before something changes.
func Next(due map[object.Key]time.Time, tried map[object.Key]Tried, now time.Time) (keys []object.Key, again time.Time) {
	for key, at := range due {
		if t := tried[key]; t.Due.Equal(at) && t.Again.After(at) {
			at = t.Again
		}
		switch {
		case !now.Before(at):
			keys = append(keys, key)
		case again.IsZero() || at.Before(again):
			again = at
		}
	}
	slices.SortFunc(keys, func(a, b object.Key) int { return strings.Compare(a.ID(), b.ID()) })
	return keys, again
}
