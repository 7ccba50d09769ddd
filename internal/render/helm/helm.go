// Package helm renders Helm charts, as `helm template` does, from a tree in
// place of a disk. Helm's own library does it: its engine, its values, its
// dependencies.
//
// Nothing reaches out: no file of the host, no environment, no network.
// `getHostByName` knows no host. A chart's files come from the tree, and so do
// those of its dependencies: what isn't vendored is named as a need, and read
// where that is mounted. What templates ask of the cluster, by `lookup` or
// .Capabilities, is asked through the request, in bounds; without anyone to ask
// there is nothing in the cluster. JSON schemas are validated here, for the
// library would fetch what they refer to.
//
// Charts are other people's programs. Their templates are metered (see meter)
// on their way to the library, so that one that loops, recurses or prints
// without end is an error within bounds. What the library's functions take in
// one call is bounded by the size of what they are given.
//
// The library changes the charts it works on, so each render reads its own.
// That, and not touching what it keeps for the whole process, is what makes it
// safe to render side by side.
package helm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	valuesutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// Renderer renders charts. New makes one; it is safe for concurrent use.
type Renderer struct {
	bounds bounds
}

// New is a Renderer with the usual bounds. It keeps the library off the
// process's log, where it would print values.
func New() Renderer {
	mute()
	return Renderer{bounds: usual()}
}

// Name implements render.Renderer.
func (Renderer) Name() string { return v1alpha1.RendererHelm }

// Wants implements render.Renderer: every folder with a Chart.yaml.
func (Renderer) Wants(files tree.Reader, at string) (bool, error) {
	e, err := files.Stat(at)
	if err != nil || e.Mode != tree.Folder {
		return false, err
	}
	e, err = files.Stat(path.Join(at, render.ChartFile))
	if errors.Is(err, tree.ErrNotFound) {
		return false, nil
	}
	return err == nil && e.Mode != tree.Folder, err
}

// Render implements render.Renderer. The chart's CRDs come first, then its
// templates by their paths.
func (r Renderer) Render(ctx context.Context, request render.Request) ([]object.Object, error) {
	b := &build{Request: request, params: settings(request.Params), bounds: r.bounds, origins: map[*common.File]string{}}
	if b.Notice == nil {
		b.Notice = func(string) {}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.bounds.time, fmt.Errorf("the chart takes longer than %s to render", r.bounds.time))
	defer cancel()
	objects, err := b.run(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("%s: %w: %w", shown(b.Path), render.ErrRead, context.Cause(ctx))
	}
	return objects, err
}

// bounds are what a render may take.
type bounds struct {
	time  time.Duration
	files int   // of all charts
	bytes int64 // of all charts, unpacked
	depth int   // of folders in a chart, and of charts in charts
	work  work
}

// usual are the bounds that no honest chart comes near. Time is for where nothing
// else ends a render: processes that render have one of their own.
func usual() bounds {
	return bounds{time: 5 * time.Minute, files: 10_000, bytes: 64 << 20, depth: 16, work: usualWork()}
}

// settings are the parameters with defaults, also for who has no App.
func settings(p v1alpha1.Render) v1alpha1.Helm {
	app := v1alpha1.App{}
	app.Spec.Render = v1alpha1.Render{Helm: p.Helm}
	if app.Spec.Render.Helm == nil {
		app.Spec.Render.Helm = &v1alpha1.Helm{}
	}
	h := *v1alpha1.Default(app).Spec.Render.Helm
	const unnamed = "release-name" // as `helm template` says
	h.ReleaseName = cmp.Or(h.ReleaseName, p.Release.Name, unnamed)
	return h
}

// build is one render.
type build struct {
	render.Request
	params  v1alpha1.Helm
	bounds  bounds
	files   int   // read or unpacked so far
	bytes   int64 // likewise
	values  map[string]any
	needs   []render.Need           // what is to be fetched first
	origins map[*common.File]string // the file of the tree that each of a chart's came from
}

// run is the render, step by step.
func (b *build) run(ctx context.Context) ([]object.Object, error) {
	if err := chartutil.ValidateReleaseName(b.params.ReleaseName); err != nil {
		return nil, fmt.Errorf("the release name %q can't be used: give one of at most 53 characters in spec.render.helm.releaseName", b.params.ReleaseName)
	}
	c, err := b.load(b.Path, nil)
	if err != nil {
		return nil, err
	}
	if len(b.needs) > 0 {
		return nil, render.Missing{Needs: b.needs}
	}
	if c.Metadata.Type == "library" {
		return nil, fmt.Errorf("%s: is a library chart, which has nothing to apply: name a chart that uses it", b.at(render.ChartFile))
	}
	if b.values, err = b.readValues(); err != nil {
		return nil, err
	}
	top, err := b.prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	m := newMeter(ctx, b.bounds.work)
	templates, err := b.meter(m, c)
	if err != nil {
		return nil, err
	}
	functions := m.functions()
	functions["lookup"] = (&cluster{live: b.Live, meter: m}).lookup(ctx)
	e := engine.Engine{CustomTemplateFuncs: functions}
	rendered, err := e.RenderWithContext(ctx, c, top)
	if err != nil {
		return nil, b.explain(m, templates, err)
	}
	for _, name := range slices.Sorted(maps.Keys(m.random)) {
		b.Notice(fmt.Sprintf("%s: a template calls %s, which yields something else each time: each render changes what it is for; give the value in spec.render.helm.values",
			b.at(render.ChartFile), name))
	}
	return b.objects(c, templates, rendered)
}

// prepare settles which dependencies count, and makes what templates see.
func (b *build) prepare(ctx context.Context, c *chart.Chart) (common.Values, error) {
	capabilities, err := b.capabilities(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(c, b.values); err != nil {
		return nil, b.told(err)
	}
	release := common.ReleaseOptions{Name: b.params.ReleaseName, Namespace: cmp.Or(b.Params.Release.Namespace, v1alpha1.DefaultNamespace), Revision: 1, IsInstall: true}
	top, err := valuesutil.ToRenderValuesWithSchemaValidation(c, b.values, release, capabilities, true)
	if err != nil {
		return nil, b.told(err)
	}
	values, _ := top["Values"].(common.Values)
	return top, b.validate(c, values)
}

// at is a file of the chart that is rendered, as a path of the tree.
func (b *build) at(name string) string { return path.Join(b.Path, name) }

// shown is a path for messages, where the tree's top has a name.
func shown(at string) string {
	if at == "" {
		return "the repository's top"
	}
	return at
}

// inside says whether a path as it is given in a folder stays in the repository
// or other source that the folder is of, and what it is there.
func inside(folder, given string) (string, bool) {
	at := path.Join(folder, given)
	from, _ := tree.Mounted(folder)
	if to, _ := tree.Mounted(at); to != from {
		return "", false
	}
	if at == ".." || strings.HasPrefix(at, "../") || path.IsAbs(given) || strings.Contains(given, "://") {
		return "", false
	}
	if at == "." {
		at = ""
	}
	return at, true
}
