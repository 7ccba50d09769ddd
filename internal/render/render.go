// Package render turns a tree and parameters into objects. It holds the
// interface, the limits and what is common to all ways of rendering: choosing
// one, recording what it read, and checking what it made.
//
// A render is a pure function of the files it read and its parameters. It
// opens no host file, starts no program and uses no network.
//
// Whatever the way, documents of the group plumb.dev are declarations and no
// objects, and what only a server sets is taken away from objects: status,
// metadata such as uid, resourceVersion and managedFields, and the annotations
// that kubectl and the Deployment controller write for themselves.
package render

import (
	"context"
	"errors"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/tree"
)

// Request is one render: what is at Path of the tree, and how to render it.
// Path is clean and relative; the tree's top is "".
type Request struct {
	Files  tree.Reader
	Path   string
	Params v1alpha1.Render
	Given  given.Values
	// Live answers from the target; nil where there is none to ask.
	Live Live
	// Need says that something of another source is read, which lies at the
	// need's Mount, or will once the App's sources are fetched. A renderer names
	// all that it needs before it fails with Missing.
	Need func(Need)
	// Notice takes what people should know of a render that goes well.
	Notice func(string)
}

// Renderer is one way of rendering.
type Renderer interface {
	// Name is what an App calls it: plain, kustomize, helm.
	Name() string
	// Wants says whether the folder or file looks like this renderer's.
	Wants(files tree.Reader, path string) (bool, error)
	// Render makes the objects, in the order they were declared.
	Render(ctx context.Context, r Request) ([]object.Object, error)
}

// Whole is a render from choosing the way to checking what comes out. Set is
// one; what keeps the results of another is one as well.
type Whole interface {
	Render(ctx context.Context, w Work) (Result, error)
}

// Work is what is to be rendered: what is at Path of the files, with which other
// trees may be mounted, and how.
type Work struct {
	Files  tree.Tree
	Path   string
	Params v1alpha1.Render
	// Given are values that were read in the target for it.
	Given given.Values
	// Live answers from the target; nil where there is none to ask.
	Live Live
}

// Live answers questions about the target, as far as the App may ask them. Its
// errors say nothing about the files: trying again may go well.
type Live interface {
	// Capabilities are the target's version, and what it serves.
	Capabilities(ctx context.Context) (Capabilities, error)
	// Object is an object as it is live, or nil where there is none.
	Object(ctx context.Context, apiVersion, kind, namespace, name string) (map[string]any, error)
	// List is all objects of a kind in a namespace, or in all of them.
	List(ctx context.Context, apiVersion, kind, namespace string) ([]map[string]any, error)
}

// Capabilities are what a cluster can do.
type Capabilities struct {
	KubeVersion string
	APIVersions []string // GROUP/VERSION, and GROUP/VERSION/KIND
}

// Result is what came of a render.
type Result struct {
	// Objects are in the order they were declared. They are sound: each has a
	// kind and a valid name, and no two have the same key.
	Objects []object.Object
	// Inputs are all that the render read. They are set after an error as
	// well: what was wrong stays wrong until one of them changes, unless the
	// error is ErrRead.
	Inputs tree.Inputs
	// Renderer is the name of the one that was used; empty where none was found.
	Renderer string
	// Notices are what people should know of it, such as what was left out.
	Notices []string
	// Opened says that an encrypted file was read. Then nothing of the result
	// may be written to a file.
	Opened bool
	// Needs are the sources that it reads beside its own, mounted or not.
	Needs []Need
	// Asked says that the target was asked. What came of it isn't kept: the
	// answer may be another one the next time.
	Asked bool
	// Cached says that nothing was rendered: the result is kept of a render
	// that read the same.
	Cached bool
}

// ErrRead marks an error that says nothing about the files: they could not be
// read, or the render was cut short. Trying again may go well. Every other
// error of a render follows from its inputs.
var ErrRead = errors.New("the files could not be read")
