// Package render turns a tree and parameters into objects. It holds the
// interface, the limits and what is common to all ways of rendering: choosing
// one, recording what it read, and checking what it made.
//
// A render is a pure function of the files it read and its parameters. It
// opens no host file, starts no program and uses no network.
package render

import (
	"context"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/tree"
)

// Request is one render: the folder Path of the tree, and how to render it.
type Request struct {
	Files  tree.Reader
	Path   string
	Params v1alpha1.Render
}

// Renderer is one way of rendering.
type Renderer interface {
	// Name is what an App calls it: plain, kustomize.
	Name() string
	// Wants says whether the folder looks like this renderer's.
	Wants(files tree.Reader, path string) (bool, error)
	// Render makes the objects, in the order they were declared.
	Render(ctx context.Context, r Request) ([]object.Object, error)
}
