package kustomize

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree/treetest"
)

// TestNotices: what the library would warn of on the standard error is told with
// the file and the line, once for each file, however often it is read.
func TestNotices(t *testing.T) {
	t.Parallel()
	const (
		below    = ", and a later kustomize will refuse it: use "
		rewrites = "; `kustomize edit fix` rewrites it"
	)
	for name, c := range map[string]struct {
		top  string
		want []string
	}{
		"none":            {"resources: [../base]\nlabels: [{pairs: {a: b}, includeSelectors: true}]\n", nil},
		"bases":           {"namePrefix: x-\nbases:\n- ../base\n", []string{"app/kustomization.yaml:2: bases is outdated" + below + "resources" + rewrites}},
		"several":         {"resources: [../base]\ncommonLabels: {a: b}\npatchesStrategicMerge: []\n", []string{"app/kustomization.yaml:2: commonLabels is outdated" + below + "labels" + rewrites, "app/kustomization.yaml:3: patchesStrategicMerge is outdated" + below + "patches" + rewrites}},
		"a base, twice":   {"resources: [../old]\ncomponents: [../old/more]\n", []string{"old/kustomization.yaml:3: patchesJson6902 is outdated" + below + "patches" + rewrites}},
		"unused vars":     {"resources: [../base]\nvars:\n- {name: NAME, objref: {kind: ConfigMap, name: a, apiVersion: v1}}\n", []string{"app/kustomization.yaml:2: vars is outdated" + below + "replacements" + rewrites, "app: no object has a place for the vars NAME"}},
		"an old image":    {"resources: [../base]\nimageTags: [{name: a, newTag: b}]\n", []string{"app/kustomization.yaml:2: imageTags is outdated" + below + "images" + rewrites}},
		"a prefixed base": {"resources: [../over/a, ../over/b]\n", []string{"old/kustomization.yaml:3: patchesJson6902 is outdated" + below + "patches" + rewrites}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := treetest.New(map[string]string{
				"app/kustomization.yaml":      c.top,
				"base/kustomization.yaml":     "resources: [a.yaml]\n",
				"base/a.yaml":                 configMap,
				"old/kustomization.yaml":      "resources:\n- ../base\npatchesJson6902:\n- {target: {version: v1, kind: ConfigMap, name: a}, patch: '[{\"op\": \"add\", \"path\": \"/data\", \"value\": {\"x\": \"z\"}}]'}\n",
				"old/more/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -x\n",
				"over/a/kustomization.yaml":   "resources: [../../old]\nnamePrefix: a-\n",
				"over/b/kustomization.yaml":   "resources: [../../old]\nnamePrefix: b-\n",
			})
			result, err := render.Set{Renderer{}}.Render(t.Context(), render.Work{Files: files, Path: "app"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, result.Notices); diff != "" {
				t.Error(diff)
			}
		})
	}
}
