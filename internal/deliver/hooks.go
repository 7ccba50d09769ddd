package deliver

import (
	"cmp"
	"context"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/step"
)

// hooking is what is known of an App's hooks.
type hooking struct {
	hooks   []hooks.Hook // as rendered last, nil before; of a removed App those for deletion
	former  []hooks.Hook // those of the open release, where others are declared by now; nil is not known
	digest  string
	memory  hooks.Memory
	known   bool     // memory says which hooks ran
	notices []string // what people should know of the render
	next    hooks.Standing
}

// mostNotices bounds what is told of a render.
const mostNotices = 50

// takeHooks takes in the hooks of a render, after its objects.
func (e *engine) takeHooks(a *app, r pipeline.Rendering) {
	if a.overtaken() && a.former == nil {
		a.former = a.hooking.hooks
	}
	a.hooking.hooks, a.digest, a.notices = append([]hooks.Hook{}, r.Hooks...), hooks.Digest(r.Hooks), r.Notices
	e.rememberHooks(a, a.memory.Done)
	if f := a.failure; f != nil && f.Content != "" && !gate.Follows(a.App.Spec.Sync) && f.Content != hooks.Content(r.Desired, r.Hooks) {
		e.dropFailure(a) // something else is declared
	}
}

// rememberHooks writes down what has to outlive a restart.
func (e *engine) rememberHooks(a *app, done string) {
	m := hooks.Remembered(a.hooking.hooks, done, a.App.Spec.Target)
	switch {
	case m.Same(a.memory):
	case m.Same(hooks.Memory{}):
		e.records.Drop(history.DeskHooks, a.id)
	default:
		e.records.Put(history.DeskHooks, a.id, history.Value(m))
	}
	a.memory = m
}

// recallHooks gives a new App what was kept of its hooks, once.
func (e *engine) recallHooks(a *app) {
	a.memory, a.hooking.known = e.last.Hooks[a.id]
	delete(e.last.Hooks, a.id)
}

// keepForDeletion leaves an App that is removed the hooks that run then.
func (e *engine) keepForDeletion(a *app) {
	if a.got.ok {
		return
	}
	a.hooking.hooks, a.App.Spec.Target = a.memory.Deletion, a.memory.Target
	if n := a.memory.Left; n > 0 {
		e.Log.Warn("hooks of an App that was removed while no daemon ran hold secrets and are not known any more", "app", a.id, "hooks", n)
	}
}

// hooksDue says whether the hooks are to run though no object is to be changed.
func (a *app) hooksDue() bool {
	return a.digest != "" && a.digest != a.memory.Done && !a.removed && (a.Open == nil || a.Open.Applied.IsZero())
}

// overtaken says whether the open release is of another revision than what is
// declared now, so that its hooks don't count any more.
func (a *app) overtaken() bool {
	return a.Open != nil && !a.removed && !a.Open.Revision.Same(a.got.revision)
}

// ending says whether the open release comes to its end, though another revision
// is declared by now: all of it is applied, and nothing else may be, or is to be.
func (a *app) ending() bool {
	return a.overtaken() && !a.Open.Applied.IsZero() && (a.stopsIntended() || a.intended() == 0)
}

// hooksNow are the hooks of what is under way: of the open release, while it
// comes to its end or one of them runs, or else of the next one.
func (a *app) hooksNow() []hooks.Hook {
	if a.ending() || a.former != nil && a.overtaken() && a.Open.HookRunning() {
		return a.former
	}
	return a.hooking.hooks
}

// walkHooks finds what is next of an App's hooks.
func (e *engine) walkHooks(a *app, now time.Time) {
	a.next = hooks.Standing{}
	all := a.hooksNow()
	if len(all) == 0 && (a.Open == nil || len(a.Open.Hooks) == 0) || !a.removed && !a.settled() {
		a.objects.SetBarrier(0, false)
		return
	}
	e.trustHooks(a)
	n, left := a.objects.Counts(), a.objects.Left()
	f := hooks.Facts{Live: e.target.Hooked, Timeout: cmp.Or(a.App.Spec.Health.Timeout.Duration, v1alpha1.DefaultHealthTimeout), Occasion: e.occasion(a)}
	m := hooks.Moment{
		Removed: a.removed, Left: a.intended() + left.Deleting, Due: a.hooksDue(),
		Healthy: n.Works(), Reached: a.objects.Reached,
	}
	running := a.Open != nil && a.Open.HookRunning()
	if a.Open != nil && (running || !a.overtaken() || a.ending()) {
		m.Begun, m.Ending, m.Applied = true, a.Open.Ending != "", !a.Open.Applied.IsZero()
		f.Runs, f.Token = a.Open.Hooks, a.Open.Token()
	}
	if a.ending() { // what is held is of the next one
		m.Left, m.Healthy, f.Occasion = 0, health.Enough(n.HealthOfPast()), a.Open.Occasion
	}
	if known, err := e.target.Watch(hooks.Kinds(all)); !known && err == nil {
		a.next.Holds = true // an event tells when they are
		return
	}
	a.next = hooks.Walk(all, f, m, now)
	a.next.Holds = a.next.Holds || running && a.overtaken()
	a.objects.SetBarrier(a.next.Barrier, a.next.HasBarrier)
	switch {
	case a.next.Failed != "" && a.Open != nil:
		e.beginEnding(a, a.next.Failed)
		e.walkHooks(a, now)
	case m.Begun && !m.Applied && !a.removed && !a.next.Busy() && m.Left == 0 && len(a.unresolved) == 0:
		e.applied(a, a.Open)
		e.records.Save(a.id, *a.Open)
		e.walkHooks(a, now)
	}
}

// trustHooks takes the hooks of an App for done that is live as declared where
// none of them would run, or nothing is known of what ran: the memory was lost,
// and not the work.
func (e *engine) trustHooks(a *app) {
	lost := !a.hooking.known && e.occasion(a) != release.Install
	if a.Open == nil && a.intended() == 0 && (lost || a.hooksDue() && len(e.plannedHooks(a)) == 0) {
		e.rememberHooks(a, a.digest)
	}
	a.hooking.known = true
}

// occasion is what sort of release it is for hooks that ask.
func (e *engine) occasion(a *app) release.Occasion {
	if a.Open != nil && !a.overtaken() && a.Open.Occasion != "" {
		return a.Open.Occasion
	}
	live := len(e.target.Owned(a.label)) > 0 || a.App.Spec.Sync.Adopt
	return release.OccasionOf(a.id, a.got.revision, live)
}

// hookFacts adds to the facts what is next of the hooks.
func (a *app) hookFacts(f *step.Facts) {
	s, hold := a.next, a.verdict.Hold
	f.HookEnds, f.HookStarts = s.Step == hooks.End || s.Step == hooks.Delete, s.Step == hooks.Start
	f.HookWaits, f.HookHolds = s.Busy(), s.Holds
	f.HookBegun = a.Open != nil && (!a.overtaken() || a.ending()) && (hold == nil || hold.Reason == gate.HeldByApproval)
	f.Ending = a.Open != nil && a.Open.Ending != ""
	if s.Holds {
		f.Changes, f.Prunes, f.Queued, f.Failing = 0, 0, 0, a.objects.Counts().Stuck
	}
}

// hookJob does the next step of an App's hooks.
func (e *engine) hookJob(a *app) job {
	t := pipeline.HookTask{Actor: e.actor(a), Phase: a.next.Phase, Decision: a.next.Decision, Hooks: a.hooksNow()}
	if t.Decision.Step == hooks.Start && !(a.Open != nil && (a.Open.HookRunning() || a.ending())) {
		t.Release = *e.draftIntended(a)
	} else {
		t.Release = *a.Open
	}
	t.Desired = a.objects.Desired()
	removed := a.removed
	carrier := pipeline.HookCarrier{Target: e.target, Records: e.records, Now: e.Now}
	return func(ctx context.Context) func() {
		r, err := carrier.Carry(ctx, t)
		return func() { e.hooked(a, r, err, removed) }
	}
}

// hooked takes in what came of a step of the hooks.
func (e *engine) hooked(a *app, r release.Release, err error, removed bool) {
	a.busy = false
	e.touch(a)
	a.Open = &r
	e.records.Save(a.id, r)
	switch {
	case err != nil:
		e.failed(a)
		e.Log.Warn("a hook has to wait; it is tried again", "app", a.id, "release", r.ID, "error", err)
	default:
		a.failures, a.retryAt = 0, time.Time{}
	}
	switch {
	case removed != a.removed:
		e.finish(a, release.Superseded, "the App is no longer declared")
	case !r.HookRunning() && !a.removed:
		e.endOvertaken(a)
	}
}

// beginEnding lets the failure hooks of a release run, and nothing else of it.
func (e *engine) beginEnding(a *app, reason string) {
	r := *a.Open
	r.Ending = reason
	a.Open = &r
	e.records.Save(a.id, r)
	e.Log.Warn("a release failed", "app", a.id, "release", r.ID, "reason", reason)
}

// hasFailureHooks says whether anything runs when the open release fails.
func (e *engine) hasFailureHooks(a *app) bool {
	return len(hooks.Of(a.hooksNow(), hooks.SyncFail, e.occasion(a))) > 0
}

// late ends a release that was not applied or healthy in time, after its failure hooks.
func (e *engine) late(a *app, reason string) {
	if e.hasFailureHooks(a) && a.Open.Ending == "" {
		e.beginEnding(a, reason)
		return
	}
	e.finish(a, release.Failed, reason)
}

// closeHooks ends the runs of a release that ends, and notes that the hooks ran.
func (e *engine) closeHooks(a *app, r *release.Release) {
	r.EndHooks(e.Now())
	switch {
	case r.Outcome != release.Succeeded || a.removed:
	case !a.overtaken():
		e.rememberHooks(a, a.digest)
	case a.former != nil:
		e.rememberHooks(a, hooks.Digest(a.former))
	case r.Occasion != "":
		r.Reason = "its hooks did not run to the end: " + a.got.revision.Name() + " is declared by now, and the daemon stopped since"
	}
	a.former = nil
}

// plannedHooks lists the hooks that the next release would run if it goes well.
func (e *engine) plannedHooks(a *app) []plan.Hook {
	if a.removed {
		return hooks.Planned(a.hooking.hooks, "", hooks.PreDelete, hooks.PostDelete)
	}
	return hooks.Planned(a.hooking.hooks, e.occasion(a), hooks.PreSync, hooks.Sync, hooks.PostSync)
}

// leftUndone names what was declared where a release failed before all of it was
// applied, or its hooks had run; otherwise it is empty.
func (e *engine) leftUndone(a *app, r release.Release) string {
	if !r.HookFailed() && a.intended() == 0 {
		return ""
	}
	return hooks.Content(a.objects.Desired(), a.hooking.hooks)
}
