package operate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/tree"
)

// restoration is one rollback under way: what was, and what came of the last
// commit that it was asked about.
type restoration struct {
	operator *Operator
	ask      Rollback
	known    pipeline.Known
	to       release.Release
	then     tree.Tree   // the repository at the release
	inputs   tree.Inputs // what the App was made from there

	others  []string
	skipped []status.Skipped
}

// maxSkipped bounds the commits that are told of.
const maxSkipped = 100

// edit is the commit.Editor: what to do to a tip so that the App's inputs are
// what they were.
func (r *restoration) edit(ctx context.Context, tip commit.Tip) (commit.Edit, error) {
	r.others, r.skipped = nil, nil
	changes, err := tree.Diff(tip.Tree, r.then)
	if err != nil {
		return commit.Edit{}, err
	}
	// Where the newest commit can't be rendered, what was read of it until then
	// will do: it is what was read at the release that makes the App what it was.
	now, _ := r.read(ctx, tip.Tree)
	needed, left := sift(changes, r.inputs, now)
	others, err := r.neighbours(ctx, tip.Tree)
	if err != nil {
		return commit.Edit{}, err
	}
	if r.others = met(others, needed); len(r.others) > 0 && !r.ask.WithOthers {
		return commit.Edit{}, status.Refuse(status.Moved, "%s shares files with %s, which would be rolled back as well (%s); `--with-others` (withOthers) goes on all the same",
			r.ask.App, strings.Join(r.others, ", "), some(paths(needed), 10))
	}
	for _, group := range left { // what nothing of the App reads any more goes, unless others do
		if len(met(others, group)) == 0 {
			needed = append(needed, group...)
		}
	}
	files, err := restored(needed, tip.Tree, r.then)
	if err != nil || len(files) == 0 {
		return commit.Edit{}, err
	}
	if err := r.skip(ctx, tip, files); err != nil {
		return commit.Edit{}, err
	}
	return commit.Edit{Files: files, Message: r.message(files)}, nil
}

// read is what rendering the App, as it is declared now, reads of a tree.
func (r *restoration) read(ctx context.Context, files tree.Tree) (tree.Inputs, error) {
	in, err := pipeline.Inputs(ctx, r.operator.gathering(r.known, r.known.App), r.known.App, files)
	own, _ := in.Split(slices.Collect(maps.Keys(r.known.Beside))...) // the rest isn't in this repository
	return own, err
}

// neighbours are the inputs of the other Apps that may follow the same branch.
// Those of one that wasn't rendered yet are found out.
func (r *restoration) neighbours(ctx context.Context, tip tree.Tree) (map[string]tree.Inputs, error) {
	all, err := r.operator.Fleet.AllKnown(ctx)
	if err != nil {
		return nil, fmt.Errorf("find who shares files with %s: %w", r.ask.App, err)
	}
	others := map[string]tree.Inputs{}
	for _, k := range all {
		if k.ID() == r.ask.App || !mayBeSame(k.Ref, r.known.Ref) {
			continue
		}
		if k.Inputs.Len() == 0 {
			k.Inputs, _ = pipeline.Inputs(ctx, r.operator.gathering(k, k.App), k.App, tip)
		}
		others[k.ID()] = k.Inputs
	}
	return others, nil
}

// mayBeSame says whether what one of two refs is may be what the other is. The
// default branch may be any; a tag and a commit stay what they are.
func mayBeSame(a, b source.Ref) bool {
	u, err := git.ParseURL(a.URL)
	v, err2 := git.ParseURL(b.URL)
	same := a.URL == b.URL || err == nil && err2 == nil && git.SameRepository(u, v)
	return same && a.Tag == b.Tag && a.Commit == b.Commit && (a.Branch == b.Branch || a.Branch == "" || b.Branch == "")
}

// met are those whose inputs changes meet, sorted.
func met(others map[string]tree.Inputs, changes []tree.Change) []string {
	var names []string
	for _, name := range sortedKeys(others) {
		if others[name].Touched(changes) {
			names = append(names, name)
		}
	}
	return names
}

// skip lists the commits whose changes to the files are taken back. It refuses
// where someone changed the App after the commit that failed: it may be mended.
func (r *restoration) skip(ctx context.Context, tip commit.Tip, files map[string]commit.File) error {
	names := sortedKeys(files)
	if failed := r.ask.Failed; failed != nil {
		later, err := r.operator.Past.Log(ctx, r.known.Ref.URL, source.Span{From: failed.Revision.Commit, To: tip.Commit, Paths: names, Limit: 1})
		if err != nil {
			return err
		}
		if len(later) > 0 {
			return status.Refuse(status.Moved, "%s was changed by commit %s since %s failed", r.ask.App, later[0].Short(), failed.Revision.Short())
		}
	}
	log, err := r.operator.Past.Log(ctx, r.known.Ref.URL, source.Span{From: r.to.Revision.Commit, To: tip.Commit, Paths: names, Limit: maxSkipped})
	if err != nil {
		return err
	}
	brought := r.images(log, names)
	for i, c := range log {
		subject, _, _ := strings.Cut(c.Message, "\n")
		r.skipped = append(r.skipped, status.Skipped{Commit: c.Commit, Author: c.Author, Subject: oneLine(subject, 200), Images: brought[i]})
	}
	return nil
}

// sift finds the changes that an App's inputs meet: those that what was read at
// the release needs, and, in groups that go together, those that only what is
// read now meets. A folder that came or went comes with all in it. Changes are
// sorted as tree.Diff does.
func sift(changes []tree.Change, then, now tree.Inputs) (needed []tree.Change, left [][]tree.Change) {
	var under string // the folder that was met, and what lies in it
	var into *[]tree.Change
	for _, c := range changes {
		one := []tree.Change{c}
		switch {
		case under != "" && strings.HasPrefix(c.Path, under):
		case then.Touched(one):
			into, under = &needed, ""
		case now.Touched(one):
			left = append(left, nil)
			into, under = &left[len(left)-1], ""
		default:
			into, under = nil, ""
		}
		if into == nil {
			continue
		}
		*into = append(*into, c)
		if under == "" && c.Kind != tree.Modified {
			under = c.Path + "/"
		}
	}
	return needed, left
}

// restored is what to do to each file that differs. Folders come and go by what
// is in them.
func restored(changes []tree.Change, now, then tree.Tree) (map[string]commit.File, error) {
	files := map[string]commit.File{}
	for _, c := range changes {
		was, there, err := then.Lookup(c.Path)
		if err != nil {
			return nil, err
		}
		is, here, err := now.Lookup(c.Path)
		if err != nil {
			return nil, err
		}
		switch {
		case there && was.Mode == tree.Submodule, here && is.Mode == tree.Submodule:
			return nil, status.Refuse(status.Invalid, "%s is or was a submodule, which can't be rolled back", c.Path)
		case there && was.Mode != tree.Folder:
			files[c.Path] = commit.Restore(was)
		case here && is.Mode != tree.Folder:
			files[c.Path] = commit.Remove()
		}
	}
	return files, nil
}

func paths(changes []tree.Change) []string {
	var all []string
	for _, c := range changes {
		all = append(all, c.Path)
	}
	return slices.Compact(all)
}

// some is the first few of a list.
func some(all []string, most int) string {
	s := strings.Join(all[:min(most, len(all))], ", ")
	if more := len(all) - most; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}
