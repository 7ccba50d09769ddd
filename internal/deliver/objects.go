package deliver

import (
	"slices"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/ledger"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// seen is what is known of one object, as an App's ledger takes it in.
func (e *engine) seen(a *app, key object.Key) ledger.Seen {
	now := e.Now()
	s := ledger.Seen{Claimants: e.claims[key], Paused: e.pauses.Object(a.id, key, now), Now: now}
	s.Live, s.Exists = e.target.Live(key)
	return s
}

// judge brings one declared object up to date with what is live.
func (e *engine) judge(a *app, key object.Key) {
	s := e.seen(a, key)
	if since := a.objects.Judge(key, s); !since.IsZero() {
		e.Log.Info("drift that was told is over", "app", a.id, "object", key.String(), "lasted", s.Now.Sub(since).Round(time.Second))
	}
}

// adopt makes what was rendered the App's declared objects, and says whether
// they differ from those before.
func (e *engine) adopt(a *app, desired []plan.Desired) (differ bool) {
	d := a.objects.Adopt(desired)
	for _, key := range d.Came {
		e.claims.Add(key, a.id)
		e.rejudgeRivals(a, key)
	}
	for _, key := range d.Went {
		e.claims.Remove(key, a.id)
		e.rejudgeRivals(a, key)
	}
	e.judgeAll(a)
	if d.Any {
		a.proposal.Grants = nil // what was approved isn't what is declared any more
	}
	return d.Any
}

// judgeAll brings all that an App declares, or has left over, up to date.
func (e *engine) judgeAll(a *app) {
	for _, key := range a.objects.Keys() {
		e.judge(a, key)
	}
	a.objects.ForgetLeftovers()
	for _, key := range e.target.Owned(a.label) {
		e.noteLeftover(a, key)
	}
}

// rejudgeRivals brings the other Apps that have to do with an object up to
// date when one begins or ends to declare it.
func (e *engine) rejudgeRivals(a *app, key object.Key) {
	if live, ok := e.target.Live(key); ok {
		if holder := e.byLabel[live.App]; holder != nil && holder != a {
			e.noteLeftover(holder, key)
			e.touch(holder)
		}
	}
	for _, id := range e.claims[key] {
		if other := e.apps[id]; other != nil && other != a {
			e.judge(other, key)
			e.touch(other)
		}
	}
}

// noteLeftover brings one live object that the App may not declare up to date.
func (e *engine) noteLeftover(a *app, key object.Key) { a.objects.Leave(key, e.seen(a, key)) }

// keepRules tells the target by which rules of its own an App's objects are judged.
func (e *engine) keepRules(a *app, rules []v1alpha1.HealthRule) {
	if judge, ok := e.target.(target.Judge); ok && !slices.Equal(a.App.Spec.Health.Rules, rules) {
		judge.JudgeBy(a.label, rules)
	}
}
