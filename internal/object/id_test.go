package object

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is read as an id is written as the same id; and what can be the parts of
// an id comes back from it.
func FuzzID(f *testing.F) {
	for _, parts := range [][4]string{
		{"apps", "Deployment", "shop", "web"}, {"", "Namespace", "", "shop"}, {"", "", "", ""}, {"a/b", "c", "d/e", "f"}, {"", "ConfigMap", "ü", "\x00"},
	} {
		f.Add(parts[0], parts[1], parts[2], parts[3])
	}
	f.Fuzz(func(t *testing.T, group, kind, namespace, name string) {
		k := Key{Group: group, Kind: kind, Namespace: namespace, Name: name}
		id := k.ID()
		got, err := ParseID(id)
		whole := kind != "" && name != "" && !strings.Contains(group+kind+namespace+name, "/")
		switch {
		case whole && err != nil:
			t.Errorf("%q can't be read back: %v", id, err)
		case whole && got != k:
			t.Errorf("%q comes back as another key:\n%s", id, cmp.Diff(k, got))
		case err == nil && got.ID() != id:
			t.Errorf("%q is read as a key whose id is %q", id, got.ID())
		case err == nil && (got.Kind == "" || got.Name == ""):
			t.Errorf("%q is taken for %+v, which is no object", id, got)
		}
	})
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Key{
		"Deployment/web":                                    {Kind: "Deployment", Name: "web"},
		"Deployment/shop/web":                               {Kind: "Deployment", Namespace: "shop", Name: "web"},
		"deployment.apps/shop/web":                          {Group: "apps", Kind: "deployment", Namespace: "shop", Name: "web"},
		"ClusterRole.rbac.authorization.k8s.io/system:node": {Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:node"},
	} {
		if got, err := ParseKey(text); err != nil || got != want {
			t.Errorf("%s is read as %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "/", "web", "/web", "Deployment/", "Deployment//web", "/shop/web", "Deployment/shop/", "a/b/c/d", ".apps/web"} {
		if got, err := ParseKey(text); err == nil || !strings.Contains(err.Error(), "KIND/NAME") {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
}

// What people are shown of an object is what they may write to name it.
func FuzzParseKey(f *testing.F) {
	f.Add("Deployment/shop/web")
	f.Add("Deployment.apps/web")
	f.Add("//.")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		if err != nil {
			return
		}
		if again, err := ParseKey(k.String()); err != nil || !again.Names(k) {
			t.Errorf("%q is read as %+v, which is shown as %s, which is read as %+v, %v", text, k, k, again, err)
		}
	})
}
