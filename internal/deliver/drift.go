package deliver

import (
	"context"
	"fmt"
	"slices"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// The bounds of drift.
const (
	// alertAfter is how long drift may last before it is told as an alert.
	alertAfter = 2 * time.Minute
	// fightWindow is how far apart two takes of the same field by the same
	// manager may be to count as one fight; fightTakes, how many make one.
	fightWindow = 10 * time.Minute
	fightTakes  = 3
	// The first and the longest time that a fight is left alone for.
	firstTruce = 5 * time.Second
	lastTruce  = 10 * time.Minute
)

// drift is what is known of an object that was changed outside Git. It outlives
// the correction for a while, to tell a fight.
type drift struct {
	since    time.Time // when this spell began; zero when the object is in line
	attempts int       // corrections in this spell
	reason   string
	fields   []plan.Field
	alerted  bool
	takes    []take
	truce    time.Time // until when a fight is left alone
}

// take is one time that a field of ours was taken.
type take struct {
	field, pointer, owner string
	at                    time.Time
}

// fight finds the field that was taken again and again by the same manager,
// and until when to leave it alone: twice as long with each further take.
func fight(takes []take, now time.Time) (worst take, until time.Time) {
	counts := map[take]int{}
	for i := len(takes) - 1; i >= 0 && now.Sub(takes[i].at) <= fightWindow; i-- {
		who := take{field: takes[i].field, owner: takes[i].owner}
		counts[who]++
		if counts[who] > counts[take{field: worst.field, owner: worst.owner}] || worst.at.IsZero() {
			worst = takes[i]
		}
	}
	n := counts[take{field: worst.field, owner: worst.owner}]
	if n < fightTakes {
		return take{}, time.Time{}
	}
	const most = 10
	truce := min(lastTruce, firstTruce<<min(n-fightTakes, most))
	return worst, takes[len(takes)-1].at.Add(truce)
}

// mostTakes bounds what is kept of one object.
const mostTakes = 32

// tookBack notes that an object was put right, and what had been taken by whom.
func (d *drift) tookBack(fields []plan.Field, now time.Time) {
	d.attempts++
	for _, f := range fields {
		d.takes = append(d.takes, take{field: f.Path, pointer: f.Pointer, owner: f.Owner, at: now})
	}
	if extra := len(d.takes) - mostTakes; extra > 0 {
		d.takes = slices.Delete(d.takes, 0, extra)
	}
	if _, until := fight(d.takes, now); until.After(now) {
		d.truce = until
	}
}

// driftOf is the account of one object's drift, begun if there is none.
func (a *app) driftOf(key object.Key) *drift {
	if a.drifts[key] == nil {
		a.drifts[key] = &drift{}
	}
	return a.drifts[key]
}

// noteDrift keeps an App's account of one object's drift, each time it is judged.
func (e *engine) noteDrift(a *app, entry *entry) {
	key, now := entry.desired.Key, e.Now()
	d := a.drifts[key]
	drifted := entry.standing == plan.Gone || entry.standing == plan.Moved
	switch {
	case drifted && d == nil:
		a.drifts[key] = &drift{since: now}
	case drifted && d.since.IsZero():
		d.since, d.attempts = now, 0
	case !drifted && d != nil:
		e.endSpell(a, key, d, now)
	}
}

// endSpell takes in that an object is in line again. Its takes are kept while
// they may become a fight.
func (e *engine) endSpell(a *app, key object.Key, d *drift, now time.Time) {
	if d.alerted {
		e.Log.Info("drift that was told is over", "app", a.id, "object", key.String(), "lasted", now.Sub(d.since).Round(time.Second))
	}
	d.since, d.alerted = time.Time{}, false
	if len(d.takes) == 0 || now.Sub(d.takes[len(d.takes)-1].at) > fightWindow {
		delete(a.drifts, key)
	}
}

// inTruce says whether an object is in a fight that is left alone for now.
func (a *app) inTruce(key object.Key, now time.Time) bool {
	d := a.drifts[key]
	return d != nil && now.Before(d.truce)
}

// watchDrift ends truces whose time has come, raises the alerts that are due,
// and says when to look again. It costs what drifts, not what the App holds.
func (e *engine) watchDrift(a *app, now time.Time) (next time.Time) {
	for key, d := range a.drifts {
		if d.since.IsZero() {
			continue
		}
		if !d.truce.IsZero() {
			if !now.Before(d.truce) {
				d.truce = time.Time{}
				e.judge(a, key)
			} else {
				next = sooner(next, d.truce)
			}
		}
		due := d.since.Add(alertAfter)
		switch entry := a.objects[key]; {
		case d.alerted || entry == nil:
		case !now.Before(due) || (a.App.Spec.Sync.Drift == v1alpha1.DriftAlert && entry.found != nil):
			d.alerted = true
			e.alert(a, key, d, now)
		default:
			next = sooner(next, due)
		}
	}
	return next
}

// alert tells people, once a spell, of drift that was not put right.
func (e *engine) alert(a *app, key object.Key, d *drift, now time.Time) {
	text := fmt.Sprintf("was changed outside Git %s ago and is not put right (%s so far): %s", now.Sub(d.since).Round(time.Second),
		count(d.attempts, "attempt", "attempts"), firstText(d.reason, "the cause is not known yet"))
	e.Log.Error("drift lasts", "app", a.id, "object", key.String(), "since", d.since, "attempts", d.attempts, "reason", d.reason)
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
		if d == nil || d.since.IsZero() {
			continue
		}
		if worst, _ := fight(d.takes, now); now.Before(d.truce) {
			return fightMessage(key, worst, d.truce.Sub(now))
		}
		if entry.found != nil {
			return fmt.Sprintf("%s: %s; drift is %s here, so it is left as it is", key, entry.found.reason, a.driftMode())
		}
	}
	return ""
}

func (a *app) driftMode() string {
	if a.App.Spec.Sync.Mode == v1alpha1.SyncObserve {
		return "only observed"
	}
	return "only told (sync.drift: alert)"
}

// fightMessage says who fights over what, and how to leave it to them.
func fightMessage(key object.Key, t take, left time.Duration) string {
	who := firstText(t.owner, "someone")
	return fmt.Sprintf("%s takes %s of %s again and again; it is left alone for %s. To leave it to them, add to the App: "+
		"ignore: [{kind: %s, name: %s, fields: [%s]}]", who, t.field, key, left.Round(time.Second), key.Kind, key.Name, t.pointer)
}

// found is what a check found of an object that is not put right.
type found struct {
	version uint64 // of the live object that was checked; 0 when it is gone
	reason  string
}
