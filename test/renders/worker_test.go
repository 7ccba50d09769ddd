package renders

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/helm"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/worker"
)

// TestMain is the worker as well.
func TestMain(m *testing.M) {
	renderers := func() []render.Renderer {
		return []render.Renderer{kustomize.Renderer{}, kustomize.Patching{Renderer: helm.New()}}
	}
	if code, is := worker.Serve(os.Args, renderers); is {
		os.Exit(code)
	}
	controlplanetest.Main(m)
}

// inWorkers are renderers as the daemon has them.
func inWorkers(t *testing.T, by ...render.Renderer) render.Set {
	t.Helper()
	pool, err := worker.New(worker.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool.WrapAll(by)
}

// rendered is what Plumb makes of something, which is the same in process, as
// commands without a daemon render, and in a worker, as the daemon does.
func rendered(t *testing.T, w render.Work, by ...render.Renderer) (render.Result, error) {
	t.Helper()
	result, err := render.Set(by).Render(t.Context(), w)
	again, errAgain := inWorkers(t, by...).Render(t.Context(), w)
	tell := func(objects []object.Object) (lines []string) {
		for _, o := range objects {
			lines = append(lines, o.Origin.String()+" "+o.Key().ID()+" "+o.Digest())
		}
		return lines
	}
	if diff := cmp.Diff(tell(result.Objects), tell(again.Objects)); diff != "" || (err == nil) != (errAgain == nil) {
		t.Errorf("%v, and in a worker %v (-in process +in a worker)\n%s", err, errAgain, diff)
	}
	return result, errors.Join(err, errAgain)
}
