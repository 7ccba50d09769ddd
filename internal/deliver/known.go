package deliver

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
)

// Known returns what is known of one App.
func (en *Engine) Known(ctx context.Context, id string) (pipeline.Known, error) {
	return ask(ctx, en.e, func(e *engine) (pipeline.Known, error) {
		a, err := e.declared(id)
		if err != nil {
			return pipeline.Known{}, err
		}
		k := e.known(a)
		e.addObjects(a, &k)
		return k, nil
	})
}

// AllKnown returns what is known of every App that is declared, without their
// objects, sorted by namespace and name.
func (en *Engine) AllKnown(ctx context.Context) ([]pipeline.Known, error) {
	return ask(ctx, en.e, func(e *engine) ([]pipeline.Known, error) {
		all := make([]pipeline.Known, 0, len(e.apps))
		for _, a := range e.apps {
			if !a.removed {
				all = append(all, e.known(a))
			}
		}
		slices.SortFunc(all, func(x, y pipeline.Known) int { return strings.Compare(x.ID(), y.ID()) })
		return all, nil
	})
}

// Claims lists who declares the objects that a key, as someone wrote it, names.
func (en *Engine) Claims(ctx context.Context, wrote object.Key) ([]pipeline.Claim, error) {
	return ask(ctx, en.e, func(e *engine) ([]pipeline.Claim, error) { return e.claimsOf(wrote), nil })
}

// claimsOf looks through all declared objects.
func (e *engine) claimsOf(wrote object.Key) (claims []pipeline.Claim) {
	for key, apps := range e.claims {
		if !wrote.Names(key) {
			continue
		}
		for _, id := range apps {
			claims = append(claims, pipeline.Claim{Key: key, App: id})
		}
	}
	slices.SortFunc(claims, func(a, b pipeline.Claim) int {
		return cmp.Or(strings.Compare(a.Key.String(), b.Key.String()), strings.Compare(a.App, b.App))
	})
	return claims
}

func (e *engine) known(a *app) pipeline.Known {
	k := pipeline.Known{
		App: a.App, Origin: a.Origin, Root: e.root, Ref: a.ref, Newest: a.head.Revision, Held: a.got.held, Actor: e.actor(a),
		Inputs: e.follows.Inputs(a.id), Beside: maps.Clone(a.beside.Heads),
	}
	k.Hooks, k.HooksDone = a.hooking.hooks, a.memory.Done
	if a.want == a.got.want {
		k.Failed = a.got.err
	}
	return k
}

// addObjects tells of an App's objects.
func (e *engine) addObjects(a *app, k *pipeline.Known) {
	for o := range a.objects.Objects() {
		if o.Rival != nil {
			k.Broken = append(k.Broken, plan.Problem{Key: o.Desired.Key, Origin: o.Desired.Origin, Message: o.Rival.Error()})
			continue
		}
		k.Desired = append(k.Desired, o.Desired)
		if o.Standing != plan.InLine {
			k.Differ = append(k.Differ, o.Desired.Key)
		}
	}
	for _, f := range a.unresolved {
		k.Broken = append(k.Broken, plan.Problem{Key: f.Key, Origin: f.Origin, Message: f.Err.Error()})
	}
	for _, left := range a.objects.Leftovers() {
		if left.Kept != nil {
			k.Kept = append(k.Kept, plan.Extra{Key: left.Live.Key, Reason: left.Kept.Error()})
		} else if !left.Live.Deleting {
			k.Prunes = append(k.Prunes, left.Prune())
		}
	}
}
