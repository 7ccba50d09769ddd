package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// Guard is what the App says of deleting what it no longer declares.
type Guard struct {
	Removed    bool // the App itself is no longer declared
	AllowEmpty bool // to declare nothing at all, or no namespace any more, is meant
}

// SetGuard takes in what the App says of deleting.
func (l *Ledger) SetGuard(g Guard) { l.guard, l.left = g, nil }

// leftover is a live object of the App that is no longer declared.
type leftover struct {
	live   plan.Live
	paused bool  // it is paused by itself
	kept   error // why the target kept it
	err    error // why it could not be deleted
}

// Leftover is a live object of the App that is no longer declared.
type Leftover struct {
	Live plan.Live
	Kept error // which guard keeps it, if one does
	Err  error // why it could not be deleted
}

// Prune is its deletion.
func (left Leftover) Prune() plan.Change {
	return plan.Change{Action: plan.Prune, Key: left.Live.Key, Live: left.Live, Reason: "is no longer declared"}
}

// Leave brings one live object that the App may not declare up to date.
func (l *Ledger) Leave(key object.Key, s Seen) {
	l.left = nil
	left := l.leftovers[key]
	if !s.Exists || s.Live.App != l.app.Label || !s.Live.Own || l.objects[key] != nil || len(s.Claimants) > 0 {
		if left != nil { // gone, handed over, or declared
			l.situation++
			delete(l.leftovers, key)
		}
		return
	}
	if left == nil {
		left = &leftover{}
		l.leftovers[key] = left
		l.situation++
	} else if left.paused != s.Paused {
		l.situation++
	}
	if left.live.Freed != s.Live.Freed {
		left.kept = nil
	}
	left.live, left.paused = s.Live, s.Paused
}

// ForgetLeftovers forgets all of them, to be noted anew.
func (l *Ledger) ForgetLeftovers() {
	clear(l.leftovers)
	l.left = nil
}

// Pruned takes in what came of deleting an object; kept says that err is a
// guard of the target. It says whether the object is still left over.
func (l *Ledger) Pruned(key object.Key, err error, kept bool) bool {
	l.left = nil
	left := l.leftovers[key]
	switch {
	case left == nil:
		return false
	case kept:
		left.kept = err
	default:
		left.err = err
	}
	return true
}

// AskAgain lets the target decide anew about what it kept.
func (l *Ledger) AskAgain() {
	l.left = nil
	for _, left := range l.leftovers {
		left.kept = nil
	}
}

// Left counts what is left over.
type Left struct {
	Prunes   int // to be deleted
	Deleting int // being deleted
	Paused   int // to be deleted, but paused by themselves
	Guarded  int // kept until someone says that it is meant
	Queued   int // to be deleted when what is of higher waves is gone
}

// Any says whether anything is to be deleted, though perhaps not now. What is
// kept for good isn't.
func (l Left) Any() bool { return l.Prunes+l.Deleting+l.Paused+l.Guarded+l.Queued > 0 }

// Left counts what is left over.
func (l *Ledger) Left() Left {
	if l.left == nil {
		var n Left
		front := l.pruneFront()
		for _, left := range l.leftovers {
			switch {
			case left.live.Deleting:
				n.Deleting++
			case left.keptForGood() != nil:
			case l.holdsBack(left) != nil:
				n.Guarded++
			case left.paused:
				n.Paused++
			case left.live.Wave < front:
				n.Queued++
			default:
				n.Prunes++
			}
		}
		l.left = &n
	}
	return *l.left
}

// Leftovers lists what is left over, sorted.
func (l *Ledger) Leftovers() []Leftover {
	list := make([]Leftover, 0, len(l.leftovers))
	for _, left := range l.leftovers {
		list = append(list, Leftover{Live: left.live, Kept: l.keeps(left), Err: left.err})
	}
	slices.SortFunc(list, func(a, b Leftover) int { return strings.Compare(a.Live.Key.ID(), b.Live.Key.ID()) })
	return list
}

// Prunes lists what is to be deleted now, at most so many: the highest wave of
// it. With less than 0 it lists all.
func (l *Ledger) Prunes(p Permit, most int) (changes []plan.Change) {
	front := l.pruneFront()
	for _, left := range l.leftovers {
		if len(changes) == most {
			break
		}
		if c := (Leftover{Live: left.live}).Prune(); l.prunable(left) && (most < 0 || left.live.Wave >= front) && p.allows(c) {
			changes = append(changes, c)
		}
	}
	return changes
}

// prunable says whether nothing but the gate keeps a leftover.
func (l *Ledger) prunable(left *leftover) bool {
	return !left.live.Deleting && !left.paused && l.keeps(left) == nil
}

// keeps says which guard keeps a leftover from being deleted, if one does.
func (l *Ledger) keeps(left *leftover) error {
	if err := left.keptForGood(); err != nil {
		return err
	}
	return l.holdsBack(left)
}

// keptForGood says why an object outlives its declaration: it is meant to, or
// more would go with it.
func (left *leftover) keptForGood() error {
	if left.live.Keep {
		return fmt.Errorf("kept: %s is %s", object.AnnotationPrune, object.PruneNever)
	}
	return left.kept
}

// holdsBack says why an App deletes nothing, or no namespace, before someone
// says that it is meant.
func (l *Ledger) holdsBack(left *leftover) error {
	switch {
	case l.guard.AllowEmpty:
	case !l.guard.Removed && len(l.order) == 0:
		return errors.New("kept: the App declares no object at all, which is more often a mistake than meant; " +
			"set sync.allowEmpty, or remove the App")
	case plan.StageOf(left.live.Key) == plan.StageNamespace && !l.declaresNamespace():
		return errors.New("kept: it is among the App's last namespaces, and all that is in it would go with it; " +
			"set sync.allowEmpty, or delete it by hand")
	}
	return nil
}
