package cli

import (
	"errors"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// LocalOptions says what is compared with a cluster, or applied to it, with no
// daemon.
type LocalOptions struct {
	// Path is a folder of this machine. Otherwise App (NAME or NAMESPACE/NAME)
	// is one that Root declares.
	Path, App                  string
	Root, RootBranch, RootPath string
	GitCredentials             string // file with credentials for repositories; empty: none
	Revision                   string // of an App's repository; empty: what it follows
	Keys                       KeyFiles

	Kubeconfig string // empty: $KUBECONFIG, ~/.kube/config or the cluster it runs in
	Context    string // context of the kubeconfig; empty: its current one
	Namespace  string // for objects that name none; empty: that of the kubeconfig's context

	Undeclared bool // list the objects of its namespaces that nobody declares, too
}

// ApplyOptions is what `plumb apply` was asked for.
type ApplyOptions struct {
	LocalOptions
	By      string        // who asks, for the record
	Data    string        // data folder of the record; empty: none is kept
	Timeout time.Duration // until everything must be healthy
	Prune   bool          // delete what the folder doesn't declare any more; an App says so itself

	// Confirm is shown the plan before anything is changed, and ends it with the
	// error that it returns. It isn't asked about a plan without changes.
	Confirm func(plan.Plan) error
	// Tell is told of each thing that happens to an object, one at a time.
	Tell func(ObjectNews)
}

// ObjectNews is one thing that happened to an object while it was applied.
type ObjectNews struct {
	Key object.Key
	// State is one word: created, updated, pruned, failed, waiting or healthy.
	State string
	// Message says more, such as: 1 of 2 replicas are ready.
	Message string
}

// ErrHeld marks an error of ApplyLocal that says that something holds it.
var ErrHeld = errors.New("held")
