// Package drift keeps account of one object that is changed outside Git: since
// when, how often it was put right, and whether someone fights over it.
//
// It is pure: what is seen and the time go in, what to do about it comes out.
// Finding drift and putting it right is done elsewhere.
package drift

import (
	"fmt"
	"slices"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// The bounds of drift.
const (
	// AlertAfter is how long drift may last before it is told as an alert.
	AlertAfter = 2 * time.Minute
	// fightTakes is how many takes of the same field by the same manager make a
	// fight; fightWindow, how far apart two that follow each other may be. It is
	// longer than the longest truce, or a fight would be forgotten in its own.
	fightTakes  = 3
	fightWindow = 2 * lastTruce
	// The first and the longest time that a fight is left alone for.
	firstTruce = 5 * time.Second
	lastTruce  = 10 * time.Minute
	// mostTakes bounds what is kept of one object, and fieldsKept what is of each
	// round, so that many rounds are kept of a fight over many fields.
	mostTakes  = 48
	fieldsKept = 3
)

// Account is what is known of one object's drift. It outlives the correction
// for a while, to tell a fight. The zero value is that of an object in line.
type Account struct {
	Since    time.Time // when this spell of drift began; zero when the object is in line
	Attempts int       // corrections in this spell
	Reason   string    // what was changed, and by whom
	Alerted  bool      // this spell was told as an alert

	takes []take
	truce time.Time // until when a fight is left alone
}

// take is one time that a field of ours was taken.
type take struct {
	field, pointer, owner string
	at                    time.Time
}

// Drifts takes in that the object is found changed.
func (a *Account) Drifts(now time.Time) {
	if a.Since.IsZero() {
		a.Since, a.Attempts = now, 0
	}
}

// Ends takes in that the object is in line again. It says whether the account
// can be forgotten: nothing in it may still become a fight.
func (a *Account) Ends(now time.Time) (forget bool) {
	a.Since, a.Alerted, a.Reason = time.Time{}, false, ""
	return len(a.takes) == 0 || now.Sub(a.takes[len(a.takes)-1].at) > fightWindow
}

// PutRight takes in that the object was put right, and what had been taken by whom.
func (a *Account) PutRight(fields []plan.Field, now time.Time) {
	a.Attempts++
	for _, f := range fields[:min(len(fields), fieldsKept)] {
		a.takes = append(a.takes, take{field: f.Path, pointer: f.Pointer, owner: f.Owner, at: now})
	}
	if extra := len(a.takes) - mostTakes; extra > 0 {
		a.takes = slices.Delete(a.takes, 0, extra)
	}
	if _, until := fight(a.takes, now); until.After(now) {
		a.truce = until
	}
}

// Truce is until when the object is left alone; zero when nobody fights over it.
func (a *Account) Truce(now time.Time) time.Time {
	if a.truce.After(now) {
		return a.truce
	}
	return time.Time{}
}

// AlertAt is when this spell is to be told as an alert; zero when it was, or
// when there is none.
func (a *Account) AlertAt() time.Time {
	if a.Alerted || a.Since.IsZero() {
		return time.Time{}
	}
	return a.Since.Add(AlertAfter)
}

// Fight says who fights over which field of the object, and how to leave it to
// them; empty when nobody does.
func (a *Account) Fight(key object.Key, now time.Time) string {
	worst, _ := fight(a.takes, now)
	if worst.at.IsZero() || a.Truce(now).IsZero() {
		return ""
	}
	who := worst.owner
	if who == "" {
		who = "someone"
	}
	return fmt.Sprintf("%s takes %s of %s again and again; it is left alone for %s. To leave it to them, add to the App: "+
		"ignore: [{kind: %s, name: %s, fields: [%s]}]", who, worst.field, key, a.truce.Sub(now).Round(time.Second), key.Kind, key.Name, worst.pointer)
}

// fight finds the field that was taken again and again by the same manager,
// and until when to leave it alone: twice as long with each further take.
func fight(takes []take, now time.Time) (worst take, until time.Time) {
	type who struct{ field, owner string }
	type series struct {
		newest take
		last   time.Time // of the oldest that counts so far
		n      int
	}
	found := map[who]series{}
	most := 0
	for i := len(takes) - 1; i >= 0; i-- {
		t := takes[i]
		s, known := found[who{t.field, t.owner}]
		if !known {
			s = series{newest: t, last: now}
		}
		if s.last.Sub(t.at) > fightWindow {
			continue
		}
		s.last, s.n = t.at, s.n+1
		found[who{t.field, t.owner}] = s
		if s.n > most {
			most, worst = s.n, s.newest
		}
	}
	if most < fightTakes {
		return take{}, time.Time{}
	}
	const doublings = 10
	return worst, worst.at.Add(min(lastTruce, firstTruce<<min(most-fightTakes, doublings)))
}
