package kustomize

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree/treetest"
)

// chart yields what is written in a text, as a chart would.
type chart struct {
	render.Renderer
	text string
	err  error
}

func (c chart) Render(context.Context, render.Request) ([]object.Object, error) {
	var objects []object.Object
	for d, err := range manifest.Read("templates/all.yaml", []byte(c.text)) {
		if err != nil {
			return nil, err
		}
		objects = append(objects, d.Object())
	}
	return objects, c.err
}

const charted = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, annotations: {helm.sh/hook: pre-install, number: "8080", "yes": "no"}}
spec:
  replicas: 2
  template: {spec: {containers: [{name: web, image: 'registry/web:1', args: ["<a>", "1e3", "línea 𝄞", ""]}, {name: side, image: side}]}}
---
apiVersion: v1
kind: Secret
metadata: {name: web, namespace: shop}
stringData: {password: canary-canary, big: "9007199254740993"}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: web, namespace: shop}
spec: {whole: 9007199254740993, half: 0.5, none: null, text: "1.10", list: [{id: a}, {id: b}], empty: {}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
`

var helmPatches = []v1alpha1.Patch{
	{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {spec: {containers: [{name: web, env: [{name: A, value: b}]}]}}}\n"},
	{Patch: "- {op: add, path: /metadata/labels, value: {a: b}}\n", Target: &v1alpha1.PatchTarget{Name: "web", Kind: "Thing|Secret"}},
	{Patch: "$patch: delete\nkind: ServiceAccount\nmetadata: {name: x}\n", Target: &v1alpha1.PatchTarget{Kind: "ServiceAccount"}},
}

func patchChart(c chart, helm *v1alpha1.Helm) ([]object.Object, error) {
	return Patching{c}.Render(context.Background(), render.Request{Files: treetest.New(nil), Params: v1alpha1.Render{Helm: helm}})
}

// What a chart came to is patched as kustomize patches the chart's output.
func TestPatching(t *testing.T) {
	t.Parallel()
	objects, err := patchChart(chart{text: charted}, &v1alpha1.Helm{
		Patches: helmPatches, Images: []v1alpha1.Image{{Name: "registry/web", NewTag: "2"}, {Name: "side", Digest: "sha256:00"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	same := map[string]string{"all.yaml": charted, "kustomization.yaml": `
resources: [all.yaml]
sortOptions: {order: fifo}
images: [{name: registry/web, newTag: '2'}, {name: side, digest: 'sha256:00'}]
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
    spec: {template: {spec: {containers: [{name: web, env: [{name: A, value: b}]}]}}}
- patch: "- {op: add, path: /metadata/labels, value: {a: b}}"
  target: {name: web, kind: Thing|Secret}
- patch: "{$patch: delete, kind: ServiceAccount, metadata: {name: x}}"
  target: {kind: ServiceAccount}
`}
	if diff := cmp.Diff(onDiskBuild(t, example{files: same}), printed(t, objects)); diff != "" {
		t.Errorf("(-kustomize build +Plumb)\n%s", diff)
	}
	var got []string
	for _, o := range objects {
		got = append(got, o.Key().String()+" "+o.Origin.String())
	}
	want := []string{"Deployment/shop/web templates/all.yaml:2", "Secret/shop/web templates/all.yaml:9", "Thing/shop/web templates/all.yaml:14"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Going through the library changes nothing that no patch is for.
func TestPatchingLeavesTheRest(t *testing.T) {
	t.Parallel()
	before, err := patchChart(chart{text: charted}, nil)
	if err != nil {
		t.Fatal(err)
	}
	after, err := patchChart(chart{text: charted}, &v1alpha1.Helm{Images: []v1alpha1.Image{{Name: "none", NewTag: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range before {
		if diff := cmp.Diff(before[i].Object, after[i].Object); diff != "" || before[i].Origin != after[i].Origin {
			t.Errorf("(-before +after)\n%s", diff)
		}
	}
}

func TestPatchingRefuses(t *testing.T) {
	t.Parallel()
	secret := "kind: Secret\nmetadata: {name: web, namespace: shop}\n"
	for name, test := range map[string]struct {
		patch v1alpha1.Patch
		want  string
	}{
		"no such object":    {v1alpha1.Patch{Patch: "apiVersion: v1\nkind: Pod\nmetadata: {name: none}\n"}, `spec.render.helm: kustomize: no resource matches strategic merge patch "Pod.v1.[noGrp]/none.[noNs]"`},
		"S05 bomb":          {v1alpha1.Patch{Patch: bomb("")}, "spec.render.helm.patches[0]: spec.render.helm:6: the aliases of this document make it larger"},
		"S22 broken":        {v1alpha1.Patch{Patch: "- {op: replace, path: /stringData/password/x, value: canary-canary}\n", Target: &v1alpha1.PatchTarget{Kind: "Secret"}}, "spec.render.helm: kustomize: "},
		"S22 quoted object": {v1alpha1.Patch{Patch: secret + "stringData: [canary-canary]\n", Target: &v1alpha1.PatchTarget{Kind: "Secret"}}, "spec.render.helm: kustomize: "},
	} {
		_, err := patchChart(chart{text: charted}, &v1alpha1.Helm{Patches: []v1alpha1.Patch{test.patch}})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got the error %v, want %s", name, err, test.want)
		}
	}
	broken := errors.New("the chart is broken")
	if _, err := patchChart(chart{err: broken}, &v1alpha1.Helm{Patches: helmPatches}); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// What is refused later comes there as it is.
func TestPatchingLeavesWhatIsRefused(t *testing.T) {
	t.Parallel()
	objects, err := patchChart(chart{text: configMap + "---\n" + configMap}, &v1alpha1.Helm{Patches: helmPatches})
	if err != nil || len(objects) != 2 {
		t.Errorf("%d objects: %v", len(objects), err)
	}
}

// A hook may get its name from the server. It is patched like others.
func TestPatchingBesideNameless(t *testing.T) {
	t.Parallel()
	hook := "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: a-, annotations: {helm.sh/hook: test}}\nspec: {template: {spec: {containers: [{image: side}]}}}\n---\n"
	objects, err := patchChart(chart{text: hook + charted + "---\n" + hook}, &v1alpha1.Helm{Patches: helmPatches, Images: []v1alpha1.Image{{Name: "side", NewTag: "2"}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, o.GetKind()+" "+o.GetName()+o.GetLabels()["a"])
	}
	if diff := cmp.Diff([]string{"Job ", "Deployment web", "Secret webb", "Thing webb", "Job "}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if text := printed(t, objects[:1]); !strings.Contains(text, "image: side:2") || strings.Contains(text, "name: ") {
		t.Error(text)
	}
}

func BenchmarkPatching(b *testing.B) {
	var text strings.Builder
	for i := range 10 {
		text.WriteString(strings.ReplaceAll(charted, "name: web", fmt.Sprintf("name: web-%d", i)) + "---\n")
	}
	helm := &v1alpha1.Helm{Images: []v1alpha1.Image{{Name: "registry/web", NewTag: "2"}}, Patches: helmPatches[1:]}
	for b.Loop() {
		if _, err := patchChart(chart{text: text.String()}, helm); err != nil {
			b.Fatal(err)
		}
	}
}
