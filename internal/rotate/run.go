package rotate

import (
	"context"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

// byItself is who rotates on schedule.
const byItself = "plumb"

// New makes a Rotator ready to run.
func New(r Rotator) *Rotator {
	r.leads = make(chan bool, 1)
	return &r
}

// Lead tells whether this daemon holds the root, and so may change anything.
func (r *Rotator) Lead(leads bool) {
	select {
	case <-r.leads: // only the newest counts
	default:
	}
	r.leads <- leads
}

// Run rotates what is due, until ctx is done.
func (r *Rotator) Run(ctx context.Context) {
	leads := false
	tried := map[object.Key]Tried{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case leads = <-r.leads:
		case <-r.Target.RenewalsChanged():
		case <-timer.C:
		}
		if !leads {
			continue
		}
		if again := r.turn(ctx, tried); !again.IsZero() {
			timer.Reset(again.Sub(r.Now()))
		} else {
			timer.Stop()
		}
	}
}

// turn rotates what is due now, and says when to look again.
func (r *Rotator) turn(ctx context.Context, tried map[object.Key]Tried) time.Time {
	due := r.Target.Renewals()
	for key, t := range tried {
		if !due[key].Equal(t.Due) {
			delete(tried, key)
		}
	}
	keys, again := Next(due, tried, r.Now())
	for _, key := range keys {
		cause := release.Cause{Trigger: release.TriggerSchedule, Actor: byItself, Seen: due[key]}
		_, err := r.rotate(ctx, Ask{Secret: key}, cause)
		if err != nil && ctx.Err() == nil && tried[key].Failures == 0 {
			r.Log.Warn("a secret is due to be rotated, and can't be; it is tried again", "object", key.String(), "error", err)
		}
		// The view will tell the new time; until then, it isn't done again.
		t := tried[key].Failed(due[key], r.Now())
		tried[key] = t
		if again.IsZero() || t.Again.Before(again) {
			again = t.Again
		}
	}
	return again
}
