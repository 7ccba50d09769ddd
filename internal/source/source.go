// Package source is what Apps come from: repositories that are followed, and
// the revisions and trees they yield. It holds the interface and its values.
//
// A repository is followed once for all Apps that want it. A source keeps
// nothing that can't be fetched again.
package source

import (
	"time"

	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/tree"
)

// Ref names what is followed: a repository, and one of branch, tag or commit.
// None of the three means the default branch. It is comparable.
type Ref struct {
	URL    string
	Branch string
	Tag    string
	Commit string
	// Chart is a chart's name, where the URL is that of a chart repository or
	// registry. Version is one, or a range; Commit may pin a digest.
	Chart   string
	Version string
	// Verify is the canonical JSON of a v1alpha1.Verify; empty for none.
	Verify string
}

// Head is what is known of a Ref at one time.
type Head struct {
	Ref Ref
	// Revision is the newest one that was fetched; zero until there is one. It
	// stays when a later look fails.
	Revision release.Revision
	// Err says why the last look failed, and is nil when it did not. It tells
	// what, where and what to do.
	Err error
	// Checked is the time of the last look.
	Checked time.Time
}

// Source follows repositories.
type Source interface {
	// Follow sets all that is wanted, with how often to look at each; what was
	// followed before and isn't wanted any more is let go. It does not block
	// on a fetch.
	Follow(wanted map[Ref]time.Duration)
	// Refresh looks at the repositories with this URL now, as a webhook asks.
	// It returns how many of them are followed.
	Refresh(url string) int
	// Heads delivers a Head each time one changes: a new revision, an error, a
	// recovery. Of one Ref, only the newest undelivered Head is kept.
	Heads() <-chan Head
	// Tree opens a fetched commit. It fails when the commit isn't there (any more).
	Tree(url, commit string) (tree.Tree, error)
	// Diff lists the paths that differ between two fetched commits.
	Diff(url, from, to string) ([]tree.Change, error)
}
