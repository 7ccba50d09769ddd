// Package release holds the unit of history: what one change to an App was,
// who made it and why, what it did, and how it ended.
//
// It holds values only. Of the content of an object a release holds the fields
// that it changed, and these, like its reasons, were redacted where they were made.
package release

import (
	"strings"
	"time"

	"plumb.dev/plumb/internal/object"
)

// Trigger is why a release came about.
type Trigger string

// The triggers.
const (
	TriggerCommit      Trigger = "commit"      // a new revision
	TriggerDeclaration Trigger = "declaration" // the App's declaration changed, or it is new
	TriggerDrift       Trigger = "drift"       // something changed outside Git; always corrective
	TriggerManual      Trigger = "manual"      // someone asked for it
	TriggerRemoval     Trigger = "removal"     // the App is no longer declared
	TriggerSchedule    Trigger = "schedule"    // its time came, as for a Secret to be rotated
	TriggerSource      Trigger = "source"      // what is read beside the App's own repository moved, such as a chart
)

// Triggers are all that there are.
func Triggers() []Trigger {
	return []Trigger{TriggerCommit, TriggerDeclaration, TriggerDrift, TriggerManual, TriggerRemoval, TriggerSchedule, TriggerSource}
}

// Outcome is how a release ended, or Running.
type Outcome string

// The outcomes.
const (
	Running    Outcome = "Running"
	Succeeded  Outcome = "Succeeded"  // all applied, and healthy in time
	Failed     Outcome = "Failed"     // the last attempt failed; a later one may still succeed
	Superseded Outcome = "Superseded" // a newer revision came first
)

// Outcomes are all that there are.
func Outcomes() []Outcome { return []Outcome{Running, Succeeded, Failed, Superseded} }

// Revision is one commit of one repository.
type Revision struct {
	URL     string    `json:"url,omitempty"` // without credentials
	Ref     string    `json:"ref,omitempty"` // refs/heads/main, refs/tags/v1, or empty for a commit
	Commit  string    `json:"commit"`
	Author  string    `json:"author,omitempty"` // Name <email>
	Message string    `json:"message,omitempty"`
	Time    time.Time `json:"time,omitzero"` // the committer's time
	// With are the revisions of what was read beside it, for people: podinfo 6.5.4.
	With string `json:"with,omitempty"`
}

// Same says whether both are the same commit, with the same beside it.
func (r Revision) Same(other Revision) bool { return r.Commit == other.Commit && r.With == other.With }

// Name is the revision for people.
func (r Revision) Name() string {
	if r.With != "" {
		return "commit " + r.Short() + " with " + r.With
	}
	return "commit " + r.Short()
}

// Short is the commit's first eight characters.
func (r Revision) Short() string { return r.Commit[:min(len(r.Commit), 8)] }

// Subject is the first line of the commit's message.
func (r Revision) Subject() string {
	line, _, _ := strings.Cut(r.Message, "\n")
	return line
}

// Release is one change to an App. ID is 0 until the history has given one.
type Release struct {
	ID       int64    `json:"id"`
	App      string   `json:"app"` // NAMESPACE/NAME
	Revision Revision `json:"revision"`
	Trigger  Trigger  `json:"trigger"`
	Actor    string   `json:"actor"` // who: a commit's author, a field manager, a person
	// Plan is the hash of the plan that was carried out, where someone had to
	// approve it; with who did, and why.
	Plan        string `json:"plan,omitempty"`
	ApprovedBy  string `json:"approvedBy,omitempty"`
	ApprovedWhy string `json:"approvedWhy,omitempty"`

	Outcome  Outcome   `json:"outcome"`
	Reason   string    `json:"reason,omitempty"` // why it failed, or what it was for
	Changes  []Change  `json:"changes,omitempty"`
	Attempts []Attempt `json:"attempts,omitempty"` // oldest first; at most MaxAttempts are kept

	// Hooks are their runs, in the order they began. Occasion is set with the
	// first of them; Ending, while hooks run because the release failed: why it did.
	Hooks    []HookRun `json:"hooks,omitempty"`
	Occasion Occasion  `json:"occasion,omitempty"`
	Ending   string    `json:"ending,omitempty"`

	Seen     time.Time `json:"seen"`              // the change was noticed
	Planned  time.Time `json:"planned,omitzero"`  // what to do was known
	Applied  time.Time `json:"applied,omitzero"`  // the server had taken all of it
	Healthy  time.Time `json:"healthy,omitzero"`  // every object was healthy
	Finished time.Time `json:"finished,omitzero"` // the outcome was known
}

// Corrective says that the release put back what was changed outside Git, and
// so wasn't intended by anyone.
func (r Release) Corrective() bool { return r.Trigger == TriggerDrift }

// MaxAttempts and MaxChanges bound what one release keeps.
const (
	MaxAttempts = 20
	MaxChanges  = 1000
)

// Attempt is one try at a release.
type Attempt struct {
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Error   string    `json:"error,omitempty"` // empty when it succeeded
}

// Change is what a release did, or tried to do, to one object.
type Change struct {
	Action string        `json:"action"` // create, update, replace, prune, …: plan.Action
	Object object.Key    `json:"object"`
	Origin object.Origin `json:"origin,omitzero"`
	Reason string        `json:"reason,omitempty"` // why, such as: spec.replicas was changed by kubectl-edit
	Fields []string      `json:"fields,omitempty"` // paths of the fields that changed, where known
	Diff   []FieldChange `json:"diff,omitempty"`   // the same with values, as far as they are kept
	More   int           `json:"more,omitempty"`   // how many more fields changed than Diff has
	Error  string        `json:"error,omitempty"`
}
