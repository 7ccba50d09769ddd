package deliver

import (
	"cmp"
	"errors"
	"slices"

	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/source"
)

// followBeside follows what the declaration and the last render name.
func (e *engine) followBeside(a *app) {
	refs := pipeline.Besides(a.App, a.beside.Needs)
	a.beside.Heads = e.follows.Beside(a.id, refs, a.App.Spec.Source.Every.Duration)
	a.want.others = a.beside.Word()
}

// sourceErr is why one of an App's sources can't be read, or nil.
func (a *app) sourceErr() error { return cmp.Or(a.head.Err, a.beside.Err()) }

// revision is what the App is to be held to.
func (a *app) revision() release.Revision {
	r := a.head.Revision
	r.With = a.beside.With()
	return r
}

// besideMoved takes in that a source moved which Apps read beside their own.
func (e *engine) besideMoved(moved source.Move, h source.Head) {
	for r := range moved.Beside {
		a := e.apps[r.Who]
		before := a.want
		a.beside.Heads[r.Mount] = h
		a.want.others = a.beside.Word()
		e.touch(a)
		switch {
		case a.want == before: // an error, or its end
		case !r.Met && a.got.err == nil && !a.rendering && a.got.at(before):
			a.got.others, a.got.held, a.got.unchanged = a.want.others, a.revision(), true
		default:
			a.want.turn = e.turn
			if a.got.ok {
				a.cause = release.Cause{Trigger: release.TriggerSource, Actor: cmp.Or(h.Revision.Author, h.Ref.Name()), Seen: e.Now()}
			}
		}
	}
}

// takeNeeds follows what a render asked for. It says whether the render has to
// be done again once that is there.
func (e *engine) takeNeeds(a *app, r rendering) (missing bool) {
	missing = lacksSources(r.Err)
	a.got.want = r.want
	if slices.EqualFunc(a.beside.Needs, r.Needs, func(x, y render.Need) bool { return x.Mount() == y.Mount() }) {
		return missing
	}
	a.beside.Needs = r.Needs
	e.followBeside(a)
	e.Source.Follow(e.follows.Wanted())
	if !missing {
		a.got.others = a.want.others // it only needs less
	}
	return missing
}

// lacksSources says whether a render only waits for sources to be fetched.
func lacksSources(err error) bool {
	var missing render.Missing
	return errors.As(err, &missing)
}

// at says whether the same was rendered as another want asks for.
func (w want) at(other want) bool {
	return w.commit == other.commit && w.generation == other.generation && w.others == other.others
}

// stuck says that an App can't be rendered before something outside changes; so
// nobody should wait for it.
func (a *app) stuck() bool {
	return a.beside.Lacking() != "" || a.got.err != nil && a.want == a.got.want
}
