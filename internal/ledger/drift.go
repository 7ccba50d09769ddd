package ledger

import (
	"time"

	"plumb.dev/plumb/internal/drift"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// account is the account of one object's drift, begun if there is none.
func (l *Ledger) account(key object.Key) *drift.Account {
	if l.drifts[key] == nil {
		l.drifts[key] = &drift.Account{}
	}
	return l.drifts[key]
}

// noteDrift keeps the account of one object's drift, each time it is judged. It
// returns since when it lasted, where it was told and is over.
func (l *Ledger) noteDrift(o *Object, now time.Time) (over time.Time) {
	key := o.Desired.Key
	d := l.drifts[key]
	switch {
	case o.drifted():
		d = l.account(key)
		d.Drifts(now)
	case d == nil:
		return over
	default:
		if d.Alerted {
			over = d.Since
		}
		if d.Ends(now) {
			delete(l.drifts, key)
		}
	}
	o.truce = o.drifted() && !d.Truce(now).IsZero()
	return over
}

// Found takes in that a check found a declared object to differ, and why. What
// failed before is forgotten: it could be compared now.
func (l *Ledger) Found(key object.Key, live plan.Live, reason string, now time.Time) {
	o := l.objects[key]
	if o == nil {
		return
	}
	d := l.account(key)
	d.Drifts(now)
	d.Reason = reason
	l.Fail(key, nil, false)
	if o.Standing == plan.Unsure { // now it is known that it isn't as it was left
		l.applied[key] = plan.Applied{UID: live.UID, Digest: o.Desired.Digest, Fingerprint: live.Fingerprint + 1}
	}
}

// LeaveAsIs takes in that what was found of an object is only told. The object
// is to be judged after it, for it may have changed since.
func (l *Ledger) LeaveAsIs(key object.Key, live plan.Live, reason string) {
	if o := l.objects[key]; o != nil {
		l.count(o, -1)
		o.found = &found{version: live.Version, reason: reason}
		l.count(o, 1)
	}
}

// LookAgain lets what was found of one object be looked at anew, and begins a
// new account of its drift now: what people did meanwhile is no fight.
func (l *Ledger) LookAgain(key object.Key, now time.Time) {
	if o := l.objects[key]; o != nil {
		l.count(o, -1)
		o.found, o.truce = nil, false
		l.count(o, 1)
	}
	if d := l.drifts[key]; d != nil && !d.Since.IsZero() {
		*d = drift.Account{Since: now}
	} else {
		delete(l.drifts, key)
	}
}

// LookAtAllAgain does so with all that drifted.
func (l *Ledger) LookAtAllAgain(now time.Time) {
	for key, d := range l.drifts {
		if !d.Since.IsZero() {
			l.LookAgain(key, now)
		}
	}
}

// Alert is drift that people are to be told of.
type Alert struct {
	Object
	Since    time.Time
	Attempts int // to put it right
	Reason   string
}

// Alerts ends truces whose time has come, and lists the drift that is to be
// told now as an alert: once a spell, of what lasts, or (told) of all that is
// only told. It says when to ask again, and costs what drifts.
func (l *Ledger) Alerts(now time.Time, told bool) (due []Alert, next time.Time) {
	for key, d := range l.drifts {
		o := l.objects[key]
		if d.Since.IsZero() || o == nil || o.Paused {
			continue // who paused it knows
		}
		truce := d.Truce(now)
		if o.truce && truce.IsZero() {
			l.count(o, -1)
			o.truce = false
			l.count(o, 1)
		}
		next = sooner(next, truce)
		at := d.AlertAt()
		late := !now.Before(at) && (d.Reason != "" || o.Err != nil)
		switch {
		case at.IsZero():
		case told && o.found != nil, late:
			d.Alerted = true
			due = append(due, Alert{Object: *o, Since: d.Since, Attempts: d.Attempts, Reason: d.Reason})
		case now.Before(at):
			next = sooner(next, at)
		}
	}
	return due, next
}

// Alerted counts the objects whose drift was told as an alert, and finds since
// when the oldest lasts.
func (l *Ledger) Alerted() (n int, since time.Time) {
	for _, d := range l.drifts {
		if d.Alerted {
			n++
			since = sooner(since, d.Since)
		}
	}
	return n, since
}

// Drift tells of a fight over an object, or else what was found of the first
// that is left as it is; fight says which. It is empty where there is neither.
func (l *Ledger) Drift(now time.Time) (text string, fight bool) {
	if len(l.drifts) == 0 {
		return "", false
	}
	for _, key := range l.order {
		d, o := l.drifts[key], l.objects[key]
		if d == nil || d.Since.IsZero() {
			continue
		}
		if text := d.Fight(key, now); text != "" {
			return text, true
		}
		if o.found != nil {
			return key.String() + ": " + o.found.reason, false
		}
	}
	return "", false
}

// sooner is the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
