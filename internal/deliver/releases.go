package deliver

import (
	"cmp"
	"fmt"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/step"
	"plumb.dev/plumb/internal/target"
)

// draftIntended is the release that a change belongs to: the open one, or a
// new one that isn't recorded yet. An open release of an older commit or
// another cause ends here.
func (e *engine) draftIntended(a *app) *release.Release {
	if a.Open != nil && !a.removed && !a.Open.Revision.Same(a.got.revision) {
		e.finish(a, release.Superseded, a.got.revision.Name()+" came first")
	}
	draft := a.cause.Begin(a.id, a.got.revision, e.Now())
	if a.Open != nil {
		draft = *a.Open
	}
	if draft.Occasion == "" && len(a.hooking.hooks) > 0 {
		draft.Occasion = e.occasion(a)
	}
	a.proposal.Sign(&draft)
	return &draft
}

// endOvertaken ends an open release that never came to be live as a whole, now
// that something else is declared.
func (e *engine) endOvertaken(a *app) {
	if a.Open != nil && a.Open.Applied.IsZero() && !a.Open.HookRunning() && !a.Open.Revision.Same(a.got.revision) {
		e.finish(a, release.Superseded, a.got.revision.Name()+" took its place before it was applied")
	}
}

// draftBroken is the release of a commit that can't be rendered: the one that
// is recorded already, or a new one. It is nil where nothing new was tried.
func (e *engine) draftBroken(a *app, revision release.Revision) *release.Release {
	if a.Broken != nil && a.Broken.Revision.Same(revision) {
		draft := *a.Broken
		return &draft
	}
	if a.cause.Trigger == "" {
		return nil
	}
	return &release.Release{App: a.id, Revision: revision, Trigger: a.cause.Trigger, Actor: a.cause.Actor, Seen: a.cause.Seen}
}

// closeBroken ends the release of a commit that could not be rendered.
func (e *engine) closeBroken(a *app) {
	if a.Broken == nil {
		return
	}
	r := *a.Broken
	a.Broken = nil
	r.Finished = e.Now()
	e.records.Save(a.id, r)
}

// mended takes in that the newest commit can be rendered: if it is the one that
// could not be before, its release goes on.
func (e *engine) mended(a *app) {
	if a.Broken != nil && a.Open == nil && a.Broken.Revision.Same(a.got.revision) {
		a.Open, a.Broken = a.Broken, nil
		return
	}
	e.closeBroken(a)
}

// recordIntended notes what an attempt at the intended changes came to.
func (e *engine) recordIntended(a *app, d pipeline.Carried, failed error) {
	if d.Intended == nil || len(d.Intended.Changes) == 0 {
		return
	}
	a.waits = d.Waits(failed, a.waits, e.Now())
	switch {
	case !a.waits.IsZero() && e.Now().Sub(a.waits) < a.App.Spec.Health.Timeout.Duration:
		failed = nil
	case failed == nil && len(a.unresolved) > 0:
		failed = pipeline.Unresolved(a.unresolved)
	}
	r := pipeline.Attempted(*d.Intended, d.Outcomes, d.Started, e.Now(), failed)
	a.Open = &r
	if failed != nil {
		e.records.Save(a.id, r)
		e.Observe.Released(r)
		if len(r.Attempts) == 1 {
			e.tell(a, event.OfRelease(r)) // a retry that fails again is no news
		}
		e.Log.Warn("a release failed; it will be tried again", "app", a.id, "release", r.ID, "revision", r.Revision.Short(),
			"attempt", len(r.Attempts), "error", failed)
		return
	}
	switch n := a.objects.Counts(); {
	case n.Changes+n.Failing+n.Queued == 0:
		e.applied(a, &r)
	case n.Changes+n.Failing == 0: // a wave is
		a.deadline = e.Now().Add(a.App.Spec.Health.Timeout.Duration)
	}
	e.records.Save(a.id, r)
}

// giveUp ends the open release when an object of it was refused for as long as it
// may take to be healthy, where something is to follow that: its failure hooks, a
// hold or a rollback. All else is tried for good.
func (e *engine) giveUp(a *app, failed error) {
	if a.Open == nil || !a.Open.Applied.IsZero() || a.Open.Ending != "" || !a.objects.AnyFailed(target.ErrRefused) {
		a.refused = time.Time{}
		return
	}
	if a.refused.IsZero() {
		a.refused = e.Now()
	}
	most := a.App.Spec.Health.Timeout.Duration
	switch until := a.refused.Add(most); {
	case !gate.Follows(a.App.Spec.Sync) && !e.hasFailureHooks(a):
	case e.Now().Before(until):
		a.retryAt = step.Sooner(a.retryAt, until) // a last time
	default:
		a.failures, a.retryAt = 0, time.Time{}
		e.late(a, fmt.Sprintf("not applied in %s: %s", most, failed))
	}
}

// applied notes that all of a release is; from now on it has to become healthy.
func (e *engine) applied(a *app, r *release.Release) {
	r.Applied = e.Now()
	a.deadline = r.Applied.Add(a.App.Spec.Health.Timeout.Duration)
	if !a.stale() { // or else it is why the next one comes
		a.cause = release.Cause{}
	}
}

// recordCorrective notes what came of putting drift right. It ends with the
// attempt that succeeds.
func (e *engine) recordCorrective(a *app, d pipeline.Carried, failed error) {
	if d.Drifted == 0 {
		return
	}
	r := pipeline.Attempted(*d.Corrective, d.Outcomes, d.Started, e.Now(), failed)
	a.Corrective = &r
	if failed != nil {
		e.records.Save(a.id, r)
		e.Observe.Released(r)
		e.Log.Warn("drift could not be put right; it will be tried again", "app", a.id, "release", r.ID, "error", failed)
		return
	}
	r.Applied = e.Now()
	e.Observe.Corrected(a.id, d.Drifted)
	e.endCorrective(a)
}

func (e *engine) endCorrective(a *app) {
	r := *a.Corrective
	a.Corrective = nil
	now := e.Now()
	if r.Applied.IsZero() {
		r.Applied = now
	}
	r.Outcome, r.Reason, r.Finished = release.Succeeded, "", now
	e.records.Save(a.id, r)
	e.Observe.Released(r)
	e.tell(a, event.Event{Kind: event.DriftCorrected, Actor: r.Actor, Release: r.ID, Revision: r.Revision.Commit, Message: "drift was put right: " + r.Summary().String()})
	e.Log.Info("drift was put right", "app", a.id, "release", r.ID, "by", r.Actor, "changes", r.Summary().String())
}

// finish ends the open release.
func (e *engine) finish(a *app, outcome release.Outcome, reason string) {
	r := *a.Open
	now := e.Now()
	r.Outcome, r.Reason, r.Finished = outcome, reason, now
	e.closeHooks(a, &r)
	a.Open, a.refused = nil, time.Time{}
	if outcome == release.Succeeded {
		r.Healthy = now
		if r.Applied.IsZero() {
			r.Applied = now
		}
	}
	e.records.Save(a.id, r)
	e.Observe.Released(r)
	e.tell(a, event.OfRelease(r))
	if outcome == release.Failed {
		a.cause.Seen = now // what is tried after it is another release
		e.afterFailure(a, r)
	} else if outcome == release.Succeeded && a.failure != nil && a.heldFailure() == nil {
		e.dropFailure(a) // something else took its place, and works
	}
	e.Log.Info("a release ended", "app", a.id, "release", r.ID, "outcome", r.Outcome, "revision", r.Revision.Short(),
		"trigger", r.Trigger, "actor", r.Actor, "changes", r.Summary().String(), "reason", reason)
	e.touchDependents(a)
}

// lateReason says what was not healthy in time.
func (a *app) lateReason() string {
	return fmt.Sprintf("not healthy %s after it was applied: %s", a.App.Spec.Health.Timeout.Duration, a.objects.WorstText())
}

// resume takes up what the last run of the daemon left unfinished, and says
// whether that run knew the App. What is open has as long as ever to be healthy.
func (e *engine) resume(a *app, timeout time.Duration) (known bool) {
	unfinished := e.last.Unfinished[a.id]
	known = len(unfinished) > 0 || e.last.Applied[a.id] != nil
	delete(e.last.Unfinished, a.id)
	delete(e.last.Applied, a.id)
	for _, over := range a.Resume(unfinished, e.Now()) {
		e.records.Save(a.id, over)
	}
	if a.Open != nil {
		a.deadline = e.Now().Add(cmp.Or(timeout, v1alpha1.DefaultHealthTimeout))
	}
	return known
}

// closeResumed ends what was begun before a restart and turns out to be done.
func (e *engine) closeResumed(a *app) {
	n := a.objects.Counts()
	if a.Open == nil && !a.busy && !a.removed && a.known && !a.stale() && n.Changes+n.Failing+n.Refused+n.Terminating+n.Queued == 0 && !a.hooksDue() && !a.objects.Left().Any() {
		a.cause = release.Cause{} // what it was for is done
	}
	if a.Corrective != nil && !a.busy && a.known && a.got.ok && n.Drifted+n.Unsure+n.Failing+n.Changes == 0 {
		e.endCorrective(a)
	}
}
