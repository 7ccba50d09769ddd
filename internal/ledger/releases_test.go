package ledger

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
)

func TestReleases(t *testing.T) {
	t.Parallel()
	var c Releases
	applied := map[string]bool{}
	claim := func(app, release string, refused bool, wake ...string) {
		t.Helper()
		var a v1alpha1.App
		a.Namespace, a.Name, _ = strings.Cut(app, "/")
		renderer := v1alpha1.RendererHelm
		if release == "" {
			renderer = v1alpha1.RendererPlain
		}
		namespace, name, _ := strings.Cut(release, "/")
		a.Spec.Target.Namespace, a.Spec.Render.Helm = namespace, &v1alpha1.Helm{ReleaseName: name}
		woken, err := c.Claim(a, renderer, applied[app])
		if (err != nil) != refused || cmp.Diff(wake, woken) != "" {
			t.Errorf("%s claims %s: wakes %v, and the error is %v", app, release, woken, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "a/one") || !strings.Contains(err.Error(), "b/two") || !strings.Contains(err.Error(), "release web in the namespace shop")) {
			t.Errorf("it doesn't name both: %v", err)
		}
	}
	claim("a/one", "shop/web", false)
	claim("a/one", "shop/web", false)
	claim("b/two", "shop/web", true)
	claim("c/three", "other/web", false)
	claim("a/one", "shop/api", false, "b/two")
	claim("b/two", "shop/web", false)
	claim("a/one", "shop/web", true)
	claim("a/one", "", false)
	applied["a/one"] = true
	claim("a/one", "shop/web", false, "b/two")
	claim("b/two", "shop/web", true)
	if woken := c.Leave("a/one"); cmp.Diff([]string{"b/two"}, woken) != "" {
		t.Errorf("who leaves wakes %v", woken)
	}
	claim("b/two", "shop/web", false)
	if woken := c.Leave("nobody"); woken != nil {
		t.Errorf("who has nothing wakes %v", woken)
	}
}
