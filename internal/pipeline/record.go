package pipeline

import (
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/target"
)

// Begun is a release that is about to do changes: with an attempt that
// has begun, so that one which is cut off is seen.
func Begun(r release.Release, changes []plan.Change, now time.Time) release.Release {
	if r.Planned.IsZero() {
		r.Planned = now
	}
	if last := len(r.Attempts) - 1; last < 0 || r.Attempts[last].Error != "" {
		r.Attempts = bounded(append(r.Attempts[:len(r.Attempts):len(r.Attempts)], release.Attempt{Started: now}))
	}
	r.Outcome = release.Running
	known := map[object.Key]int{}
	done := append([]release.Change(nil), r.Changes...)
	for i, c := range done {
		known[c.Object] = i
	}
	for _, c := range changes {
		change := release.Change{Action: string(c.Action), Object: c.Key, Origin: c.Desired.Origin, Reason: c.Reason, More: c.More}
		for _, f := range c.Fields {
			change.Fields = append(change.Fields, f.Path)
			if f.Before != nil || f.After != nil {
				change.Diff = append(change.Diff, release.FieldChange{
					Path: f.Path, Owner: f.Owner, Before: (*release.FieldValue)(f.Before), After: (*release.FieldValue)(f.After),
				})
			}
		}
		if i, ok := known[c.Key]; ok {
			change.Action = done[i].Action // a retry goes on with what was begun
			done[i] = change
		} else if len(done) < release.MaxChanges {
			known[c.Key] = len(done)
			done = append(done, change)
		}
	}
	r.Changes = release.BoundDiffs(done)
	return r
}

// bounded keeps the first attempt and the newest ones.
func bounded(attempts []release.Attempt) []release.Attempt {
	if extra := len(attempts) - release.MaxAttempts; extra > 0 {
		return append(attempts[:1:1], attempts[1+extra:]...)
	}
	return attempts
}

// Attempted is a release after one attempt.
func Attempted(r release.Release, outcomes []target.Outcome, started, now time.Time, failed error) release.Release {
	attempt := release.Attempt{Started: started, Ended: now}
	if failed != nil {
		attempt.Error = failed.Error()
	}
	r.Attempts = append([]release.Attempt(nil), r.Attempts...)
	if last := len(r.Attempts) - 1; last >= 0 && r.Attempts[last].Error == "" {
		attempt.Started = r.Attempts[last].Started // it ends, or goes on with its next part
		r.Attempts[last] = attempt
	} else {
		r.Attempts = append(r.Attempts, attempt)
	}
	r.Attempts = bounded(r.Attempts)
	came := map[object.Key]target.Outcome{}
	for _, o := range outcomes {
		came[o.Key] = o
	}
	changes := append([]release.Change(nil), r.Changes...)
	for i, c := range changes {
		o, tried := came[c.Object]
		if !tried {
			continue
		}
		changes[i].Error = ""
		if o.Err != nil {
			changes[i].Error = o.Err.Error()
		}
		if o.From != "" {
			changes[i].Action, changes[i].Reason = string(plan.Update), "was taken over from "+o.From
		}
		if o.Replaced != "" {
			changes[i].Action, changes[i].Reason = string(plan.Replace), o.Replaced+": it was deleted and made anew"
		}
	}
	r.Changes = changes
	if failed != nil {
		r.Outcome, r.Reason = release.Failed, failed.Error()
	} else {
		r.Outcome, r.Reason = release.Running, ""
	}
	return r
}
