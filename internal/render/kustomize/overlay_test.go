package kustomize

import (
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/tree/treetest"
)

// onTop is what an App can ask for, and the kustomization on top of DIR that
// asks kustomize for the same.
var onTop = map[string]struct {
	params v1alpha1.Kustomize
	same   string
}{
	"names": {
		v1alpha1.Kustomize{NamePrefix: "pre-", NameSuffix: "-post"},
		"resources: [DIR]\nnamePrefix: pre-\nnameSuffix: -post\n",
	},
	"labels and annotations": {
		v1alpha1.Kustomize{Labels: map[string]string{"team": "a", "number": "1"}, Annotations: map[string]string{"switch": "true"}},
		"resources: [DIR]\nlabels: [{pairs: {team: a, number: '1'}}]\ncommonAnnotations: {switch: 'true'}\n",
	},
	"patches": {
		v1alpha1.Kustomize{Patches: []v1alpha1.Patch{
			{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, env: [{name: B, value: '1'}]}]}}}\n"},
			{Patch: "- {op: add, path: /metadata/annotations, value: {patched: 'yes'}}\n", Target: &v1alpha1.PatchTarget{Kind: "Service"}},
			{Patch: "- {op: remove, path: /spec}\n", Target: &v1alpha1.PatchTarget{Group: "apps", Version: "v1", Kind: "None", Name: "w.*", Namespace: "x", LabelSelector: "a=b"}},
			{Patch: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n$patch: delete\n"},
		}},
		`
resources: [DIR]
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {containers: [{name: web, env: [{name: B, value: '1'}]}]}}}
- patch: "- {op: add, path: /metadata/annotations, value: {patched: 'yes'}}"
  target: {kind: Service}
- patch: |
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: web}
    $patch: delete
`,
	},
	"replicas": {
		v1alpha1.Kustomize{Replicas: []v1alpha1.Replicas{{Name: "web", Count: 7}}},
		"resources: [DIR]\nreplicas: [{name: web, count: 7}]\n",
	},
	"components": {
		v1alpha1.Kustomize{Components: []string{"../../components/one", "../../components/two"}},
		"resources: [DIR]\ncomponents: [DIR/../../components/one, DIR/../../components/two]\n",
	},
	"all of it": {
		v1alpha1.Kustomize{
			NamePrefix: "p-", Labels: map[string]string{"l": "v"}, Annotations: map[string]string{"a": "v"},
			Replicas: []v1alpha1.Replicas{{Name: "web", Count: 0}}, Components: []string{"../../components/two"},
			Images:  []v1alpha1.Image{{Name: "side", NewTag: "2"}, {Name: "other", NewName: "b", Digest: "sha256:00"}},
			Patches: []v1alpha1.Patch{{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: side, image: 'side:1'}]}}}\n"}},
		},
		`
resources: [DIR]
components: [DIR/../../components/two]
namePrefix: p-
labels: [{pairs: {l: v}}]
commonAnnotations: {a: v}
replicas: [{name: web, count: 0}]
images: [{name: side, newTag: '2'}, {name: other, newName: b, digest: 'sha256:00'}]
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {containers: [{name: side, image: 'side:1'}]}}}
`,
	},
}

// components are two that change what is below them, and bring something.
var components = map[string]string{
	"components/one/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [extra.yaml]\nconfigMapGenerator: [{name: extra, literals: [one=1]}]\n" +
		"patches: [{target: {kind: Deployment}, path: patch.yaml}]\n",
	"components/one/extra.yaml":         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\ndata: {a: b}\n",
	"components/one/patch.yaml":         "- {op: add, path: /metadata/annotations, value: {order: one}}\n",
	"components/two/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{target: {kind: Deployment}, patch: '- {op: add, path: /metadata/annotations, value: {order: two}}'}]\n",
}

// The parameters of an App come to what a kustomization on top comes to.
func TestParametersAreAKustomizationOnTop(t *testing.T) {
	t.Parallel()
	e := examples(t)["overlay.txtar"]
	files := maps.Clone(e.files)
	maps.Copy(files, components)
	for name, test := range onTop {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			explicit := maps.Clone(files)
			explicit["top/kustomization.yaml"] = strings.ReplaceAll(test.same, "DIR", path.Join("..", e.path))
			objects, err := renderTree(treetest.New(files), e.path, &test.params)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(onDiskBuild(t, example{files: explicit, path: "top"}), printed(t, objects)); diff != "" {
				t.Errorf("(-kustomize build +Plumb)\n%s", diff)
			}
			plain, err := renderTree(treetest.New(files), e.path, nil)
			if err != nil || cmp.Diff(printed(t, plain), printed(t, objects)) == "" {
				t.Errorf("nothing was changed: %v", err)
			}
			for _, o := range objects {
				if o.Origin.File == "" || strings.HasPrefix(o.Origin.File, "/") {
					t.Errorf("%s comes from %s", o.Key(), o.Origin)
				}
			}
		})
	}
}

// The repository's top can have something on top as well, and its own options
// of the build go on to count.
func TestParametersAtTheTop(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"kustomization.yaml": "resources: [b.yaml, sub]\nsortOptions: {order: legacy}\nbuildMetadata: [managedByLabel]\nimages: [{name: a, newName: registry/a, newTag: '1'}]\n",
		"b.yaml":             "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: {containers: [{name: a, image: a}, {name: c, image: c}]}\n", "sub/kustomization.yaml": "resources: [n.yaml]\n",
		"sub/n.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
	}
	objects, err := renderTree(treetest.New(files), "", &v1alpha1.Kustomize{
		NamePrefix: "x-", Images: []v1alpha1.Image{{Name: "a", NewTag: "2"}, {Name: "c", NewTag: "3"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: v1
kind: Namespace
metadata:
  labels:
    app.kubernetes.io/managed-by: kustomize-v0.0.0-19700101
  name: shop
---
apiVersion: v1
kind: Pod
metadata:
  labels:
    app.kubernetes.io/managed-by: kustomize-v0.0.0-19700101
  name: x-b
spec:
  containers:
  - image: registry/a:2
    name: a
  - image: c:3
    name: c
`
	got := printed(t, objects)
	if i := strings.Index(got, "managed-by: "); i >= 0 {
		version, _, _ := strings.Cut(got[i+len("managed-by: "):], "\n")
		got = strings.ReplaceAll(got, version, "kustomize-v0.0.0-19700101")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := objects[1].Origin.String(); got != "b.yaml:1" {
		t.Errorf("it comes from %s", got)
	}
}

func TestParametersRefused(t *testing.T) {
	t.Parallel()
	files := map[string]string{"app/kustomization.yaml": "resources: [a.yaml, ../b/tree/app]\n", "app/a.yaml": configMap, "b/tree/app/kustomization.yaml": "namePrefix: a-\n"}
	for name, test := range map[string]struct {
		params v1alpha1.Kustomize
		want   string
	}{
		"paths are whole":   {v1alpha1.Kustomize{NamePrefix: "a-", Components: []string{"../b/tree/app"}}, "app: kustomize: accumulating components: accumulateDirectory: \"expected kind 'Component' for path 'b/tree/app' but got 'Kustomization'\""},
		"no component":      {v1alpha1.Kustomize{Components: []string{"../none"}}, "spec.render.kustomize.components[0]: none: not in the repository; add it, or correct the path"},
		"S01 outside":       {v1alpha1.Kustomize{Components: []string{"../../etc"}}, "spec.render.kustomize.components[0]: ../../etc leads out of the repository; name what is inside it, by a relative path"},
		"remote":            {v1alpha1.Kustomize{Components: []string{"https://github.com/a/b?ref=v1"}}, "spec.render.kustomize.components[0]: https://github.com/a/b?ref=v1 is remote, and of no repository that this daemon allows for bases (--remote-bases); commit a copy"},
		"S05 bomb":          {v1alpha1.Kustomize{Patches: []v1alpha1.Patch{{Patch: bomb("")}}}, "spec.render.kustomize.patches[0]: spec.render.kustomize:6: the aliases of this document make it larger"},
		"no such object":    {v1alpha1.Kustomize{Patches: []v1alpha1.Patch{{Patch: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"}}}, "app: kustomize: no resource matches strategic merge patch \"ConfigMap.v1.[noGrp]/b.[noNs]\": no matches for Id ConfigMap.v1.[noGrp]/b.[noNs]"},
		"no such workload":  {v1alpha1.Kustomize{Replicas: []v1alpha1.Replicas{{Name: "b"}}}, "resource with name b does not match a config with the following GVK"},
		"not a component":   {v1alpha1.Kustomize{Components: []string{"../app"}}, "app: kustomize: "},
		"S22 patch, broken": {v1alpha1.Kustomize{Patches: []v1alpha1.Patch{{Patch: "kind: Secret\ndata: {a: canary}\n"}}}, "app: kustomize: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := renderTree(treetest.New(files), "app", &test.params)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "~") {
				t.Errorf("got the error\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}

// What is written anew for the library means what was written.
func TestWrittenAnew(t *testing.T) {
	t.Parallel()
	for name, e := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := renderTree(treetest.New(e.files), e.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := renderTree(treetest.New(e.files), e.path, &v1alpha1.Kustomize{Images: []v1alpha1.Image{{Name: "none", NewTag: "1"}}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(printed(t, want), printed(t, got)); diff != "" {
				t.Errorf("(-as it is +written anew)\n%s", diff)
			}
		})
	}
}
