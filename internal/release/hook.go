package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumb.dev/plumb/internal/object"
)

// HookState is how the run of a hook stands.
type HookState string

// The states of a run.
const (
	HookStarting  HookState = "Starting"  // recorded; it may not have been made yet
	HookRunning   HookState = "Running"   // it was made
	HookSucceeded HookState = "Succeeded" // it ended well
	HookFailed    HookState = "Failed"    // it ended otherwise, or could not be made
)

// HookRun is one run of a hook: an object that a release made once.
type HookRun struct {
	Phase   string        `json:"phase"` // pre-sync, sync, post-sync, sync-fail, pre-delete, post-delete
	Object  object.Key    `json:"object"`
	Origin  object.Origin `json:"origin,omitzero"`
	State   HookState     `json:"state"`
	UID     string        `json:"uid,omitempty"` // of the object that was made
	Started time.Time     `json:"started"`
	Ended   time.Time     `json:"ended,omitzero"`
	Message string        `json:"message,omitempty"` // why it failed, or what it waits for
	Log     string        `json:"log,omitempty"`     // the end of what it printed, redacted
	Deleted bool          `json:"deleted,omitempty"` // the object was deleted after it ended
}

// Over says whether the run has ended.
func (h HookRun) Over() bool { return h.State == HookSucceeded || h.State == HookFailed }

// Occasion is what sort of release it is for hooks that ask.
type Occasion string

// The occasions.
const (
	Install  Occasion = "install"  // nothing of the App was live before
	Upgrade  Occasion = "upgrade"  // something was
	Rollback Occasion = "rollback" // its commit goes back to an earlier release
)

// Token names the release on the objects that its hooks make: after a kill they
// are found by it. It is another once the release has its ID.
func (r Release) Token() string {
	sum := sha256.Sum256([]byte(fmt.Sprint(r.App, " ", r.ID, " ", r.Seen.UnixNano())))
	const size = 5
	return hex.EncodeToString(sum[:size])
}

// HookRunning says whether the run of a hook has not ended.
func (r Release) HookRunning() bool {
	for _, run := range r.Hooks {
		if !run.Over() {
			return true
		}
	}
	return false
}

// EndHooks ends the runs that have not ended, of a release that does.
func (r *Release) EndHooks(now time.Time) {
	r.Ending = ""
	r.Hooks = slices.Clone(r.Hooks) // the record may be being read
	for i := range r.Hooks {
		if run := &r.Hooks[i]; !run.Over() {
			run.State, run.Ended, run.Message = HookFailed, now, "the release ended before it did"
		}
	}
}

// OccasionOf is what sort of release an App comes to at a revision; live says
// that there is something of it already.
func OccasionOf(app string, at Revision, live bool) Occasion {
	switch {
	case strings.HasPrefix(at.Message, "Roll back "+app+" to release "): // as package operate writes it
		return Rollback
	case live:
		return Upgrade
	default:
		return Install
	}
}

// HookFailed says whether the run of a hook failed.
func (r Release) HookFailed() bool {
	return slices.ContainsFunc(r.Hooks, func(run HookRun) bool { return run.State == HookFailed })
}
