package deliver

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/ledger"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/tree"
)

// Declared is what a root declares at one revision.
type Declared struct {
	Apps []Declaration // all that there are
	// Settled says that an App which is not among them is not declared, rather
	// than hidden by a mistake.
	Settled bool
	At      release.Revision
}

// News is what is known of a Ref now.
type News struct {
	Head source.Head
	// Changes are the paths that differ from the head told before. Complete is
	// false where they aren't known.
	Changes  []tree.Change
	Complete bool
	// Declared is set with a head of the root: both are taken in at once, so
	// that an App is rendered at a commit by the declarations of that commit.
	Declared *Declared
}

// Tell tells the engine news.
func (en *Engine) Tell(n News) {
	en.e.post(func() {
		en.e.turn++ // what is told at once is of one turn, see pruneHeld
		en.e.head(n.Head, n.Changes, n.Complete)
		if n.Declared != nil {
			en.e.declare(*n.Declared)
		}
	})
}

func (e *engine) declare(d Declared) {
	e.settled, e.rootAt = d.Settled, d.At
	present := map[string]bool{}
	for _, one := range d.Apps {
		present[one.App.ID()] = true
		e.declareOne(one)
	}
	for id, a := range e.apps {
		if !present[id] {
			e.undeclare(a)
		}
	}
	e.Source.Follow(e.follows.Wanted())
	e.noteGiven()
	e.findOrphans()
}

func (e *engine) declareOne(d Declaration) {
	id := d.App.ID()
	a := e.apps[id]
	known := a != nil // by this run of the daemon, or the one before
	if a == nil {
		a = e.newApp(id, object.AppLabel(id), e.last.Applied[id])
		e.takeDesk(a)
		known = e.resume(a, d.App.Spec.Health.Timeout.Duration)
		e.apps[id], e.byLabel[a.label] = a, a
	}
	first := a.ref == source.Ref{}
	held := d.Held != nil && a.want.commit != ""
	e.keepSync(a, d)
	changed := a.removed || (!held && !reflect.DeepEqual(a.App.Spec, d.App.Spec))
	e.needs.Set(id, idsOf(d.App.Spec.DependsOn))
	e.keepRules(a, d.App.Spec.Health.Rules)
	a.Declaration, a.removed = d, false
	a.objects.SetGuard(ledger.Guard{AllowEmpty: d.App.Spec.Sync.AllowEmpty})
	if changed {
		a.calendar = gate.NewCalendar(a.App.Spec.Sync.Windows)
		if f := a.failure; f != nil && !gate.Follows(a.App.Spec.Sync) && (!first || f.Content == "") {
			e.dropFailure(a) // nothing follows from one any more
		}
		a.want.generation++
		a.want.turn = e.turn
		if !first || !known { // what this run is told first of a known App may be a commit as well
			a.cause = release.Cause{Trigger: release.TriggerDeclaration, Actor: e.rootAt.Author, Seen: e.Now()}
		}
		a.ref = source.Followed(d.App)
		a.head = e.follows.Set(id, a.ref, d.App.Spec.Source.Every.Duration)
		a.want.commit = a.head.Revision.Commit
		e.followBeside(a)
		e.takers.Set(id, given.Keys(given.Asked(a.App)))
	}
	e.touch(a)
}

// keepSync remembers how an App that isn't applied by itself is held, for when
// its declaration goes while nobody watches.
func (e *engine) keepSync(a *app, d Declaration) {
	before, now := a.App.Spec.Sync, d.App.Spec.Sync
	_, kept := e.last.Syncs[a.id]
	switch {
	case now.Mode == v1alpha1.SyncApprove || now.Mode == v1alpha1.SyncObserve:
		if !reflect.DeepEqual(before, now) {
			e.records.Put(history.DeskSync, a.id, history.Value(now))
		}
	case kept || before.Mode != now.Mode && before.Mode != "":
		delete(e.last.Syncs, a.id)
		e.records.Drop(history.DeskSync, a.id)
	}
}

func idsOf(list []v1alpha1.Dependency) (ids []string) {
	for _, one := range list {
		ids = append(ids, one.ID())
	}
	return ids
}

// undeclare begins the end of an App: its objects are pruned.
func (e *engine) undeclare(a *app) {
	if a.removed {
		return
	}
	a.removed, a.Held = true, nil
	a.want.turn = e.turn
	a.cause = release.Cause{Trigger: release.TriggerRemoval, Actor: e.rootAt.Author, Seen: e.Now(), Revision: e.rootAt}
	if a.Open != nil && a.Open.Trigger != release.TriggerRemoval {
		e.finish(a, release.Superseded, "the App is no longer declared")
	}
	e.keepForDeletion(a)
	e.closeBroken(a)
	a.unresolved = nil
	e.follows.Leave(a.id)
	e.takers.Set(a.id, nil)
	e.renderAgain(e.releases.Leave(a.id))
	e.needs.Set(a.id, nil)
	a.objects.SetGuard(ledger.Guard{AllowEmpty: a.App.Spec.Sync.AllowEmpty, Removed: true})
	e.adopt(a, nil)
	e.checkKnown(a)
	e.touch(a)
	e.touchDependents(a)
}

// forget ends an App that has nothing left.
func (e *engine) forget(a *app) {
	if a.Open != nil {
		e.finish(a, release.Succeeded, "")
	}
	if a.timer != nil {
		a.timer.Stop()
	}
	delete(e.apps, a.id)
	delete(e.byLabel, a.label)
	delete(e.pruners, a)
	e.keepRules(a, nil)
	e.board.Remove(a.id)
	e.records.Forget(a.id)
	e.dropPlan(a)
	e.dropFailure(a)
	delete(e.last.Syncs, a.id)
	e.records.Drop(history.DeskSync, a.id)
	e.records.Drop(history.DeskHooks, a.id)
	for _, p := range e.pauses.Own(a.id) {
		e.dropPause(p, "", "the App is gone")
	}
	for _, left := range a.objects.Leftovers() {
		e.Log.Warn("an object of a removed App is kept", "app", a.id, "object", left.Live.Key.String(), "reason", left.Kept)
	}
}

// findOrphans takes up the Apps of this root that left objects behind while
// nobody was looking. It does nothing while a mistake in the root could hide them.
func (e *engine) findOrphans() {
	labels, complete := e.target.Labels()
	if !complete || !e.settled {
		return
	}
	going := e.last.Going()
	for _, label := range append(labels, going...) {
		gone := slices.Contains(going, label) && len(e.target.Owned(label)) == 0
		if e.byLabel[label] != nil || !gone && !e.oursByRoot(label) {
			continue
		}
		id := object.AppOf(label)
		a := e.newApp(id, label, nil)
		a.App.Namespace, a.App.Name, _ = strings.Cut(id, "/")
		a.App.Spec.Sync = e.last.Syncs[id]
		e.takeDesk(a)
		e.resume(a, 0)
		e.apps[id], e.byLabel[label] = a, a
		e.undeclare(a)
	}
}

// oursByRoot says whether all objects with a label were declared by this root.
func (e *engine) oursByRoot(label string) bool {
	keys := e.target.Owned(label)
	for _, key := range keys {
		if live, ok := e.target.Live(key); ok && live.Root != e.root {
			return false
		}
	}
	return len(keys) > 0
}

// head takes in what is known of a Ref, and moves the Apps on that it leaves as
// they were.
func (e *engine) head(h source.Head, changes []tree.Change, complete bool) {
	moved := e.follows.Moved(h, changes, complete)
	commit := h.Revision.Commit
	e.besideMoved(moved, h)
	for id, met := range moved.Followers {
		a := e.apps[id]
		a.head = h
		if commit == "" || commit == a.want.commit {
			e.touch(a)
			continue
		}
		untouched := !met && a.got.commit == moved.Before && a.got.commit != "" && !a.rendering && a.want.generation == a.got.generation && a.want.others == a.got.others
		a.want.commit = commit
		if untouched {
			a.got.commit, a.got.held, a.got.unchanged = commit, a.revision(), true
			e.moveOn(a)
			continue
		}
		e.touch(a)
		a.want.turn = e.turn
		if a.got.ok || a.cause.Trigger != release.TriggerDeclaration { // a new App is why, not the commit that it meets first
			a.cause = release.Cause{Trigger: release.TriggerCommit, Actor: h.Revision.Author, Seen: e.Now()}
		}
	}
}

// observe takes in what the target's view tells.
func (e *engine) observe(event target.Event) {
	for key, labels := range event.Objects {
		for _, id := range e.claims[key] {
			if a := e.apps[id]; a != nil {
				e.judge(a, key)
				if a.objects.Improved() { // what failed may have waited for that
					a.failures, a.retryAt = 0, time.Time{}
				}
				e.touch(a)
			}
		}
		for _, label := range labels {
			if a := e.byLabel[label]; a != nil {
				e.noteLeftover(a, key)
				e.touch(a)
			}
		}
	}
	e.noted(event.Noted)
	if event.Kinds {
		e.probe()
		for _, a := range e.apps {
			e.stir(a)
			e.checkKnown(a)
			e.retryAfterKinds(a)
			e.touch(a)
		}
		e.findOrphans()
	}
}

// probe notes whether the target can be worked with: its views are complete.
func (e *engine) probe() {
	err := e.target.State().Err
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reach = err
}

// checkKnown asks whether the view knows all that matters to an App. When it
// comes to know, everything is judged anew.
func (e *engine) checkKnown(a *app) {
	before := a.known
	if a.removed {
		_, a.known = e.target.Labels()
		a.viewErr = nil
	} else {
		a.known, a.viewErr = e.target.Watch(a.got.kinds)
	}
	if a.known && !before {
		e.judgeAll(a)
	}
}

// retryAfterKinds lets what failed for want of a kind or a connection be tried at once.
func (e *engine) retryAfterKinds(a *app) {
	if errors.Is(a.got.err, target.ErrUnknownKind) || errors.Is(a.got.err, target.ErrUnreachable) || a.objects.AnyFailed(target.ErrUnreachable, target.ErrSkipped) {
		a.retryAt = time.Time{}
	}
}

// touchDependents decides anew about the Apps that depend on one.
func (e *engine) touchDependents(a *app) {
	for _, id := range e.needs.Dependents(a.id) {
		if dependent := e.apps[id]; dependent != nil {
			e.touch(dependent)
		}
	}
}

// Sync asks for an App to be compared and applied now, whatever it waits for.
func (en *Engine) Sync(ctx context.Context, id, actor string) error {
	_, err := ask(ctx, en.e, func(e *engine) (struct{}, error) { return struct{}{}, e.sync(id, actor) })
	return err
}

// ErrNoApp is returned where there is no such App.
var ErrNoApp = errors.New("no such App")

func (e *engine) sync(id, actor string) error {
	a := e.apps[id]
	if a == nil || a.removed {
		return fmt.Errorf("%s: %w", id, ErrNoApp)
	}
	a.retryAt = time.Time{}
	a.syncing, a.again = true, a.busy
	e.liftFailure(id, actor)
	a.cause = release.Cause{Trigger: release.TriggerManual, Actor: actor, Seen: e.Now()}
	for _, key := range a.objects.Remembered() {
		a.objects.Distrust(key) // each object is checked with the server
		e.judge(a, key)
	}
	a.objects.AskAgain()
	e.touch(a)
	e.Source.Refresh(a.ref.URL)
	for _, h := range a.beside.Heads {
		e.Source.Refresh(h.Ref.URL)
	}
	return nil
}

// Lead tells the engine whether it may change anything: whether this daemon is
// the one that holds the root. An empty holder says that this isn't known yet.
func (en *Engine) Lead(leads bool, holder string) {
	en.e.post(func() {
		en.e.standby = ""
		switch {
		case leads:
		case holder == "":
			en.e.standby = "finding out whether another daemon holds this root"
		default:
			en.e.standby = fmt.Sprintf("another daemon (%s) holds this root; this one stands by", holder)
		}
		for _, a := range en.e.apps {
			en.e.touch(a)
		}
	})
}
