package e2e

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/registry/registrytest"
	"plumb.dev/plumb/internal/release"
)

// versioned is a chart of one ConfigMap that tells which version it is.
func versioned(name, version, dependencies string) map[string]string {
	return map[string]string{
		"Chart.yaml":       fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n%s", name, version, dependencies),
		"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Chart.Name }}}\ndata: {version: {{ .Chart.Version | quote }}}\n",
	}
}

// isVersion waits until a ConfigMap tells a version.
func (f *fleet) isVersion(name, version string) {
	f.t.Helper()
	until(f.t, func() string {
		live := f.cluster.at(f.t, f.key("ConfigMap", name))
		if live == nil {
			return "there is no " + name + ": " + f.status("shop").Message
		}
		if got, _, _ := unstructured.NestedString(live.Object, "data", "version"); got != version {
			return fmt.Sprintf("%s is %s, not %s: %s", name, got, version, f.status("shop").Message)
		}
		return ""
	})
}

// A chart in Git depends on one in a chart repository, which depends on one in a registry, and on one that its index says to be in a registry;
// nothing is vendored. All of them are fetched, held in line, and followed: a new version in the range is a release.
func TestDependenciesAreFetched(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.serveHTTP()
	registry, charts := registrytest.NewRegistry(t), registrytest.NewCharts(t)
	registry.Push("charts", "deep", "0.1.0", versioned("deep", "0.1.0", ""))
	charts.Push(t, "parts", "1.2.0", versioned("parts", "1.2.0", fmt.Sprintf("dependencies: [{name: deep, version: 0.1.x, repository: '%s'}]\n", registry.Folder("charts"))))
	files := map[string]string{"apps/shop.yaml": f.appFrom("shop", "path: shop, every: 1s")}
	linked, _ := registry.Push("hub", "linked", "0.3.0", versioned("linked", "0.3.0", ""))
	charts.List("linked", registrytest.Version{Version: "0.3.0", URL: registry.Folder("hub") + "/linked:0.3.0", Digest: linked})
	for name, content := range versioned("shop", "1.0.0", fmt.Sprintf("dependencies: [{name: parts, version: ^1.0.0, repository: '%[1]s'}, {name: linked, version: 0.x.x, repository: '%[1]s'}]\n", charts.URL)) {
		files["shop/"+name] = content
	}
	f.commit(files)
	f.start()
	f.isVersion("shop", "1.0.0")
	f.isVersion("parts", "1.2.0")
	f.isVersion("deep", "0.1.0")
	f.isVersion("linked", "0.3.0")

	maps := f.cluster.of(t, f.key("ConfigMap", "").GroupKind().WithVersion("v1"), f.namespace)
	if _, err := maps.Patch(t.Context(), "deep", types.MergePatchType, []byte(`{"data":{"version":"tampered"}}`), metav1.PatchOptions{FieldManager: "hand"}); err != nil {
		t.Fatal(err)
	}
	f.isVersion("deep", "0.1.0")
	if err := maps.Delete(t.Context(), "parts", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	f.isVersion("parts", "1.2.0")
	f.news()

	registry.Push("charts", "deep", "0.1.1", versioned("deep", "0.1.1", ""))
	f.isVersion("deep", "0.1.1")
	charts.Push(t, "parts", "1.3.0", versioned("parts", "1.3.0", ""))
	f.isVersion("parts", "1.3.0")
	until(t, func() string {
		if f.cluster.at(t, f.key("ConfigMap", "deep")) != nil {
			return "what the new version doesn't depend on is still there"
		}
		return ""
	})
	for _, r := range f.news() {
		if r.Trigger != release.TriggerSource || r.Outcome == release.Failed {
			t.Errorf("not of a source that moved: %s", f.line(r))
		}
	}
}
