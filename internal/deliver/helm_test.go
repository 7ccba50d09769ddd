package deliver_test

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// painter is a chart of one ConfigMap, whose color is a template.
func painter(folder, name, color string) map[string]string {
	return map[string]string{
		folder + "/Chart.yaml":       "apiVersion: v2\nname: painter\nversion: 1.2.3\n",
		folder + "/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {color: \"" + color + "\"}\n",
	}
}

func asRelease(name string, from ...v1alpha1.Given) func(*v1alpha1.App) {
	return func(app *v1alpha1.App) {
		app.Spec.Render.Helm = &v1alpha1.Helm{ReleaseName: name, ValuesFrom: from}
	}
}

func (f *fleet) put(name, color string) {
	f.t.Helper()
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name}, "data": map[string]any{"values.yaml": "color: " + color},
	}}
	if _, err := f.maps().Apply(f.t.Context(), name, o, metav1.ApplyOptions{FieldManager: "ada", Force: true}); err != nil {
		f.t.Fatal(err)
	}
}

// What a chart takes from the target is awaited, and taken anew when it changes.
func TestValuesFromTheTarget(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", asRelease("one", v1alpha1.Given{Kind: "ConfigMap", Name: "given"})))
	first := f.commit(painter("one", "a", "{{ .Values.color }}"))
	f.until("one", "refused for want of its values", func(s status.App) bool {
		return strings.Contains(s.Message, "there is no ConfigMap given in the namespace "+f.namespace)
	})
	f.put("given", "blue")
	f.synced("one", first)
	f.untilColor("a", "blue")
	f.put("given", "red")
	f.untilColor("a", "red")
	list := f.settledReleases("one", 2)
	if list[1].Trigger != release.TriggerSource || list[1].Revision.Commit != first {
		t.Errorf("the second release is %+v", list[1])
	}
}

// A chart that asks what the cluster serves is rendered anew when that changes.
func TestAChartThatAsksForKinds(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	group := f.namespace + ".example.com"
	f.declare(true, f.app("one", asRelease("one")), f.app("two", asRelease("two")))
	files := painter("one", "a", `{{ .Capabilities.APIVersions.Has \"`+group+`/v1/Gear\" }}`)
	files["one/templates/a.yaml"] = strings.ReplaceAll(files["one/templates/a.yaml"], `\"`, `"`)
	files["one/templates/a.yaml"] = strings.Replace(files["one/templates/a.yaml"], `color: "{{`, `color: "is {{`, 1)
	for name, content := range painter("two", "b", "blue") {
		files[name] = content
	}
	f.commit(files)
	f.untilColor("a", "is false")
	f.settledReleases("two", 1)
	crds := f.live.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	crd := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "gears." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "names": map[string]any{"kind": "Gear", "plural": "gears"},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}}}},
		},
	}}
	if _, err := crds.Create(t.Context(), crd, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = crds.Delete(context.WithoutCancel(t.Context()), crd.GetName(), metav1.DeleteOptions{}) })
	f.untilColor("a", "is true")
	if list := f.releases("two"); len(list) != 1 {
		t.Errorf("the chart that doesn't ask has %d releases", len(list))
	}
}

// Of two Apps that are one release the second is refused, with both names, until
// the first gives it up. A hand edit and a deletion in the first are put right.
func TestTwoAppsOfOneRelease(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.app("one", asRelease("web")), f.app("two", asRelease("web"))
	f.declare(true, one)
	files := painter("one", "a", "blue")
	for name, content := range painter("two", "b", "red") {
		files[name] = content
	}
	first := f.commit(files)
	f.synced("one", first)
	f.declare(true, one, two)
	refused := f.until("two", "refused", func(s status.App) bool { return strings.Contains(s.Message, "both are the release web") })
	if !strings.Contains(refused.Message, f.namespace+"/one") || !strings.Contains(refused.Message, f.namespace+"/two") {
		t.Errorf("it doesn't name both: %s", refused.Message)
	}
	if _, there := f.color("b"); there {
		t.Error("what was refused is applied")
	}
	if _, err := f.maps().Patch(t.Context(), "a", types.MergePatchType, []byte(`{"data":{"color":"green"}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	f.untilColor("a", "blue")
	if err := f.maps().Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	f.untilColor("a", "blue")
	f.stop() // who had it has it still after a restart
	f.start()
	f.declare(true, two, one)
	f.tell(len(f.repo.commits) - 1)
	f.until("two", "refused again", func(s status.App) bool { return strings.Contains(s.Message, "both are the release web") })
	f.synced("one", first)
	f.declare(true, two)
	f.synced("two", first)
}
