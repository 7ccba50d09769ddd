package render

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime/debug"
	"strings"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/tree"
)

// Set is the ways of rendering there are. Where an App names none, the first
// that wants its folder is used. It is safe for concurrent use.
type Set []Renderer

// Render renders what is at a path of a tree: it chooses the renderer, records
// what is read, and checks what comes out.
func (s Set) Render(ctx context.Context, w Work) (Result, error) {
	return s.render(ctx, w, &opened{})
}

func (s Set) render(ctx context.Context, w Work, sealed *opened) (Result, error) {
	sealed.secrets, sealed.any = w.Given.Secrets(), w.Given.Confidential()
	record := tree.Record(w.Files)
	read := &reader{ended: func() error { return context.Cause(ctx) }, from: record, sealed: sealed}
	var result Result
	var needs needing
	request := Request{
		Files: read, Path: clean(w.Path), Params: w.Params, Given: w.Given, Need: needs.add,
		Notice: func(s string) { result.Notices = append(result.Notices, s) },
	}
	if w.Live != nil {
		request.Live = asking{w.Live, &result.Asked, &read.failed, sealed}
	}

	r, err := s.choose(request)
	if err == nil {
		result.Renderer = r.Name()
		result.Objects, err = run(ctx, r, request)
	}
	if err == nil {
		result.Objects, err = substituted(result.Objects, w, request.Notice)
	}
	if err == nil {
		result.Objects, err = check(result.Objects)
	}
	result.Inputs, result.Needs = record.Inputs(), needs.needs
	err = sealed.settle(&result, needs.settle(err))
	switch {
	case errors.Is(read.failed, ErrRead):
		err = read.failed
	case read.failed != nil:
		err = fmt.Errorf("%w: %w", ErrRead, read.failed)
	}
	if err != nil {
		result.Objects, result.Notices = nil, nil
	}
	return result, err
}

// clean is a path as renderers get it.
func clean(p string) string {
	if p = path.Clean(p); p == "." {
		return ""
	}
	return p
}

// choose finds the renderer that the parameters name, or else the first that
// wants the path.
func (s Set) choose(r Request) (Renderer, error) {
	if _, err := r.Files.Stat(r.Path); err != nil {
		return nil, fmt.Errorf("%w; check spec.source.path and what it follows", err)
	}
	if name := named(r.Params); name != "" {
		return s.byName(name)
	}
	for _, candidate := range s {
		wants, err := candidate.Wants(r.Files, r.Path)
		if err != nil {
			return nil, err
		}
		if wants {
			return candidate, nil
		}
	}
	return nil, fmt.Errorf("%s: it isn't clear how to render this; Plumb renders folders and files of YAML and JSON, kustomizations and Helm charts", shown(r.Path))
}

func named(p v1alpha1.Render) string {
	switch {
	case p.Kustomize != nil:
		return v1alpha1.RendererKustomize
	case p.Helm != nil:
		return v1alpha1.RendererHelm
	case p.Plain != nil:
		return v1alpha1.RendererPlain
	}
	return ""
}

func (s Set) byName(name string) (Renderer, error) {
	var have []string
	for _, r := range s {
		if r.Name() == name {
			return r, nil
		}
		have = append(have, r.Name())
	}
	return nil, fmt.Errorf("spec.render.%s: there is no such renderer here; there are: %s", name, strings.Join(have, ", "))
}

// shown is a path for messages, where the tree's top has a name.
func shown(p string) string {
	if p == "" {
		return "the repository's top"
	}
	return p
}

// Panic is a renderer that broke down. It concerns one App and nothing else.
type Panic struct {
	Renderer string
	Value    any
	Stack    []byte
}

// Error says what happened, without the stack.
func (p *Panic) Error() string {
	return fmt.Sprintf("the renderer %s broke down on these files: %v; please report it with them", p.Renderer, p.Value)
}

// run renders, and turns a panic into an error.
func run(ctx context.Context, r Renderer, request Request) (objects []object.Object, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Panic{Renderer: r.Name(), Value: v, Stack: debug.Stack()}
		}
	}()
	return r.Render(ctx, request)
}

// reader hands a tree to a renderer, stops it when the time is up, and notes
// when the tree itself failed. Libraries take an error for an absent file, so
// it is not enough to hand it on.
type reader struct {
	ended  func() error // why no more is read, or nil
	from   tree.Reader
	sealed *opened
	failed error
}

// facts are the errors that tell what is in the repository.
var facts = []error{
	tree.ErrNotFound, tree.ErrOutside, tree.ErrLoop, tree.ErrTooLarge,
	tree.ErrSubmodule, tree.ErrLFS, tree.ErrFolder, tree.ErrNotFolder,
}

func (r *reader) note(err error) error {
	if err == nil || r.failed != nil {
		return err
	}
	for _, fact := range facts {
		if errors.Is(err, fact) {
			return err
		}
	}
	r.failed = err
	return err
}

// before says whether another read may be made.
func (r *reader) before() error {
	if r.failed != nil {
		return r.failed
	}
	return r.note(r.ended())
}

// ReadFile implements tree.Reader.
func (r *reader) ReadFile(p string) ([]byte, error) {
	if err := r.before(); err != nil {
		return nil, err
	}
	b, err := r.from.ReadFile(p)
	if err := r.note(err); err != nil {
		return b, err
	}
	return r.sealed.open(r.from, p, b)
}

// ReadDir implements tree.Reader.
func (r *reader) ReadDir(p string) ([]tree.Entry, error) {
	if err := r.before(); err != nil {
		return nil, err
	}
	entries, err := r.from.ReadDir(p)
	return entries, r.note(err)
}

// Stat implements tree.Reader.
func (r *reader) Stat(p string) (tree.Entry, error) {
	if err := r.before(); err != nil {
		return tree.Entry{}, err
	}
	e, err := r.from.Stat(p)
	return e, r.note(err)
}
