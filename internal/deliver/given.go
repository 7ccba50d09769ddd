package deliver

import (
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/target"
)

// noteGiven sees to it that what values are taken from is watched.
func (e *engine) noteGiven() {
	keys, moved := e.takers.Moved()
	if noter, ok := e.target.(target.Noter); ok && moved {
		noter.Note(keys)
	}
}

// took notes what a render took from the target. What changed while it ran is
// taken anew.
func (e *engine) took(a *app, r rendering) {
	stirred := a.stirred
	a.stirred = false
	if !r.same {
		a.taken = given.Taken{Versions: r.Given, Served: r.Served}
	}
	if stirred {
		e.stir(a)
	}
}

// noted takes in that objects changed that values are taken from.
func (e *engine) noted(keys map[object.Key]struct{}) {
	for key := range keys {
		for _, id := range e.takers.Of(key) {
			e.stir(e.apps[id])
		}
	}
}

// stir renders an App anew if the target has something else by now than its
// last render took: at once, or after the render that is under way.
func (e *engine) stir(a *app) {
	if a != nil && a.rendering {
		a.stirred = true
		return
	}
	if a == nil || a.removed || !pipeline.Stale(e.target, a.taken) {
		return
	}
	a.want.generation++
	a.want.turn = e.turn
	a.cause = release.Cause{Trigger: release.TriggerSource, Seen: e.Now()}
	e.touch(a)
}
