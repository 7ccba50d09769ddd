package operate

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
)

// Declared is one App as a revision of the root declares it.
type Declared struct {
	App    v1alpha1.App // complete: defaults are set and its source is named
	Origin object.Origin
	Err    error // why the declaration can't be used; nil when it can
}

// declared are all Apps that a tree of the root repository declares, by ID.
func (o *Operator) declared(ctx context.Context, files tree.Tree) (map[string]Declared, error) {
	if o.Declares == nil {
		return nil, errors.New("which Apps a revision declares can't be told here")
	}
	return o.Declares(ctx, files)
}

// abreast is how many Apps are planned at once.
const abreast = 4

// PlansOf tells what a revision of the root repository would do if it were
// merged: the plans of all Apps that it touches, sorted by App. It may add Apps,
// change how they are declared, and take some away.
func (o *Operator) PlansOf(ctx context.Context, name string) ([]plan.Plan, error) {
	revision, err := o.named(ctx, o.Root.URL, name)
	if err != nil {
		return nil, err
	}
	all, err := o.Fleet.AllKnown(ctx)
	if err != nil {
		return nil, err
	}
	m, err := o.mergedInto(ctx, o.Root, newestOf(all, o.Root), revision.Commit)
	if err != nil {
		return nil, err
	}
	declared, err := o.declared(ctx, m.files)
	if err != nil {
		return nil, err
	}
	at := fleetAt{known: map[string]bool{}, declared: declared, files: m.files, revision: revision}
	var ids []string
	for _, k := range all {
		at.known[k.ID()] = true
		if d, there := declared[k.ID()]; !there || o.touches(m.changes, k, d) {
			ids = append(ids, k.ID())
		}
	}
	for id := range declared {
		if !at.known[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return o.plansOf(ctx, ids, at)
}

// touches says whether changes of the root make something else of an App that
// is still declared.
func (o *Operator) touches(changes []tree.Change, k pipeline.Known, d Declared) bool {
	switch {
	case d.Err != nil:
		return touchesFile(changes, d.Origin.File)
	case !sameApp(k.App, d.App):
		return true
	default:
		return k.Ref == o.Root && (k.Inputs.Len() == 0 && len(changes) > 0 || k.Inputs.Touched(changes))
	}
}

// fleetAt is what a revision makes of all Apps.
type fleetAt struct {
	known    map[string]bool // the Apps that there are now
	declared map[string]Declared
	files    tree.Tree // of the root repository
	revision release.Revision
}

// plansOf makes the plans of some Apps, a few at a time.
func (o *Operator) plansOf(ctx context.Context, ids []string, at fleetAt) ([]plan.Plan, error) {
	plans, made := make([]plan.Plan, len(ids)), make([]planning, len(ids))
	err := eachOf(len(ids), func(i int) (err error) {
		if made[i], err = o.planningOf(ctx, ids[i], at); err == nil {
			plans[i] = made[i].ask(ctx)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	would := future{}
	for i, id := range ids {
		would[id] = map[object.Key]bool{}
		for _, d := range made[i].desired {
			would[id][d.Key] = true
		}
	}
	for i := range plans {
		if plans[i], err = o.settle(ctx, plans[i], would); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

// eachOf calls f for each of n, a few at a time, and waits for all.
func eachOf(n int, f func(i int) error) error {
	errs := make([]error, n)
	var running sync.WaitGroup
	slots := make(chan struct{}, abreast)
	for i := range n {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			errs[i] = f(i)
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// planningOf prepares the plan of one App at a revision of the root.
func (o *Operator) planningOf(ctx context.Context, id string, at fleetAt) (planning, error) {
	p := planning{operator: o, revision: at.revision, files: at.files}
	if at.known[id] {
		known, err := o.Fleet.Known(ctx, id)
		if err != nil {
			return p, err
		}
		p.known, p.app, p.actor = known, known.App, known.Actor
	}
	d, there := at.declared[id]
	if !there {
		p.removed()
		return p, nil
	}
	p.declare(d)
	if d.Err != nil {
		return p, nil
	}
	if ref := source.Followed(d.App); ref != o.Root {
		return p, p.elsewhere(ctx, ref)
	}
	p.render(ctx)
	return p, nil
}

// elsewhere renders an App that is made from something else than the root, of
// which only the declaration changes.
func (p *planning) elsewhere(ctx context.Context, ref source.Ref) error {
	o := p.operator
	p.revision = p.known.Newest
	if ref != p.known.Ref || p.revision.Commit == "" {
		var err error
		if p.revision, err = o.Looker.Look(ctx, ref); err != nil {
			p.broken = append(p.broken, plan.Problem{Message: "what it would be made from can't be looked at: " + err.Error()})
			return nil
		}
	}
	var err error
	if p.files, err = o.Source.Tree(ref.URL, p.revision.Commit); err != nil {
		return err
	}
	p.render(ctx)
	return nil
}

// newestOf is the newest commit of a Ref, as the Apps that follow it know it.
func newestOf(all []pipeline.Known, ref source.Ref) release.Revision {
	for _, k := range all {
		if k.Ref == ref && k.Newest.Commit != "" {
			return k.Newest
		}
	}
	return release.Revision{}
}

// sameApp says whether two declarations of an App ask for the same objects: when
// and by whom they are applied doesn't count.
func sameApp(a, b v1alpha1.App) bool {
	a.Spec.Sync, b.Spec.Sync = v1alpha1.Sync{Prune: a.Spec.Sync.Prune, AllowEmpty: a.Spec.Sync.AllowEmpty},
		v1alpha1.Sync{Prune: b.Spec.Sync.Prune, AllowEmpty: b.Spec.Sync.AllowEmpty}
	a.Spec.Health, b.Spec.Health = v1alpha1.Health{}, v1alpha1.Health{}
	a.Spec.DependsOn, b.Spec.DependsOn, a.Spec.Project, b.Spec.Project = nil, nil, "", ""
	a.Spec.Source.Every = b.Spec.Source.Every
	return reflect.DeepEqual(a, b)
}
