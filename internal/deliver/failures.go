package deliver

import (
	"cmp"
	"context"
	"fmt"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// heldFailure is the failure that holds the App: after a rollback, only the
// revision that failed is held.
func (a *app) heldFailure() *gate.Failure {
	if f := a.failure; f == nil || a.App.Spec.Sync.OnFailure != v1alpha1.FailureRollback || f.Revision == a.got.revision.Commit && f.With == a.got.revision.With {
		return f
	}
	return nil
}

// afterFailure holds or rolls back an App whose release was not healthy in time.
func (e *engine) afterFailure(a *app, r release.Release) {
	mode := a.App.Spec.Sync.OnFailure
	content := e.leftUndone(a, r)
	if r.Corrective() || !gate.Follows(a.App.Spec.Sync) && content == "" {
		return
	}
	again := a.failure != nil && (a.failure.RollingBack || a.failure.RolledBackTo != "")
	rollback := mode == v1alpha1.FailureRollback && !again && e.Rollback != nil && !a.removed
	if rollback && r.Trigger == release.TriggerSource {
		rollback = false
		r.Reason += "; " + r.Revision.With + " came from elsewhere, so no commit takes it back: pin what worked in the App"
	}
	a.failure = &gate.Failure{App: a.id, Release: r.ID, Revision: r.Revision.Commit, With: r.Revision.With, Message: r.Reason, At: e.Now(), RollingBack: rollback, Content: content}
	e.records.Put(history.DeskFailure, a.id, history.Value(a.failure))
	if !rollback {
		e.tell(a, event.Event{Kind: event.Held, Release: r.ID, Revision: r.Revision.Commit, Message: "held after a failed release: " + r.Reason})
		return
	}
	if !a.paused() { // or else when the pause is over
		e.rollBack(a, r.ID, &r)
	}
}

// resumeRollback goes on with a rollback that the daemon's end cut off, unless
// something else came meanwhile, such as the commit that it had made.
func (e *engine) resumeRollback(a *app) {
	f := a.failure
	if f == nil || !f.RollingBack || a.rolling || a.paused() || e.Rollback == nil || e.standby != "" || a.removed || !a.settled() {
		return
	}
	if f.Revision == a.want.commit && a.App.Spec.Sync.OnFailure == v1alpha1.FailureRollback {
		e.rollBack(a, f.Release, nil)
	}
}

// rollBack has a failed release rolled back beside the loop and the workers: it
// talks to a Git server. Without the release, it is looked up.
func (e *engine) rollBack(a *app, id int64, failed *release.Release) {
	a.rolling = true
	app := a.id
	e.asides.Start(app, a.App.Namespace, func(ctx context.Context) func() {
		var done status.RolledBack
		var err error
		if failed == nil {
			var r release.Release
			r, err = e.History.Get(ctx, id)
			failed = &r
		}
		if err == nil {
			done, err = e.Rollback(ctx, app, *failed)
		}
		return func() { e.rolledBack(app, id, done, err) }
	})
}

// asidePanicked notes that a rollback ended in a panic.
func (e *engine) asidePanicked(id string, cause any, stack []byte) (result func()) {
	e.Log.Error("the rollback of an App panicked", "app", id, "panic", fmt.Sprint(cause), "stack", string(stack))
	e.Observe.Panicked(id)
	return func() {
		if a := e.apps[id]; a != nil && a.failure != nil {
			e.rolledBack(id, a.failure.Release, status.RolledBack{}, fmt.Errorf("an error in Plumb itself stopped it: %v; please report it", cause))
		}
	}
}

// rolledBack takes in what came of a rollback.
func (e *engine) rolledBack(id string, of int64, done status.RolledBack, err error) {
	a := e.apps[id]
	if a == nil {
		return
	}
	a.rolling = false
	if a.failure == nil || a.failure.Release != of {
		return
	}
	a.failure.RollingBack = false
	happened := event.Event{Kind: event.RolledBack, Actor: "plumb", Release: of, Revision: done.Commit}
	if err != nil {
		a.failure.Message += "; it could not be rolled back: " + err.Error()
		happened.Kind, happened.Message = event.Held, "a failed release could not be rolled back: "+err.Error()
		e.Log.Error("a failed release could not be rolled back", "app", a.id, "release", of, "error", err)
	} else {
		a.failure.RolledBackTo = cmp.Or(done.To, done.Commit)
		happened.Message = fmt.Sprintf("release %d failed: commit %.8s on %s goes back to %.8s, the state of release %d", of, done.Commit, done.Branch, done.To, done.Release)
	}
	e.records.Put(history.DeskFailure, a.id, history.Value(a.failure))
	e.tell(a, happened)
	e.Source.Refresh(a.ref.URL)
	e.touch(a)
}

// dropFailure forgets the failure that held an App.
func (e *engine) dropFailure(a *app) {
	a.failure = nil
	e.records.Drop(history.DeskFailure, a.id)
}

// liftFailure ends the hold after a failed release, and says whether there was one.
func (e *engine) liftFailure(id, by string) bool {
	a := e.apps[id]
	if a == nil || a.failure == nil {
		return false
	}
	e.dropFailure(a)
	e.tell(a, event.Event{Kind: event.Resumed, Actor: by, Message: "the hold after a failed release was lifted by " + by})
	e.touch(a)
	return true
}
