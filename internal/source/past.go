package source

import (
	"context"
	"errors"
	"regexp"

	"plumb.dev/plumb/internal/release"
)

// ErrNoRef says that a repository has no such branch, tag or commit.
var ErrNoRef = errors.New("no such branch, tag or commit")

// Looker looks at revisions that aren't followed.
type Looker interface {
	// Look fetches what a Ref of a followed repository is now, once; Tree and
	// Diff can read it from then on, for a day at least. Of a commit that was
	// fetched before, the first characters will do. Nothing is told by Heads.
	Look(ctx context.Context, r Ref) (release.Revision, error)
}

// Past tells how commits that were fetched came about.
type Past interface {
	// Contains says whether ancestor is in the history of commit, or is it.
	Contains(ctx context.Context, url, commit, ancestor string) (bool, error)
	// Base is the newest commit that two others both have in their history, or
	// empty where there is none.
	Base(ctx context.Context, url, one, other string) (string, error)
	// Log lists commits, the newest first.
	Log(ctx context.Context, url string, s Span) ([]release.Revision, error)
	// Blame tells which commits lines come from.
	Blame(ctx context.Context, url string, p Place) ([]Line, error)
}

// Span selects the commits in the history of To that aren't in that of From,
// and that change one of Paths if there are any. A path may be a folder.
type Span struct {
	From, To string
	Paths    []string
	Limit    int
}

// Place is lines of a file at a commit, counted from 1. A Last of 0 means the
// end of the file.
type Place struct {
	Commit, Path string
	First, Last  int
}

// Line is a line, and the commit that made it what it is.
type Line struct {
	Number   int
	Revision release.Revision
}

var (
	wholeID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	someID  = regexp.MustCompile(`^[0-9a-f]{7,}$`)
)

// Named looks at what someone calls a revision: a whole commit id, a branch, a
// tag, or the first characters of a commit id, in this order. An empty name is
// the default branch.
func Named(ctx context.Context, l Looker, url, name string) (release.Revision, error) {
	if wholeID.MatchString(name) {
		return l.Look(ctx, Ref{URL: url, Commit: name})
	}
	revision, err := l.Look(ctx, Ref{URL: url, Branch: name})
	if name == "" || !errors.Is(err, ErrNoRef) {
		return revision, err
	}
	others := []Ref{{URL: url, Tag: name}}
	if someID.MatchString(name) {
		others = append(others, Ref{URL: url, Commit: name})
	}
	for _, r := range others {
		if revision, other := l.Look(ctx, r); !errors.Is(other, ErrNoRef) {
			return revision, other
		}
	}
	return release.Revision{}, err
}
