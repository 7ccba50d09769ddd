package renders

import (
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/helm"
	"plumb.dev/plumb/internal/render/kustomize"
)

// TestHelm renders the chart in the folder c of each case both ways.
func TestHelm(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/helm/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			s := readScene(t, file)
			command := []string{program(t, "helm"), "template", "web", "c", "--namespace", "team-a", "--include-crds", "--skip-tests", "--kube-version", v1alpha1.DefaultKubeVersion}
			top := s.vendored().onDisk(t)
			printed, err := output(t, top, append(command, s.flags...)...)
			if err == nil && s.post != "" {
				printed, err = postRendered(t, printed, s.post)
			}
			if err != nil {
				t.Fatal(err)
			}
			same(t, objects(t, printed), byPlumb(t, s, kustomize.Patching{Renderer: helm.New()}), s.differs)
		})
	}
}

// byPlumb is what Plumb makes of a case, as for an App.
func byPlumb(t *testing.T, s scene, by ...render.Renderer) []object.Object {
	t.Helper()
	app := v1alpha1.App{}
	app.Name, app.Namespace = "web", "team-a"
	if err := yaml.UnmarshalStrict([]byte(s.render), &app.Spec.Render); err != nil {
		t.Fatal(err)
	}
	if errs := v1alpha1.Validate(app); len(errs) > 0 {
		t.Fatal(errs)
	}
	result, err := rendered(t, render.Work{Files: s.tree(), Path: "c", Params: v1alpha1.Default(app).Spec.Render, Given: s.given}, by...)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range result.Objects { // what came from Secrets is marked, so that it is shown nowhere
		annotations := o.GetAnnotations()
		if annotations[object.AnnotationSensitive] == "" {
			continue
		}
		delete(annotations, object.AnnotationSensitive)
		if o.SetAnnotations(annotations); len(annotations) == 0 {
			o.SetAnnotations(nil)
		}
	}
	return result.Objects
}

// postRendered is what kustomize makes of what helm printed, as people have it
// in a script that they give to helm.
func postRendered(t *testing.T, printed, kustomization string) (string, error) {
	t.Helper()
	s := scene{files: map[string]string{"all.yaml": printed, "kustomization.yaml": "resources: [all.yaml]\n" + kustomization}}
	return output(t, s.onDisk(t), program(t, "kustomize"), "build", ".")
}
