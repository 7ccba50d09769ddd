package hooks

import (
	"fmt"
	"math"
	"time"

	"plumb.dev/plumb/internal/release"
)

// Moment is how far a release has come.
type Moment struct {
	Removed bool // its App is no longer declared
	Begun   bool // it is recorded
	Ending  bool // it failed, and its failure hooks are to run
	Left    int  // objects that are to be changed or deleted
	Due     bool // the hooks are to run though nothing is left
	Applied bool // all of it
	Healthy bool // all objects
	// Reached says whether a wave is applied, and the lower ones are healthy.
	Reached func(wave int) bool
}

// Standing is what is next of a release's hooks, and what that means for the
// rest of the release.
type Standing struct {
	Decision
	Phase Phase
	// Holds says that nothing else of the release may be done meanwhile.
	Holds bool
	// Barrier is the wave above which nothing is applied yet, where HasBarrier.
	Barrier    int
	HasBarrier bool
}

// Busy says whether the hooks have anything to do or to wait for.
func (s Standing) Busy() bool { return s.Step != Done || s.Failed != "" }

// Walk finds the phase that a release has come to, and what is next in it.
func Walk(all []Hook, f Facts, m Moment, now time.Time) Standing {
	switch {
	case m.Ending && m.Removed:
		return Standing{Holds: true}
	case m.Ending:
		s := at(SyncFail, all, f, now)
		s.Failed, s.Holds = "", true // that it failed is known
		return s
	case m.Removed && m.Left > 0:
		s := at(PreDelete, all, f, now)
		s.Holds = s.Busy()
		return s
	case m.Removed && m.Begun:
		s := at(PostDelete, all, f, now)
		s.Holds = s.Busy()
		return s
	case m.Removed || !m.Begun && m.Left == 0 && !m.Due:
		return Standing{}
	}
	return forward(all, f, m, now)
}

// forward walks through the phases of a release that goes well.
func forward(all []Hook, f Facts, m Moment, now time.Time) (s Standing) {
	barrier, has := Barrier(all, f)
	defer func() { s.Barrier, s.HasBarrier = barrier, has }()
	if s = at(PreSync, all, f, now); s.Busy() {
		s.Holds = s.Failed != "" || inPhase(s, f)
		return s
	}
	f.Wave = reached(all, f.Occasion, m)
	if s = at(Sync, all, f, now); s.Busy() {
		s.Holds = s.Failed != ""
		return s
	}
	applied := m.Applied || !m.Begun // where hooks alone changed, there was nothing to apply
	if has || !applied || !m.Healthy || m.Left > 0 {
		return Standing{}
	}
	return at(PostSync, all, f, now)
}

// inPhase says whether what the hooks are busy with is of the phase itself, and
// not the end of what began in another.
func inPhase(s Standing, f Facts) bool {
	for _, run := range f.Runs {
		if !run.Over() {
			return run.Phase == string(s.Phase)
		}
	}
	return true
}

func at(p Phase, all []Hook, f Facts, now time.Time) Standing {
	f.Phase = p
	return Standing{Decision: Next(all, f, now), Phase: p}
}

// reached is the highest wave of sync hooks that may run.
func reached(all []Hook, o release.Occasion, m Moment) int {
	wave := math.MinInt
	for _, h := range Of(all, Sync, o) {
		if !m.Reached(h.Desired.Wave) {
			break
		}
		wave = h.Desired.Wave
	}
	return wave
}

// Text says which hook is waited for, and by how many objects; empty where none is.
func (s Standing) Text(open *release.Release, left int) string {
	switch {
	case s.Waits == "" && open != nil:
		return open.Ending
	case s.Waits != "" && left == 1 && s.Holds:
		return s.Waits + "; 1 object waits for it"
	case s.Waits != "" && left > 0 && s.Holds:
		return fmt.Sprintf("%s; %d objects wait for it", s.Waits, left)
	default:
		return s.Waits
	}
}
