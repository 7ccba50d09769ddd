package kube

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/discovery"
	"plumb.dev/plumb/internal/discovery/discoverytest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// offline resolves against a server that tells its kinds and nothing else.
func offline(t *testing.T) *Cluster {
	t.Helper()
	return &Cluster{kinds: discovery.New(discoverytest.New(t, true).Client(t), discovery.Options{Failed: unreachable})}
}

func rendered(t *testing.T, manifest string) object.Object {
	t.Helper()
	u := &unstructured.Unstructured{}
	b, err := yaml.YAMLToJSON([]byte(manifest))
	if err == nil {
		err = u.UnmarshalJSON(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return object.Object{Unstructured: u, Origin: object.Origin{File: "shop/web.yaml", Line: 4}}
}

// request asks to resolve objects for the App team/shop.
func request(objects ...object.Object) target.Resolve {
	r := target.Resolve{Root: "https://git/root", Revision: "c0ffee", Objects: objects}
	r.App.Namespace, r.App.Name = "team", "shop"
	r.App.Spec.Target.Namespace = "shop"
	return r
}

func resolved(t *testing.T, c *Cluster, r target.Resolve) plan.Desired {
	t.Helper()
	desired, failed := c.Resolve(t.Context(), r)
	for _, f := range failed {
		t.Fatal(f)
	}
	return desired[0]
}

func bodyOf(t *testing.T, d plan.Desired) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(d.Body, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

const containers = `
      containers:
      - {name: web, image: nginx, resources: {limits: {cpu: 1}}, env: [{name: A, value: a}, {name: B, value: b}]}
      - {name: log, image: fluent, args: [x, y]}
`

const rich = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {tier: front, example.com/owner: ada}
  annotations: {note: x, a~b: tilde, a/b: slash}
spec:
  replicas: 2
  template:
    spec:
` + containers + `
      volumes: []
`

func TestIgnoredFieldsAreNotApplied(t *testing.T) {
	t.Parallel()
	c := offline(t)
	for _, tc := range []struct {
		name, field string
		old, new    string // how the manifest would be written without the field
	}{
		{"a field", "/spec/replicas", "  replicas: 2\n", ""},
		{"a field with many below it", "/spec/template/spec/containers", containers, ""},
		{"a label", "/metadata/labels/tier", "tier: front, ", ""},
		{"a name with a slash", "/metadata/labels/example.com~1owner", ", example.com/owner: ada", ""},
		{"an annotation with a slash", "/metadata/annotations/a~1b", ", a/b: slash", ""},
		{"an annotation with a tilde", "/metadata/annotations/a~0b", ", a~b: tilde", ""},
		{"a field of one element", "/spec/template/spec/containers/0/image", ", image: nginx", ""},
		{"a field of the other element", "/spec/template/spec/containers/1/args", ", args: [x, y]", ""},
		{"a field of all elements that have it", "/spec/template/spec/containers/*/resources/limits", "limits: {cpu: 1}", ""},
		{"a field of all elements of all elements", "/spec/template/spec/containers/*/env/*/value", "[{name: A, value: a}, {name: B, value: b}]", "[{name: A}, {name: B}]"},
		{"a field of an element beyond the last", "/spec/template/spec/containers/2/image", "", ""},
		{"a field of an element that is no number", "/spec/template/spec/containers/web/image", "", ""},
		{"a field below a text", "/spec/replicas/deep/down", "", ""},
		{"a field that isn't there", "/spec/paused", "", ""},
		{"a field below one that isn't there", "/spec/strategy/type", "", ""},
		{"a field of an empty list", "/spec/template/spec/volumes/*/name", "", ""},
		{"nothing", "/", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := strings.Replace(rich, tc.old, tc.new, 1)
			o := rendered(t, rich)
			before := o.DeepCopy()
			r := request(o)
			r.App.Spec.Ignore = []v1alpha1.Ignore{{Kind: "Deployment", Fields: []string{tc.field}}}
			got, plainly := resolved(t, c, r), resolved(t, c, request(rendered(t, want)))
			if diff := cmp.Diff(bodyOf(t, plainly), bodyOf(t, got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got.Digest != plainly.Digest {
				t.Error("the digest is not of what is applied")
			}
			if diff := cmp.Diff(before.Object, o.Object); diff != "" {
				t.Errorf("what was rendered was changed in place (-before +after)\n%s", diff)
			}
		})
	}
}

func TestIgnoreRulesChooseTheirObjects(t *testing.T) {
	t.Parallel()
	c := offline(t)
	for _, tc := range []struct {
		name  string
		rules []v1alpha1.Ignore
		want  bool // replicas is left out
	}{
		{"every object of the kind", []v1alpha1.Ignore{{Kind: "Deployment", Fields: []string{"/spec/replicas"}}}, true},
		{"the object by its name", []v1alpha1.Ignore{{Kind: "Deployment", Name: "web", Fields: []string{"/spec/replicas"}}}, true},
		{"another object", []v1alpha1.Ignore{{Kind: "Deployment", Name: "db", Fields: []string{"/spec/replicas"}}}, false},
		{"another kind", []v1alpha1.Ignore{{Kind: "StatefulSet", Fields: []string{"/spec/replicas"}}}, false},
		{"the second of two rules", []v1alpha1.Ignore{{Kind: "Deployment", Name: "db", Fields: []string{"/spec"}}, {Kind: "Deployment", Fields: []string{"/a", "/spec/replicas"}}}, true},
		{"two rules for one field", []v1alpha1.Ignore{{Kind: "Deployment", Fields: []string{"/spec/replicas"}}, {Kind: "Deployment", Fields: []string{"/spec/replicas"}}}, true},
		{"no rule", nil, false},
	} {
		r := request(rendered(t, rich))
		r.App.Spec.Ignore = tc.rules
		_, there, err := unstructured.NestedFieldNoCopy(bodyOf(t, resolved(t, c, r)), "spec", "replicas")
		if err != nil || there == tc.want {
			t.Errorf("%s: the field is there: %v (%v)", tc.name, there, err)
		}
	}
}

// A fight over a field ends with the rule to paste, made by pointerOf. What it
// names must be left out, and what remains must be an object that can be applied.
func TestTheRuleThatEndsAFightLeavesTheFieldOut(t *testing.T) {
	t.Parallel()
	c := offline(t)
	o := rendered(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, finalizers: [example.com/hold, other]}\nspec: {replicas: 1}\n")
	r := request(o)
	r.App.Spec.Ignore = []v1alpha1.Ignore{{Kind: "Deployment", Fields: []string{"/metadata/finalizers/*"}}}
	if left, _, _ := unstructured.NestedSlice(bodyOf(t, resolved(t, c, r)), "metadata", "finalizers"); len(left) > 0 {
		t.Errorf("the rule /metadata/finalizers/* leaves %v to be fought over", left)
	}
	r = request(rendered(t, rich))
	r.App.Spec.Ignore = []v1alpha1.Ignore{{Kind: "Deployment", Fields: []string{"/spec/template/spec/containers/1"}}}
	if left, _, _ := unstructured.NestedSlice(bodyOf(t, resolved(t, c, r)), "spec", "template", "spec", "containers"); len(left) != 1 {
		t.Errorf("a rule for one element leaves %d of 2", len(left))
	}
}

func TestTheDigestIsOfAllThatAnApplyDependsOn(t *testing.T) {
	t.Parallel()
	c := offline(t)
	first := resolved(t, c, request(rendered(t, rich)))
	no, yes := false, true
	for _, tc := range []struct {
		name   string
		change func(*target.Resolve)
		moves  bool
	}{
		{"nothing", func(*target.Resolve) {}, false},
		{"the commit", func(r *target.Resolve) { r.Revision = "another" }, false},
		{"the line in the file", func(r *target.Resolve) { r.Objects[0].Origin.Line = 99 }, false},
		{"pruning, as it is by default", func(r *target.Resolve) { r.App.Spec.Sync.Prune = &yes }, false},
		{"a rule that ignores nothing", func(r *target.Resolve) { r.App.Spec.Ignore = []v1alpha1.Ignore{{Kind: "X", Fields: []string{"/spec"}}} }, false},

		{"the file", func(r *target.Resolve) { r.Objects[0].Origin.File = "shop/other.yaml" }, true},
		{"the root", func(r *target.Resolve) { r.Root = "https://git/other" }, true},
		{"the pruning", func(r *target.Resolve) { r.App.Spec.Sync.Prune = &no }, true},
		{"the namespace", func(r *target.Resolve) { r.App.Spec.Target.Namespace = "elsewhere" }, true},
		{"the content", func(r *target.Resolve) {
			r.Objects[0] = rendered(t, strings.Replace(rich, "replicas: 2", "replicas: 3", 1))
		}, true},
		{"the version", func(r *target.Resolve) {
			r.Objects[0].SetAPIVersion("apps/v2")
			r.Objects = append(r.Objects, rendered(t, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"+
				"spec: {group: apps, scope: Namespaced, names: {kind: Deployment}}\n"))
		}, true},
		{"what is ignored", func(r *target.Resolve) {
			r.App.Spec.Ignore = []v1alpha1.Ignore{{Kind: "Deployment", Fields: []string{"/spec/replicas"}}}
		}, true},
	} {
		r := request(rendered(t, rich))
		tc.change(&r)
		desired, failed := c.Resolve(t.Context(), r)
		if len(failed) > 0 && tc.name != "the version" {
			t.Fatalf("%s: %v", tc.name, failed)
		}
		got := desired[len(desired)-1]
		if (got.Digest != first.Digest) != tc.moves {
			t.Errorf("another digest with %s: %v, want %v", tc.name, !tc.moves, tc.moves)
		}
	}
}

// An object whose CRD comes with it has to be of a version that the CRD serves,
// whatever the cluster serves by now.
func TestTheVersionsOfACRDAmongTheObjects(t *testing.T) {
	t.Parallel()
	c := offline(t)
	for version, want := range map[string]string{
		"v1": "", "v2": "",
		"v1beta1": "unknown kind: its CRD (shop/web.yaml:1) serves Bolt as v1, v2, not as v1beta1; change its apiVersion",
		"v3":      "unknown kind: its CRD (shop/web.yaml:1) serves Bolt as v1, v2, not as v3; change its apiVersion",
	} {
		crd := rendered(t, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: bolts.example.com}\n"+
			"spec: {group: example.com, scope: Namespaced, names: {kind: Bolt}, versions: [{name: v1, served: true}, {name: v2, served: true}, {name: v1beta1, served: false}]}\n")
		crd.Origin.File, crd.Origin.Line = "shop/web.yaml", 1
		_, failed := c.Resolve(t.Context(), request(crd, rendered(t, "apiVersion: example.com/"+version+"\nkind: Bolt\nmetadata: {name: a}\n")))
		var got string
		for _, f := range failed {
			if f.Key.Kind == "Bolt" {
				got += f.Err.Error()
			}
		}
		if got != want {
			t.Errorf("%s: it says %q, want %q", version, got, want)
		}
	}
}

func TestMarksAreSetBesideWhatIsDeclared(t *testing.T) {
	t.Parallel()
	c := offline(t)
	no := false
	r := request(rendered(t, rich))
	r.App.Spec.Sync.Prune = &no
	d := resolved(t, c, r)
	want := map[string]any{
		"name": "web", "namespace": "shop",
		"labels": map[string]any{"tier": "front", "example.com/owner": "ada", "plumb.dev/app": "team.shop"},
		"annotations": map[string]any{
			"note": "x", "a~b": "tilde", "a/b": "slash",
			"plumb.dev/id": "apps/Deployment/shop/web", "plumb.dev/root": "https://git/root", "plumb.dev/digest": d.Digest,
			"plumb.dev/origin": "shop/web.yaml", "plumb.dev/revision": "c0ffee", "plumb.dev/prune": "never",
		},
	}
	if diff := cmp.Diff(want, bodyOf(t, d)["metadata"]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	body := d.Body
	d.Body = nil
	rest := plan.Desired{
		Key:        object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"},
		APIVersion: "apps/v1", Origin: object.Origin{File: "shop/web.yaml", Line: 4}, Digest: d.Digest, Revision: "c0ffee", Stage: plan.StageWorkload,
	}
	if diff := cmp.Diff(rest, d); diff != "" || len(body) == 0 {
		t.Errorf("beside the body (-want +got)\n%s", diff)
	}
}

func TestWhoDeclaresOurMarksIsOverruled(t *testing.T) {
	t.Parallel()
	d := resolved(t, offline(t), request(rendered(t, `
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  labels: {plumb.dev/app: someone.else}
  annotations: {plumb.dev/id: forged, plumb.dev/root: forged, plumb.dev/digest: forged, plumb.dev/origin: forged, plumb.dev/revision: forged}
`)))
	body := string(d.Body)
	if strings.Contains(body, "forged") || strings.Contains(body, "someone.else") {
		t.Errorf("forged marks are applied: %s", body)
	}
}

func TestObjectsWithoutMetadataOrWithOddOnesAreFitted(t *testing.T) {
	t.Parallel()
	c := offline(t)
	for _, manifest := range []string{
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: null, annotations: null}\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {}, annotations: {}}\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: ''}\n",
	} {
		d := resolved(t, c, request(rendered(t, manifest)))
		metadata := bodyOf(t, d)["metadata"].(map[string]any)
		if metadata["namespace"] != "shop" || len(metadata["labels"].(map[string]any)) != 1 || len(metadata["annotations"].(map[string]any)) != 5 {
			t.Errorf("%s becomes %s", manifest, d.Body)
		}
	}
}

func TestNothingThatWasRenderedIsChangedInPlace(t *testing.T) {
	t.Parallel()
	c := offline(t)
	no := false
	objects := []object.Object{
		rendered(t, rich),
		rendered(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: n, namespace: wrong, labels: {a: b}, annotations: {c: d}}\n"),
		rendered(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: y}\n"),
	}
	var before []map[string]any
	for _, o := range objects {
		before = append(before, o.DeepCopy().Object)
	}
	r := request(objects...)
	r.App.Spec.Sync.Prune = &no
	r.App.Spec.Ignore = []v1alpha1.Ignore{
		{Kind: "Deployment", Fields: []string{"/metadata/labels/tier", "/metadata/annotations", "/spec/template/spec/containers/*/env/0/value", "/spec/replicas"}},
		{Kind: "Namespace", Fields: []string{"/metadata/labels"}}, {Kind: "ConfigMap", Fields: []string{"/data"}},
	}
	if desired, failed := c.Resolve(t.Context(), r); len(desired) != 3 || len(failed) > 0 {
		t.Fatalf("%d of 3 are resolved: %v", len(desired), failed)
	}
	for i, o := range objects {
		if diff := cmp.Diff(before[i], o.Object); diff != "" {
			t.Errorf("%s was changed in place (-before +after)\n%s", o.Key(), diff)
		}
	}
}

func TestObjectsComeInTheOrderOfStagesAndOfTheFiles(t *testing.T) {
	t.Parallel()
	var objects []object.Object
	for i, kind := range []string{"apps/v1 Deployment", "v1 ConfigMap", "v1 Namespace", "example.com/v1 Gear", "v1 ConfigMap", "apps/v1 Deployment"} {
		version, name, _ := strings.Cut(kind, " ")
		objects = append(objects, rendered(t, fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: n%d}\n", version, name, i)))
	}
	desired, failed := offline(t).Resolve(t.Context(), request(objects...))
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	var got []string
	for _, d := range desired {
		got = append(got, d.Key.Kind+" "+d.Key.Name)
	}
	want := []string{"Namespace n2", "ConfigMap n1", "ConfigMap n4", "Deployment n0", "Deployment n5", "Gear n3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
