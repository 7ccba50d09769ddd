package deliver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/ledger"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// gated is what stands between an App's changes and the target.
type gated struct {
	calendar *gate.Calendar // its windows, made ready
	opening  gate.Opening
	verdict  gate.Verdict
	pending  *pending
	approval *gate.Approval
	failure  *gate.Failure
	told     gate.Reason // the hold that people were told of
}

// pending is a plan that waits for someone's approval.
type pending struct {
	plan      plan.Plan
	situation uint64
	// granted says what the approved plan does to which object; nil until it is
	// approved and was found to be still what would be done.
	granted ledger.Grants
}

// grants are what is approved; nil where nothing is.
func (a *app) grants() ledger.Grants {
	if a.pending == nil {
		return nil
	}
	return a.pending.granted
}

// proposeEvery bounds how often a plan that waits is made anew while what it
// is made from keeps changing.
const proposeEvery = 2 * time.Second

// passGate brings up to date what may be done to an App now.
func (e *engine) passGate(a *app, now time.Time) {
	e.endPauses(a, now)
	a.opening = a.calendar.At(now)
	f := gate.Facts{App: a.id, Sync: a.App.Spec.Sync, Opening: a.opening, Pauses: e.pauses.Whole(a.id), Approval: a.approval, Failure: a.heldFailure()}
	if a.pending != nil {
		f.Plan, f.Author = a.pending.plan.Hash, a.got.revision.Author
	}
	before := a.verdict
	a.verdict = gate.Decide(f, now)
	if !before.Corrections && a.verdict.Corrections {
		a.objects.LookAtAllAgain(now)
	}
	if g := a.grants(); g != nil && !a.objects.Granted(g).Any() && !a.busy {
		e.dropPlan(a) // it is carried out
	}
}

// heldFailure is the failure that holds the App: after a rollback, only the
// revision that failed is held.
func (a *app) heldFailure() *gate.Failure {
	if f := a.failure; f == nil || a.App.Spec.Sync.OnFailure != v1alpha1.FailureRollback || f.Revision == a.got.revision.Commit {
		return f
	}
	return nil
}

// holdFacts adds to the facts what the gate lets through.
func (a *app) holdFacts(f *Facts) {
	v := a.verdict
	approve := a.App.Spec.Sync.Mode == v1alpha1.SyncApprove
	n, grants := a.objects.Counts(), a.grants()
	f.Intended = n.Intended() + f.Prunes
	f.StopIntended, f.StopCorrections = !v.Intended, !v.Corrections
	if v.Intended && approve {
		f.StopIntended = grants == nil
		if grants != nil {
			work := a.objects.Granted(grants)
			f.Changes, f.Failing, f.Prunes = work.Changes, work.Failing+n.Stuck, work.Prunes
		}
	}
	if f.StopIntended {
		f.Failing = n.Stuck
	}
	if f.StopCorrections {
		f.Failing -= n.Stuck
	}
	if approve && f.StopIntended && f.Intended > 0 {
		f.Propose = a.pending == nil || a.pending.situation != a.objects.Situation() || v.Intended
		f.ProposeAt = a.retryAt
		if a.pending != nil && !v.Intended {
			f.ProposeAt = later(f.ProposeAt, a.pending.plan.MadeAt.Add(proposeEvery))
		}
	}
}

// permit is what the gate lets through.
func (a *app) permit() ledger.Permit {
	p := ledger.Permit{Intended: a.verdict.Intended}
	if a.App.Spec.Sync.Mode == v1alpha1.SyncApprove {
		p.Only = a.grants()
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
	request.InLine = len(a.objects.Keys()) - len(request.Desired)
	if a.removed { // nobody says any more where it went, and what is to be deleted has its place
		request.App.Spec.Target.Namespace = ""
	}
	situation := a.objects.Situation()
	return func(ctx context.Context) func() {
		p := pipeline.Plan(ctx, e.target, request)
		return func() { e.proposed(a, p, situation) }
	}
}

// proposed takes a plan in: it waits for approval, or is found to be the one
// that was approved.
func (e *engine) proposed(a *app, p plan.Plan, situation uint64) {
	a.busy = false
	a.checked = e.Now()
	e.touch(a)
	if e.apps[a.id] != a || situation != a.objects.Situation() {
		return // it was overtaken
	}
	before := a.pending
	a.pending = &pending{plan: p, situation: situation}
	if !p.Complete {
		e.failed(a) // to look again in a while
	}
	approved := a.approval != nil && !a.approval.Refuse
	switch {
	case approved && a.approval.Plan == p.Hash && p.Applicable && p.Complete:
		a.pending.granted = ledger.GrantsOf(p)
		a.retryAt = time.Time{}
		return
	case a.approval != nil && a.approval.Plan != p.Hash:
		if approved {
			e.tell(a, event.Event{Kind: event.PlanStale, Actor: a.approval.By, Plan: p.Hash, Revision: p.Revision,
				Message: fmt.Sprintf("plan %s was approved, but what it was made from has changed since: plan %s takes its place and waits for approval",
					plan.Short(a.approval.Plan), plan.Short(p.Hash))})
		}
		a.approval = nil
		e.records.Drop(history.DeskApproval, a.id)
	}
	if before == nil || before.plan.Hash != p.Hash {
		e.records.Put(history.DeskPlan, a.id, history.Value(p))
		e.tell(a, event.Event{Kind: event.PlanPending, Actor: p.Author, Plan: p.Hash, Revision: p.Revision,
			Message: fmt.Sprintf("plan %s waits for approval: %s", plan.Short(p.Hash), p.Summary())})
	}
}

// takeDesk gives a new App what was said of it, once.
func (e *engine) takeDesk(a *app) {
	if said, ok := e.last.Approvals[a.id]; ok {
		a.approval = &said
	}
	if failed, ok := e.last.Failures[a.id]; ok {
		a.failure = &failed
	}
	if p, ok := e.last.Plans[a.id]; ok {
		a.pending = &pending{plan: p, situation: ^uint64(0)} // shown until it is made anew
	}
	delete(e.last.Approvals, a.id)
	delete(e.last.Failures, a.id)
	delete(e.last.Plans, a.id)
}

// dropPlan forgets the plan that waited, and what was said of it.
func (e *engine) dropPlan(a *app) {
	a.pending, a.approval = nil, nil
	e.records.Drop(history.DeskPlan, a.id)
	e.records.Drop(history.DeskApproval, a.id)
}

// Approve takes in what someone says of the plan that waits. It is on disk
// before it counts.
func (en *Engine) Approve(ctx context.Context, said gate.Approval) (gate.Approval, error) {
	en.e.approving.Lock() // one after the other: what is on disk is what counts
	defer en.e.approving.Unlock()
	checked, err := ask(ctx, en.e, func(e *engine) (gate.Approval, error) { return e.checkApproval(said) })
	if err != nil {
		return said, err
	}
	if err := en.e.records.PutNow(ctx, history.DeskApproval, checked.App, history.Value(checked)); err != nil {
		return said, fmt.Errorf("what you said can't be written down, so it doesn't count: %w", err)
	}
	return ask(ctx, en.e, func(e *engine) (gate.Approval, error) { return e.approve(checked) })
}

// checkApproval says whether an approval fits the plan that waits, and gives it
// the plan's whole hash.
func (e *engine) checkApproval(said gate.Approval) (gate.Approval, error) {
	a, err := e.declared(said.App)
	switch {
	case err != nil:
		return said, err
	case a.pending == nil || a.pending.granted != nil || a.App.Spec.Sync.Mode != v1alpha1.SyncApprove:
		return said, status.Refuse(status.NotThere, "no plan of %s waits for approval", said.App)
	}
	p := a.pending.plan
	if !p.Matches(said.Plan) {
		e.tell(a, event.Event{Kind: event.PlanRefused, Actor: said.By, Plan: p.Hash, Revision: p.Revision,
			Message: fmt.Sprintf("plan %s was approved too late: plan %s is the one that waits", plan.Short(said.Plan), plan.Short(p.Hash))})
		return said, status.Refuse(status.Moved, "%.12s isn't the plan that waits; it is %s now: look at it with `plumb diff %s`, and approve that", said.Plan, plan.Short(p.Hash), said.App)
	}
	said.Plan, said.At = p.Hash, e.Now()
	if said.Refuse {
		return said, nil
	}
	if !p.Complete || !p.Applicable {
		return said, status.Refuse(status.Moved, "plan %s can't be carried out as it is: %s", plan.Short(p.Hash), whyNot(p))
	}
	if err := gate.Authorise(said, a.App.Spec.Sync.Approval, a.got.revision.Author); err != nil {
		e.tell(a, event.Event{Kind: event.PlanRefused, Actor: said.By, Plan: p.Hash, Revision: p.Revision, Message: err.Error()})
		return said, status.Refuse(status.Denied, "%v", err)
	}
	return said, nil
}

// whyNot says what keeps a plan from being carried out.
func whyNot(p plan.Plan) string {
	if len(p.Problems) > 0 {
		return p.Problems[0].Message
	}
	for _, c := range p.Changes {
		if c.Action == plan.Conflict {
			return c.Key.String() + " " + c.Reason
		}
	}
	return "it isn't complete"
}

// approve takes in an approval that is on disk.
func (e *engine) approve(said gate.Approval) (gate.Approval, error) {
	a, err := e.declared(said.App)
	if err != nil {
		return said, err
	}
	a.approval = &said
	kind, verb := event.PlanApproved, "approved"
	if said.Refuse {
		kind, verb = event.PlanRefused, "refused"
	}
	e.tell(a, event.Event{Kind: kind, Actor: said.By, Plan: said.Plan, Revision: a.got.revision.Commit,
		Message: strings.TrimSuffix(fmt.Sprintf("plan %s was %s by %s: %s", plan.Short(said.Plan), verb, said.By, said.Why), ": ")})
	a.retryAt = time.Time{}
	e.touch(a)
	return said, nil
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
	for _, a := range e.apps {
		if p.App != "" && p.App != a.id {
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

// afterFailure holds or rolls back an App whose release was not healthy in time.
func (e *engine) afterFailure(a *app, r release.Release) {
	mode := a.App.Spec.Sync.OnFailure
	if r.Corrective() || mode != v1alpha1.FailureHold && mode != v1alpha1.FailureRollback {
		return
	}
	again := a.failure != nil && a.failure.RolledBackTo != ""
	a.failure = &gate.Failure{App: a.id, Release: r.ID, Revision: r.Revision.Commit, Message: r.Reason, At: e.Now()}
	e.records.Put(history.DeskFailure, a.id, history.Value(a.failure))
	if mode == v1alpha1.FailureHold || again || e.Rollback == nil {
		e.tell(a, event.Event{Kind: event.Held, Release: r.ID, Revision: r.Revision.Commit, Message: "held after a failed release: " + r.Reason})
		return
	}
	go func() { // it talks to a Git server; the loop doesn't wait for it
		done, err := e.Rollback(context.Background(), a.id, r)
		e.post(func() { e.rolledBack(a, r, done, err) })
	}()
}

// rolledBack takes in what came of an automatic rollback.
func (e *engine) rolledBack(a *app, r release.Release, done status.RolledBack, err error) {
	if e.apps[a.id] != a || a.failure == nil || a.failure.Release != r.ID {
		return
	}
	happened := event.Event{Kind: event.RolledBack, Actor: "plumb", Release: r.ID, Revision: done.Commit}
	if err != nil {
		a.failure.Message += "; it could not be rolled back: " + err.Error()
		happened.Kind, happened.Message = event.Held, "a failed release could not be rolled back: "+err.Error()
		e.Log.Error("a failed release could not be rolled back", "app", a.id, "release", r.ID, "error", err)
	} else {
		a.failure.RolledBackTo = done.To
		happened.Message = fmt.Sprintf("release %d failed: commit %.8s on %s goes back to %.8s, the state of release %d", r.ID, done.Commit, done.Branch, done.To, done.Release)
	}
	e.records.Put(history.DeskFailure, a.id, history.Value(a.failure))
	e.tell(a, happened)
	e.Source.Refresh(a.ref.URL)
	e.touch(a)
}

// liftFailure ends the hold after a failed release, and says whether there was one.
func (e *engine) liftFailure(id, by string) bool {
	a := e.apps[id]
	if a == nil || a.failure == nil {
		return false
	}
	a.failure = nil
	e.records.Drop(history.DeskFailure, id)
	e.tell(a, event.Event{Kind: event.Resumed, Actor: by, Message: "the hold after a failed release was lifted by " + by})
	e.touch(a)
	return true
}

// tellHold tells people when an App begins to be held.
func (e *engine) tellHold(a *app, f Facts) {
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
func (e *engine) tell(a *app, happened event.Event) {
	happened.App, happened.Time = a.id, e.Now()
	e.records.Tell(happened)
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// ask lets the loop answer a question.
func ask[T any](ctx context.Context, e *engine, question func(*engine) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	e.post(func() {
		value, err := question(e)
		answers <- answer{value, err}
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
