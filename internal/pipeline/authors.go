package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
)

// Made is what an App is to be made of next.
type Made struct {
	App    string   // NAMESPACE/NAME
	URL    string   // of its repository; empty asks for no more than Known
	Commit string   // that is to be applied
	Known  []string // authors that are known anyway
	From   tree.Inputs
}

// Log tells the commits of a repository; source.Past does.
type Log interface {
	Log(ctx context.Context, url string, s source.Span) ([]release.Revision, error)
}

// Ended lists releases; history.Store does.
type Ended interface {
	List(ctx context.Context, q history.Query) ([]release.Release, error)
}

// mostCommits bounds how many commits an App may be made of anew for their
// authors to be told.
const mostCommits = 1000

// Authors tells who made the commits that change an App since the one that is
// live, each as gate.Authors does. Without a log these are those that are known. It never leaves anyone
// out: where it can't tell, it fails.
func Authors(ctx context.Context, log Log, ended Ended, m Made) ([]string, error) {
	if log == nil || m.URL == "" {
		return m.Known, nil
	}
	span := source.Span{To: m.Commit, Limit: mostCommits}
	for path, in := range m.From.All() {
		if passed := in.Present && in.Content == "" && in.Listing == ""; !passed { // a folder above what was read
			span.Paths = append(span.Paths, cmp.Or(path, "."))
		}
	}
	slices.Sort(span.Paths)
	live, err := ended.List(ctx, history.Query{App: m.App, Outcome: release.Succeeded, Limit: history.MaxLimit})
	if err != nil {
		return nil, fmt.Errorf("who made these changes can't be told: %w", err)
	}
	isCommit := func(r release.Release) bool { return !r.Corrective() && r.Trigger != release.TriggerRemoval }
	if i := slices.IndexFunc(live, isCommit); i >= 0 {
		span.From = live[i].Revision.Commit
	}
	commits, err := log.Log(ctx, m.URL, span)
	if err != nil && span.From != "" { // it may be of a history that was rewritten: all of it counts then
		span.From = ""
		commits, err = log.Log(ctx, m.URL, span)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("who made these changes can't be told: %w", err)
	case len(commits) >= mostCommits:
		return nil, errors.New("these changes are of too many commits to tell who made them: let those before be approved first")
	}
	authors := slices.Clone(m.Known)
	for _, c := range commits {
		authors = append(authors, gate.Authors(c.Author, c.Message))
	}
	return authors, nil
}
