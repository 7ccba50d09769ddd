// Package target is what is held in line: the interface of a target and the
// values shared by those who use and implement it.
//
// A target has two sides. Its view is kept up to date by events and answers
// from memory. Its hands ask and change the real thing, and never wait for
// anything to become healthy: that is told by the view.
package target

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/sight"
)

// Target is one cluster. It is safe for concurrent use.
type Target interface {
	View
	Hands
	Runner
}

// View is what is live, as the watches tell it.
type View interface {
	// Watch sees to it that objects of these kinds are watched, and says
	// whether all of them are known by now. When it returns false without an
	// error, Events tells when to ask again.
	Watch(kinds []schema.GroupKind) (bool, error)
	// Live is the record of one object, or false where none with an App's label is there.
	Live(key object.Key) (plan.Live, bool)
	// Owned lists the objects that carry this App label and are not copies.
	// The target remembers no order.
	Owned(appLabel string) []object.Key
	// Labels lists the App labels that live objects carry. It says false until
	// every kind that the cluster has was looked at.
	Labels() ([]string, bool)
	// Events delivers what changed since the last delivery.
	Events() <-chan Event
}

// Event says what changed.
type Event = sight.Event

// Hands is what asks and changes the target.
type Hands interface {
	// Resolve fits rendered objects to the cluster: the namespace, the marks,
	// the order. What can't be resolved is reported and left out.
	Resolve(ctx context.Context, r Resolve) ([]plan.Desired, []ObjectError)
	// Check asks the server, without changing anything, how each declared
	// object differs from the live one.
	Check(ctx context.Context, as Actor, desired []plan.Desired) []Finding
	// Apply does the changes, in the order of their stages, prunes last. It
	// returns one outcome for each; where it stops early, the rest is Skipped.
	Apply(ctx context.Context, as Actor, changes []plan.Change) []Outcome
	// Tell leaves a notice with an object, where those who look at it find it.
	// A notice that can't be left is no failure.
	Tell(ctx context.Context, key object.Key, n Notice)
	// State is where the target is, and whether it can be worked with.
	State() State
}

// Explorer finds what is in a target beside what anybody declares.
type Explorer interface {
	// Undeclared lists objects in namespaces that no App declares, and that the
	// cluster didn't make by itself. It says whether there are more than it lists.
	Undeclared(ctx context.Context, as Actor, namespaces []string) (found []plan.Extra, more bool, err error)
}

// State is where a target is and how it is reached.
type State struct {
	Address string // for people
	Err     error  // why it can't be worked with, and what to do; nil when it can
}

// Notice is something that people should know of an object.
type Notice struct {
	Reason  string // one word, such as DriftLasts
	Message string
	Warning bool
}

// Resolve is the input of Hands.Resolve.
type Resolve struct {
	App      v1alpha1.App
	Root     string // the root that declares the App
	Revision string // the commit that was rendered
	Objects  []object.Object
}

// Actor is in whose name the target is changed.
type Actor struct {
	Namespace      string // the App's target namespace
	ServiceAccount string // impersonated; empty for the daemon's own rights
	// CreateNamespace makes Namespace when an object needs it and it isn't there.
	CreateNamespace bool
	// DryRun only asks the server whether it would take the changes. What can't
	// be told yet is ErrSkipped.
	DryRun bool
	// Values makes a check tell the values of fields, and ask about objects that
	// aren't there too.
	Values bool
	// Redact hides what must not be told of objects, in values and errors alike.
	Redact redact.Redactor
}

// ActorOf is in whose name an App's objects are written.
func ActorOf(app v1alpha1.App) Actor {
	t := app.Spec.Target
	return Actor{
		Namespace: t.Namespace, ServiceAccount: t.ServiceAccount,
		CreateNamespace: t.CreateNamespace == nil || *t.CreateNamespace,
	}
}

// Finding is the answer of a check.
type Finding struct {
	Key object.Key
	// Exists says whether the object is live at all.
	Exists bool
	// Differs says whether an apply would change anything.
	Differs bool
	// Fields are those that differ, with who wrote what is live; More counts
	// those that aren't listed.
	Fields []plan.Field
	More   int
	// Digest is for plan.Change, where values are told.
	Digest string
	// Unasked says why the server could not be asked although all is well: what
	// the object relies on comes with it.
	Unasked string
	// Repair is what the correction has to begin with; see plan.Change.
	Repair []byte
	// From is whom the object is taken over from; empty where it is nobody's.
	From string
	// Replaces says why an apply would delete the object and make it anew; empty
	// where it would not.
	Replaces string
	// Live is the live object's record.
	Live plan.Live
	// Err is why it can't be told; where it is ErrRefused, the server says that
	// it would not take what is declared.
	Err error
}

// Outcome is what came of one change.
type Outcome struct {
	Key     object.Key
	Applied plan.Applied // what to remember; zero after a prune
	Live    plan.Live    // the object's record after the change
	// Replaced says why the object was deleted to be made anew; empty where it wasn't.
	Replaced string
	// From is whom the object was taken over from; empty where it was nobody's.
	From string
	// Err is why it could not be done; ErrRefused, where the target would not have it.
	Err error
}

// ErrSkipped marks what was not tried, because something it relies on has to
// come first; it is tried again when that is there.
var ErrSkipped = errors.New("waits for what it relies on")

// ErrKept marks what a guard kept from being pruned; the error says why.
var ErrKept = errors.New("kept")

// ErrGone marks what can't be done because the object isn't there.
var ErrGone = errors.New("there is none")

// ErrUnreachable marks what failed because the target could not be reached.
var ErrUnreachable = errors.New("can't reach the API server")

// ErrRefused marks what the target looked at and would not take.
var ErrRefused = errors.New("the API server refuses it")

// ErrUnknownKind marks an object whose kind the cluster doesn't know.
var ErrUnknownKind = errors.New("unknown kind")

// ObjectError is an error about one object.
type ObjectError struct {
	Key    object.Key
	Origin object.Origin
	Err    error
}

// Error says where, which and what.
func (e ObjectError) Error() string {
	if e.Origin.File == "" {
		return fmt.Sprintf("%s: %v", e.Key, e.Err)
	}
	return fmt.Sprintf("%s: %s: %v", e.Origin, e.Key, e.Err)
}

// Unwrap is the cause.
func (e ObjectError) Unwrap() error { return e.Err }
