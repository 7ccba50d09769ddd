package rotate

import (
	"context"
	"sync/atomic"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

// byItself is who rotates on schedule.
const byItself = "plumb"

// New makes a Rotator ready to run.
func New(r Rotator) *Rotator {
	r.leads, r.leading, r.hand = make(chan bool, 1), &atomic.Bool{}, make(chan struct{}, 1)
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

// Run rotates what is due and restarts who is to be, until ctx is done.
func (r *Rotator) Run(ctx context.Context) {
	t := turns{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case leads := <-r.leads:
			r.leading.Store(leads)
		case <-r.Target.RenewalsChanged():
		case <-timer.C:
		}
		if !r.leading.Load() {
			continue
		}
		if again := r.turn(ctx, &t); !again.IsZero() {
			timer.Reset(again.Sub(r.Now()))
		} else {
			timer.Stop()
		}
	}
}

// turns are what is remembered from one turn to the next.
type turns struct{ restarts, renewals map[object.Key]Tried }

// turn does what is due now, and says when to look again.
func (r *Rotator) turn(ctx context.Context, t *turns) time.Time {
	due, restart := map[object.Key]time.Time{}, map[object.Key]time.Time{}
	for key, renewal := range r.Target.Renewals() {
		if !renewal.Restart.IsZero() {
			restart[key] = renewal.Restart
		} else if !renewal.Due.IsZero() {
			due[key] = renewal.Due
		}
	}
	first := r.each(ctx, restart, &t.restarts, r.finish)
	return sooner(first, r.each(ctx, due, &t.renewals, r.renew))
}

// renew rotates a Secret because its time has come.
func (r *Rotator) renew(ctx context.Context, secret object.Key, due time.Time) error {
	_, err := r.rotate(ctx, Ask{Secret: secret}, release.Cause{Trigger: release.TriggerSchedule, Actor: byItself, Seen: due})
	return err
}

// each does something for each Secret that is due, and says when the next is.
func (r *Rotator) each(ctx context.Context, due map[object.Key]time.Time, tried *map[object.Key]Tried, do func(context.Context, object.Key, time.Time) error) time.Time {
	left := map[object.Key]Tried{}
	for key, t := range *tried {
		if due[key].Equal(t.Due) {
			left[key] = t
		}
	}
	*tried = left
	keys, again := Next(due, left, r.Now())
	for _, key := range keys {
		if err := do(ctx, key, due[key]); err != nil && ctx.Err() == nil && left[key].Failures == 0 {
			r.Log.Warn("what is due of a secret with generated values can't be done; it is tried again", "object", key.String(), "error", err)
		}
		// The view will tell what is new; until then, it isn't done again.
		left[key] = left[key].Failed(due[key], r.Now())
		again = sooner(again, left[key].Again)
	}
	return again
}

// sooner is the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
