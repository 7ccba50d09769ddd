package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/target"
)

// Task is what is to be done to an App's objects at one go.
type Task struct {
	Actor      target.Actor
	Changes    []plan.Change
	Intended   *release.Release   // for what is declared otherwise; nil when nothing is
	Corrective *release.Release   // for what has drifted; recorded only when something has
	Drift      v1alpha1.DriftMode // what to do about drift
	Left       []object.Key       // drifted objects that are left as they are, as someone asked
	Validate   bool               // let the server check all of it before any of it is applied
}

// corrects says whether the drift of an object is to be put right.
func (t Task) corrects(key object.Key) bool {
	return (t.Drift == v1alpha1.DriftCorrect || t.Drift == "") && !slices.Contains(t.Left, key)
}

// Carried is what came of a task.
type Carried struct {
	Task
	Findings []target.Finding // of the checks, in the order of the changes
	Outcomes []target.Outcome // of all changes that were carried out; Changes are these
	Drifted  int              // how many of the checks found a difference that was put right, or tried to be
	Started  time.Time
}

// Waits says since when all that failed only waits for what it relies on: since
// before, or now; zero where something failed for more than that, or nothing did.
func (d Carried) Waits(failed error, before, now time.Time) time.Time {
	for _, o := range d.Outcomes {
		if o.Err != nil && !errors.Is(o.Err, target.ErrSkipped) {
			return time.Time{}
		}
	}
	switch {
	case !errors.Is(failed, target.ErrSkipped):
		return time.Time{}
	case before.IsZero():
		return now
	default:
		return before
	}
}

// Records writes a release down before its work begins; history.Recorder does.
type Records interface {
	Begin(ctx context.Context, r release.Release) *release.Release
}

// Carrier carries tasks out.
type Carrier struct {
	Target  Planner
	Records Records
	Now     func() time.Time
}

// Carry checks what may have drifted, records what is about to be done, and
// does it: in this order, so that a kill at any moment leaves a record to go on from.
func (c Carrier) Carry(ctx context.Context, t Task) Carried {
	d := Carried{Task: t, Started: c.Now()}
	checked := Check(ctx, c.Target, t.Actor, t.Changes)
	d.Changes, d.Findings = checked.Changes, checked.Findings
	drifted := slices.DeleteFunc(checked.Drifted, func(change plan.Change) bool { return !t.corrects(change.Key) })
	if len(d.Changes)+len(drifted) == 0 {
		return d
	}
	if t.Validate {
		d.Outcomes = Refused(ctx, c.Target, t.Actor, d.Changes)
	}
	if d.Intended != nil && len(d.Changes) > 0 {
		d.Intended = c.Records.Begin(ctx, Begun(*d.Intended, d.Changes, c.Now()))
	}
	if d.Outcomes != nil {
		return d
	}
	if len(drifted) > 0 {
		d.Drifted = len(drifted)
		d.Corrective.Actor = Owners(drifted)
		d.Corrective = c.Records.Begin(ctx, Begun(*d.Corrective, drifted, c.Now()))
	}
	d.Changes = append(d.Changes, drifted...)
	d.Outcomes = c.Target.Apply(ctx, t.Actor, d.Changes)
	return d
}
