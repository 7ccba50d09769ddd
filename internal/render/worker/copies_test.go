package worker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/worker"
	"plumb.dev/plumb/internal/tree/treetest"
)

// S05: each operation of a patch may double an object, and the library doesn't
// mind. The worker that does it is ended, and others go on.
func TestS05CopiesWithoutEnd(t *testing.T) {
	p := pool(t, worker.Options{Workers: 1, Memory: 128 << 20, Time: 20 * time.Second})
	set := p.WrapAll([]render.Renderer{kustomize.Renderer{}})
	var copies strings.Builder
	for i := range 40 {
		fmt.Fprintf(&copies, "- {op: copy, from: /data, path: /data/c%d}\n", i)
	}
	files := treetest.New(map[string]string{
		"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n",
	})
	of := func(patches ...v1alpha1.Patch) render.Work {
		return render.Work{Files: files, Path: "app", Params: v1alpha1.Render{Kustomize: &v1alpha1.Kustomize{Patches: patches}}}
	}
	bomb := v1alpha1.Patch{Patch: copies.String(), Target: &v1alpha1.PatchTarget{Kind: "ConfigMap"}}
	if _, err := set.Render(t.Context(), of(bomb)); err == nil || !strings.Contains(err.Error(), "the render of app ") || !strings.Contains(err.Error(), "was stopped") {
		t.Errorf("got the error %v", err)
	}
	if result, err := set.Render(t.Context(), of()); err != nil || len(result.Objects) != 1 {
		t.Errorf("the next render: %v", err)
	}
}
