package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
)

// Gathering is a Renderer for one App outside of the engine: it looks at what
// the App reads beside its own repository once, and mounts it.
type Gathering struct {
	From Renderer
	Open Opener
	Look source.Looker // nil where nothing can be fetched
	App  v1alpha1.App
	// Known is what is followed already; where it is what the App asks for, nothing
	// is fetched.
	Known map[string]source.Head
}

// ErrNotFetched says that something from elsewhere is needed, and that nothing is
// fetched.
var ErrNotFetched = errors.New("nothing is fetched here")

// mostRounds bounds how deep what is needed may need more.
const mostRounds = 8

// Render implements render.Whole.
func (g Gathering) Render(ctx context.Context, w render.Work) (render.Result, error) {
	mounted := map[string]tree.Tree{}
	refs := Besides(g.App, nil)
	for range mostRounds {
		if err := g.mount(ctx, refs, mounted); err != nil {
			return render.Result{}, err
		}
		w.Files = w.Files.Mount(mounted)
		result, err := g.From.Render(ctx, w)
		var missing render.Missing
		if !errors.As(err, &missing) {
			return result, err
		}
		maps.Copy(refs, Besides(v1alpha1.App{}, missing.Needs))
	}
	return render.Result{}, fmt.Errorf("what is needed needs more, more than %d deep: vendor some of it", mostRounds)
}

// Afresh keeps nothing of what it renders.
func (g Gathering) Afresh() render.Whole {
	if keeps, ok := g.From.(interface{ Afresh() render.Whole }); ok {
		g.From = keeps.Afresh()
	}
	return g
}

// mount fetches what isn't mounted yet.
func (g Gathering) mount(ctx context.Context, refs map[string]source.Ref, mounted map[string]tree.Tree) error {
	for mount, ref := range refs {
		if _, is := mounted[mount]; is {
			continue
		}
		h := g.Known[mount]
		if h.Ref != ref || h.Revision.Commit == "" {
			if g.Look == nil {
				return away{fmt.Errorf("%s: %w", ref.Name(), ErrNotFetched)}
			}
			var err error
			if h.Revision, err = g.Look.Look(ctx, ref); err != nil {
				return away{err}
			}
		}
		files, err := g.Open.Tree(ref.URL, h.Revision.Commit)
		if err != nil {
			return away{fmt.Errorf("%s: %w", ref.Name(), err)}
		}
		mounted[mount] = files
	}
	return nil
}

// away is that something from elsewhere isn't there. It says nothing about the
// files, as render.ErrRead, whose words would be wrong for it.
type away struct{ error }

func (a away) Is(target error) bool { return target == render.ErrRead }
func (a away) Unwrap() error        { return a.error }
