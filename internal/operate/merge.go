package operate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/tree"
)

// merged is a repository as it would be with a revision merged into a commit.
type merged struct {
	files   tree.Tree
	changes []tree.Change // against the commit
}

// merge reads what merging a revision into a commit would yield. A revision
// that is older than the commit, or has nothing in common with it, is taken as
// it is. File by file, nothing is merged inside of one.
func (o *Operator) merge(ctx context.Context, url, into, revision string) (merged, error) {
	base, err := o.Past.Base(ctx, url, into, revision)
	if err != nil {
		return merged{}, err
	}
	theirs, err := o.Source.Tree(url, revision)
	if err != nil {
		return merged{}, err
	}
	if base == "" || base == into || base == revision {
		changes, err := o.Source.Diff(url, into, revision)
		return merged{theirs, changes}, err
	}
	here, err := o.Source.Diff(url, base, into)
	if err != nil {
		return merged{}, err
	}
	there, err := o.Source.Diff(url, base, revision)
	if err != nil {
		return merged{}, err
	}
	ours, err := o.Source.Tree(url, into)
	if err != nil {
		return merged{}, err
	}
	files, clash, err := overlay(ours, theirs, here, there)
	switch {
	case err != nil:
		return merged{}, err
	case len(clash) > 0:
		return merged{}, status.Refuse(status.Moved, "both %.8s and %.8s changed %s since they parted at %.8s: merge or rebase the branch first, then it can be told what it would do",
			into, revision, some(clash, 5), base)
	}
	m := merged{}
	if m.files, err = ours.With(files); err != nil {
		return merged{}, fmt.Errorf("merge %.8s into %.8s: %w", revision, into, err)
	}
	m.changes, err = tree.Diff(ours, m.files)
	return m, err
}

// overlay is what has to be written over our files so that they have what was
// changed there, and which paths can't be told because they were changed on
// both sides in other ways.
func overlay(ours, theirs tree.Tree, here, there []tree.Change) (files map[string][]byte, clash []string, err error) {
	changedHere := map[string]bool{}
	for _, c := range here {
		changedHere[c.Path] = true
	}
	files = map[string][]byte{}
	for _, c := range there {
		now, found, err := theirs.Lookup(c.Path)
		if err != nil {
			return nil, nil, err
		}
		was, had, err := ours.Lookup(c.Path)
		switch {
		case err != nil:
			return nil, nil, err
		case found == had && now.ID == was.ID && now.Mode == was.Mode, found && now.Mode == tree.Folder, !found && had && was.Mode == tree.Folder:
			continue // the same on both sides, or told by what is in it
		case changedHere[c.Path], found && now.Mode == tree.Link, found && now.Mode == tree.Submodule:
			clash = append(clash, c.Path)
			continue
		case !found:
			files[c.Path] = nil
			continue
		}
		if files[c.Path], err = theirs.ReadFile(c.Path); err != nil {
			return nil, nil, err
		}
	}
	slices.SortFunc(clash, strings.Compare)
	return files, clash, nil
}
