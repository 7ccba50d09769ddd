package pipeline

import (
	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/tree"
)

// Known is what the engine knows of an App at one moment, for those who ask.
type Known struct {
	App    v1alpha1.App
	Origin object.Origin // of its declaration
	Root   string        // the root that declares it
	Ref    source.Ref    // what it follows
	// Newest is the newest commit that was seen; Held, the one that the App is
	// held against: it may be older while that one can't be rendered.
	Newest, Held release.Revision
	// Inputs are what the last render read, of Held.
	Inputs tree.Inputs
	// Beside is what it reads beside its own repository, by the names under
	// which that is mounted.
	Beside map[string]source.Head
	Actor  target.Actor

	Desired []plan.Desired // as declared at Held, in the order they are applied
	Differ  []object.Key   // those of Desired that are not known to be in line
	Prunes  []plan.Change  // live objects that aren't declared any more, to be deleted
	Kept    []plan.Extra   // those that a guard keeps
	Broken  []plan.Problem // objects that could not be fitted to the target, or are left to another App
	Hooks   []hooks.Hook   // as declared at Held
	// HooksDone is the digest of those that ran last.
	HooksDone string
	Failed    error // why the newest commit can't be rendered; nil when it can
}

// Files are the App's files at a commit of its repository, with all that it
// reads beside them as that is now.
func (k Known) Files(open Opener, commit string) (tree.Tree, error) {
	files, err := open.Tree(k.Ref.URL, commit)
	if err != nil {
		return files, err
	}
	return Mounted(open, files, k.Beside)
}

// ID is the App's NAMESPACE/NAME.
func (k Known) ID() string { return k.App.ID() }

// Claim is an object, and the App that declares it.
type Claim struct {
	Key object.Key
	App string // NAMESPACE/NAME
}
