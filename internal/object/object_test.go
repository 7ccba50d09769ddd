package object

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
)

func TestAppLabel(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 63)
	for id, want := range map[string]string{
		"team-a/shop":                  "team-a.shop",
		"n/" + strings.Repeat("a", 61): "n." + strings.Repeat("a", 61),
		long + "/" + long:              strings.Repeat("a", 54) + "-bfd4f6fe",
	} {
		got := AppLabel(id)
		if errs := validation.IsValidLabelValue(got); len(errs) > 0 {
			t.Errorf("%s: %s is no label's value: %v", id, got, errs)
		}
		if len(id) < 64 && got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
	if AppLabel(long+"/"+long) == AppLabel(long+"/"+long[1:]) {
		t.Error("two long names have one label")
	}
	if got := AppLabel(strings.Repeat("a", 53) + "/-" + long); strings.Contains(got, ".-") || strings.Contains(got, "--") {
		t.Errorf("the cut left %s", got)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	for id, text := range map[string]string{
		"apps/Deployment/shop/web":                        "Deployment/shop/web",
		"/Namespace//shop":                                "Namespace/shop",
		"rbac.authorization.k8s.io/ClusterRole//system:a": "ClusterRole/system:a",
		"/ConfigMap/shop/kube-root-ca.crt":                "ConfigMap/shop/kube-root-ca.crt",
	} {
		k, err := ParseID(id)
		if err != nil || k.ID() != id || k.String() != text || k.GroupKind().Kind != k.Kind {
			t.Errorf("%s: got %s and %s, %v", id, k.ID(), k, err)
		}
	}
	for _, id := range []string{"", "a/b/c", "a//c/d", "a/b/c/", "a/b/c/d/e"} {
		if k, err := ParseID(id); err == nil {
			t.Errorf("%q is taken for %v", id, k)
		}
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	made := func(fields map[string]any) Object {
		return Object{Unstructured: &unstructured.Unstructured{Object: fields}}
	}
	x := made(map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "namespace": "shop"}})
	y := made(map[string]any{"metadata": map[string]any{"namespace": "shop", "name": "web"}, "kind": "Deployment", "apiVersion": "apps/v1"})
	z := made(map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "namespace": "shop"}, "spec": int64(1)})
	if x.Digest() != y.Digest() || x.Digest() == z.Digest() || len(x.Digest()) != 32 {
		t.Errorf("digests %s, %s, %s", x.Digest(), y.Digest(), z.Digest())
	}
	if diff := cmp.Diff(Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, x.Key()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for want, o := range map[string]Origin{"": {}, "a.yaml": {File: "a.yaml"}, "a.yaml:3": {File: "a.yaml", Line: 3}} {
		if o.String() != want {
			t.Errorf("got %s, want %s", o, want)
		}
	}
}
