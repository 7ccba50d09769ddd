package origin_test

import (
	"encoding/base64"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/origin"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
	"plumb.dev/plumb/internal/yamledit"
)

// rendered is an object of a render, by kind and how its name begins.
func rendered(t *testing.T, files tree.Tree, path, kind, name string) object.Object {
	t.Helper()
	result, err := renderers().Render(t.Context(), render.Work{Files: files, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range result.Objects {
		if o.GetKind() == kind && len(o.GetName()) >= len(name) && o.GetName()[:len(name)] == name {
			return o
		}
	}
	t.Fatalf("no %s %s was rendered", kind, name)
	return object.Object{}
}

func TestPlacesInAChain(t *testing.T) {
	t.Parallel()
	files := archive(t, "testdata/chain.txtar")
	finder := origin.New(files, "prod", v1alpha1.Render{})
	container := yamledit.Keys("spec", "template", "spec", "containers").Then(yamledit.Element("name", "shop"))
	for name, test := range map[string]struct {
		kind, object string
		field        yamledit.Path
		want         string
	}{
		"from the base":            {"Deployment", "prod-shop", container.Then(yamledit.Step{Key: "env"}, yamledit.Element("name", "MODE"), yamledit.Step{Key: "value"}), "base/shop.yaml:22 the manifest true"},
		"by replicas":              {"Deployment", "prod-shop", yamledit.Keys("spec", "replicas"), "prod/kustomization.yaml:17 replicas true"},
		"by images":                {"Deployment", "prod-shop", container.Then(yamledit.Step{Key: "image"}), "prod/kustomization.yaml:12 images true"},
		"by a digest":              {"Deployment", "prod-shop", yamledit.Keys("spec", "template", "spec", "containers", "1", "image"), "prod/kustomization.yaml:14 images true"},
		"by a patch in a file":     {"Deployment", "prod-shop", container.Then(yamledit.Keys("resources", "limits", "memory")...), "prod/memory.yaml:12 patches[0] true"},
		"by an element of it":      {"Deployment", "prod-shop", container.Then(yamledit.Step{Key: "env"}, yamledit.Element("name", "LEVEL"), yamledit.Step{Key: "value"}), "prod/memory.yaml:15 patches[0] true"},
		"by an operation":          {"Deployment", "prod-shop", container.Then(yamledit.Step{Key: "imagePullPolicy"}), "prod/kustomization.yaml:32 patches[1] true"},
		"by a patch in place":      {"Deployment", "prod-shop", yamledit.Keys("spec", "minReadySeconds"), "prod/kustomization.yaml:43 patches[2] true"},
		"by an old patch":          {"Deployment", "prod-shop", yamledit.Keys("spec", "revisionHistoryLimit"), "base/kustomization.yaml:8 patchesStrategicMerge[0] true"},
		"by an old operation":      {"Deployment", "prod-shop", yamledit.Keys("spec", "paused"), "base/ops.json:1 patchesJson6902[0] true"},
		"by a component":           {"Deployment", "prod-shop", container.Then(yamledit.Keys("resources", "limits", "cpu")...), "components/limits/kustomization.yaml:14 patches[0] true"},
		"by a label":               {"Deployment", "prod-shop", yamledit.Keys("spec", "template", "metadata", "labels", "stage"), "prod/kustomization.yaml:22 labels true"},
		"by an annotation":         {"Service", "prod-only", yamledit.Keys("metadata", "annotations", "example.com/owner"), "prod/kustomization.yaml:25 commonAnnotations true"},
		"by a literal":             {"ConfigMap", "prod-settings", yamledit.Keys("data", "COLOR"), "prod/kustomization.yaml:48 literals true"},
		"by a literal of the base": {"ConfigMap", "prod-settings", yamledit.Keys("data", "SIZE"), "shared/kustomization.yaml:4 literals true"},
		"by a line of a file":      {"ConfigMap", "prod-settings", yamledit.Keys("data", "REGION"), "prod/prod.env:2 envs true"},
		"by a whole file":          {"ConfigMap", "prod-settings", yamledit.Keys("data", "shop.conf"), "prod/shop.conf:1 files true"},
		"by a literal of a Secret": {"Secret", "prod-keys", yamledit.Keys("data", "token"), "shared/kustomization.yaml:7 literals true"},
		"a name that is followed":  {"Deployment", "prod-shop", container.Then(yamledit.Keys("envFrom", "0", "configMapRef", "name")...), "base/shop.yaml:1 the manifest false"},
		"what isn't there":         {"Service", "prod-shop", yamledit.Keys("spec", "type"), "base/shop.yaml:27 the manifest false"},
	} {
		o := rendered(t, files, "prod", test.kind, test.object)
		value, _, _ := origin.Lookup(o.Object, test.field)
		at, exact := finder.Of(o, test.field, value)
		got := at.Origin().String() + " " + at.What + map[bool]string{true: " true", false: " false"}[exact]
		if got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestPlacesInPlainFiles(t *testing.T) {
	t.Parallel()
	files := treetest.New(map[string]string{"app/s.yaml": "# keys\nkind: Secret\napiVersion: v1\nmetadata: {name: keys}\nstringData:\n  token: abc\ndata:\n  other: eA==\n"})
	o := rendered(t, files, "app", "Secret", "keys")
	o.Object["data"] = map[string]any{"token": base64.StdEncoding.EncodeToString([]byte("abc")), "other": "eA=="}
	finder := origin.New(files, "app", v1alpha1.Render{})
	for key, line := range map[string]int{"token": 6, "other": 8} {
		field := yamledit.Keys("data", key)
		value, _, _ := origin.Lookup(o.Object, field)
		if at, exact := finder.Of(o, field, value); !exact || at.Line != line {
			t.Errorf("%s comes from %s, %v", key, at.Origin(), exact)
		}
	}
}

func TestImagesOfTheApp(t *testing.T) {
	t.Parallel()
	files := archive(t, "testdata/chain.txtar")
	params := v1alpha1.Render{Kustomize: &v1alpha1.Kustomize{Images: []v1alpha1.Image{{Name: "sidecar", NewTag: "2.0"}}}}
	o := rendered(t, files, "prod", "Deployment", "prod-shop")
	field := yamledit.Keys("spec", "template", "spec", "containers", "1", "image")
	content, err := origin.Put(o.Object, field, "sidecar:2.0", true)
	if err != nil {
		t.Fatal(err)
	}
	o.Unstructured = &unstructured.Unstructured{Object: content.(map[string]any)}
	at, exact := origin.New(files, "prod", params).Of(o, field, "sidecar:2.0")
	if !exact || at.File != "" || at.What != "spec.render.kustomize.images of the App" {
		t.Errorf("got %+v, %v", at, exact)
	}
	if _, err := at.Set(files, "sidecar:3.0"); err == nil {
		t.Error("it is said to be written somewhere")
	}
}

func TestHomes(t *testing.T) {
	t.Parallel()
	files := archive(t, "testdata/chain.txtar")
	finder := origin.New(files, "prod", v1alpha1.Render{})
	for _, test := range []struct {
		kind, object string
		field        yamledit.Path
		want         []string
	}{
		{"Service", "prod-shop", yamledit.Keys("metadata", "annotations", "a"), []string{"base/shop.yaml:27 the manifest"}},
		{"Deployment", "prod-shop", yamledit.Keys("spec", "progressDeadlineSeconds"), []string{
			"base/shop.yaml:1 the manifest", "prod/kustomization.yaml:38 patches[2]", "prod/memory.yaml:1 patches[0]",
			"components/limits/kustomization.yaml:6 patches[0]", "base/kustomization.yaml:5 patchesStrategicMerge[0]",
		}},
		{"ConfigMap", "prod-settings", yamledit.Keys("data", "NEW"), []string{"prod/kustomization.yaml:45 literals", "shared/kustomization.yaml:3 literals"}},
	} {
		homes, err := finder.Homes(rendered(t, files, "prod", test.kind, test.object), test.field)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range homes {
			got = append(got, h.Origin().String()+" "+h.What)
			if _, err := h.Set(files, "x"); err != nil {
				t.Errorf("%s: %s: %v", test.field, h.Origin(), err)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s of %s: (-want +got)\n%s", test.field, test.object, diff)
		}
	}
}

func TestLookupAndPut(t *testing.T) {
	t.Parallel()
	content := map[string]any{"ports": []any{map[string]any{"port": int64(80), "name": "a"}}, "list": []any{"x", "y"}}
	port := yamledit.Path{{Key: "ports"}, {Match: []yamledit.Match{{Field: "port", Value: 80}, {Field: "protocol", Value: "TCP"}}}, {Key: "name"}}
	if v, keys, found := origin.Lookup(content, port); !found || v != "a" || len(keys) != 3 || keys[1] != "0" {
		t.Errorf("got %v by %v, %v", v, keys, found)
	}
	if _, _, found := origin.Lookup(content, yamledit.Path{{Key: "list"}, {Match: []yamledit.Match{{Value: "z"}}}}); found {
		t.Error("an element that isn't there is found")
	}
	for name, test := range map[string]struct {
		path    yamledit.Path
		value   any
		present bool
		want    any
	}{
		"set":            {port, "b", true, map[string]any{"ports": []any{map[string]any{"port": int64(80), "name": "b"}}, "list": []any{"x", "y"}}},
		"removed":        {port, nil, false, map[string]any{"ports": []any{map[string]any{"port": int64(80)}}, "list": []any{"x", "y"}}},
		"element":        {yamledit.Path{{Key: "list"}, {Match: []yamledit.Match{{Value: "x"}}}}, nil, false, map[string]any{"ports": content["ports"], "list": []any{"y"}}},
		"element added":  {yamledit.Path{{Key: "list"}, {Match: []yamledit.Match{{Value: "z"}}}}, "z", true, map[string]any{"ports": content["ports"], "list": []any{"x", "y", "z"}}},
		"what leads too": {yamledit.Keys("a", "b"), 1, true, map[string]any{"ports": content["ports"], "list": content["list"], "a": map[string]any{"b": 1}}},
	} {
		got, err := origin.Put(content, test.path, test.value, test.present)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// ofTheApp asks for something of each kind.
func ofTheApp() v1alpha1.Render {
	return v1alpha1.Render{Kustomize: &v1alpha1.Kustomize{
		NamePrefix: "eu-", NameSuffix: "-1", Components: []string{"../components/limits", "../components/more"},
		Labels: map[string]string{"of": "the-app"}, Annotations: map[string]string{"note": "text"}, Replicas: []v1alpha1.Replicas{{Name: "shop", Count: 9}},
		Patches: []v1alpha1.Patch{
			{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {minReadySeconds: 8, progressDeadlineSeconds: 60}\n"},
			{Patch: "- {op: replace, path: /spec/minReadySeconds, value: 9}\n", Target: &v1alpha1.PatchTarget{Kind: "Deploy.*"}},
			{Patch: "- {op: replace, path: /spec/minReadySeconds, value: 9}\n", Target: &v1alpha1.PatchTarget{Kind: "Service"}},
		},
	}}
}

// What the App puts on top is told as its own, and what is below is still found.
func TestPlacesOfTheApp(t *testing.T) {
	t.Parallel()
	files, err := archive(t, "testdata/chain.txtar").With(map[string][]byte{
		"components/more/kustomization.yaml": []byte("kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nresources: [more.yaml]\npatches:\n- target: {kind: Service}\n  patch: |\n    - {op: add, path: /spec/type, value: NodePort}\n"),
		"components/more/more.yaml":          []byte("\nkind: ServiceAccount\napiVersion: v1\nmetadata: {name: more, labels: {a: b}}\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	params := ofTheApp()
	params.Kustomize.Components = params.Kustomize.Components[1:]
	params.Kustomize.Patches = params.Kustomize.Patches[:2]
	result, err := renderers().Render(t.Context(), render.Work{Files: files, Path: "prod", Params: params})
	if err != nil {
		t.Fatal(err)
	}
	finder := origin.New(files, "prod", params)
	container := yamledit.Keys("spec", "template", "spec", "containers").Then(yamledit.Element("name", "shop"))
	for _, test := range []struct {
		object string
		field  yamledit.Path
		want   string
	}{
		{"Deployment/prod/eu-prod-shop-1", yamledit.Keys("spec", "replicas"), " spec.render.kustomize.replicas of the App true"},
		{"Deployment/prod/eu-prod-shop-1", yamledit.Keys("metadata", "labels", "of"), " spec.render.kustomize.labels of the App true"},
		{"Deployment/prod/eu-prod-shop-1", yamledit.Keys("spec", "template", "metadata", "annotations", "note"), " spec.render.kustomize.annotations of the App true"},
		{"Deployment/prod/eu-prod-shop-1", yamledit.Keys("spec", "minReadySeconds"), " spec.render.kustomize.patches[1] of the App true"},
		{"Deployment/prod/eu-prod-shop-1", yamledit.Keys("spec", "progressDeadlineSeconds"), " spec.render.kustomize.patches[0] of the App true"},
		{"Deployment/prod/eu-prod-shop-1", container.Then(yamledit.Step{Key: "image"}), "prod/kustomization.yaml:12 images true"},
		{"Deployment/prod/eu-prod-shop-1", yamledit.Keys("spec", "revisionHistoryLimit"), "base/kustomization.yaml:8 patchesStrategicMerge[0] true"},
		{"Service/prod/eu-prod-shop-1", yamledit.Keys("spec", "type"), "components/more/kustomization.yaml:7 patches[0] true"},
		{"ServiceAccount/eu-more-1", yamledit.Keys("metadata", "labels", "a"), "components/more/more.yaml:4 the manifest true"},
	} {
		for _, o := range result.Objects {
			if o.Key().String() != test.object {
				continue
			}
			value, _, _ := origin.Lookup(o.Object, test.field)
			at, exact := finder.Of(o, test.field, value)
			if got := at.Origin().String() + " " + at.What + map[bool]string{true: " true", false: " false"}[exact]; got != test.want {
				t.Errorf("%s %s: got %s, want %s", test.object, test.field, got, test.want)
			}
			if _, err := at.Set(files, value); at.File == "" && (err == nil || err.Error() != at.What+": it stands in the App's own declaration; change it there") {
				t.Error(err)
			}
			test.want = ""
		}
		if test.want != "" {
			t.Errorf("there is no %s", test.object)
		}
	}
}

// A new patch goes where the object has the name that it had before.
func TestNewPatchBelowTheApp(t *testing.T) {
	t.Parallel()
	files := archive(t, "testdata/chain.txtar")
	params := v1alpha1.Render{Kustomize: &v1alpha1.Kustomize{NamePrefix: "eu-"}}
	result, err := renderers().Render(t.Context(), render.Work{Files: files, Path: "prod", Params: params})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range result.Objects {
		if o.GetKind() != "Deployment" {
			continue
		}
		field := yamledit.Keys("spec", "minReadySeconds")
		for _, p := range origin.New(files, "prod", params).NewPatches(o, field) {
			edit, err := p.Set(files, int64(44))
			if err != nil {
				t.Fatal(err)
			}
			edited, err := files.With(map[string][]byte{edit.File: edit.Content})
			if err != nil {
				t.Fatal(err)
			}
			again, err := renderers().Render(t.Context(), render.Work{Files: edited, Path: "prod", Params: params})
			if err != nil {
				t.Errorf("%v\n%s", err, edit.Content)
				continue
			}
			for _, now := range again.Objects {
				if got, _, _ := origin.Lookup(now.Object, field); now.Key() == o.Key() && got != int64(44) {
					t.Errorf("got %v", got)
				}
			}
		}
		return
	}
	t.Error("there is no Deployment")
}

// Patches of what a chart came to are the App's, and what the chart itself makes
// isn't known by its line.
func TestPlacesOfPatchedCharts(t *testing.T) {
	t.Parallel()
	o := object.Object{Origin: object.Origin{File: "templates/web.yaml"}, Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"}, "spec": map[string]any{
			"paused": true, "replicas": int64(2), "template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"image": "web:2"}}}},
		},
	}}}
	params := v1alpha1.Render{Helm: &v1alpha1.Helm{
		Images:  []v1alpha1.Image{{Name: "web", NewTag: "2"}},
		Patches: []v1alpha1.Patch{{Patch: "- {op: add, path: /spec/paused, value: true}\n", Target: &v1alpha1.PatchTarget{Kind: "Deployment"}}},
	}}
	finder := origin.New(treetest.New(map[string]string{"templates/web.yaml": "{{ x }}"}), "", params)
	for path, want := range map[string]string{
		"spec/paused": " spec.render.helm.patches[0] of the App", "spec/template/spec/containers/0/image": " spec.render.helm.images of the App", "spec/replicas": "templates/web.yaml the manifest",
	} {
		field, err := yamledit.Pointer("/" + path)
		if err != nil {
			t.Fatal(err)
		}
		value, _, _ := origin.Lookup(o.Object, field)
		if at, _ := finder.Of(o, field, value); at.Origin().String()+" "+at.What != want {
			t.Errorf("%s: got %s %s", path, at.Origin(), at.What)
		}
	}
}

// What comes from another repository is nothing that can be edited, and is in
// nobody's way.
func TestPlacesBesideRemoteBases(t *testing.T) {
	t.Parallel()
	files := treetest.New(map[string]string{
		"app/kustomization.yaml": "resources: ['https://example.com/a/b//c?ref=v1', '@shared/base', own.yaml]\ncomponents: ['@shared/part']\n",
		"app/own.yaml":           "kind: ServiceAccount\napiVersion: v1\nmetadata: {name: own, labels: {a: b}}\n",
	})
	finder := origin.New(files, "app", v1alpha1.Render{})
	account := func(name, file string) object.Object {
		return object.Object{Origin: object.Origin{File: file, Line: 1}, Unstructured: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": name, "labels": map[string]any{"a": "b"}},
		}}}
	}
	field := yamledit.Keys("metadata", "labels", "a")
	if at, exact := finder.Of(account("own", "app/own.yaml"), field, "b"); !exact || at.Origin().String() != "app/own.yaml:3" {
		t.Errorf("got %s, %v", at.Origin(), exact)
	}
	const other = "https://example.com/a/b//c/other.yaml?ref=v1"
	if at, exact := finder.Of(account("other", other), field, "b"); exact || at.File != other {
		t.Errorf("got %s, %v", at.Origin(), exact)
	}
}

// Where ${NAME} stands is told, though what it becomes isn't known there.
func TestPlacesOfNames(t *testing.T) {
	t.Parallel()
	params := v1alpha1.Render{Substitute: &v1alpha1.Substitute{Values: map[string]string{"N": "3"}}}
	files := treetest.New(map[string]string{"app/d.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: ${N}\n  paused: true\n"})
	result, err := renderers().Render(t.Context(), render.Work{Files: files, Path: "app", Params: params})
	if err != nil {
		t.Fatal(err)
	}
	finder := origin.New(files, "app", params)
	for field, want := range map[string]string{"replicas": "app/d.yaml:5 false", "paused": "app/d.yaml:6 true"} {
		path := yamledit.Keys("spec", field)
		value, _, _ := origin.Lookup(result.Objects[0].Object, path)
		at, exact := finder.Of(result.Objects[0], path, value)
		if got := at.Origin().String() + map[bool]string{true: " true", false: " false"}[exact]; got != want {
			t.Errorf("%s: got %s, want %s", field, got, want)
		}
	}
}
