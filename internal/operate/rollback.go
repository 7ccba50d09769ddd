package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
)

// Rollback asks for an App to be made again from what it was at a release.
type Rollback struct {
	App string
	// To is the release; 0 is the newest success before the one that is live.
	To int64
	// Branch is where the commit goes; empty is the branch that the App follows.
	// One that isn't there begins at that.
	Branch string
	// By and Why go into the message.
	By, Why string
	// WithOthers goes on where other Apps are made from the same files.
	WithOthers bool
	// DryRun tells what would be done, and does nothing.
	DryRun bool
	// Failed is the release that failed and is why, if nobody asked: what is
	// rolled back is its commit, and no later one.
	Failed *release.Release
}

// Rollback makes a commit that restores an App's inputs, bases and all, and
// pushes it. It fails with a status.Refusal where that isn't to be, and with
// what package commit says where Git doesn't take it. Where the branch has the
// same already, no commit is made, and that is no failure.
func (o *Operator) Rollback(ctx context.Context, ask Rollback) (status.RolledBack, error) {
	known, err := o.Fleet.Known(ctx, ask.App)
	if err != nil {
		return status.RolledBack{}, err
	}
	followed := known.Ref
	if ask.Branch == "" && followed.Tag+followed.Commit != "" {
		return status.RolledBack{}, status.Refuse(status.Invalid,
			"%s follows no branch but a tag or commit: name the branch that the commit is to go to (--branch), and let the App follow it", ask.App)
	}
	to, err := o.restoreTo(ctx, ask)
	if err != nil {
		return status.RolledBack{}, err
	}
	p, err := o.prepare(ctx, ask, known, to)
	if err != nil {
		return status.RolledBack{}, err
	}
	do := o.Commit.Commit
	if ask.DryRun {
		do = o.Commit.Preview
	}
	request := commit.Request{URL: followed.URL, Branch: ask.Branch, Edit: p.edit}
	if ask.Branch == "" {
		request.Branch = followed.Branch
	} else {
		request.From = &git.Ref{Branch: followed.Branch, Tag: followed.Tag, Commit: followed.Commit}
	}
	done, err := do(ctx, request)
	if err != nil && !errors.Is(err, commit.ErrNothing) {
		return status.RolledBack{}, fmt.Errorf("roll back %s to release %d: %w", ask.App, to.ID, err)
	}
	if done.Commit != "" {
		o.Source.Refresh(followed.URL)
	}
	return status.RolledBack{
		App: ask.App, Release: to.ID, To: to.Revision.Commit, Commit: done.Commit, Branch: done.Branch,
		Files: list(done.Files), Others: p.others, Skipped: list(p.skipped),
	}, nil
}

// list is a list that isn't null, as answers want it.
func list[T any](s []T) []T { return append([]T{}, s...) }

// target is the release to go back to.
func (o *Operator) restoreTo(ctx context.Context, ask Rollback) (release.Release, error) {
	if ask.To == 0 {
		recent, err := o.History.List(ctx, history.Query{App: ask.App, Intended: true, Limit: history.MaxLimit})
		if err != nil {
			return release.Release{}, fmt.Errorf("find a release to roll %s back to: %w", ask.App, err)
		}
		to, found := goodBefore(recent, ask.Failed)
		if !found {
			return release.Release{}, status.Refuse(status.NotThere, "%s has no successful release of another commit to go back to: `plumb history %s` lists what there is", ask.App, ask.App)
		}
		return to, nil
	}
	to, err := o.History.Get(ctx, ask.To)
	switch {
	case errors.Is(err, history.ErrNotFound), err == nil && to.App != ask.App:
		return release.Release{}, status.Refuse(status.NotThere, "%s has no release %d: `plumb history %s` lists what there is", ask.App, ask.To, ask.App)
	case err != nil:
		return release.Release{}, fmt.Errorf("find release %d of %s: %w", ask.To, ask.App, err)
	case to.Trigger == release.TriggerRemoval:
		return release.Release{}, status.Refuse(status.Invalid, "release %d of %s is its removal", ask.To, ask.App)
	}
	return to, nil
}

// goodBefore is the newest success before a release, or before the newest there
// is, that came of another commit. Releases are given newest first.
func goodBefore(releases []release.Release, live *release.Release) (release.Release, bool) {
	for _, r := range releases {
		switch {
		case live == nil:
			live = &r
		case r.ID >= live.ID || r.Revision.Commit == live.Revision.Commit || r.Trigger == release.TriggerRemoval:
		case r.Outcome == release.Succeeded:
			return r, true
		}
	}
	return release.Release{}, false
}

// prepare reads what the App was made from at the release.
func (o *Operator) prepare(ctx context.Context, ask Rollback, known pipeline.Known, to release.Release) (*restoration, error) {
	followed := known.Ref
	if to.Revision.URL != followed.URL {
		return nil, status.Refuse(status.Invalid, "release %d of %s came from %s, and the App is made from %s now: change its declaration instead",
			to.ID, ask.App, to.Revision.URL, followed.URL)
	}
	if _, err := o.Looker.Look(ctx, source.Ref{URL: followed.URL, Commit: to.Revision.Commit}); err != nil {
		if errors.Is(err, source.ErrNoRef) {
			return nil, status.Refuse(status.Moved, "commit %s of release %d is gone from %s", to.Revision.Short(), to.ID, followed.URL)
		}
		return nil, fmt.Errorf("read release %d of %s: %w", to.ID, ask.App, err)
	}
	files, err := o.Source.Tree(followed.URL, to.Revision.Commit)
	if err != nil {
		return nil, fmt.Errorf("read release %d of %s: %w", to.ID, ask.App, err)
	}
	r := &restoration{operator: o, ask: ask, known: known, to: to, then: files}
	if r.inputs, err = r.read(ctx, files); err != nil {
		return nil, status.Refuse(status.Moved, "%s can't be rendered from release %d as it is declared now: %s", ask.App, to.ID, oneLine(err.Error(), 500))
	}
	return r, nil
}

// oneLine is text without line ends, cut where it is long.
func oneLine(s string, most int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
