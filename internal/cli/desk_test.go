package cli_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/server"
	"plumb.dev/plumb/internal/status"
)

// desk is what an engine would answer to those who operate it.
type desk struct {
	Plans      map[string]plan.Plan    `json:"plans"` // by App, or by App@REVISION
	Merges     map[string][]plan.Plan  `json:"merges"`
	Comparison plan.Comparison         `json:"comparison"`
	Blames     []plan.Blame            `json:"blames"`
	Rollbacks  map[string]rollback     `json:"rollbacks"`
	Pausing    []gate.Pause            `json:"pauses"`
	Keeping    status.Resumed          `json:"keeping"`
	Happened   []event.Event           `json:"events"`
	Said       map[string][]event.Line `json:"lines"`
	Becoming   [][]status.Verdict      `json:"verdicts"` // the last one stays
	looks      int
}

// rollback is what a rollback would do, or why it is refused.
type rollback struct {
	status.RolledBack
	Shared string `json:"shared"`
}

func (w *world) Plan(ctx context.Context, q server.PlanQuery) (plan.Plan, error) {
	if _, err := w.App(ctx, q.App); err != nil {
		return plan.Plan{}, err
	}
	name := strings.TrimSuffix(q.App+"@"+q.Revision, "@")
	p, ok := w.Plans[name]
	if !ok {
		return p, status.Refuse(status.NotThere, "%s is neither a branch nor a commit of the repository of %s", q.Revision, q.App)
	}
	if !q.Undeclared {
		p.Extra = nil
	}
	return p, nil
}

func (w *world) PlansOf(_ context.Context, revision string) ([]plan.Plan, error) {
	plans, ok := w.Merges[revision]
	if !ok {
		return nil, status.Refuse(status.NotThere, "%s is neither a branch nor a commit of the root", revision)
	}
	return plans, nil
}

func (w *world) Compare(_ context.Context, a, b string) (plan.Comparison, error) {
	if a == b {
		return plan.Comparison{A: a, B: b}, nil
	}
	c := w.Comparison
	c.A, c.B = a, b
	return c, nil
}

func (w *world) Blame(_ context.Context, key object.Key) (plan.Blame, error) {
	for _, b := range w.Blames {
		if b.Key.Kind == key.Kind && b.Key.Name == key.Name && (key.Namespace == "" || key.Namespace == b.Key.Namespace) {
			return b, nil
		}
	}
	return plan.Blame{}, status.Refuse(status.NotThere, "there is no %s", key)
}

func (w *world) Rollback(ctx context.Context, r server.Rollback) (status.RolledBack, error) {
	if _, err := w.App(ctx, r.App); err != nil {
		return status.RolledBack{}, err
	}
	found := w.Rollbacks[r.App]
	if found.Shared != "" && !r.WithOthers {
		return status.RolledBack{}, status.Refuse(status.Moved, "%s", found.Shared)
	}
	if r.DryRun {
		found.Commit = ""
	}
	if r.Branch != "" {
		found.Branch = r.Branch
	}
	return found.RolledBack, nil
}

func (w *world) Approve(ctx context.Context, a gate.Approval) (gate.Approval, error) {
	d, err := w.App(ctx, a.App)
	switch {
	case err != nil:
		return a, err
	case d.Plan == nil:
		return a, status.Refuse(status.NotThere, "no plan of %s waits for approval", a.App)
	case strings.Contains(d.Plan.Author, "<"+a.By+">"):
		return a, status.Refuse(status.Denied, "%s made the commit, so someone else has to approve it", a.By)
	case !strings.HasPrefix(d.Plan.Hash, a.Plan):
		return a, status.Refuse(status.Moved, "plan %s isn't the one that waits any more: look at plan %s", a.Plan, plan.Short(d.Plan.Hash))
	}
	a.Plan = d.Plan.Hash
	return a, nil
}

func (w *world) Pauses() []gate.Pause {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.Pausing)
}

func (w *world) Pause(ctx context.Context, p gate.Pause) (gate.Pause, error) {
	switch {
	case p.Object != nil && p.Object.Kind != "Deployment":
		return p, status.Refuse(status.NotThere, "no App has %s", p.Object)
	case p.Object != nil:
		p.App, p.Object.Group, p.Object.Namespace = "team-a/shop", "apps", "shop"
	case p.App != "":
		if _, err := w.App(ctx, p.App); err != nil {
			return p, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Pausing = append(w.Pausing, p)
	return p, nil
}

// Rotate knows of one Secret.
func (w *world) Rotate(_ context.Context, secret object.Key, _, _ string) (status.Rotated, error) {
	if secret.Name != "creds" {
		return status.Rotated{}, status.Refuse(status.Invalid, "no App declares %s", secret)
	}
	return status.Rotated{App: "team-a/shop", Object: secret, Restarted: []object.Key{{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}}}, nil
}

func (w *world) Resume(_ context.Context, r server.Resume) (status.Resumed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var done status.Resumed
	if r.Keep {
		done = w.Keeping
		if r.Branch != "" {
			done.Branch = r.Branch
		}
	}
	for i, p := range w.Pausing {
		one := p.App == r.App && (p.Object == nil) == (r.Object == nil)
		if r.Object != nil {
			one = p.Object != nil && p.Object.Name == r.Object.Name
		}
		if one {
			done.Ended = append(done.Ended, p)
			w.Pausing = slices.Delete(w.Pausing, i, i+1)
			return done, nil
		}
	}
	return done, status.Refuse(status.NotThere, "that is not paused; `plumb get pauses` lists what is")
}

func (w *world) ListEvents(_ context.Context, q event.Query) ([]event.Event, error) {
	return slices.DeleteFunc(slices.Clone(w.Happened), func(e event.Event) bool { return !q.Selects(e) }), nil
}

// happening follows a world's events to their end.
type happening struct{ *world }

func (h happening) Follow(ctx context.Context, q event.Query, fn func(event.Event) error) error {
	events, err := h.ListEvents(ctx, q)
	for _, e := range events {
		if err := fn(e); err != nil {
			return err
		}
	}
	return err
}

// saying follows a world's log to its end.
type saying struct{ *world }

func (s saying) Lines(app string, limit int) []event.Line {
	lines := s.Said[app]
	return lines[max(0, len(lines)-limit):]
}

func (s saying) Follow(_ context.Context, app string, limit int, fn func(event.Line) error) error {
	for _, l := range s.Lines(app, limit) {
		if err := fn(l); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) Verdicts(ctx context.Context, apps []string, _ string) ([]status.Verdict, error) {
	for _, id := range apps {
		if _, err := w.App(ctx, id); err != nil {
			return nil, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.Becoming) == 0 {
		return nil, nil
	}
	now := w.Becoming[min(w.looks, len(w.Becoming)-1)]
	w.looks++
	return slices.DeleteFunc(slices.Clone(now), func(v status.Verdict) bool { return len(apps) > 0 && !slices.Contains(apps, v.App) }), nil
}

// Changed is closed: everything has changed whenever it is asked.
func (w *world) Changed() <-chan struct{} {
	changed := make(chan struct{})
	close(changed)
	return changed
}

// diffLocal answers with the plan in a folder.
func diffLocal(_ context.Context, o cli.LocalOptions) (p plan.Plan, err error) {
	return p, readYAML(filepath.Join(o.Path, "plan.yaml"), &p)
}

// pushed is what becomes of an apply.
type pushed struct {
	Plan    plan.Plan        `json:"plan"`
	Held    bool             `json:"held"`
	News    []cli.ObjectNews `json:"news"`
	Release release.Release  `json:"release"`
}

// applyLocal does what the file push.yaml in a folder says; an App is one in the
// folder of its root.
func applyLocal(_ context.Context, o cli.ApplyOptions) (r release.Release, err error) {
	var p pushed
	if err := readYAML(filepath.Join(o.Path, o.Root, "push.yaml"), &p); err != nil {
		return r, err
	}
	if p.Held {
		return r, fmt.Errorf("%w: team-a/shop is paused by ana", cli.ErrHeld)
	}
	if len(p.Plan.Changes) > 0 {
		if err := o.Confirm(p.Plan); err != nil {
			return r, err
		}
	}
	for _, n := range p.News {
		o.Tell(n)
	}
	p.Release.Actor, p.Release.Finished = o.By, noon.Add(time.Second)
	return p.Release, nil
}
