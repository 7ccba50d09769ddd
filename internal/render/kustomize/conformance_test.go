package kustomize

import (
	"testing"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render/rendertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	samples := map[string]rendertest.Sample{}
	for _, name := range []string{"overlay.txtar", "top.txtar"} {
		e := examples(t)[name]
		samples[name] = rendertest.Sample{Files: e.files, Path: e.path}
	}
	e := examples(t)["overlay.txtar"]
	samples["with images"] = rendertest.Sample{Files: e.files, Path: e.path, Params: v1alpha1.Render{Kustomize: &v1alpha1.Kustomize{
		Images: []v1alpha1.Image{{Name: "registry.example.com/web", NewTag: "2"}},
	}}}
	for name, test := range onTop {
		if len(test.params.Components) == 0 {
			samples["with "+name] = rendertest.Sample{Files: e.files, Path: e.path, Params: v1alpha1.Render{Kustomize: &test.params}}
		}
	}
	rendertest.Run(t, Renderer{}, samples)
}
