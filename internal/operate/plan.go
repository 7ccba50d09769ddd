package operate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/tree"
)

// PlanQuery asks what would be done to an App.
type PlanQuery struct {
	App string
	// Revision is a branch, tag or commit of the App's repository: what merging
	// it would do. Empty is what the App is held against.
	Revision string
	// Undeclared lists what nobody declares in the App's namespaces, too.
	Undeclared bool
}

// Plan tells what would be done to bring an App in line. Only objects that
// aren't known to be in line are asked about.
func (o *Operator) Plan(ctx context.Context, q PlanQuery) (plan.Plan, error) {
	known, err := o.Fleet.Known(ctx, q.App)
	if err != nil {
		return plan.Plan{}, err
	}
	p := planning{operator: o, known: known, app: known.App, actor: known.Actor}
	if q.Revision == "" {
		p.now()
	} else if err := p.at(ctx, q.Revision); err != nil {
		return plan.Plan{}, err
	}
	made, err := o.settle(ctx, p.ask(ctx), nil)
	switch {
	case err != nil || !q.Undeclared:
		return made, err
	case o.Explorer == nil:
		return made, errors.New("this target can't tell what nobody declares")
	}
	return pipeline.Undeclared(ctx, o.Explorer, p.actor, made, p.desired), nil
}

// planning is the plan of one App in the making.
type planning struct {
	operator *Operator
	known    pipeline.Known // zero for an App that is new
	app      v1alpha1.App   // as it would be declared
	actor    target.Actor
	revision release.Revision
	files    tree.Tree

	desired []plan.Desired // all of them
	unsure  []plan.Desired // those that aren't known to be in line
	prunes  []plan.Change
	kept    []plan.Extra
	broken  []plan.Problem
	hooks   []hooks.Hook
	goes    bool // the App is no longer declared
}

// now takes what is declared at the moment.
func (p *planning) now() {
	k := p.known
	p.revision, p.desired, p.prunes, p.kept, p.broken, p.hooks = k.Held, k.Desired, k.Prunes, k.Kept, slices.Clone(k.Broken), k.Hooks
	differ := map[object.Key]bool{}
	for _, key := range k.Differ {
		differ[key] = true
	}
	for _, d := range k.Desired {
		if differ[d.Key] {
			p.unsure = append(p.unsure, d)
		}
	}
	switch {
	case k.Failed != nil && len(k.Broken) == 0:
		p.broken = append(p.broken, plan.Problem{Message: fmt.Sprintf("commit %s can't be rendered: %v", k.Newest.Short(), k.Failed)})
	case k.Held.Commit == "" && k.Failed == nil:
		p.broken = append(p.broken, plan.Problem{Message: "it wasn't rendered yet; ask again in a moment"})
	}
}

// at takes what would be declared with another revision.
func (p *planning) at(ctx context.Context, name string) error {
	o, ref := p.operator, p.known.Ref
	var err error
	if p.revision, err = o.named(ctx, ref.URL, name); err != nil {
		return err
	}
	m, err := o.mergedInto(ctx, p.known.Ref, p.known.Newest, p.revision.Commit)
	if err != nil {
		return err
	}
	p.files = m.files
	if ref.URL == o.Root.URL && touchesFile(m.changes, p.known.Origin.File) {
		declared, err := o.declared(ctx, p.files)
		if err != nil {
			return err
		}
		d, ok := declared[p.known.ID()]
		if !ok {
			p.removed()
			return nil
		}
		p.declare(d)
	}
	p.render(ctx)
	return nil
}

// mergedInto is a repository with a revision merged into the newest commit of
// what an App follows. What follows a tag or commit, or has none yet, would be
// at the revision itself.
func (o *Operator) mergedInto(ctx context.Context, ref source.Ref, newest release.Revision, revision string) (merged, error) {
	if ref.Tag != "" || ref.Commit != "" || newest.Commit == "" {
		files, err := o.Source.Tree(ref.URL, revision)
		if err != nil || newest.Commit == "" {
			return merged{files: files}, err
		}
		changes, err := o.Source.Diff(ref.URL, newest.Commit, revision)
		return merged{files, changes}, err
	}
	return o.merge(ctx, ref.URL, newest.Commit, revision)
}

func touchesFile(changes []tree.Change, file string) bool {
	return slices.ContainsFunc(changes, func(c tree.Change) bool { return c.Path == file })
}

// named finds a revision by what someone calls it.
func (o *Operator) named(ctx context.Context, url, name string) (release.Revision, error) {
	r, err := source.Named(ctx, o.Looker, url, name)
	switch {
	case errors.Is(err, source.ErrNoRef):
		return r, status.Refuse(status.NotThere, "%s has no branch, tag or commit %q", url, name)
	case err != nil:
		return r, fmt.Errorf("look at %s of %s: %w", name, url, err)
	}
	return r, nil
}

// declare takes an App's declaration of another revision.
func (p *planning) declare(d Declared) {
	p.app = d.App
	p.actor = p.operator.actorOf(d.App)
	if d.Err != nil {
		p.broken = append(p.broken, plan.Problem{Origin: d.Origin, Message: "its declaration can't be used: " + d.Err.Error()})
	}
}

// actorOf is in whose name an App is applied.
func (o *Operator) actorOf(app v1alpha1.App) target.Actor {
	t := app.Spec.Target
	return target.Actor{
		Namespace: t.Namespace, ServiceAccount: t.ServiceAccount, CreateNamespace: t.CreateNamespace == nil || *t.CreateNamespace,
		Redact: o.Hidden.With(app.Spec.Sensitive...),
	}
}

// removed takes that the App is no longer declared: all that it has goes.
func (p *planning) removed() {
	p.hooks, p.goes = p.known.Hooks, true
	for _, live := range p.owned() {
		if live.Keep {
			p.kept = append(p.kept, plan.Extra{Key: live.Key, Reason: fmt.Sprintf("outlives its App: %s is %s", object.AnnotationPrune, object.PruneNever)})
			continue
		}
		p.prunes = append(p.prunes, plan.Change{Action: plan.Prune, Key: live.Key, Live: live, Reason: "its App is no longer declared"})
	}
}

// owned are the live objects that the App has.
func (p *planning) owned() []plan.Live {
	var all []plan.Live
	label := object.AppLabel(p.app.ID())
	for _, key := range p.operator.Target.Owned(label) {
		if live, ok := p.operator.Target.Live(key); ok && live.Own && live.App == label && !live.Deleting {
			all = append(all, live)
		}
	}
	slices.SortFunc(all, func(a, b plan.Live) int { return compareIDs(a.Key, b.Key) })
	return all
}

func compareIDs(a, b object.Key) int {
	switch x, y := a.ID(), b.ID(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// render takes what the App's files yield. What is as it was, and in line then,
// needn't be asked about.
func (p *planning) render(ctx context.Context) {
	o := p.operator
	r := pipeline.Render(ctx, o.gathering(p.known, p.app), o.Target, pipeline.Job{App: p.app, Root: o.rootOf(p.known), Revision: p.revision.Commit, Files: p.files})
	if !r.Rendered() {
		p.broken = append(p.broken, plan.Problem{Message: fmt.Sprintf("commit %s can't be rendered: %v", p.revision.Short(), r.Err)})
		return
	}
	for _, f := range r.Unresolved {
		p.broken = append(p.broken, plan.Problem{Key: f.Key, Origin: f.Origin, Message: f.Err.Error()})
	}
	inLine := map[object.Key]string{}
	for _, d := range p.known.Desired {
		inLine[d.Key] = d.Digest
	}
	for _, key := range p.known.Differ {
		delete(inLine, key)
	}
	declared := map[object.Key]bool{}
	p.desired, p.hooks = r.Desired, r.Hooks
	for _, d := range r.Desired {
		declared[d.Key] = true
		if digest, ok := inLine[d.Key]; !ok || digest != d.Digest {
			p.unsure = append(p.unsure, d)
		}
	}
	if len(r.Unresolved) > 0 {
		return // what can't be fitted may be one of those
	}
	for _, live := range p.owned() {
		if declared[live.Key] {
			continue
		}
		if why := pipeline.Stays(p.app, p.desired, live); why != "" {
			p.kept = append(p.kept, plan.Extra{Key: live.Key, Reason: why})
			continue
		}
		p.prunes = append(p.prunes, plan.Change{Action: plan.Prune, Key: live.Key, Live: live, Reason: "is no longer declared"})
	}
}

// rootOf names the root that declares an App; a new one is declared by the same
// as all others.
func (o *Operator) rootOf(k pipeline.Known) string {
	if k.Root != "" {
		return k.Root
	}
	return o.RootName
}

// ask asks the server about all of it.
func (p *planning) ask(ctx context.Context) plan.Plan {
	o := p.operator
	request := pipeline.Request{
		App: p.app, Root: o.rootOf(p.known), Actor: p.actor, Revision: p.revision, Cluster: o.Target.State().Address,
		Desired: p.unsure, InLine: len(p.desired) - len(p.unsure), Prunes: p.prunes, Kept: p.kept, Broken: p.broken, Hidden: o.Hidden, Now: o.Now(),
	}
	if p.goes {
		request.Hooks = hooks.Planned(p.hooks, "", hooks.PreDelete, hooks.PostDelete)
	} else {
		request.Run(p.hooks, p.known.HooksDone, len(p.owned()) > 0)
	}
	return pipeline.Plan(ctx, o.Target, request)
}

// future is what Apps would declare, by their IDs.
type future map[string]map[object.Key]bool

// others are the Apps beside one that declare an object that is changed, or
// would. What nobody else holds is nobody else's now.
func (o *Operator) others(ctx context.Context, app string, c plan.Change, would future) ([]string, error) {
	found := map[string]bool{}
	if c.Action == plan.Prune || c.Live.App != "" && c.Live.App != object.AppLabel(app) {
		claims, err := o.Fleet.Claims(ctx, c.Key)
		if err != nil {
			return nil, err
		}
		for _, claim := range claims {
			found[claim.App] = claim.Key == c.Key && would[claim.App] == nil
		}
	}
	for id, declares := range would {
		found[id] = declares[c.Key]
	}
	delete(found, app)
	maps.DeleteFunc(found, func(_ string, declares bool) bool { return !declares })
	return slices.Sorted(maps.Keys(found)), nil
}

// settle leaves to other Apps what they declare: what they hold isn't taken
// from them, and what they take isn't pruned. An object that nobody holds yet
// goes to the first by name.
func (o *Operator) settle(ctx context.Context, p plan.Plan, would future) (plan.Plan, error) {
	var changes []plan.Change
	for _, c := range p.Changes {
		others, err := o.others(ctx, p.App, c, would)
		if err != nil {
			return p, err
		}
		rival := ""
		for _, other := range others {
			if rival == "" && other < p.App || c.Live.App == object.AppLabel(other) {
				rival = other
			}
		}
		switch {
		case c.Action == plan.Prune && len(others) > 0:
			p.Extra = append(p.Extra, plan.Extra{Key: c.Key, Reason: "is no longer declared here, and is left to the App " + others[0] + ", which declares it"})
			continue
		case c.Action != plan.Prune && rival != "" && c.Live.App != object.AppLabel(p.App):
			c.Action, c.Reason = plan.Conflict, "is declared by the App "+rival+" as well, and is left to it: remove it from one of the two"
		}
		changes = append(changes, c)
	}
	p.Changes = changes
	return plan.New(p), nil
}

// Compare tells in what two Apps differ as they are declared.
func (o *Operator) Compare(ctx context.Context, a, b string) (plan.Comparison, error) {
	hidden := o.Hidden
	var sides [2]plan.Declared
	for i, id := range []string{a, b} {
		known, err := o.Fleet.Known(ctx, id)
		if err != nil {
			return plan.Comparison{}, err
		}
		if known.Held.Commit == "" {
			return plan.Comparison{}, status.Refuse(status.Moved, "%s could not be rendered yet, so it can't be compared; `plumb get app %s` tells why", id, id)
		}
		hidden = hidden.With(known.App.Spec.Sensitive...)
		sides[i].App = id
		for _, d := range known.Desired {
			u := &unstructured.Unstructured{}
			if err := json.Unmarshal(d.Body, &u.Object); err != nil {
				return plan.Comparison{}, fmt.Errorf("%s of %s: its JSON can't be read: %w", d.Key, id, err)
			}
			sides[i].Objects = append(sides[i].Objects, object.Object{Unstructured: u, Origin: d.Origin})
		}
	}
	return plan.Compare(sides[0], sides[1], hidden), nil
}
