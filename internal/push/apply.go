package push

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
)

// Options say how a push goes.
type Options struct {
	By string // who pushes
	// Confirm is shown the plan, and ends the push with the error that it
	// returns. It isn't asked about a plan without changes. Nil agrees.
	Confirm func(plan.Plan) error
	// Tell is told what happens to each object, one at a time. Nil is fine.
	Tell func(News)
}

// News is one thing that happened to an object.
type News struct {
	Key     object.Key
	State   State
	Message string // more, for people
}

// State is what became of an object.
type State string

// The states.
const (
	Created State = "created"
	Updated State = "updated"
	Pruned  State = "pruned"
	Failed  State = "failed"
	Waiting State = "waiting"
	Healthy State = "healthy"
	Ran     State = "ran" // a hook, which succeeded
)

// Apply shows what would be done, does just that once it is agreed to, and
// follows health until all is healthy or the App's health.timeout is over. A
// rollout that fails is no error: the release tells. What was applied stays,
// and what was cut off is on record.
func Apply(ctx context.Context, p Parts, s Subject, o Options) (release.Release, error) {
	d := door{Parts: p, Subject: s}
	if o.Tell == nil {
		o.Tell = func(News) {}
	}
	draft := release.Release{
		App: s.App.ID(), Revision: s.Revision, Trigger: release.TriggerManual, Actor: o.By, Outcome: release.Running, Seen: p.Now(),
	}
	if s.folder() || p.Leader == nil {
		return d.apply(ctx, draft, o)
	}
	var r release.Release
	err := alone(ctx, p.Leader, s.Root, fmt.Sprintf("plumb apply by %s at %s", o.By, p.Now().Format(time.RFC3339Nano)), func(ctx context.Context) (err error) {
		r, err = d.apply(ctx, draft, o)
		return err
	})
	return r, err
}

// apply is a push while nobody else holds the root.
func (d *door) apply(ctx context.Context, draft release.Release, o Options) (release.Release, error) {
	seen, err := d.survey(ctx)
	if err != nil {
		return draft, err
	}
	shown := d.plan(ctx, seen)
	if err := d.allowed(shown, o.By); err != nil {
		return draft, err
	}
	w := work{door: d, tell: o.Tell, release: draft, desired: seen.desired, hooks: seen.hooks, said: map[object.Key]News{}}
	if len(shown.Changes) > 0 {
		if o.Confirm != nil {
			if err := o.Confirm(shown); err != nil {
				return draft, err
			}
		}
		if err := d.same(ctx, shown); err != nil {
			return draft, err
		}
		return w.deliver(ctx, seen, shown.Changes)
	}
	return w.follow(ctx)
}

// allowed says why a plan must not be carried out: it can't be, or something
// holds the App.
func (d *door) allowed(p plan.Plan, by string) error {
	if err := whyNot(p); err != nil {
		return fmt.Errorf("nothing was applied: %w", err)
	}
	if len(p.Changes) == 0 || d.folder() {
		return nil
	}
	now := d.Now()
	sync := d.App.Spec.Sync
	var pauses gate.Register
	for _, pause := range d.Pauses {
		pauses.Put(pause)
	}
	for _, c := range p.Changes {
		if pauses.Object(d.App.ID(), c.Key, now) {
			return fmt.Errorf("%w: %s is paused; `plumb get pauses` tells by whom", ErrHeld, c.Key)
		}
	}
	verdict := gate.Decide(gate.Facts{
		App: d.App.ID(), Sync: sync, Opening: gate.NewCalendar(sync.Windows).At(now), Pauses: pauses.Whole(d.App.ID()), Plan: p.Hash, Author: p.Author,
		Approval: &gate.Approval{App: d.App.ID(), Plan: p.Hash, By: by, At: now}, // who pushes approves
	}, now)
	if verdict.Hold != nil {
		return fmt.Errorf("%w: %s", ErrHeld, verdict.Hold.Message)
	}
	return nil
}

// same looks again at what a plan is about, and refuses when that isn't as it
// was when the plan was shown.
func (d *door) same(ctx context.Context, shown plan.Plan) error {
	seen, err := d.survey(ctx)
	if err != nil {
		return err
	}
	if now := d.plan(ctx, seen.only(shown)); now.Hash != shown.Hash {
		return status.Refuse(status.Moved, "what is live changed since plan %s was made (it would be %s now), so nothing was applied; run it again",
			shown.Short(), now.Short())
	}
	return nil
}

// work is a plan being carried out.
type work struct {
	*door
	tell    func(News)
	release release.Release
	desired []plan.Desired
	hooks   []hooks.Hook
	said    map[object.Key]News // what was told last
}

// retryEvery is how long what waits for something else is left alone when
// nothing tells that this is there.
const retryEvery = 2 * time.Second

// apply does the changes and records them: before, so that a kill leaves a
// record, and after. What waits for something else is tried again when that may
// be there, as long as a rollout may take. It returns what failed.
func (w *work) apply(ctx context.Context, changes []plan.Change) (failed error) {
	w.release = pipeline.Begun(w.release, changes, w.Now())
	if err := w.save(ctx); err != nil {
		return fmt.Errorf("nothing more was applied, because it can't be recorded: %w", err)
	}
	deadline := time.NewTimer(w.App.Spec.Health.Timeout.Duration)
	defer deadline.Stop()
	began := w.Now()
	for {
		outcomes := w.attempt(ctx, changes)
		var later []plan.Change
		later, failed = w.took(changes, outcomes)
		switch {
		case ctx.Err() != nil:
			failed = interrupted(ctx)
		case failed == nil && len(later) > 0:
			failed = w.wait(ctx, deadline.C, later, outcomes)
		}
		w.release = pipeline.Attempted(w.release, outcomes, began, w.Now(), failed)
		if failed != nil || len(later) == 0 {
			break
		}
		changes = later
	}
	if err := w.save(ctx); failed == nil {
		failed = err
	}
	return failed
}

// attempt applies changes, and tells of each as the view learns of it.
func (w *work) attempt(ctx context.Context, changes []plan.Change) []target.Outcome {
	done := make(chan []target.Outcome, 1)
	go func() { done <- w.Target.Apply(ctx, w.actor(), changes) }()
	planned := make(map[object.Key]plan.Change, len(changes))
	for _, c := range changes {
		planned[c.Key] = c
	}
	for {
		select {
		case outcomes := <-done:
			return outcomes
		case e := <-w.Target.Events():
			for key := range e.Objects {
				if c, ok := planned[key]; ok && c.Action != plan.Prune {
					if live, there := w.Target.Live(key); there && live.Digest == c.Desired.Digest && live.Version != c.Live.Version {
						w.say(News{Key: key, State: stateOf(c.Action)})
					}
				}
			}
		}
	}
}

func stateOf(a plan.Action) State {
	switch a {
	case plan.Create:
		return Created
	case plan.Prune:
		return Pruned
	default:
		return Updated
	}
}

// took tells what came of changes. It returns those that wait for something
// else, and what failed.
func (w *work) took(changes []plan.Change, outcomes []target.Outcome) (later []plan.Change, failed error) {
	for i, o := range outcomes {
		c := changes[i]
		switch {
		case o.Err == nil:
			w.say(News{Key: c.Key, State: stateOf(c.Action)})
		case waits(o):
			later = append(later, c)
			w.say(News{Key: c.Key, State: Waiting, Message: o.Err.Error()})
		case errors.Is(o.Err, target.ErrKept):
			w.say(News{Key: c.Key, State: Waiting, Message: o.Err.Error()}) // a guard keeps it, and that is fine
		default:
			err := target.ObjectError{Key: c.Key, Origin: c.Origin, Err: o.Err}
			w.say(News{Key: c.Key, State: Failed, Message: o.Err.Error()})
			if failed == nil {
				failed = err
			}
		}
	}
	return later, failed
}

// wait waits until what some changes wait for may be there.
func (w *work) wait(ctx context.Context, deadline <-chan time.Time, later []plan.Change, outcomes []target.Outcome) error {
	again := time.NewTimer(retryEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return interrupted(ctx)
		case <-deadline:
			for _, o := range outcomes {
				if o.Key == later[0].Key {
					return target.ObjectError{Key: o.Key, Origin: later[0].Origin, Err: o.Err}
				}
			}
			return fmt.Errorf("%s still waits", later[0].Key)
		case <-again.C:
			return nil
		case e := <-w.Target.Events():
			if e.Kinds {
				return nil
			}
		}
	}
}

func interrupted(ctx context.Context) error {
	return fmt.Errorf("it was interrupted: %w; what was applied so far stays", context.Cause(ctx))
}

// say tells of an object, unless that was told last.
func (w *work) say(n News) {
	if w.said[n.Key] != n {
		w.said[n.Key] = n
		w.tell(n)
	}
}

// endOlder ends what is on record as running: whoever did that was killed, for
// nobody else uses the record now.
func (w *work) endOlder(ctx context.Context) error {
	if w.Releases == nil {
		return nil
	}
	running, err := w.Releases.List(ctx, history.Query{App: w.App.ID(), Outcome: release.Running})
	for _, r := range running {
		r.Outcome, r.Reason, r.Finished = release.Superseded, "it was cut off, and a push took over", w.Now()
		_, failed := w.Releases.Save(ctx, r)
		err = errors.Join(err, failed)
	}
	return err
}

// save records how things stand, even when the push is being interrupted.
func (w *work) save(ctx context.Context) error {
	if w.Releases == nil || len(w.release.Changes)+len(w.release.Hooks) == 0 {
		return nil
	}
	r, err := w.Releases.Save(context.WithoutCancel(ctx), w.release)
	if err == nil {
		w.release = r
	}
	return err
}
