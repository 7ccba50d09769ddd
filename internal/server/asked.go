package server

import (
	"context"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// What follows is what the server asks of the daemon besides Apps and Releases.
// Of an App that isn't declared each returns ErrNoApp; where what was asked for
// is refused, a status.Refusal says in which way. Every other error is a failure
// of the daemon's.
//
// Where an object.Key names an object for people, its group may be empty for
// any group, and its namespace for any namespace: what fits several objects is
// refused (Invalid), and the refusal names them.

// PlanQuery says which plan is asked for.
type PlanQuery struct {
	App        string // NAMESPACE/NAME
	Revision   string // a branch, tag or commit of the App's repository; empty is what the App follows
	Undeclared bool   // list the objects of its namespaces that nobody declares, too
}

// Plans tells what would be done, and what differs.
type Plans interface {
	// Plan returns the plan of one App: the one that waits, if it does and still
	// holds, or one made now.
	Plan(ctx context.Context, q PlanQuery) (plan.Plan, error)
	// PlansOf returns the plans of all Apps that a branch, tag or commit of the
	// root repository touches, sorted by App. It may add Apps and take some away.
	PlansOf(ctx context.Context, revision string) ([]plan.Plan, error)
	// Compare tells in what two Apps differ as they are declared.
	Compare(ctx context.Context, a, b string) (plan.Comparison, error)
}

// Resume ends pauses: that of one App, of one object, or, when neither is
// named, the one of everything.
type Resume struct {
	App    string
	Object *object.Key
	By     string
	// Keep writes what was changed while paused to Git, on Branch; an empty one
	// lets the daemon choose a new name.
	Keep   bool
	Branch string
}

// Gates takes what people say about when changes may be made.
type Gates interface {
	// Approve approves or refuses the plan that waits. The plan may be given by
	// the first characters of its hash; the answer has all of it. A plan that
	// isn't the one that waits is refused (Moved), and the refusal names the one
	// that does; where none waits, it is NotThere; who may not, is Denied.
	Approve(ctx context.Context, a gate.Approval) (gate.Approval, error)
	// Pauses returns all pauses that hold, in any order.
	Pauses() []gate.Pause
	// Pause begins a pause, or changes the one of the same App or object. Of an
	// object it finds the App itself.
	Pause(ctx context.Context, p gate.Pause) (gate.Pause, error)
	// Resume ends pauses; where there is none it is NotThere.
	Resume(ctx context.Context, r Resume) (status.Resumed, error)
}

// Rollback asks for a commit that restores an App's inputs.
type Rollback struct {
	App        string
	To         int64  // the release whose inputs are restored; 0 is the newest success before the one that is live
	Branch     string // where to push; empty is the branch that the App follows
	By, Why    string
	WithOthers bool // go on where other Apps are made from the same files
	DryRun     bool // tell what would be done, and write nothing
}

// Git is what is asked of the Apps' repositories.
type Git interface {
	// Rollback makes and pushes that commit. Where other Apps would be touched
	// it is refused (Moved), and the refusal lists them.
	Rollback(ctx context.Context, r Rollback) (status.RolledBack, error)
	// Blame tells where the fields of a live object come from.
	Blame(ctx context.Context, key object.Key) (plan.Blame, error)
}

// Events tells what happened. history.Recorder has both methods.
type Events interface {
	// ListEvents returns events, oldest first.
	ListEvents(ctx context.Context, q event.Query) ([]event.Event, error)
	// Follow calls fn with the events of a query, and then with those to come,
	// until ctx is done, which is no error, or fn returns one. fn may be slow.
	Follow(ctx context.Context, q event.Query, fn func(event.Event) error) error
}

// Logs tells what the daemon's log said about an App.
type Logs interface {
	// Lines returns the newest so many lines that are still kept, oldest first.
	Lines(app string, limit int) []event.Line
	// Follow calls fn with these, and then with those to come, until ctx is done,
	// which is no error, or fn returns one. fn may be slow.
	Follow(ctx context.Context, app string, limit int, fn func(event.Line) error) error
}

// Keys tells which keys the daemon opens secrets with.
type Keys interface {
	// Keys returns their public halves, the daemon's own first.
	Keys() ([]status.Key, error)
}

// Rotates makes generated values of Secrets anew.
type Rotates interface {
	// Rotate does so with one Secret; an empty app is whichever declares it.
	Rotate(ctx context.Context, secret object.Key, app, by string) (status.Rotated, error)
}

// Waits tells what becomes of a commit.
type Waits interface {
	// Verdicts tells what became of a commit (whole, or at least 7 of its first
	// characters) in some Apps; none means all whose repository has it.
	// status.Judge decides.
	Verdicts(ctx context.Context, apps []string, commit string) ([]status.Verdict, error)
	// Changed returns a channel that is closed once how some App stands isn't
	// what it was when it was asked for.
	Changed() <-chan struct{}
}
