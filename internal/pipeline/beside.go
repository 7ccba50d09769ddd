package pipeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/tree"
)

// Besides are the sources that an App reads beside its own repository, by the
// names under which they are mounted: its chart, those it names, and those that
// its files need.
func Besides(app v1alpha1.App, needs []render.Need) map[string]source.Ref {
	refs := map[string]source.Ref{}
	if chart := app.Spec.Source.Chart; chart != nil {
		refs[ChartMount] = source.RefOf(nil, chart)
	}
	for _, o := range app.Spec.Source.With {
		refs[tree.MountMark+o.Name] = source.RefOf(o.Git, o.Chart)
	}
	for _, n := range needs {
		refs[n.Mount()] = source.RefOf(n.Git, n.Chart)
	}
	return refs
}

// Beside are the sources that an App reads beside its own repository.
type Beside struct {
	Heads map[string]source.Head // by the name under which each is mounted
	Needs []render.Need          // those that files of the last render asked for
}

// Word names the revisions of all that are known.
func (b Beside) Word() string {
	var words []string
	for mount, h := range b.Heads {
		if h.Revision.Commit != "" {
			words = append(words, mount+"="+h.Revision.Commit)
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// Lacking names a source that the declaration asks for and that isn't there yet.
func (b Beside) Lacking() string {
	for _, mount := range slices.Sorted(maps.Keys(b.Heads)) {
		if h := b.Heads[mount]; h.Revision.Commit == "" && !b.needed(mount) {
			return mount
		}
	}
	return ""
}

// needed says whether a file asked for what is mounted under a name. What none
// asks for any more must not keep the App from being rendered.
func (b Beside) needed(mount string) bool {
	return slices.ContainsFunc(b.Needs, func(n render.Need) bool { return n.Mount() == mount })
}

// Err is why one of them can't be read, or nil.
func (b Beside) Err() error {
	for _, mount := range slices.Sorted(maps.Keys(b.Heads)) {
		if err := b.Heads[mount].Err; err != nil {
			return err
		}
	}
	return nil
}

// With tells people the revisions.
func (b Beside) With() string {
	var words []string
	for _, mount := range slices.Sorted(maps.Keys(b.Heads)) {
		switch h := b.Heads[mount]; {
		case h.Revision.Commit == "":
		case h.Ref.Chart != "":
			words = append(words, cmp.Or(h.Revision.Ref, h.Revision.Short()))
		default:
			words = append(words, strings.TrimPrefix(mount, "@")+" "+h.Revision.Short())
		}
	}
	return strings.Join(words, ", ")
}

// Told are they as people see them.
func (b Beside) Told() (list []status.Beside) {
	for _, mount := range slices.Sorted(maps.Keys(b.Heads)) {
		h := b.Heads[mount]
		one := status.Beside{Mount: mount, URL: h.Ref.URL, Chart: h.Ref.Chart, Newest: h.Revision.Commit}
		if h.Ref.Chart != "" {
			one.Version = strings.TrimPrefix(h.Revision.Ref, h.Ref.Chart+" ")
		}
		if h.Err != nil {
			one.Error = h.Err.Error()
		}
		list = append(list, one)
	}
	return list
}

// Opener opens a fetched revision; source.Source is one.
type Opener interface {
	Tree(url, commit string) (tree.Tree, error)
}

// Mounted is an App's files with what it reads beside them, as far as that is
// known.
func Mounted(open Opener, files tree.Tree, beside map[string]source.Head) (tree.Tree, error) {
	if len(beside) == 0 {
		return files, nil
	}
	others := make(map[string]tree.Tree, len(beside))
	for mount, h := range beside {
		if h.Revision.Commit == "" {
			continue
		}
		other, err := open.Tree(h.Ref.URL, h.Revision.Commit)
		if err != nil {
			return tree.Tree{}, fmt.Errorf("%s: %w", h.Ref.Name(), err)
		}
		others[mount] = other
	}
	return files.Mount(others), nil
}
