package deliver

import (
	"context"
	"fmt"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/approval"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/ledger"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/step"
)

// gated is what stands between an App's changes and the target.
type gated struct {
	calendar *gate.Calendar // its windows, made ready
	opening  gate.Opening
	verdict  gate.Verdict
	proposal approval.Proposal
	failure  *gate.Failure
	rolling  bool        // its rollback is under way
	told     gate.Reason // the hold that people were told of
}

// passGate brings up to date what may be done to an App now.
func (e *engine) passGate(a *app, now time.Time) {
	e.endPauses(a, now)
	a.opening = a.calendar.At(now)
	before, paused := a.verdict, a.paused()
	a.verdict = gate.Decide(gate.Facts{
		App: a.id, Sync: a.App.Spec.Sync, Opening: a.opening, Pauses: e.pauses.Whole(a.id), Failure: a.heldFailure(),
		Plan: a.proposal.Hash(), Author: a.got.revision.Author, Approval: a.proposal.Said,
	}, now)
	if !before.Corrections && a.verdict.Corrections || paused && !a.paused() {
		a.objects.LookAtAllAgain(now)
	}
	if !a.busy && !a.proposal.None() && a.planIsOver() {
		e.dropPlan(a)
	}
	e.resumeRollback(a)
}

// intended counts what is out of line because of what is declared.
func (a *app) intended() int {
	left := a.objects.Left()
	return a.objects.Counts().Intended() + left.Prunes + left.Queued
}

// planIsOver says whether nothing is left of what a plan is about: it is
// carried out, what it would change is as declared, or nobody has to approve any more.
func (a *app) planIsOver() bool {
	switch {
	case a.App.Spec.Sync.Mode != v1alpha1.SyncApprove:
		return true
	case a.proposal.Grants != nil:
		return !a.objects.Granted(a.proposal.Grants).Any() && !a.hooksDue()
	default:
		return a.settled() && a.intended() == 0 && !a.hooksDue()
	}
}

// settled says whether it is known how the newest of what is declared stands.
func (a *app) settled() bool { return a.known && (a.removed || a.got.ok && !a.stale()) }

// stopsIntended says whether what is declared otherwise must not be applied now.
func (a *app) stopsIntended() bool {
	return !a.verdict.Intended || a.App.Spec.Sync.Mode == v1alpha1.SyncApprove && a.proposal.Grants == nil
}

// holdFacts adds to the facts what the gate lets through.
func (a *app) holdFacts(f *step.Facts) {
	v := a.verdict
	approve := a.App.Spec.Sync.Mode == v1alpha1.SyncApprove
	n := a.objects.Counts()
	f.Intended = a.intended()
	if a.hooksDue() {
		f.Intended++ // they are to run though no object is to be changed
	}
	f.StopIntended, f.StopCorrections = a.stopsIntended(), !v.Corrections
	if !f.StopIntended && approve {
		work := a.objects.Granted(a.proposal.Grants)
		f.Changes, f.Failing, f.Prunes, f.Queued = work.Changes, work.Failing+n.Stuck, work.Prunes, work.Queued
	}
	if f.StopIntended {
		f.Failing, f.Health = n.Stuck, n.HealthOfPast()
	}
	if approve && f.StopIntended && f.Intended > 0 {
		f.Propose, f.ProposeAt = a.proposal.Due(a.objects.Situation(), v.Intended)
		f.ProposeAt = later(f.ProposeAt, a.retryAt)
	}
}

// permit is what the gate lets through.
func (a *app) permit() ledger.Permit {
	p := ledger.Permit{Intended: a.verdict.Intended && !a.next.Holds}
	if a.App.Spec.Sync.Mode == v1alpha1.SyncApprove {
		p.Only = a.proposal.Grants
		p.Intended = p.Intended && p.Only != nil
	}
	return p
}

// proposeJob makes the plan of an App's intended changes.
func (e *engine) proposeJob(a *app) job {
	request := pipeline.Request{
		App: a.App, Actor: e.actor(a), Revision: a.got.revision, Cluster: e.target.State().Address,
		Desired: a.objects.Intended(), Prunes: a.objects.Prunes(ledger.Permit{Intended: true}, -1), Hidden: e.Hidden, Now: e.Now(),
	}
	request.Hooks, request.HooksDue = e.plannedHooks(a), a.hooksDue()
	request.InLine = len(a.objects.Keys()) - len(request.Desired)
	if a.removed { // nobody says any more where it went, and what is to be deleted has its place
		request.App.Spec.Target.Namespace = ""
	}
	situation, generation := a.objects.Situation(), a.got.generation
	return func(ctx context.Context) func() {
		p := pipeline.Plan(ctx, e.target, request)
		return func() {
			a.busy = false
			a.checked = e.Now()
			e.touch(a)
			if overtaken := generation != a.got.generation || p.Revision != a.got.revision.Commit; !overtaken && e.apps[a.id] == a {
				e.proposed(a, p, situation)
			}
		}
	}
}

// proposed takes a plan in: it waits for approval, or is found to be the one
// that was approved.
func (e *engine) proposed(a *app, p plan.Plan, situation uint64) {
	took := a.proposal.Made(p, situation, a.objects.Situation(), e.Now())
	switch {
	case !p.Complete:
		e.failed(a) // to look again in a while
	case a.proposal.Grants != nil, a.objects.Counts().Failing == 0 && a.got.err == nil:
		a.failures, a.retryAt = 0, time.Time{}
	}
	if took.Keep {
		e.records.Put(history.DeskPlan, a.id, history.Value(p))
	}
	if took.Forget {
		e.records.Drop(history.DeskApproval, a.id)
	}
	e.tell(a, took.Events...)
}

// takeDesk gives a new App what was said of it, once.
func (e *engine) takeDesk(a *app) {
	var said *gate.Approval
	if one, ok := e.last.Approvals[a.id]; ok {
		said = &one
	}
	if p, ok := e.last.Plans[a.id]; ok {
		a.proposal = approval.Restored(&p, said)
	} else {
		a.proposal = approval.Restored(nil, said)
	}
	e.recallHooks(a)
	if failed, ok := e.last.Failures[a.id]; ok {
		a.failure = &failed
	}
	delete(e.last.Approvals, a.id)
	delete(e.last.Failures, a.id)
	delete(e.last.Plans, a.id)
}

// dropPlan forgets the plan that waited, and what was said of it.
func (e *engine) dropPlan(a *app) {
	a.proposal = approval.Proposal{}
	e.records.Drop(history.DeskPlan, a.id)
	e.records.Drop(history.DeskApproval, a.id)
}

// declared is an App that there is.
func (e *engine) declared(id string) (*app, error) {
	a := e.apps[id]
	if a == nil {
		return nil, fmt.Errorf("%s: %w", id, ErrNoApp)
	}
	return a, nil
}

// endPauses ends the pauses whose time has come.
func (e *engine) endPauses(a *app, now time.Time) {
	for _, p := range e.pauses.Ended(a.id, now) {
		e.dropPause(p, "", fmt.Sprintf("the pause of %s (%s) ended by itself", p.By, p.Reason))
	}
}

// dropPause ends one pause.
func (e *engine) dropPause(p gate.Pause, by, message string) {
	e.pauses.Drop(p)
	e.records.Drop(history.DeskPause, p.ID())
	e.records.Tell(event.Event{Time: e.Now(), Kind: event.Resumed, App: p.App, Object: p.Object, Actor: by, Message: message})
	e.repaused(p)
}

// repaused takes in that a pause began or ended.
func (e *engine) repaused(p gate.Pause) {
	covered := e.apps
	if p.App != "" {
		covered = map[string]*app{p.App: e.apps[p.App]}
	}
	for _, a := range covered {
		if a == nil {
			continue
		}
		if p.Object != nil {
			a.objects.LookAgain(*p.Object, e.Now())
			e.judge(a, *p.Object)
			e.noteLeftover(a, *p.Object)
		}
		e.touch(a)
	}
}

// Pause begins a pause, or changes the one of the same scope. It is on disk
// before it is answered.
func (en *Engine) Pause(ctx context.Context, p gate.Pause) (gate.Pause, error) {
	p, err := ask(ctx, en.e, func(e *engine) (gate.Pause, error) { return e.placePause(p) })
	if err != nil {
		return p, err
	}
	if err := en.e.records.PutNow(ctx, history.DeskPause, p.ID(), history.Value(p)); err != nil {
		return p, fmt.Errorf("the pause can't be written down, so it doesn't hold: %w", err)
	}
	return ask(ctx, en.e, func(e *engine) (gate.Pause, error) { return e.pause(p), nil })
}

// pause takes in a pause that is on disk.
func (e *engine) pause(p gate.Pause) gate.Pause {
	e.pauses.Put(p)
	e.records.Tell(event.Event{Time: p.Since, Kind: event.Paused, App: p.App, Object: p.Object, Actor: p.By,
		Message: fmt.Sprintf("paused until %s: %s", p.Until.UTC().Format(time.RFC3339), p.Reason)})
	e.repaused(p)
	return p
}

// placePause finds what a pause is of: an object names its App by itself.
func (e *engine) placePause(p gate.Pause) (gate.Pause, error) {
	p.Since = e.Now()
	if p.App != "" {
		if _, err := e.declared(p.App); err != nil {
			return p, err
		}
	}
	if p.Object == nil {
		return p, nil
	}
	var places []gate.Pause
	for _, c := range e.claimsOf(*p.Object) {
		if p.App == "" || p.App == c.App {
			place := p
			place.App, place.Object = c.App, &c.Key
			places = append(places, place)
		}
	}
	switch len(places) {
	case 0:
		return p, status.Refuse(status.NotThere, "no App declares %s", p.Object)
	case 1:
		return places[0], nil
	default:
		return p, status.Refuse(status.Invalid, "%s could be %s of %s or %s of %s; name the namespace and the App", p.Object,
			places[0].Object, places[0].App, places[1].Object, places[1].App)
	}
}

// Resume ends the pauses of an App (or of all, where id is empty) or of one
// object, and lifts the hold after a failed release. It returns the pauses.
func (en *Engine) Resume(ctx context.Context, id string, key *object.Key, by string) ([]gate.Pause, error) {
	return ask(ctx, en.e, func(e *engine) ([]gate.Pause, error) { return e.resumePauses(id, key, by) })
}

func (e *engine) resumePauses(id string, key *object.Key, by string) ([]gate.Pause, error) {
	ended := e.pauses.Find(id, key)
	for _, p := range ended {
		e.dropPause(p, by, "resumed by "+by)
	}
	lifted := key == nil && id != "" && e.liftFailure(id, by)
	if len(ended) == 0 && !lifted {
		return nil, status.Refuse(status.NotThere, "nothing of that is paused; `plumb get pauses` lists what is")
	}
	return ended, nil
}

// Pauses lists the pauses that hold.
func (en *Engine) Pauses(ctx context.Context) ([]gate.Pause, error) {
	return ask(ctx, en.e, func(e *engine) ([]gate.Pause, error) { return e.pauses.All(e.Now()), nil })
}

// tellHold tells people when an App begins to be held.
func (e *engine) tellHold(a *app, f step.Facts) {
	reason := gate.Reason("")
	if h := a.verdict.Hold; h != nil && f.Intended > 0 {
		reason = h.Reason
	}
	if reason == a.told {
		return
	}
	a.told = reason
	if reason == gate.HeldByWindow {
		e.tell(a, event.Event{Kind: event.Held, Revision: a.got.revision.Commit, Message: a.verdict.Hold.Message})
	}
}

// tell tells people what happened to an App.
func (e *engine) tell(a *app, happened ...event.Event) {
	for _, one := range happened {
		one.App, one.Time = a.id, e.Now()
		e.records.Tell(one)
	}
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// ask lets the loop answer a question. The answer comes once what follows from
// it is shown: who asks next sees it.
func ask[T any](ctx context.Context, e *engine, question func(*engine) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	e.post(func() {
		value, err := question(e)
		e.answers = append(e.answers, func() { answers <- answer{value, err} })
	})
	select {
	case got := <-answers:
		return got.value, got.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	case <-e.done:
		var zero T
		return zero, errStopping
	}
}
