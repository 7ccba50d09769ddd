package ledger

import (
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// Object is one declared object and how it stands.
type Object struct {
	Desired  plan.Desired
	Standing plan.Standing
	Health   health.Verdict
	Err      error // why it could not be compared or applied; nil once something about it changed
	Rival    error // why it is left to another App
	Paused   bool  // it is paused by itself

	waits    bool // Err says that it merely waits for another
	found    *found
	applying bool // a worker applies it, so what is seen of it may be our own doing
	truce    bool // it is fought over, and left alone for now
	live     base // what it was judged against
}

// base is what a plan depends on of a live object.
type base struct {
	uid         string
	fingerprint uint64
}

// found is what a check found of an object that is left as it is.
type found struct {
	version uint64 // of the live object that was checked; 0 when it is gone
	reason  string
}

// Failure is why the object isn't as declared, where that isn't only a matter
// of time; nil otherwise.
func (o Object) Failure() error {
	if o.Err != nil {
		return o.Err
	}
	return o.Rival
}

// drifted says whether someone may have changed the object.
func (o *Object) drifted() bool { return o.Standing == plan.Gone || o.Standing == plan.Moved }

// declaredOtherwise says whether what is declared is what differs, not what is live.
func (o *Object) declaredOtherwise() bool {
	return o.Standing == plan.Missing || o.Standing == plan.Changed || o.Standing == plan.Foreign
}

// intended says whether the object is out of line because of what is declared.
func (o *Object) intended() bool { return o.Rival == nil && !o.Paused && o.declaredOtherwise() }

// class is the one way in which an object counts.
type class uint8

const (
	inLine      class = iota
	refused           // left to another App
	terminating       // must be gone before it can come again
	paused            // out of line, and paused by itself
	changing          // to be applied, or being applied
	failing           // what was tried failed
	told              // drift that is known and left as it is for now
	drifted           // may have been changed by someone: to be checked
	unsure            // nothing is known: to be checked
)

// class says how the object counts, and so what is to be done with it.
func (o *Object) class() class {
	switch {
	case o.Rival != nil:
		return refused
	case o.Standing == plan.Terminating:
		return terminating
	case o.Standing == plan.InLine:
		return inLine
	case o.Paused && (o.declaredOtherwise() || o.found != nil):
		return paused
	case o.applying:
		return changing
	case o.drifted() && (o.truce || o.found != nil):
		return told
	case o.Err != nil:
		return failing
	case o.drifted():
		return drifted
	case o.Standing == plan.Unsure:
		return unsure
	default:
		return changing
	}
}

// Counts are how many objects stand how; each counts once, and those in line
// don't.
type Counts struct {
	Changes     int // declared otherwise than live, or being applied
	Drifted     int // maybe changed by someone: the server must be asked
	Unsure      int // of which nothing is known: the server must be asked
	Told        int // changed by someone, and left as they are for now
	Failing     int // could not be compared or applied
	Stuck       int // of the failing ones, those that aren't declared otherwise
	Terminating int // must be gone before they can come again
	Refused     int // left to another App
	Paused      int // out of line, and paused by themselves
	Queued      int // declared otherwise than live, or failing, and behind a lower wave

	// Health is of all of them, also those in line; of these, Missing were never there.
	Health  health.Count
	Missing int
}

// add counts an object, or with n = -1 takes it back.
func (c *Counts) add(o *Object, n int) {
	c.Health.Add(o.Health.Health, n)
	if o.Standing == plan.Missing {
		c.Missing += n
	}
	switch o.class() {
	case inLine:
	case refused:
		c.Refused += n
	case terminating:
		c.Terminating += n
	case paused:
		c.Paused += n
	case changing:
		c.Changes += n
	case failing:
		c.Failing += n
		if !o.intended() {
			c.Stuck += n
		}
	case told:
		c.Told += n
	case drifted:
		c.Drifted += n
	case unsure:
		c.Unsure += n
	}
}

// Intended is how many are out of line because of what is declared, and no
// longer declared ones not counted.
func (c Counts) Intended() int { return c.Changes + c.Failing - c.Stuck + c.Queued }

// OutOfLine says whether any is known not to be as declared.
func (c Counts) OutOfLine() bool {
	return c.Changes+c.Drifted+c.Told+c.Failing+c.Terminating+c.Refused+c.Paused+c.Queued > 0
}

// Works says whether none is known to be worse than healthy or stopped on purpose.
func (c Counts) Works() bool { return health.Enough(c.Health.Worst()) }

// WorstHealth is the worst health of all.
func (c Counts) WorstHealth() status.Health { return c.Health.Worst() }

// HealthOfPast is the worst health of what was applied before: those that were
// never there don't count.
func (c Counts) HealthOfPast() status.Health {
	c.Health.Add(status.Progressing, -c.Missing)
	return c.Health.Worst()
}
