package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumb.dev/plumb/internal/declare"
	"plumb.dev/plumb/internal/deliver"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/operate"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/rotate"
	"plumb.dev/plumb/internal/server"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/tree"
)

// The questions that the server asks are answered here.
var (
	_ server.Gates   = (*gates)(nil)
	_ server.Waits   = (*waits)(nil)
	_ server.Plans   = (*plans)(nil)
	_ server.Git     = (*repositories)(nil)
	_ server.Events  = (*history.Recorder)(nil)
	_ server.Rotates = rotations{}
)

// gates take what people say about when changes may be made.
type gates struct {
	engine   *deliver.Engine
	operator *operate.Operator
	metrics  *Metrics
}

// rotations rotate for the server.
type rotations struct{ rotator *rotate.Rotator }

// Rotate implements server.Rotates.
func (r rotations) Rotate(ctx context.Context, secret object.Key, app, by string) (status.Rotated, error) {
	done, err := r.rotator.Rotate(ctx, rotate.Ask{Secret: secret, App: app, By: by})
	return done, noApp(err)
}

// Approve implements server.Gates.
func (g *gates) Approve(ctx context.Context, said gate.Approval) (gate.Approval, error) {
	said, err := g.engine.Approve(ctx, said)
	g.metrics.Said(said.Refuse, err)
	return said, noApp(err)
}

// Pauses implements server.Gates.
func (g *gates) Pauses() []gate.Pause {
	pauses, err := g.engine.Pauses(context.Background())
	if err != nil { // the daemon is stopping
		return nil
	}
	return pauses
}

// Pause implements server.Gates.
func (g *gates) Pause(ctx context.Context, p gate.Pause) (gate.Pause, error) {
	p, err := g.engine.Pause(ctx, p)
	return p, noApp(err)
}

// Resume implements server.Gates. What is kept is written while the pause still
// holds, so that it isn't put back first.
func (g *gates) Resume(ctx context.Context, r server.Resume) (status.Resumed, error) {
	var done status.Resumed
	if r.Keep {
		var err error
		if done, err = g.keep(ctx, r); err != nil {
			return done, noApp(err)
		}
	}
	ended, err := g.engine.Resume(ctx, r.App, r.Object, r.By)
	done.Ended = ended
	return done, noApp(err)
}

// comes is how long a kept change may take to come back from Git before the
// pause ends without it.
const comes = time.Minute

// keep writes what was changed while paused to Git, tells of it and, where the
// App follows that branch, waits until it came back from there: so what is live
// is never put back to what was declared before.
func (g *gates) keep(ctx context.Context, r server.Resume) (status.Resumed, error) {
	var none status.Resumed
	if r.App == "" && r.Object == nil {
		return none, status.Refuse(status.Invalid, "live changes are kept one App at a time: name it")
	}
	if r.App == "" {
		claims, err := g.engine.Claims(ctx, *r.Object)
		if err != nil {
			return none, err
		}
		if len(claims) != 1 {
			return none, status.Refuse(status.Invalid, "%d Apps declare %s; name the App", len(claims), r.Object)
		}
		r.App, r.Object = claims[0].App, &claims[0].Key
	}
	done, err := g.operator.Keep(ctx, operate.Keep{App: r.App, Object: r.Object, Branch: r.Branch, By: r.By})
	if err != nil || done.Commit == "" {
		return done, err
	}
	for _, k := range done.Kept {
		g.engine.Records().Tell(event.Event{Time: time.Now(), Kind: event.Kept, App: r.App, Object: &k.Key, Actor: r.By, Revision: done.Commit,
			Message: fmt.Sprintf("%s was kept at %s by commit %.8s on %s", k.Path, k.Origin, done.Commit, done.Branch)})
	}
	if known, err := g.engine.Known(ctx, r.App); err == nil && known.Newest.Ref == "refs/heads/"+done.Branch {
		g.await(ctx, r.App, done.Commit)
	}
	return done, nil
}

// await waits until an App is held against a commit, or a later one, for some time.
func (g *gates) await(ctx context.Context, id, commit string) {
	ctx, cancel := context.WithTimeout(ctx, comes)
	defer cancel()
	for {
		changed := g.engine.Changed()
		at := slices.IndexFunc(g.engine.Apps(), func(a status.App) bool { return a.ID() == id && strings.HasPrefix(a.Revision, commit) })
		if at >= 0 {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// waits tell what became of a commit.
type waits struct {
	engine   *deliver.Engine
	releases history.Reader
	past     source.Past
}

// Changed implements server.Waits.
func (w *waits) Changed() <-chan struct{} { return w.engine.Changed() }

// Verdicts implements server.Waits.
func (w *waits) Verdicts(ctx context.Context, ids []string, commit string) ([]status.Verdict, error) {
	all := w.engine.Apps()
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(a status.App) bool { return a.ID() == id }) {
			return nil, server.ErrNoApp
		}
	}
	known := map[string]bool{} // many Apps follow the same branch
	var verdicts []status.Verdict
	for _, a := range all {
		if len(ids) > 0 && !slices.Contains(ids, a.ID()) {
			continue
		}
		at := a.Source.URL + " " + a.Source.Newest
		has, asked := known[at]
		if !asked {
			has = w.has(ctx, a.Source, commit)
			known[at] = has
		}
		if len(ids) == 0 && !has {
			continue
		}
		v := status.Judge(a, has, nil)
		if !v.Decided() {
			newest, err := w.newest(ctx, a.ID())
			if err != nil {
				return nil, err
			}
			v = status.Judge(a, has, newest)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

// has says whether the newest commit of a source is a commit, or a later one.
// A repository that can't tell doesn't have it, for now.
func (w *waits) has(ctx context.Context, s status.Source, commit string) bool {
	if s.Newest == "" {
		return false
	}
	if strings.HasPrefix(s.Newest, commit) {
		return true
	}
	has, err := w.past.Contains(ctx, s.URL, s.Newest, commit)
	return err == nil && has
}

// newest is an App's newest release that someone intended.
func (w *waits) newest(ctx context.Context, id string) (*release.Release, error) {
	const few = 20 // corrections may have come since
	list, err := w.releases.List(ctx, history.Query{App: id, Limit: few})
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if !r.Corrective() {
			return &r, nil
		}
	}
	return nil, nil
}

// rollback is what the engine asks for after a release that failed.
func rollback(o *operate.Operator) func(context.Context, string, release.Release) (status.RolledBack, error) {
	if o.Commit == nil {
		return nil
	}
	return func(ctx context.Context, id string, failed release.Release) (status.RolledBack, error) {
		return o.Rollback(ctx, operate.Rollback{App: id, By: "plumb", Why: failed.Reason, Failed: &failed})
	}
}

// repositories answer and write what is asked of the Apps' repositories.
type repositories struct{ operator *operate.Operator }

// Rollback implements server.Git.
func (r *repositories) Rollback(ctx context.Context, ask server.Rollback) (status.RolledBack, error) {
	done, err := r.operator.Rollback(ctx, operate.Rollback{
		App: ask.App, To: ask.To, Branch: ask.Branch, By: ask.By, Why: ask.Why, WithOthers: ask.WithOthers, DryRun: ask.DryRun,
	})
	return done, noApp(err)
}

// Blame implements server.Git.
func (r *repositories) Blame(ctx context.Context, key object.Key) (plan.Blame, error) {
	b, err := r.operator.Blame(ctx, key)
	return b, noApp(err)
}

// plans tell what would be done.
type plans struct{ operator *operate.Operator }

// Plan implements server.Plans.
func (p *plans) Plan(ctx context.Context, q server.PlanQuery) (plan.Plan, error) {
	made, err := p.operator.Plan(ctx, operate.PlanQuery{App: q.App, Revision: q.Revision, Undeclared: q.Undeclared})
	return made, noApp(err)
}

// PlansOf implements server.Plans.
func (p *plans) PlansOf(ctx context.Context, revision string) ([]plan.Plan, error) {
	return p.operator.PlansOf(ctx, revision)
}

// Compare implements server.Plans.
func (p *plans) Compare(ctx context.Context, a, b string) (plan.Comparison, error) {
	c, err := p.operator.Compare(ctx, a, b)
	return c, noApp(err)
}

// declares reads which Apps any tree of the root declares, as if nothing had
// been declared before.
func declares(root declare.Root, policy declare.Policy) func(context.Context, tree.Tree) (map[string]operate.Declared, error) {
	return func(ctx context.Context, files tree.Tree) (map[string]operate.Declared, error) {
		scan, err := declare.NewScanner(root).All(ctx, files)
		if err != nil {
			return nil, err
		}
		declared := map[string]operate.Declared{}
		for _, b := range scan.Broken {
			if b.ID != "" && !b.Project {
				declared[b.ID] = operate.Declared{Origin: b.Origin, Err: b.Err}
			}
		}
		for id, d := range declare.Next(declare.State{}, scan, policy).Apps {
			declared[id] = operate.Declared{App: d.App, Origin: d.Origin, Err: d.Held}
		}
		return declared, nil
	}
}
