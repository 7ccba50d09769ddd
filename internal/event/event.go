package event

import (
	"fmt"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

// Kind is what an event tells, in one word.
type Kind string

// The kinds.
const (
	ReleaseSucceeded  Kind = "ReleaseSucceeded"
	ReleaseFailed     Kind = "ReleaseFailed"
	ReleaseSuperseded Kind = "ReleaseSuperseded"
	PlanPending       Kind = "PlanPending"  // a plan waits for approval
	PlanApproved      Kind = "PlanApproved" // someone approved it
	PlanRefused       Kind = "PlanRefused"  // someone turned it down, or an approval came too late
	PlanStale         Kind = "PlanStale"    // an approved plan's base moved, and a new plan was made
	Paused            Kind = "Paused"
	Resumed           Kind = "Resumed" // someone ended a pause, or it ended by itself
	Held              Kind = "Held"    // a change waits for a window, or after a failed release
	Kept              Kind = "Kept"    // a live change was written as a commit
	RolledBack        Kind = "RolledBack"
	DriftCorrected    Kind = "DriftCorrected"
	DriftLasts        Kind = "DriftLasts"
	SecretRotated     Kind = "SecretRotated"    // its generated values were made anew
	SecretNotRotated  Kind = "SecretNotRotated" // they were to be, or those who use them restarted, and it failed
	// Missed is told to one who reads too slowly, in place of what he missed.
	// It is never kept.
	Missed Kind = "Missed"
)

// Event is one thing that happened.
type Event struct {
	ID       int64       `json:"id" doc:"Grows with each event."`
	Time     time.Time   `json:"time" doc:"When it happened."`
	Kind     Kind        `json:"kind" doc:"What happened, in one word."`
	App      string      `json:"app,omitempty" doc:"The App, NAMESPACE/NAME; absent where it is about all."`
	Object   *object.Key `json:"object,omitempty" doc:"The object, where it is about one."`
	Actor    string      `json:"actor,omitempty" doc:"Who did it: a person, a commit's author, a field manager."`
	Message  string      `json:"message" doc:"The same for people."`
	Release  int64       `json:"release,omitempty" doc:"The release's id."`
	Plan     string      `json:"plan,omitempty" doc:"The plan's hash."`
	Revision string      `json:"revision,omitempty" doc:"The commit."`
}

// OfRelease tells how a release went.
func OfRelease(r release.Release) Event {
	kinds := map[release.Outcome]Kind{release.Succeeded: ReleaseSucceeded, release.Failed: ReleaseFailed, release.Superseded: ReleaseSuperseded}
	text := r.Summary().String()
	if r.Reason != "" {
		text = r.Reason
	}
	return Event{Kind: kinds[r.Outcome], App: r.App, Actor: r.Actor, Release: r.ID, Plan: r.Plan, Revision: r.Revision.Commit, Message: text}
}

// Query selects events. A zero field selects all.
type Query struct {
	App   string // NAMESPACE/NAME
	Kind  Kind
	After int64 // only events with a larger ID, from there on
	Limit int   // the first so many after After; without it the newest so many; 0 means DefaultLimit
}

// The bounds of a Query.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// Validate says what is wrong with a query.
func (q Query) Validate() error {
	switch {
	case q.Limit < 0 || q.Limit > MaxLimit:
		return fmt.Errorf("limit %d is out of range: give 1 to %d, and ask for the next page with after", q.Limit, MaxLimit)
	case q.After < 0:
		return fmt.Errorf("after %d is not the id of an event", q.After)
	}
	return nil
}

// Selects says whether an event is one that a query asks for.
func (q Query) Selects(e Event) bool {
	return (q.App == "" || q.App == e.App) && (q.Kind == "" || q.Kind == e.Kind) && (e.ID == 0 || e.ID > q.After)
}
