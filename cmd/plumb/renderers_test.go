package main

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree/treetest"
)

// What a chart comes to is patched, and then values are put into it: each of the
// ways works on what the one before has made.
func TestRenderersGoTogether(t *testing.T) {
	t.Parallel()
	files := treetest.New(map[string]string{
		"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "web/values.yaml": "image: web:1\n",
		"web/templates/job.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-install}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: {{ .Values.image }}}]}}}\n",
		"web/templates/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\nspec:\n  selector: {matchLabels: {a: b}}\n  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: {{ .Values.image }}}]}}\n",
	})
	app := v1alpha1.Default(v1alpha1.App{Spec: v1alpha1.AppSpec{Render: v1alpha1.Render{
		Helm: &v1alpha1.Helm{
			ReleaseName: "shop", Images: []v1alpha1.Image{{Name: "web", NewTag: "2"}},
			Patches: []v1alpha1.Patch{{Patch: "- {op: add, path: /spec/replicas, value: '${REPLICAS}'}\n", Target: &v1alpha1.PatchTarget{Kind: "Deployment", Name: "shop"}}},
		},
		Substitute: &v1alpha1.Substitute{Values: map[string]string{"REPLICAS": "3"}},
	}}})
	result, err := renderers(nil).Render(t.Context(), render.Work{Files: files, Path: "web", Params: app.Spec.Render})
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, o := range result.Objects {
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString("# " + o.Origin.File + "\n" + string(text))
	}
	for _, want := range []string{"# web/templates/web.yaml", "replicas: 3\n", "# web/templates/job.yaml"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("there is no %q in\n%s", want, all.String())
		}
	}
	if strings.Count(all.String(), "image: web:2") != 2 {
		t.Errorf("an image was left:\n%s", all.String())
	}
}
