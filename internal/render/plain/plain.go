// Package plain renders a folder of YAML and JSON files, or one such file: the
// objects as they are written, in the order of the files' paths.
//
// Hidden files and folders (those with a leading dot) and files with other
// endings are left out. A folder that needs another way of rendering (a
// kustomization, a Helm chart) is an error wherever it is met: to read its
// files as they are would apply what nobody meant, and to pass it over would
// hide that it isn't applied.
package plain

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// maxDepth bounds how deep folders nest.
const maxDepth = 32

// Renderer is the plain way of rendering. The zero value is ready, and it is
// safe for concurrent use.
type Renderer struct{}

// Name implements render.Renderer.
func (Renderer) Name() string { return v1alpha1.RendererPlain }

// Wants implements render.Renderer: every folder, and files of YAML or JSON.
func (Renderer) Wants(files tree.Reader, at string) (bool, error) {
	e, err := files.Stat(at)
	if err != nil {
		return false, err
	}
	return e.Mode == tree.Folder || readable(at), nil
}

// Render implements render.Renderer.
func (Renderer) Render(_ context.Context, r render.Request) ([]object.Object, error) {
	e, err := r.Files.Stat(r.Path)
	if err != nil {
		return nil, err
	}
	w := walk{files: r.Files, recurse: recurses(r.Params.Plain)}
	switch {
	case e.Mode == tree.Folder:
		w.folder(r.Path, 1)
	case slices.Contains(render.KustomizationFiles(), path.Base(r.Path)):
		return nil, fmt.Errorf("%s is a kustomization; name its folder in spec.source.path", r.Path)
	case readable(r.Path):
		w.file(r.Path)
	default:
		return nil, fmt.Errorf("%s is neither a folder nor a .yaml, .yml or .json file; correct spec.source.path", r.Path)
	}
	return w.objects, render.Join(w.errs)
}

func recurses(p *v1alpha1.Plain) bool { return p == nil || p.Recurse == nil || *p.Recurse }

// readable says whether a name has one of the endings that are read.
func readable(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name)))
}

// walk reads files one by one and goes on after an error, so that people see
// all that is wrong at once.
type walk struct {
	files   tree.Reader
	recurse bool
	objects []object.Object
	errs    []error
}

func (w *walk) fail(format string, args ...any) {
	w.errs = append(w.errs, fmt.Errorf(format, args...))
}

func (w *walk) folder(at string, depth int) {
	entries, err := w.files.ReadDir(at)
	if err != nil {
		w.fail("%w", err)
		return
	}
	if err := foreign(at, entries); err != nil {
		w.fail("%w", err)
		return
	}
	for _, e := range entries {
		below := path.Join(at, e.Name)
		switch {
		case strings.HasPrefix(e.Name, "."):
		case e.Mode == tree.Link:
			w.link(below)
		case e.Mode == tree.Folder || e.Mode == tree.Submodule:
			if w.recurse {
				w.below(below, depth+1)
			}
		case readable(e.Name):
			w.file(below)
		}
	}
}

func (w *walk) below(at string, depth int) {
	if depth > maxDepth {
		w.fail("%s: folders nest more than %d deep; keep it out of the folder that is rendered", at, maxDepth)
		return
	}
	w.folder(at, depth)
}

// link reads what a link leads to, if that is a file. One to a folder could
// lead round in a circle.
func (w *walk) link(at string) {
	e, err := w.files.Stat(at)
	switch {
	case err != nil:
		w.fail("%w", err)
	case e.Mode == tree.Folder && w.recurse:
		w.fail("%s is a link to a folder, which is not followed; declare that folder as an App of its own, or list it in a kustomization", at)
	case e.Mode != tree.Folder && readable(at):
		w.file(at)
	}
}

func (w *walk) file(at string) {
	data, err := w.files.ReadFile(at)
	if err != nil {
		w.fail("%w", err)
		return
	}
	for d, err := range manifest.Read(at, data) {
		if err == nil && strings.HasPrefix(d.APIVersion(), v1alpha1.Group+"/") {
			continue // a declaration, whoever reads the root says what is wrong with it
		}
		if err == nil {
			err = d.Check()
		}
		if err != nil {
			w.errs = append(w.errs, err)
			continue
		}
		w.objects = append(w.objects, d.Object())
	}
}

// foreign says whether a folder is for another renderer.
func foreign(at string, entries []tree.Entry) error {
	if name, has := render.Holds(entries, render.KustomizationFiles()...); has {
		return fmt.Errorf("%s makes its folder a kustomization, which is not read as plain files; "+
			"declare the folder as an App of its own, without spec.render.plain", path.Join(at, name))
	}
	if _, has := render.Holds(entries, render.ChartFile); has {
		return fmt.Errorf("%s makes its folder a Helm chart, which is not read as plain files; "+
			"declare the folder as an App of its own, without spec.render.plain", path.Join(at, render.ChartFile))
	}
	return nil
}
