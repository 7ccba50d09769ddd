package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/ledger"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/queue"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/step"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/tree"
)

// A job is work on one App. It runs on a worker, touches nothing of the
// engine's, and returns the event that takes its result in.
type job = queue.Job

// mostAtOnce is how many objects one job changes. What is left comes in the
// App's next turn, so that a huge App does not keep others waiting.
const mostAtOnce = 500

// grace is how long work that was begun may go on after the daemon is asked to stop.
const grace = 10 * time.Second

// start hands a job to the workers.
func (e *engine) start(a *app, j job) {
	a.busy, a.again = true, false
	e.workers.Start(a.id, a.App.Namespace, j)
}

// jobPanicked notes that a job ended in a panic. It fails that App's work and nothing else.
func (e *engine) jobPanicked(id string, cause any, stack []byte) (result func()) {
	e.Log.Error("the work on an App panicked", "app", id, "panic", fmt.Sprint(cause), "stack", string(stack))
	e.Observe.Panicked(id)
	return func() { e.panicked(id, cause) }
}

// panicked takes in that a job ended in a panic.
func (e *engine) panicked(id string, p any) {
	a := e.apps[id]
	if a == nil {
		return
	}
	err := fmt.Errorf("an error in Plumb itself stopped the work on this App: %v; please report it", p)
	if a.rendering {
		a.got.want, a.got.err, a.got.retry = a.want, err, true
	}
	a.busy, a.rendering = false, false
	a.objects.Stopped()
	a.crash = err
	e.failed(a)
	e.touch(a)
}

// failed notes a failure, and when to try again: at once, where someone asked
// for that meanwhile.
func (e *engine) failed(a *app) {
	a.failures++
	if a.again {
		return
	}
	a.retryAt = e.Now().Add(queue.Backoff(a.failures, e.Random))
}

// rendering is the result of a render.
type rendering struct {
	pipeline.Rendering
	want     want
	revision release.Revision
	broken   *release.Release // recorded, if it failed
	same     bool             // every input is as it was at the last render, so the rest isn't set
}

// renderJob renders what an App wants. Where only the commit is another one
// (the changed paths weren't known), the inputs of the last render are looked
// at first: if all are the same, so is what comes of them.
func (e *engine) renderJob(a *app) job {
	a.rendering = true
	what, revision := a.subject(), a.revision()
	broken := e.draftBroken(a, revision)
	var before tree.Inputs
	if a.got.err == nil && a.got.ok && a.got.generation == what.want.generation && !a.got.asked {
		before = e.follows.Inputs(a.id)
	}
	return func(ctx context.Context) func() {
		start := e.Now()
		files, err := e.files(what)
		if err == nil && before.Len() > 0 && before.Valid(files) {
			return func() { e.rendered(a, rendering{want: what.want, revision: revision, same: true}) }
		}
		r := rendering{Rendering: pipeline.Rendering{Err: err, Retry: true}, want: what.want, revision: revision}
		if err == nil {
			r.Rendering = e.render(ctx, what, files)
		}
		if !r.Rendered() && broken != nil && !lacksSources(r.Err) {
			r.broken = e.records.Begin(ctx, pipeline.Attempted(*broken, nil, start, e.Now(), r.Err))
		}
		e.Observe.Rendered(e.Now().Sub(start), r.Cached, r.Err)
		return func() { e.rendered(a, r) }
	}
}

// subject is what is to be rendered.
type subject struct {
	app    v1alpha1.App
	want   want
	beside map[string]source.Head
}

func (a *app) subject() subject { return subject{a.App, a.want, maps.Clone(a.beside.Heads)} }

// files are those of one commit, with what the App reads beside them.
func (e *engine) files(s subject) (tree.Tree, error) {
	files, err := e.Source.Tree(source.Followed(s.app).URL, s.want.commit)
	if err != nil {
		return files, err
	}
	return pipeline.Mounted(e.Source, files, s.beside)
}

// render renders files, and fits what comes of it to the target.
func (e *engine) render(ctx context.Context, s subject, files tree.Tree) pipeline.Rendering {
	return pipeline.Render(ctx, e.Renderer, e.target, pipeline.Job{App: s.app, Root: e.root, Revision: s.want.commit, Files: files})
}

// rendered takes a render in. One that was overtaken by a newer commit or
// declaration is dropped: only the newest counts.
func (e *engine) rendered(a *app, r rendering) {
	a.busy, a.rendering = false, false
	e.touch(a)
	if r.broken != nil {
		if a.Broken != nil && a.Broken.ID != r.broken.ID {
			e.closeBroken(a)
		}
		a.Broken = r.broken
	}
	if r.want != a.want || a.removed {
		return
	}
	defer e.releasePruners()
	e.claimRelease(a, &r)
	a.got.want, a.got.err, a.got.retry, a.got.asked = r.want, r.Err, r.Retry, r.Asked
	a.got.held, a.got.unchanged = r.revision, r.same
	e.took(a, r)
	if r.same {
		a.cause = release.Cause{}
		return
	}
	if !errors.Is(r.Err, render.ErrRead) {
		missing := e.takeNeeds(a, r)
		e.follows.Made(a.id, r.Inputs)
		if missing {
			return
		}
	}
	if r.Err != nil {
		e.failed(a)
		if len(r.Unresolved) == 0 || errors.Is(r.Err, target.ErrUnreachable) {
			e.Log.Warn("an App can't be rendered", "app", a.id, "revision", r.revision.Short(), "error", r.Err)
			return
		}
	} else {
		a.failures, a.crash, a.retryAt = 0, nil, time.Time{}
	}
	a.got.revision = r.revision
	e.mended(a)
	if a.look.at.IsZero() {
		a.look.at = e.Now().Add(time.Duration(e.Random.Int64N(int64(e.LookEvery)))) // spread over the whole period
	}
	a.got.ok, a.got.renderer, a.unresolved = true, r.Renderer, r.Unresolved
	a.got.kinds = plan.Kinds(r.Desired)
	if e.adopt(a, r.Desired) || a.got.changedAt == "" {
		a.got.changedAt = r.want.commit
		e.endOvertaken(a)
	}
	e.takeHooks(a, r.Rendering)
	e.checkKnown(a)
}

// claimRelease sees to it that no two Apps are one release of Helm's: the one
// that comes later can't be rendered.
func (e *engine) claimRelease(a *app, r *rendering) {
	if r.same || !r.Rendered() {
		return
	}
	again, err := e.releases.Claim(a.App, r.Renderer, len(a.objects.Remembered()) > 0)
	if err != nil {
		r.Desired, r.Hooks, r.Unresolved, r.Err = nil, nil, nil, err
	}
	e.renderAgain(again)
}

// renderAgain renders Apps anew that may have their release by now, or have lost it.
func (e *engine) renderAgain(apps []string) {
	for _, id := range apps {
		if a := e.apps[id]; a != nil {
			a.want.generation++
			e.touch(a)
		}
	}
}

// releasePruners decides anew about Apps whose prunes waited for a render.
func (e *engine) releasePruners() {
	for a := range e.pruners {
		delete(e.pruners, a)
		e.touch(a)
	}
}

func (e *engine) syncJob(a *app, f step.Facts, now time.Time) job {
	permit := a.permit()
	permit.Waiting, permit.Due = f.Waiting, !now.Before(a.retryAt)
	changes := a.objects.Changes(permit, mostAtOnce)
	correction := a.Correction(a.id, a.got.held, e.Now())
	t := pipeline.Task{Actor: e.actor(a), Changes: changes, Corrective: &correction, Drift: a.driftMode(),
		Validate: a.App.Spec.Sync.Validate == v1alpha1.ValidateFirst}
	for _, c := range changes {
		if o, _ := a.objects.Object(c.Key); o.Paused {
			t.Left = append(t.Left, c.Key)
		}
		if c.Action != plan.Check && t.Intended == nil {
			t.Intended = e.draftIntended(a)
		}
	}
	return e.changeJob(a, t)
}

func (e *engine) pruneJob(a *app) job {
	return e.changeJob(a, pipeline.Task{Actor: e.actor(a), Changes: a.objects.Prunes(a.permit(), mostAtOnce), Intended: e.draftIntended(a)})
}

func (e *engine) changeJob(a *app, t pipeline.Task) job {
	a.objects.Applying(t.Changes, true)
	carrier := pipeline.Carrier{Target: e.target, Records: e.records, Now: e.Now}
	return func(ctx context.Context) func() {
		d := carrier.Carry(ctx, t)
		return func() {
			a.objects.Applying(t.Changes, false)
			e.changed(a, d)
		}
	}
}

// changed takes in what came of a task.
func (e *engine) changed(a *app, d pipeline.Carried) {
	a.busy = false
	a.checked = e.Now()
	e.touch(a)
	var memo history.Memo
	var failed error
	for _, f := range d.Findings {
		failed = cmp.Or(failed, e.takeFinding(a, f, &memo))
	}
	for i, o := range d.Outcomes {
		failed = cmp.Or(failed, e.takeOutcome(a, d.Changes[i], o, &memo))
	}
	e.records.Remember(a.id, memo)
	e.recordIntended(a, d, failed)
	e.recordCorrective(a, d, failed)
	switch {
	case failed != nil:
		e.failed(a)
		e.giveUp(a, failed)
	case a.objects.Counts().Failing == 0 && a.got.err == nil:
		a.failures, a.crash, a.retryAt, a.refused = 0, nil, time.Time{}, time.Time{}
	}
	e.touchDependents(a)
}

// takeFinding takes in a check: what is in line is remembered as such; what
// differs and is not put right is told, or taken as it is.
func (e *engine) takeFinding(a *app, f target.Finding, m *history.Memo) error {
	mode := a.driftMode() // as it is by now: a pause may have ended while the server was asked
	o, declared := a.objects.Object(f.Key)
	switch {
	case !declared:
		return nil
	case f.Err != nil:
		return e.fail(a, o, f.Err)
	case f.Differs:
		if o.Paused {
			mode = v1alpha1.DriftAlert
		}
		a.objects.Found(f.Key, f.Live, pipeline.DriftReason(f), e.Now())
		if mode != v1alpha1.DriftIgnore || !f.Exists {
			e.leaveAsIs(a, f, mode)
			return nil
		}
	}
	m.Upsert(history.Seen(f.Key, a.objects.Same(f.Key, f.Live)))
	e.judge(a, f.Key)
	return nil
}

// leaveAsIs leaves a drifted object as it is and says so, where drift is not put right.
func (e *engine) leaveAsIs(a *app, f target.Finding, mode v1alpha1.DriftMode) {
	if mode == v1alpha1.DriftAlert || mode == v1alpha1.DriftIgnore {
		a.objects.LeaveAsIs(f.Key, f.Live, pipeline.DriftReason(f))
		e.judge(a, f.Key) // it may have changed since
	}
}

// takeOutcome takes in what came of one change; the error is nil for what only waits.
func (e *engine) takeOutcome(a *app, c plan.Change, o target.Outcome, m *history.Memo) error {
	if c.Action == plan.Prune {
		return e.takePrune(a, c, o, m)
	}
	declared, ok := a.objects.Object(o.Key)
	switch {
	case !ok || declared.Desired.Digest != c.Desired.Digest:
		return nil // declared otherwise by now
	case o.Err != nil:
		return e.fail(a, declared, o.Err)
	}
	a.objects.Done(c, o.Applied, e.Now())
	m.Upsert(history.Seen(o.Key, o.Applied))
	e.judge(a, o.Key)
	return nil
}

// fail notes why an object could not be compared or applied, and tells where it is declared.
func (e *engine) fail(a *app, o ledger.Object, err error) error {
	e.judge(a, o.Desired.Key)
	a.objects.Fail(o.Desired.Key, err, errors.Is(err, target.ErrSkipped))
	return target.ObjectError{Key: o.Desired.Key, Origin: o.Desired.Origin, Err: err}
}

func (e *engine) takePrune(a *app, c plan.Change, o target.Outcome, m *history.Memo) error {
	m.Remove(o.Key.ID())
	kept := errors.Is(o.Err, target.ErrKept)
	left := a.objects.Pruned(o.Key, o.Err, kept)
	switch {
	case o.Err == nil:
		e.noteLeftover(a, o.Key)
		return nil
	case kept || !left:
		return nil
	default:
		return target.ObjectError{Key: c.Key, Err: fmt.Errorf("can't be deleted: %w", o.Err)}
	}
}
