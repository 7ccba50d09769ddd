package kustomize

import (
	"context"
	"errors"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// Allowing is who allows the remote bases below addresses, each the beginning
// of a URL as Renderer.Remote gets it, with a slash at its end.
func Allowing(addresses []string) func(url string) bool {
	if len(addresses) == 0 {
		return nil
	}
	return func(url string) bool {
		return slices.ContainsFunc(addresses, func(address string) bool { return strings.HasPrefix(url+"/", address) })
	}
}

// Bounded holds another renderer to the remote bases that are allowed: one that
// runs elsewhere, and knows nothing of who allows what. What isn't allowed is
// not passed on as needed, and to the renderer it can't be read.
type Bounded struct {
	render.Renderer
	Remote func(url string) bool
}

// Render implements render.Renderer.
func (b Bounded) Render(ctx context.Context, r render.Request) ([]object.Object, error) {
	g := &guard{Reader: r.Files, denied: map[string]bool{}}
	r.Files = g
	need := r.Need
	r.Need = func(n render.Need) {
		if n.Git != nil && (b.Remote == nil || !b.Remote(base{git: *n.Git}.canonical())) {
			g.denied[n.Mount()] = true
			return
		}
		need(n)
	}
	return b.Renderer.Render(ctx, r)
}

// errDenied is that a remote base may not be used.
var errDenied = errors.New("is remote, and of no repository that this daemon allows for bases (--remote-bases); " +
	"commit a copy of it and name that, make it a source of the App (spec.source.with) and name @NAME/FOLDER, or have the repository allowed")

// guard is a tree without what is mounted under names that are denied.
type guard struct {
	tree.Reader
	denied map[string]bool
}

func (g *guard) check(p string) error {
	if name, _ := tree.Mounted(p); g.denied[name] {
		return errDenied
	}
	return nil
}

// ReadFile implements tree.Reader.
func (g *guard) ReadFile(p string) ([]byte, error) {
	if err := g.check(p); err != nil {
		return nil, err
	}
	return g.Reader.ReadFile(p)
}

// ReadDir implements tree.Reader.
func (g *guard) ReadDir(p string) ([]tree.Entry, error) {
	if err := g.check(p); err != nil {
		return nil, err
	}
	return g.Reader.ReadDir(p)
}

// Stat implements tree.Reader.
func (g *guard) Stat(p string) (tree.Entry, error) {
	if err := g.check(p); err != nil {
		return tree.Entry{}, err
	}
	return g.Reader.Stat(p)
}
