package gate

import (
	"time"

	"plumb.dev/plumb/internal/object"
)

// Pause is a lease on leaving things as they are: while it holds, nothing that
// it covers is changed, and what differs is still shown.
type Pause struct {
	// App is NAMESPACE/NAME; empty means every App.
	App string `json:"app,omitempty" doc:"The App (NAMESPACE/NAME) that is paused; absent when all are."`
	// Object narrows it to one object of the App; nil means all of them.
	Object *object.Key `json:"object,omitempty" doc:"The one object that is paused; absent when the whole App is."`
	By     string      `json:"by" doc:"Who paused it."`
	Reason string      `json:"reason" doc:"Why."`
	Since  time.Time   `json:"since" doc:"Since when."`
	Until  time.Time   `json:"until" doc:"When it ends by itself."`
}

// ID names what a pause covers; there is one pause for each.
func (p Pause) ID() string {
	switch {
	case p.App == "":
		return "all"
	case p.Object == nil:
		return p.App
	default:
		return p.App + " " + p.Object.ID()
	}
}

// Approval is what someone said of one plan.
type Approval struct {
	App    string    `json:"app" doc:"The App, NAMESPACE/NAME."`
	Plan   string    `json:"plan" doc:"The hash of the plan."`
	By     string    `json:"by" doc:"Who said it."`
	Why    string    `json:"why,omitempty" doc:"What they gave as the reason."`
	Refuse bool      `json:"refuse,omitempty" doc:"True where the plan was turned down."`
	At     time.Time `json:"at" doc:"When."`
}

// Reason is why an App is held, in one word.
type Reason string

// The reasons, from the one that is told first.
const (
	HeldByPause    Reason = "pause"    // someone paused it
	HeldByFailure  Reason = "failure"  // its last release failed, and sync.onFailure says to wait or roll back
	HeldByRefusal  Reason = "refusal"  // someone turned the pending plan down
	HeldByWindow   Reason = "window"   // no window is open
	HeldByApproval Reason = "approval" // the pending plan waits for someone's approval
	HeldByMode     Reason = "observe"  // sync.mode: observe
)

// Hold tells why an App that differs from what is declared isn't changed.
type Hold struct {
	Reason  Reason    `json:"reason" enum:"pause,failure,refusal,window,approval,observe" doc:"Why nothing is changed."`
	Message string    `json:"message" doc:"The same for people, with who and what to do."`
	Until   time.Time `json:"until,omitzero" doc:"When it ends by itself; absent when it doesn't."`
}
