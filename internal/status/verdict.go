package status

import (
	"fmt"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/release"
)

// State is what became of a commit in an App.
type State string

// The states.
const (
	Done    State = "Done"    // in line with it, or with a later one, and healthy
	Failed  State = "Failed"  // an attempt failed, or it isn't healthy in time
	Held    State = "Held"    // something must come first: an approval, a window, the end of a pause
	Pending State = "Pending" // under way
)

// Verdict tells what became of a commit in an App.
type Verdict struct {
	App      string `json:"app" doc:"The App, NAMESPACE/NAME."`
	State    State  `json:"state" enum:"Done,Failed,Held,Pending" doc:"What became of the commit there."`
	Message  string `json:"message,omitempty" doc:"Why, for people."`
	Revision string `json:"revision" doc:"The commit that the App is held against: that one or a later one when it is done."`
}

// Decided says whether waiting longer would bring nothing.
func (v Verdict) Decided() bool { return v.State != Pending }

// Judge tells what became of a commit in an App. has says that the newest commit
// of the App's source is that one or a later one; newest is the App's newest
// release, if there is any.
func Judge(a App, has bool, newest *release.Release) Verdict {
	v := Verdict{App: a.ID(), Revision: a.Revision, State: Pending, Message: a.Message}
	current := has && a.Revision != "" && a.Revision == a.Source.Newest
	switch {
	case !has:
		v.Message = "the commit isn't in what the App follows, or was not seen yet"
		if a.Source.Error != "" {
			v.Message += ": " + a.Source.Error
		}
	case current && a.Sync == Synced && a.Health.enough():
		v.State, v.Message = Done, ""
	case a.Behind:
		if a.Failures > 0 || a.Message == "" {
			v.Message = "about to be rendered"
		}
	case a.Syncing:
		if a.Failures > 0 || a.Message == "" {
			v.Message = "about to be tried again"
		}
	case a.failed(newest):
		v.State, v.Message = Failed, newest.Reason
	case a.Hold != nil && a.Hold.Reason == gate.HeldByFailure:
		v.State, v.Message = Failed, a.Hold.Message
	case a.Hold != nil:
		v.State, v.Message = Held, a.Hold.Message
	case a.Failures > 0:
		v.State = Failed
	case v.Message == "":
		v.Message = fmt.Sprintf("%s, %s", a.Sync, a.Health)
	}
	return v
}

// failed says whether the newest release is of the newest commit, and has failed.
func (a App) failed(newest *release.Release) bool {
	return newest != nil && newest.Outcome == release.Failed && newest.Revision.Commit == a.Source.Newest &&
		(a.Failures > 0 || !newest.Finished.IsZero())
}

// enough says whether a health is as good as it gets. What isn't known isn't
// waited for: nobody would tell when it is better.
func (h Health) enough() bool { return h == Healthy || h == Suspended || h == HealthUnset }
