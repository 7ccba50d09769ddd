package deliver

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/ledger"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/step"
	"plumb.dev/plumb/internal/target"
)

// Declaration is one App as a root declares it.
type Declaration struct {
	App    v1alpha1.App
	Origin object.Origin
	// Held says why the App stays as it is, whatever its declaration says; nil
	// when it doesn't.
	Held error
}

// app is all that is known of one App. Only the engine's loop touches it.
type app struct {
	Declaration
	id, label string
	ref       source.Ref
	removed   bool

	head    source.Head
	beside  pipeline.Beside
	taken   given.Taken // by the last render
	stirred bool        // what is taken may have changed while a render ran
	want    want
	got     got
	cause   release.Cause

	gated
	hooking

	objects    *ledger.Ledger
	unresolved []target.ObjectError

	busy      bool  // a worker has it
	rendering bool  // to render it
	known     bool  // the view knows all objects that matter
	viewErr   error // why it doesn't
	failures  int
	retryAt   time.Time
	syncing   bool      // someone asked for a sync that hasn't come to its end
	again     bool      // it was asked for while a worker had the App
	waits     time.Time // since when all that failed only waits for what it relies on; zero when it doesn't
	refused   time.Time // since when the target refuses something of the open release; zero when it doesn't
	crash     error     // the work on the App panicked; nil once it went well again
	checked   time.Time
	look      look
	deadline  time.Time
	timer     *time.Timer

	release.Unended
}

// want is what should be rendered.
type want struct {
	commit     string
	others     string // the revisions of what the App reads beside it
	generation int    // counts changes of the declaration
	turn       uint64 // which turn of events asked for it; see engine.pruneHeld
}

// got is what was rendered last.
type got struct {
	want
	ok        bool             // some render went well
	revision  release.Revision // of the commit that was rendered
	held      release.Revision // the newest one that the App is held to; it may have changed nothing
	renderer  string
	err       error // why the last one failed, or is not complete
	asked     bool  // the target was asked for it
	retry     bool  // trying again may help
	unchanged bool  // the newest commit touched nothing that the App is made from
	changedAt string
	kinds     []schema.GroupKind
}

// newApp is an App that nothing is known of yet but its declaration.
func (e *engine) newApp(id, label string, applied map[object.Key]plan.Applied) *app {
	return &app{
		id: id, label: label, gated: gated{calendar: gate.NewCalendar(nil)},
		objects: ledger.New(ledger.App{ID: id, Label: label, Root: e.root}, applied),
	}
}

// stale says whether what should be rendered isn't what was rendered last.
func (a *app) stale() bool {
	return !a.want.at(a.got.want) || a.got.err != nil
}

// actor is in whose name the App's objects are written.
func (e *engine) actor(a *app) target.Actor {
	actor := target.ActorOf(a.App)
	actor.Redact = e.Hidden.With(a.App.Spec.Sensitive...)
	return actor
}

// facts gathers what decides about the App.
func (a *app) facts() step.Facts {
	n, left := a.objects.Counts(), a.objects.Left()
	return step.Facts{
		Held: a.Held != nil, Removed: a.removed, Busy: a.busy,
		Incomplete:   len(a.unresolved) > 0,
		Revision:     a.want.commit != "" && a.beside.Lacking() == "",
		Stale:        a.stale(),
		Rendered:     a.got.ok,
		RenderFailed: a.got.err != nil && a.want == a.got.want,
		RenderRetry:  a.got.retry,
		Known:        a.known,
		Changes:      n.Changes, Drifted: n.Drifted + n.Unsure, Failing: n.Failing, Terminating: n.Terminating + left.Deleting,
		Told:     n.Told,
		Queued:   n.Queued,
		Prunes:   left.Prunes,
		Kept:     left.Paused,
		RetryAt:  a.retryAt,
		Crashed:  a.crash != nil,
		LookAt:   a.look.at,
		Open:     a.Open != nil,
		Health:   n.WorstHealth(),
		Deadline: a.deadline,
		Landed:   a.Open != nil && !a.Open.Applied.IsZero(),
	}
}
