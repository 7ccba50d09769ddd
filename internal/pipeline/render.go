package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/tree"
)

// Renderer renders what is at a path of a tree; render.Set is one, and so is
// the cache before it.
type Renderer = render.Whole

// rendererFor is the renderer for an App. What the App marks as sensitive must
// be written to no file, so of it no result is kept.
func rendererFor(app v1alpha1.App, r Renderer) Renderer {
	if keeps, ok := r.(interface{ Afresh() render.Whole }); ok && len(app.Spec.Sensitive) > 0 {
		return keeps.Afresh()
	}
	return r
}

// Fitter fits objects to a target; target.Hands is one.
type Fitter interface {
	Resolve(ctx context.Context, r target.Resolve) ([]plan.Desired, []target.ObjectError)
}

// Rendering is what came of a render.
type Rendering struct {
	Desired    []plan.Desired
	Hooks      []hooks.Hook         // what is not applied, but made once by a release
	Notices    []string             // what people should know of it, such as what is asked for and not done
	Unresolved []target.ObjectError // what could not be fitted to the target; the rest is in Desired
	Inputs     tree.Inputs
	Needs      []render.Need // sources that it reads beside its own
	Asked      bool          // the target was asked, so the answer may be another one later
	Renderer   string        // how it was rendered
	Cached     bool          // it was known from an earlier render of the same
	// Given are the versions of the objects that values were taken from; empty of
	// one that isn't there.
	Given map[object.Key]string
	// Served is the digest of what the target serves, where the render asked for it.
	Served string
	Err    error
	Retry  bool // trying the same again may help
}

// Rendered says whether there is a result, though perhaps not of every object.
func (r Rendering) Rendered() bool { return r.Err == nil || len(r.Unresolved) > 0 }

// Objects are what was rendered, as they would be applied, with the hooks.
func (r Rendering) Objects() ([]object.Object, error) {
	all := slices.Clone(r.Desired)
	for _, h := range r.Hooks {
		all = append(all, h.Desired)
	}
	objects := make([]object.Object, 0, len(all))
	for _, d := range all {
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(d.Body); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Key, err)
		}
		objects = append(objects, object.Object{Unstructured: u, Origin: d.Origin})
	}
	return objects, nil
}

// Job is what is rendered for whom.
type Job struct {
	App      v1alpha1.App
	Root     string    // the root that declares the App
	Revision string    // the commit
	Files    tree.Tree // with all that it needs mounted
}

// Work is what rendering an App is: of its own folder, or of a chart that was
// fetched for it.
func Work(app v1alpha1.App, files tree.Tree) render.Work {
	w := render.Work{Files: files, Path: app.Spec.Source.Path, Params: app.Spec.Render}
	if app.Spec.Source.Chart != nil {
		w.Path, w.Params.ValuesBase = ChartMount, w.Path
	}
	return w
}

// ChartMount is where an App's chart is mounted.
const ChartMount = tree.MountMark + "chart"

// Render renders an App at one commit, and fits the objects to the target.
func Render(ctx context.Context, renderer Renderer, fit Fitter, j Job) Rendering {
	asked, err := prepare(ctx, askable(fit), j.App)
	if err != nil {
		return Rendering{Given: asked.versions(j.App), Err: err, Retry: true}
	}
	work := Work(j.App, j.Files)
	work.Given, work.Live = asked.given, asked.asks()
	result, err := rendererFor(j.App, renderer).Render(ctx, work)
	r := Rendering{Inputs: result.Inputs, Needs: result.Needs, Asked: result.Asked, Renderer: result.Renderer, Cached: result.Cached, Given: asked.versions(j.App), Served: asked.served(), Err: err}
	if err != nil {
		r.Retry = errors.Is(err, render.ErrRead) || errors.Is(err, render.ErrUnopened)
		return r
	}
	parts := hooks.Split(result.Objects)
	r.Notices = slices.Concat(result.Notices, parts.Notices)
	r.Desired, r.Unresolved = fit.Resolve(ctx, target.Resolve{App: j.App, Root: j.Root, Revision: j.Revision, Objects: parts.Objects})
	var failed []target.ObjectError
	r.Hooks, failed = fitHooks(ctx, fit, j, parts.Hooks)
	r.Unresolved = append(r.Unresolved, failed...)
	if len(r.Unresolved) > 0 {
		r.Err, r.Retry = Unresolved(r.Unresolved), true
	}
	return r
}

// Inputs are what rendering an App reads of a tree. Where the render fails they
// are what was read until then, with the error.
func Inputs(ctx context.Context, renderer Renderer, app v1alpha1.App, files tree.Tree) (tree.Inputs, error) {
	result, err := rendererFor(app, renderer).Render(ctx, Work(app, files))
	return result.Inputs, err
}

// Unresolved tells the first few of what could not be fitted to the target.
func Unresolved(failed []target.ObjectError) error {
	const most = 5
	errs := make([]error, 0, most)
	for _, f := range failed[:min(most, len(failed))] {
		errs = append(errs, f)
	}
	if more := len(failed) - most; more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}
