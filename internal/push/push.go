package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/tree"
)

// Parts are what a push works with.
type Parts struct {
	Renderer pipeline.Renderer
	Target   target.Target // its view runs
	// Releases keeps the record; nil keeps none.
	Releases Releases
	// Leader is where it is written who holds a root; nil doesn't ask.
	Leader Leader
	// Explorer finds what nobody declares, for Diff; nil doesn't look.
	Explorer target.Explorer
	// Pauses that hold are kept to.
	Pauses []gate.Pause
	Hidden redact.Redactor
	Now    func() time.Time
}

// Releases keeps releases; history.Store is one.
type Releases interface {
	Save(ctx context.Context, r release.Release) (release.Release, error)
	List(ctx context.Context, q history.Query) ([]release.Release, error)
}

// Subject is what is pushed.
type Subject struct {
	// App is complete. For a folder that nobody declares it is made up.
	App v1alpha1.App
	// Root names the root that declares the App; empty for such a folder. What
	// has no root can be taken over by any App.
	Root     string
	Revision release.Revision
	Files    tree.Tree
	// Keep leaves what isn't declared any more. Other than the App's sync.prune,
	// it is about this push only.
	Keep bool
}

// folder says whether the subject is a folder that no root declares.
func (s Subject) folder() bool { return s.Root == "" }

// Diff is what a push would do. Of a folder, which App an object belongs to
// doesn't count: only its content is compared.
func Diff(ctx context.Context, p Parts, s Subject) (plan.Plan, error) {
	d := door{Parts: p, Subject: s}
	seen, err := d.survey(ctx)
	if err != nil {
		return plan.Plan{}, err
	}
	if s.folder() {
		if err := d.dress(&seen); err != nil {
			return plan.Plan{}, err
		}
	}
	found := d.plan(ctx, seen)
	if s.folder() {
		found = withoutOwners(found)
	}
	if p.Explorer != nil {
		found = pipeline.Undeclared(ctx, p.Explorer, d.actor(), found, seen.desired)
	}
	return found, nil
}

// withoutOwners is a plan without changes after which only others own fields,
// and nothing holds anything else.
func withoutOwners(p plan.Plan) plan.Plan {
	all := len(p.Changes)
	p.Changes = slices.DeleteFunc(p.Changes, func(c plan.Change) bool { return c.Action == plan.Update && len(c.Fields) == 0 })
	p.Unchanged += all - len(p.Changes)
	return plan.New(p)
}

// ErrHeld marks what isn't done because something holds it: a pause, a window,
// the App's mode, a daemon.
var ErrHeld = errors.New("held")

// door is one push under way.
type door struct {
	Parts
	Subject
}

// actor is in whose name the target is changed.
func (d *door) actor() target.Actor { return target.ActorOf(d.App) }

func (d *door) label() string { return object.AppLabel(d.App.ID()) }

// plan asks the server what would be done.
func (d *door) plan(ctx context.Context, seen seen) plan.Plan {
	request := pipeline.Request{
		App: d.App, Actor: d.actor(), Revision: d.Revision, Cluster: d.Target.State().Address,
		Desired: seen.desired, InLine: seen.inLine, Prunes: seen.prunes, Kept: seen.kept, Broken: seen.problems, Hidden: d.Hidden, Now: d.Now(),
	}
	request.Run(seen.hooks, hooks.Digest(seen.hooks), seen.live) // nobody remembers which ran, so they go with changes
	p := pipeline.Plan(ctx, d.Target, request)
	p.Changes = append(p.Changes, seen.conflicts...)
	return plan.New(p)
}

// whyNot says what keeps a plan from being applied; nil is nothing.
func whyNot(p plan.Plan) error {
	const most = 5
	var errs []error
	for _, problem := range p.Problems {
		errs = append(errs, target.ObjectError{Key: problem.Key, Origin: problem.Origin, Err: errors.New(problem.Message)})
	}
	for _, c := range p.Changes {
		if c.Action == plan.Conflict {
			errs = append(errs, target.ObjectError{Key: c.Key, Origin: c.Origin, Err: errors.New(c.Reason)})
		}
	}
	if more := len(errs) - most; more > 0 {
		errs = append(errs[:most:most], fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}
