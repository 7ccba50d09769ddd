package ledger

import (
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// Permit says what may be changed now. Looking at what may have drifted
// changes nothing, and is always allowed.
type Permit struct {
	Intended bool   // to apply what is declared, and to delete what isn't any more
	Only     Grants // where it isn't nil, of that only what was approved
	Waiting  bool   // what is declared waits for another App
	Due      bool   // what failed may be tried again
}

// allows says whether a change is within the permit.
func (p Permit) allows(c plan.Change) bool {
	switch {
	case c.Action == plan.Check:
		return true
	case !p.Intended:
		return false
	default:
		return p.Only == nil || p.Only.allow(c)
	}
}

// Grants are what an approved plan lets through.
type Grants map[object.Key]grant

// grant is one change that was approved.
type grant struct {
	prune  bool
	digest string // of what is to be applied
}

// GrantsOf is what a plan lets through once it is approved. It is never nil.
func GrantsOf(p plan.Plan) Grants {
	grants := make(Grants, len(p.Changes))
	for _, c := range p.Changes {
		grants[c.Key] = grant{prune: c.Action == plan.Prune, digest: c.Desired.Digest}
	}
	return grants
}

func (g Grants) allow(c plan.Change) bool {
	one, ok := g[c.Key]
	return ok && one.prune == (c.Action == plan.Prune) && (one.prune || one.digest == c.Desired.Digest)
}

// Changes lists what is to be applied now, at most so many: what changed and
// waits for no lower wave, what may have drifted, and what failed when it is due
// again.
func (l *Ledger) Changes(p Permit, most int) (changes []plan.Change) {
	front := l.waves.front()
	for _, key := range l.order {
		if len(changes) == most {
			break
		}
		o := l.objects[key]
		if o.Desired.Wave > front && o.canWait() {
			continue
		}
		switch o.class() {
		case inLine, refused, terminating, paused, told:
			continue
		case failing:
			if !p.Due || p.Waiting {
				continue
			}
		}
		if c := o.change(); p.allows(c) && !(p.Waiting && o.intended()) {
			changes = append(changes, c)
		}
	}
	return changes
}

// change is what to do with a declared object that is out of line.
func (o *Object) change() plan.Change {
	c := plan.Change{Key: o.Desired.Key, Desired: o.Desired}
	switch o.Standing {
	case plan.Missing:
		c.Action, c.Reason = plan.Create, "is declared and not there"
	case plan.Changed, plan.Foreign:
		c.Action, c.Reason = plan.Update, "is declared otherwise"
	default:
		c.Action = plan.Check
	}
	return c
}

// Work is what is left to do of an approved plan; it isn't counted further than
// to one of each.
type Work struct{ Changes, Failing, Prunes, Queued int }

// Any says whether anything is left.
func (w Work) Any() bool { return w != Work{} }

// Granted finds what is left to do of an approved plan.
func (l *Ledger) Granted(g Grants) (w Work) {
	pruning := l.pruneFront()
	for key, one := range g {
		if one.prune {
			switch left := l.leftovers[key]; {
			case left == nil || !l.prunable(left):
			case left.live.Wave < pruning:
				w.Queued = 1
			default:
				w.Prunes = 1
			}
			continue
		}
		o := l.objects[key]
		switch {
		case o == nil || o.Desired.Digest != one.digest || !o.intended():
		case l.queued(o):
			w.Queued = 1
		case o.class() == failing:
			w.Failing = 1
		default:
			w.Changes = 1
			return w
		}
	}
	return w
}
