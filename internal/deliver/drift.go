package deliver

import (
	"context"
	"fmt"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/drift"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/target"
)

// found is what a check found of an object that is not put right.
type found struct {
	version uint64 // of the live object that was checked; 0 when it is gone
	reason  string
}

// driftOf is the account of one object's drift, begun if there is none.
func (a *app) driftOf(key object.Key) *drift.Account {
	if a.drifts[key] == nil {
		a.drifts[key] = &drift.Account{}
	}
	return a.drifts[key]
}

// noteDrift keeps an App's account of one object's drift, each time it is judged.
func (e *engine) noteDrift(a *app, entry *entry) {
	key, now := entry.desired.Key, e.Now()
	d := a.drifts[key]
	switch {
	case entry.drifted():
		d = a.driftOf(key)
		d.Drifts(now)
	case d == nil:
		return
	default:
		if d.Alerted {
			e.Log.Info("drift that was told is over", "app", a.id, "object", key.String(), "lasted", now.Sub(d.Since).Round(time.Second))
		}
		if d.Ends(now) {
			delete(a.drifts, key)
		}
	}
	entry.truce = entry.drifted() && !d.Truce(now).IsZero()
}

// watchDrift ends truces whose time has come, raises the alerts that are due,
// and says when to look again. It costs what drifts, not what the App holds.
func (e *engine) watchDrift(a *app, now time.Time) (next time.Time) {
	for key, d := range a.drifts {
		entry := a.objects[key]
		if d.Since.IsZero() || entry == nil || entry.paused || a.paused() {
			continue // who paused it knows
		}
		truce := d.Truce(now)
		if entry.truce && truce.IsZero() {
			e.judge(a, key)
		}
		next = sooner(next, truce)
		due := d.AlertAt()
		told := a.App.Spec.Sync.Drift == v1alpha1.DriftAlert && entry.found != nil
		late := !now.Before(due) && (d.Reason != "" || entry.err != nil)
		switch {
		case due.IsZero():
		case told || late:
			d.Alerted = true
			e.alert(a, entry, d, now)
		case now.Before(due):
			next = sooner(next, due)
		}
	}
	return next
}

// alert tells people, once a spell, of drift that was not put right.
func (e *engine) alert(a *app, entry *entry, d *drift.Account, now time.Time) {
	key, why := entry.desired.Key, d.Reason
	if entry.err != nil {
		why = firstText(why, "it can't be compared") + ": " + entry.err.Error()
	}
	text := fmt.Sprintf("was changed outside Git %s ago and is not put right (%s so far): %s", now.Sub(d.Since).Round(time.Second),
		count(d.Attempts, "attempt", "attempts"), why)
	e.tell(a, event.Event{Kind: event.DriftLasts, Object: &key, Message: key.String() + " " + text})
	e.Log.Error("drift lasts", "app", a.id, "object", key.String(), "since", d.Since, "attempts", d.Attempts, "reason", why)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		e.target.Tell(ctx, key, target.Notice{Reason: "DriftLasts", Message: text, Warning: true})
	}()
}

// driftMessage tells of a fight, or else of drift that is only to be told.
func (a *app) driftMessage(now time.Time) string {
	for _, key := range a.order {
		d, entry := a.drifts[key], a.objects[key]
		if d == nil || d.Since.IsZero() {
			continue
		}
		if text := d.Fight(key, now); text != "" {
			return text
		}
		if entry.found != nil {
			if a.paused() || !a.verdict.Corrections {
				return fmt.Sprintf("%s: %s", key, entry.found.reason)
			}
			return fmt.Sprintf("%s: %s; drift is only told here (sync.drift: alert), so it is left as it is", key, entry.found.reason)
		}
	}
	return ""
}

// driftAlerts counts the objects whose drift was told as an alert, and finds
// since when the oldest lasts.
func (a *app) driftAlerts() (alerts int, since time.Time) {
	for _, d := range a.drifts {
		if d.Alerted {
			alerts++
			since = sooner(since, d.Since)
		}
	}
	return alerts, since
}
