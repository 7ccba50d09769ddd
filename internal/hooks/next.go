package hooks

import (
	"fmt"
	"slices"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
)

// Facts are all that decides what is next of a release's hooks.
type Facts struct {
	// Runs and Token are the release's: what began so far, and its name on
	// objects. Occasion is what sort it is.
	Runs     []release.HookRun
	Token    string
	Occasion release.Occasion
	// Phase is the moment that the release has come to. In the phase Sync the
	// hooks of waves above Wave wait.
	Phase Phase
	Wave  int
	// Live is what the view knows of an object.
	Live func(object.Key) (plan.Live, bool)
	// Timeout is for hooks that name no limit of their own.
	Timeout time.Duration
}

// Step is what is next.
type Step uint8

// The steps.
const (
	Done   Step = iota // nothing is left of the phase
	Wait               // for an event, or until Decision.Until
	Start              // make the objects of Starts
	End                // take in how the runs of Ends ended
	Delete             // delete the objects of Deletes: the phase is over
)

// Decision is what is next of a release's hooks.
type Decision struct {
	Step    Step
	Starts  []Hook
	Ends    []Ending
	Deletes []int // which runs
	Until   time.Time
	// Failed says why the phase failed, with Done; empty when it did not. With
	// Wait, it is what is waited for.
	Failed, Waits string
}

// Ending is how a run ended.
type Ending struct {
	Run     int
	State   release.HookState
	Message string
}

// Next decides what is next of a release's hooks. What runs is taken in first,
// whatever the phase: a run that began is never forgotten.
func Next(all []Hook, f Facts, now time.Time) Decision {
	if d, busy := f.running(all, now); busy {
		return d
	}
	failed := ""
	hooks := Of(all, f.Phase, f.Occasion)
	for from := 0; from < len(hooks) && failed == ""; {
		to := from + 1
		for to < len(hooks) && together(hooks[from], hooks[to]) {
			to++
		}
		if f.Phase == Sync && hooks[from].Desired.Wave > f.Wave {
			return Decision{}
		}
		starts, wrong := f.group(hooks[from:to])
		if failed = wrong; len(starts) > 0 && failed == "" {
			return Decision{Step: Start, Starts: starts}
		}
		from = to
	}
	if deletes := f.deletes(all, hooks); len(deletes) > 0 {
		return Decision{Step: Delete, Deletes: deletes}
	}
	return Decision{Failed: failed}
}

// group says which hooks of a group have not begun, and what of it failed.
func (f Facts) group(hooks []Hook) (starts []Hook, failed string) {
	for _, h := range hooks {
		run := f.runOf(h)
		switch {
		case run < 0:
			starts = append(starts, h)
		case f.Runs[run].State == release.HookFailed && failed == "":
			failed = FailureOf(f.Runs[run])
		}
	}
	return starts, failed
}

// FailureOf says for people that a hook failed, and why.
func FailureOf(r release.HookRun) string {
	return fmt.Sprintf("the %s hook %s failed: %s", r.Phase, r.Object, r.Message)
}

// runOf finds the run of a hook in the phase, or -1.
func (f Facts) runOf(h Hook) int {
	key := h.Key(f.Token)
	return slices.IndexFunc(f.Runs, func(r release.HookRun) bool { return r.Phase == string(f.Phase) && r.Object == key })
}

// running goes on with what has begun and not ended.
func (f Facts) running(all []Hook, now time.Time) (d Decision, busy bool) {
	for i, run := range f.Runs {
		if run.Over() {
			continue
		}
		busy = true
		h := hookOf(all, run, f.Token)
		until := run.Started.Add(f.limit(h))
		ending, over := f.ending(run, !now.Before(until))
		ending.Run = i
		switch live, there := f.Live(run.Object); {
		case over:
			d.Ends = append(d.Ends, ending)
			continue
		case run.State != release.HookStarting, there && live.Deleting:
		case h != nil:
			d.Starts = append(d.Starts, *h)
		default:
			d.Ends = append(d.Ends, Ending{Run: i, State: release.HookFailed, Message: "it was not made before it ceased to be declared"})
			continue
		}
		if d.Waits == "" {
			d.Waits = fmt.Sprintf("the %s hook %s runs", run.Phase, run.Object)
		}
		if d.Until.IsZero() || until.Before(d.Until) {
			d.Until = until
		}
	}
	switch {
	case len(d.Ends) > 0:
		d.Step = End
	case len(d.Starts) > 0:
		d.Step = Start
	default:
		d.Step = Wait
	}
	return d, busy
}

// ending says whether a run is over, and how; late, that its time is.
func (f Facts) ending(run release.HookRun, late bool) (e Ending, over bool) {
	live, there := f.Live(run.Object)
	mine := there && live.Run != nil && live.Run.Token == Mark(f.Token, run.Phase) && (run.UID == "" || run.UID == live.UID)
	switch {
	case mine && live.Run.Ended && live.Run.Failed:
		return Ending{State: release.HookFailed, Message: live.Run.Message}, true
	case mine && live.Run.Ended:
		return Ending{State: release.HookSucceeded}, true
	case run.State == release.HookRunning && (!mine || live.Deleting):
		return Ending{State: release.HookFailed, Message: "it was deleted before its end was seen"}, true
	case late && run.State == release.HookStarting:
		return Ending{State: release.HookFailed, Message: "it could not be made in time: " + run.Message}, true
	case late && live.Run.Message != "":
		return Ending{State: release.HookFailed, Message: "it did not end in time: " + live.Run.Message}, true
	case late:
		return Ending{State: release.HookFailed, Message: "it did not end in time"}, true
	}
	return e, false
}

// limit is how long a run may take.
func (f Facts) limit(h *Hook) time.Duration {
	if h != nil && h.Limit > 0 {
		return h.Limit
	}
	return f.Timeout
}

// hookOf finds what a run is of; nil when that isn't declared any more.
func hookOf(all []Hook, run release.HookRun, token string) *Hook {
	for i := range all {
		if all[i].Key(token) == run.Object {
			return &all[i]
		}
	}
	return nil
}

// deletes are the runs of the phase whose objects are to be deleted, now that
// it is over. In the phase Sync they stay until all of its hooks have run.
func (f Facts) deletes(all, hooks []Hook) (runs []int) {
	for i, run := range f.Runs {
		if run.Deleted || run.UID == "" || run.Phase != string(f.Phase) {
			continue
		}
		h := hookOf(all, run, f.Token)
		if h == nil || !slices.ContainsFunc(hooks, func(one Hook) bool { return one.Desired.Key == h.Desired.Key }) {
			continue
		}
		if run.State == release.HookSucceeded && h.Deletes(OnSuccess) || run.State == release.HookFailed && h.Deletes(OnFailure) {
			runs = append(runs, i)
		}
	}
	return runs
}

// Barrier is the lowest wave of a sync hook that has not succeeded: what is of
// higher waves waits for it.
func Barrier(all []Hook, f Facts) (wave int, some bool) {
	f.Phase = Sync
	for _, h := range Of(all, Sync, f.Occasion) {
		if run := f.runOf(h); run < 0 || f.Runs[run].State != release.HookSucceeded {
			return h.Desired.Wave, true // they are in the order of their waves
		}
	}
	return 0, false
}
