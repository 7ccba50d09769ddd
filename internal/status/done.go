package status

import (
	"time"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
)

// PendingPlan is a plan that waits: for someone's approval, or for a window.
type PendingPlan struct {
	Hash     string    `json:"hash" doc:"Names the plan; approve this."`
	Revision string    `json:"revision" doc:"The commit that is desired."`
	Author   string    `json:"author" doc:"Who made that commit."`
	Subject  string    `json:"subject" doc:"The first line of its message."`
	Summary  string    `json:"summary" doc:"How many objects it would create, update and prune, and how many are in line."`
	MadeAt   time.Time `json:"madeAt" doc:"When it was made."`
	Stale    bool      `json:"stale,omitempty" doc:"True while what it was made from has changed since, and another is being made."`
}

// Window is how an App's windows of time stand.
type Window struct {
	Open   bool      `json:"open" doc:"True while intended changes may be made."`
	Reason string    `json:"reason" doc:"Which window that follows from, for people."`
	Next   time.Time `json:"next,omitzero" doc:"When that changes next; absent when it never does."`
}

// Rotated is a Secret whose generated values were made anew.
type Rotated struct {
	App       string       `json:"app" doc:"The App (NAMESPACE/NAME) that declares it."`
	Object    object.Key   `json:"object" doc:"The Secret."`
	Restarted []object.Key `json:"restarted" nullable:"false" doc:"The workloads that were restarted for it."`
}

// RolledBack is what a rollback wrote to Git.
type RolledBack struct {
	App     string    `json:"app" doc:"The App, NAMESPACE/NAME."`
	Release int64     `json:"release" doc:"The release whose inputs are restored."`
	To      string    `json:"to" doc:"That release's commit."`
	Commit  string    `json:"commit" doc:"The commit that was made; empty when the branch held the same already, and in a dry run."`
	Branch  string    `json:"branch" doc:"The branch that it was pushed to."`
	Files   []string  `json:"files" nullable:"false" doc:"The files that it changes."`
	Others  []string  `json:"others,omitempty" doc:"Other Apps (NAMESPACE/NAME) that are made from these files, too."`
	Skipped []Skipped `json:"skipped" nullable:"false" doc:"The commits whose changes to these files it takes back, newest first."`
}

// Skipped is a commit that a rollback takes back.
type Skipped struct {
	Commit  string   `json:"commit" doc:"The commit."`
	Author  string   `json:"author" doc:"Who made it."`
	Subject string   `json:"subject" doc:"The first line of its message."`
	Images  []string `json:"images,omitempty" doc:"Images that it had brought; they aren't lost, but in this commit."`
}

// Resumed is what followed from the end of a pause.
type Resumed struct {
	Ended  []gate.Pause `json:"ended" nullable:"false" doc:"The pauses that were ended."`
	Kept   []Kept       `json:"kept,omitempty" doc:"The live changes that were written to Git."`
	Lost   []Unkept     `json:"lost,omitempty" doc:"Live changes that could not be written to Git."`
	Commit string       `json:"commit,omitempty" doc:"The commit that holds them."`
	Branch string       `json:"branch,omitempty" doc:"The branch that it was pushed to."`
}

// Kept is one live field that was written to Git.
type Kept struct {
	Key    object.Key    `json:"object" doc:"Which object."`
	Path   string        `json:"path" doc:"Which field."`
	Origin object.Origin `json:"origin" doc:"The file and line that were changed."`
}

// Unkept is one live field that has no place in Git to be written to.
type Unkept struct {
	Key    object.Key `json:"object" doc:"Which object."`
	Path   string     `json:"path" doc:"Which field."`
	Reason string     `json:"reason" doc:"Why it can't be written, and what to do."`
}
