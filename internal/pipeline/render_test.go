package pipeline_test

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/cache"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/tree/treetest"
)

// anyFit takes every object as it is.
type anyFit struct{}

func (anyFit) Resolve(_ context.Context, r target.Resolve) ([]plan.Desired, []target.ObjectError) {
	return make([]plan.Desired, len(r.Objects)), nil
}

// What an App marks as sensitive is kept in no file.
func TestNoFileHasWhatAnAppMarks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept := cache.Open(cache.Options{From: render.Set{plain.Renderer{}}, Dir: dir, Log: slog.New(slog.DiscardHandler)})
	job := pipeline.Job{Files: treetest.New(map[string]string{"app/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: canary}\n"})}
	job.App.Spec.Source.Path = "app"
	job.App.Spec.Sensitive = []v1alpha1.Sensitive{{Kind: "ConfigMap", Fields: []string{"/data/x"}}}
	for want, rules := range [][]v1alpha1.Sensitive{job.App.Spec.Sensitive, nil} {
		job.App.Spec.Sensitive = rules
		r := pipeline.Render(t.Context(), kept, anyFit{}, job)
		if r.Err != nil || len(r.Desired) != 1 || r.Cached {
			t.Fatalf("%+v", r)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) != want {
			t.Errorf("there are %d files, want %d: %v", len(files), want, err)
		}
	}
	if r := pipeline.Render(t.Context(), kept, anyFit{}, job); !r.Cached {
		t.Error("nothing was kept of an App that marks nothing")
	}
}
