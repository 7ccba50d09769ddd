package sealed_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/secret/sealed"
	"plumb.dev/plumb/internal/tree/treetest"
)

func rendered(t *testing.T, keys *secret.Keys, files map[string]string) (render.Result, error) {
	t.Helper()
	opening := render.Opening{Set: render.Set{plain.Renderer{}}, Unsealer: sealed.Opener{Keys: keys}}
	return opening.Render(t.Context(), render.Work{Files: treetest.New(files), Params: v1alpha1.Render{Release: v1alpha1.Release{Name: "app", Namespace: "shop"}}})
}

// TestRenders: a render has the Secret in the place of the SealedSecret, hides
// its values wherever else they are, and isn't to be kept.
func TestRenders(t *testing.T) {
	t.Parallel()
	c := newController(t)
	files := map[string]string{
		"a.yaml": head + "metadata: {name: db}\nspec: {encryptedData: {password: " + c.seal(t, "shop/db", "canary-value") + "}}\n---\n" +
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: leaky}\ndata: {url: \"db://canary-value@db\", other: x}\n",
	}
	result, err := rendered(t, c.keys, files)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Objects) != 2 || !result.Opened || result.Objects[0].Key().String() != "Secret/db" || result.Objects[0].Origin.String() != "a.yaml:1" {
		t.Fatalf("%v %v", result.Objects, result.Opened)
	}
	if diff := cmp.Diff("/data/url", result.Objects[1].GetAnnotations()[object.AnnotationSensitive]); diff != "" {
		t.Error(diff)
	}
	if result, err := rendered(t, nil, files); err != nil || result.Objects[0].Key().String() != "SealedSecret/db" || !result.Opened {
		t.Errorf("without a key: %v %v; it may come, and so nothing is to be kept", result, err)
	}
}

func TestRenderErrors(t *testing.T) {
	t.Parallel()
	c := newController(t)
	value := c.seal(t, "shop/db", "canary-value")
	twice := head + "metadata: {name: db}\nspec: {encryptedData: {password: " + value + "}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
	if _, err := rendered(t, c.keys, map[string]string{"a.yaml": twice}); err == nil || !strings.Contains(err.Error(), "a.yaml:6: Secret/db: is declared twice, the first time at a.yaml:1") {
		t.Error(err)
	}
	elsewhere := strings.Replace(twice, "name: db", "name: web", 1)
	_, err := rendered(t, c.keys, map[string]string{"a.yaml": elsewhere})
	if err == nil || !strings.Contains(err.Error(), "a.yaml:1: SealedSecret/web: password can't be opened") || !errors.Is(err, render.ErrUnopened) {
		t.Error(err)
	}
}
