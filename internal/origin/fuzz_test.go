package origin_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/origin"
	"plumb.dev/plumb/internal/tree/treetest"
	"plumb.dev/plumb/internal/yamledit"
)

// FuzzPlaces holds that whatever stands in a kustomization and its patches, a
// place that is said to have the field's value has it, and can be edited or
// says why not.
func FuzzPlaces(f *testing.F) {
	f.Add("resources: [all.yaml]\nimages: [{name: shop, newTag: \"1\"}]\npatches: [{path: patch.yaml}]\n", "kind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n")
	f.Add("resources: [all.yaml]\nnamePrefix: p-\npatchesJson6902:\n- path: patch.yaml\n  target: {kind: Deployment, name: w.*}\n", "- {op: replace, path: /spec/replicas, value: 3}\n")
	f.Add("resources: [all.yaml, .]\ncomponents: [.]\nreplicas: [{name: web, count: 3}]\ncommonLabels: {a: b}\n", "[")
	f.Add("resources: [all.yaml]\npatchesStrategicMerge:\n- |-\n  kind: Deployment\n  metadata: {name: web}\n  spec: {replicas: 3}\nlabels: [{pairs: {app: web}}]\n", "")
	f.Add("resources: [all.yaml]\ntransformers: [patch.yaml]\nconfigMapGenerator: [{name: web, literals: [a=b], envs: [patch.yaml], files: [x=patch.yaml]}]\n", "kind: LabelTransformer\nlabels: {app: web}\n")
	const manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {app: web}}\nspec:\n  replicas: 3\n  template: {spec: {containers: [{name: web, image: \"shop:1\"}]}}\n"
	o := object.Object{Origin: object.Origin{File: "k/all.yaml", Line: 1}, Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "labels": map[string]any{"app": "web"}},
		"spec": map[string]any{"replicas": int64(3), "template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": "shop:1"}}}}},
	}}}
	fields := []yamledit.Path{
		yamledit.Keys("spec", "replicas"), yamledit.Keys("metadata", "labels", "app"), yamledit.Keys("spec", "absent"),
		yamledit.Keys("spec", "template", "spec", "containers").Then(yamledit.Element("name", "web"), yamledit.Step{Key: "image"}),
	}
	f.Fuzz(func(t *testing.T, kustomization, patch string) {
		files := treetest.New(map[string]string{"k/kustomization.yaml": kustomization, "k/patch.yaml": patch, "k/all.yaml": manifest})
		finder := origin.New(files, "k", v1alpha1.Render{})
		for _, field := range fields {
			value, _, _ := origin.Lookup(o.Object, field)
			at, exact := finder.Of(o, field, value)
			if exact && (!at.Present || !origin.Equal(at.Value, value)) || at.File == "" || at.Line < 0 {
				t.Fatalf("%s: %+v, %v", field, at, exact)
			}
			places, _ := finder.Places(o, field)
			homes, _ := finder.Homes(o, field)
			for _, p := range append(append(places, homes...), finder.NewPatches(o, field)...) {
				if edit, err := p.Set(files, value); err == nil && edit.File != p.File {
					t.Fatalf("%s: %+v", field, edit)
				}
				_, _ = p.Remove(files)
			}
		}
	})
}
