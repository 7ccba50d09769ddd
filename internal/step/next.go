// Package step decides what an App does next: from what is known of it and the
// time to one step, and when to look again.
//
// It is pure, and says what is to be done, never how: the deliver flow gathers
// the facts and does it. What may be changed is the gate's to say, how objects
// stand the ledger's, what hooks do next package hooks'; here it comes together.
//
// Invariants: a worker is given to an App only where it finds something to do;
// whatever waits, waits for an event or for a time that the decision names.
package step

import (
	"time"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/status"
)

// Facts are all that decides what an App does next.
type Facts struct {
	// Held is set when the declaration can't be used. An App that was rendered
	// before goes on as it was declared then; another does nothing.
	Held bool
	// Removed is set when the App is no longer declared.
	Removed bool
	// StopIntended is set while what is declared otherwise must not be applied,
	// and StopCorrections while drift must not be put right: by the App's mode,
	// a pause, a window, a failed release, or for want of an approval.
	StopIntended, StopCorrections bool
	// Intended counts what is held back by StopIntended.
	Intended int
	// Propose is set when a plan of it is to be made, from ProposeAt on.
	Propose   bool
	ProposeAt time.Time
	// Standby is set while another daemon holds the root: nothing is changed.
	Standby bool
	// Busy is set while a worker has the App.
	Busy bool

	// Revision is set once the source has yielded a commit.
	Revision bool
	// Stale is set when the newest commit or declaration isn't rendered yet.
	Stale bool
	// Rendered is set once a render went well.
	Rendered bool
	// Incomplete is set while some rendered object could not be fitted to the
	// target, as one of an unknown kind.
	Incomplete bool
	// RenderFailed is set when the last render failed; RenderRetry, when trying
	// again may help.
	RenderFailed, RenderRetry bool

	// Known is set when the view knows every object that matters.
	Known bool
	// Waiting is set while an App that this one depends on is not ready.
	Waiting bool

	// Changes, Drifted and Failing count objects that are to be applied:
	// declared otherwise than live, to be compared with the server, or failed
	// at the last attempt.
	Changes, Drifted, Failing int
	// Terminating counts objects that must be gone before they can come again.
	Terminating int
	// Told counts objects that drifted, were looked at, and are left as they are
	// for now.
	Told int
	// Queued counts objects that wait for a lower wave to be applied and healthy.
	Queued int
	// HookStarts and HookEnds are set when a hook is to begin, or one's end to be
	// taken in; HookWaits, while any has to, or runs. HookHolds keeps all else of
	// the release from going on. HookBegun is set when the release may go on,
	// though nothing new may begin.
	HookStarts, HookEnds, HookWaits, HookHolds, HookBegun bool
	// Ending is set when the open release failed and its failure hooks run.
	Ending bool
	// Prunes counts objects that are no longer declared. PruneHeld is set while
	// another App may still take them over.
	Prunes    int
	PruneHeld bool

	// Kept counts objects that are no longer declared, but paused by themselves.
	Kept int

	// Crashed is set when the work on the App panicked, and did not go well since.
	Crashed bool
	// RetryAt is when what failed may be tried again.
	RetryAt time.Time

	// LookAt is when everything is to be checked with the server; zero is never.
	LookAt time.Time

	// Open is set while an intended release has not ended; Landed, when all of it
	// is applied.
	Open, Landed bool
	// Health is the worst of the App's objects; Deadline, when a release must
	// be healthy.
	Health   status.Health
	Deadline time.Time
}

// Step is what an App does next.
type Step uint8

// The steps.
const (
	Rest          Step = iota // nothing, until something happens or Until comes
	Render                    // read and render the newest revision
	Sync                      // check what may have drifted, and apply what is out of line
	Prune                     // delete what is no longer declared
	Look                      // check everything with the server, though it seems in line
	Propose                   // make the plan of what is held back, for someone to approve
	RunHooks                  // begin hooks, or take in how they ended
	FinishHealthy             // end the open release: applied and healthy
	FinishLate                // end the open release: not healthy in time
	FinishFailed              // end the open release: its failure hooks ran
	Forget                    // a removed App has nothing left
)

// Decision is a step, and when to decide again if nothing happens before; zero
// is never.
type Decision struct {
	Step  Step
	Until time.Time
}

// Next decides. It is pure: the same facts and time give the same decision.
func Next(f Facts, now time.Time) Decision {
	switch {
	case f.Busy, f.Held && !f.Rendered, f.Removed && f.Standby:
		return Decision{}
	case f.Removed:
		return nextRemoved(f, now)
	case f.Revision && f.Stale && !f.RenderFailed:
		return Decision{Step: Render}
	case f.Revision && f.Stale && f.RenderRetry && !now.Before(f.RetryAt):
		return Decision{Step: Render}
	}
	var d Decision
	switch {
	case f.Crashed && now.Before(f.RetryAt):
		d.Until = f.RetryAt
	case !f.Rendered || !f.Known || f.Standby:
	default: // hold to the last good render
		d = nextRendered(f, now)
	}
	if d.Step == Rest && f.Revision && f.Stale && f.RenderRetry {
		d.Until = Sooner(d.Until, f.RetryAt)
	}
	return d
}

// nextRendered decides for an App whose declared objects are known.
func nextRendered(f Facts, now time.Time) Decision {
	due := !now.Before(f.RetryAt)
	if f.Drifted > 0 { // where it must not be put right, it is looked at
		return Decision{Step: Sync}
	}
	if d, decided := nextHook(f, now); decided {
		return d
	}
	switch {
	case f.Changes > 0 && !f.Waiting && !f.StopIntended:
		return Decision{Step: Sync}
	case f.Failing > 0 && !f.Waiting && due:
		return Decision{Step: Sync}
	case f.StopIntended && f.Intended > 0:
		return nextHeld(f, now)
	case f.Failing > 0 && !f.Waiting:
		return Decision{Until: f.RetryAt}
	case f.Changes > 0 || f.Failing > 0 || f.Terminating > 0:
		return Decision{} // an event will tell
	case f.Queued > 0:
		return nextQueued(f, now)
	case f.Prunes > 0 && (f.PruneHeld || f.RenderFailed):
		return Decision{}
	case f.Prunes > 0 && due:
		return Decision{Step: Prune}
	case f.Prunes > 0:
		return Decision{Until: f.RetryAt}
	default:
		return nextInLine(f, now)
	}
}

// nextHook decides where hooks have something to do, or hold up the rest; it
// says false where they don't.
func nextHook(f Facts, now time.Time) (d Decision, decided bool) {
	due, begun := !now.Before(f.RetryAt), f.HookBegun || !f.StopIntended
	starts := f.HookStarts && begun && !f.Waiting
	switch {
	case (f.HookEnds || starts) && due:
		return Decision{Step: RunHooks}, true
	case f.Ending && !f.HookWaits:
		return Decision{Step: FinishFailed}, true
	case f.HookEnds || starts:
		d.Until = f.RetryAt
	}
	return d, f.HookHolds && begun && f.Failing == 0
}

// nextQueued decides for an App whose higher waves wait for a lower one to be
// healthy.
func nextQueued(f Facts, now time.Time) Decision {
	switch {
	case !f.Open || f.HookWaits:
		return Decision{}
	case !now.Before(f.Deadline):
		return Decision{Step: FinishLate}
	default:
		return Decision{Until: f.Deadline}
	}
}

// nextHeld decides for an App whose changes are held back. What was applied
// before comes to its end meanwhile.
func nextHeld(f Facts, now time.Time) Decision {
	var d Decision
	switch {
	case f.Propose && !f.PruneHeld && !now.Before(f.ProposeAt):
		return Decision{Step: Propose}
	case f.Propose && !f.PruneHeld:
		d.Until = f.ProposeAt
	}
	if f.Open && f.Landed {
		f.LookAt = time.Time{}
		if end := nextInLine(f, now); end.Step != Rest {
			return end
		} else {
			d.Until = Sooner(d.Until, end.Until)
		}
	}
	if f.Failing > 0 && now.Before(f.RetryAt) {
		d.Until = Sooner(d.Until, f.RetryAt)
	}
	return d
}

// nextInLine decides for an App whose objects all are as declared.
func nextInLine(f Facts, now time.Time) Decision {
	healthy := health.Enough(f.Health)
	switch {
	case f.HookWaits || f.Ending:
		return Decision{}
	case f.Open && f.Incomplete:
		return Decision{} // it ends when all of it could be applied
	case f.Open && healthy:
		return Decision{Step: FinishHealthy}
	case f.Open && !now.Before(f.Deadline):
		return Decision{Step: FinishLate}
	case f.Open:
		return Decision{Until: f.Deadline}
	case f.LookAt.IsZero() || now.Before(f.LookAt):
		return Decision{Until: f.LookAt}
	default:
		return Decision{Step: Look}
	}
}

// nextRemoved decides for an App that is no longer declared: its objects go,
// and then it is forgotten.
func nextRemoved(f Facts, now time.Time) Decision {
	if !f.Known {
		return Decision{}
	}
	if d, decided := nextHook(f, now); decided {
		return d
	}
	switch {
	case f.Prunes+f.Intended+f.Terminating+f.Kept == 0:
		return Decision{Step: Forget}
	case f.StopIntended && f.Intended > 0:
		return nextHeld(f, now)
	case f.Prunes == 0 || f.PruneHeld:
		return Decision{}
	case now.Before(f.RetryAt):
		return Decision{Until: f.RetryAt}
	default:
		return Decision{Step: Prune}
	}
}

// Sooner is the earlier of two times, of which zero is never.
func Sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
