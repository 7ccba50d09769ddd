// Package status holds what people and programs are told about an App: the
// shapes of `plumb get`, `plumb tree` and the HTTP API.
//
// These types are an allow list: what isn't a field here is told to nobody.
// They are stable; docs/api.md describes each field.
package status

import (
	"time"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

// Sync says whether what is live is what is declared.
type Sync string

// The sync states.
const (
	Synced    Sync = "Synced"
	OutOfSync Sync = "OutOfSync"
	Unknown   Sync = "Unknown" // it could not be told; the message says why
)

// Health says whether what is live works.
type Health string

// The health states, from best to worst.
const (
	Healthy     Health = "Healthy"
	Suspended   Health = "Suspended"
	Progressing Health = "Progressing"
	Degraded    Health = "Degraded"
	HealthUnset Health = "Unknown"
)

// App is how one App stands.
type App struct {
	Name      string `json:"name" doc:"The App's name."`
	Namespace string `json:"namespace" doc:"The namespace it is declared in."`
	Revision  string `json:"revision" doc:"The commit that the target was last held against; empty before the first."`
	Sync      Sync   `json:"sync" enum:"Synced,OutOfSync,Unknown" doc:"Whether what is live is what the newest revision declares."`
	Health    Health `json:"health" enum:"Healthy,Progressing,Degraded,Suspended,Unknown" doc:"The worst health of the App's objects."`
	Message   string `json:"message" doc:"What is going on or wrong, for people; empty when all is well."`

	Source     Source    `json:"source" doc:"Where the manifests come from."`
	Target     Target    `json:"target" doc:"Where the objects go."`
	Objects    int       `json:"objects" doc:"How many objects the App declares."`
	ChangedAt  string    `json:"changedAt" doc:"The commit that last changed one of the App's objects; the revision may be newer, and have left the App as it was."`
	Unchanged  bool      `json:"unchanged" doc:"True when the revision touched nothing that the App is made from."`
	LastCheck  time.Time `json:"lastCheck,omitzero" doc:"When declared and live were last compared."`
	Failures   int       `json:"failures" doc:"Failed attempts since the last success."`
	RetryAt    time.Time `json:"retryAt,omitzero" doc:"When the next attempt is due; absent when none is."`
	Alerts     int       `json:"alerts" doc:"Objects that were changed outside Git and have not been put right in time (two minutes), or, with sync.drift: alert, are not to be."`
	DriftSince time.Time `json:"driftSince,omitzero" doc:"Since when the oldest of these alerts lasts; absent when there is none."`
	WaitingFor []string  `json:"waitingFor,omitempty" doc:"Apps (NAMESPACE/NAME) that must be in line and healthy first."`
	DeclaredAt string    `json:"declaredAt" doc:"The file and line of the declaration in the root."`
	// Behind says that the newest commit, or the newest declaration, was not
	// rendered yet: what is told of failures is about an older one.
	Behind bool `json:"-"`
	// Syncing says that what is told of failures may be over soon.
	Syncing bool `json:"syncing,omitempty" doc:"True while a sync that someone asked for has not come to its end."`

	Mode    string       `json:"mode" enum:"auto,approve,observe" doc:"What becomes of intended changes: made at once, made once someone approves their plan, or only shown."`
	Hold    *gate.Hold   `json:"hold,omitempty" doc:"Why differences are left as they are; absent when nothing holds the App."`
	Plan    *PendingPlan `json:"plan,omitempty" doc:"The plan that waits; absent when none does."`
	Pauses  []gate.Pause `json:"pauses,omitempty" doc:"The pauses that cover the App or objects of it."`
	Notices []string     `json:"notices,omitempty" doc:"What people should know of what is declared, such as what is asked for and not done."`
	Window  *Window      `json:"window,omitempty" doc:"How its windows of time stand; absent when it has none."`
}

// ID is the App's NAMESPACE/NAME.
func (a App) ID() string { return a.Namespace + "/" + a.Name }

// Source is where an App's manifests come from.
type Source struct {
	URL      string `json:"url" doc:"The repository, without credentials."`
	Ref      string `json:"ref" doc:"What is followed: a branch, tag or commit; empty is the default branch."`
	Path     string `json:"path" doc:"The folder in the repository; empty is its top."`
	Newest   string `json:"newest" doc:"The newest commit seen; empty before the first."`
	Author   string `json:"author" doc:"Who made the newest commit."`
	Subject  string `json:"subject" doc:"The first line of its message."`
	Error    string `json:"error" doc:"Why the repository could not be read at the last look; empty when it could."`
	Renderer string `json:"renderer" doc:"How the manifests were rendered: plain or kustomize."`

	Checked time.Time `json:"checked,omitzero" doc:"When the repository was last read without an error."`

	With   string   `json:"with,omitempty" doc:"The revisions of what was rendered beside the repository, for people: podinfo 6.5.4."`
	Beside []Beside `json:"beside,omitempty" doc:"The sources that are read beside the repository."`
}

// Beside is a source that an App reads beside its own repository.
type Beside struct {
	Mount   string `json:"mount" doc:"The name under which the App's files see it, such as @chart."`
	URL     string `json:"url" doc:"The repository or registry, without credentials."`
	Chart   string `json:"chart,omitempty" doc:"The chart's name, where it is one."`
	Version string `json:"version,omitempty" doc:"The chart's version."`
	Newest  string `json:"newest" doc:"The newest commit, or the digest of the newest package; empty before the first."`
	Error   string `json:"error,omitempty" doc:"Why it could not be read at the last look."`
}

// Target is where an App's objects go.
type Target struct {
	Cluster   string `json:"cluster" doc:"The API server's address."`
	Namespace string `json:"namespace" doc:"The namespace for objects that name none."`
}

// Object is how one object of an App stands.
type Object struct {
	Key     object.Key `json:"object" doc:"Which object."`
	Sync    Sync       `json:"sync" enum:"Synced,OutOfSync,Unknown"`
	Health  Health     `json:"health" enum:"Healthy,Progressing,Degraded,Suspended,Unknown"`
	Message string     `json:"message,omitempty" doc:"Why it is not in line or not healthy."`
	Origin  string     `json:"origin,omitempty" doc:"The file and line that declare it; empty for an object that is no longer declared."`
	Wave    int        `json:"wave,omitempty" doc:"Its wave; 0 is absent."`
	Hook    string     `json:"hook,omitempty" doc:"For a hook of the release that runs: its phase."`
}

// Detail is an App with its objects.
type Detail struct {
	App
	Tree     []Object          `json:"tree" doc:"The App's objects, in the order they are applied."`
	Releases []release.Release `json:"releases,omitempty" doc:"The newest releases, newest first."`
}

// Problem is something wrong with the root: a declaration that can't be used,
// or a root that can't be read.
type Problem struct {
	Where   string `json:"where" doc:"The file and line, or the repository."`
	Message string `json:"message" doc:"What is wrong and what to do."`
}

// Root is how the root repository stands.
type Root struct {
	URL      string    `json:"url"`
	Revision string    `json:"revision"`
	Apps     int       `json:"apps" doc:"How many Apps it declares."`
	Problems []Problem `json:"problems" doc:"What could not be used; the rest is followed all the same."`
	Warnings []string  `json:"warnings,omitempty" doc:"What the daemon's keeper should see to, such as a key without a backup."`
}
