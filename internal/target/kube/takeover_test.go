package kube

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// older is what another tool made: more than Git declares later.
const older = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
  labels: {tier: front, team: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.25
        env: [{name: LEVEL, value: info}, {name: DEBUG, value: "1"}]
      - {name: side, image: "busybox:1"}
`

// declaredOf is the same in Git, without what a case has removed.
func declaredOf(name string, removed ...string) string {
	text := strings.ReplaceAll(older, "NAME", name)
	for _, r := range removed {
		if !strings.Contains(text, r) {
			panic("the manifest has no " + r)
		}
		text = strings.ReplaceAll(text, r, "")
	}
	return text
}

// A tool is how somebody made objects before.
type tool struct {
	name, holder string
	managers     []string // that are gone afterwards
	make         func(*testing.T, *bench, *unstructured.Unstructured)
}

// tools make an object with the requests of the real ones.
func tools() []tool {
	create := func(t *testing.T, b *bench, u *unstructured.Unstructured, manager string) {
		t.Helper()
		if _, err := b.kindOfTest(u).Create(t.Context(), u, metav1.CreateOptions{FieldManager: manager}); err != nil {
			t.Fatal(err)
		}
	}
	apply := func(t *testing.T, b *bench, u *unstructured.Unstructured, manager string) {
		t.Helper()
		if _, err := b.kindOfTest(u).Apply(t.Context(), u.GetName(), u, metav1.ApplyOptions{FieldManager: manager, Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	annotate := func(u *unstructured.Unstructured, pairs ...string) {
		all := u.GetAnnotations()
		if all == nil {
			all = map[string]string{}
		}
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = pairs[i+1]
		}
		u.SetAnnotations(all)
	}
	label := func(u *unstructured.Unstructured, pairs ...string) {
		all := u.GetLabels()
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = pairs[i+1]
		}
		u.SetLabels(all)
	}
	return []tool{
		{"kubectl create", "", []string{"kubectl-create"}, func(t *testing.T, b *bench, u *unstructured.Unstructured) { create(t, b, u, "kubectl-create") }},
		{"kubectl apply", "", []string{"kubectl-client-side-apply"}, func(t *testing.T, b *bench, u *unstructured.Unstructured) {
			text, err := json.Marshal(u.Object)
			if err != nil {
				t.Fatal(err)
			}
			annotate(u, "kubectl.kubernetes.io/last-applied-configuration", string(text))
			create(t, b, u, "kubectl-client-side-apply")
			d := plan.Desired{Key: object.Object{Unstructured: u}.Key(), APIVersion: "apps/v1"}
			b.patchBy(t, d, "kubectl-client-side-apply", "strategic", `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":7}}}}`)
			b.patchBy(t, d, "kubectl-client-side-apply", "strategic", `{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":30}}}}`)
		}},
		{"kubectl apply --server-side", "", []string{"kubectl"}, func(t *testing.T, b *bench, u *unstructured.Unstructured) { apply(t, b, u, "kubectl") }},
		{"Helm 3", "the Helm release shop/web", []string{"helm"}, func(t *testing.T, b *bench, u *unstructured.Unstructured) {
			annotate(u, "meta.helm.sh/release-name", "web", "meta.helm.sh/release-namespace", "shop")
			label(u, "app.kubernetes.io/managed-by", "Helm")
			create(t, b, u, "helm")
		}},
		{"Helm 4", "the Helm release shop/web", []string{"helm"}, func(t *testing.T, b *bench, u *unstructured.Unstructured) {
			annotate(u, "meta.helm.sh/release-name", "web", "meta.helm.sh/release-namespace", "shop")
			label(u, "app.kubernetes.io/managed-by", "Helm")
			apply(t, b, u, "helm")
		}},
		{"Flux", "the Flux Kustomization flux-system/shop", []string{"kustomize-controller"}, func(t *testing.T, b *bench, u *unstructured.Unstructured) {
			label(u, "kustomize.toolkit.fluxcd.io/name", "shop", "kustomize.toolkit.fluxcd.io/namespace", "flux-system")
			apply(t, b, u, "kustomize-controller")
		}},
		{"Flux's helm-controller", "the Flux HelmRelease flux-system/shop", []string{"helm-controller"}, func(t *testing.T, b *bench, u *unstructured.Unstructured) {
			annotate(u, "meta.helm.sh/release-name", "web", "meta.helm.sh/release-namespace", "shop")
			label(u, "app.kubernetes.io/managed-by", "Helm", "helm.toolkit.fluxcd.io/name", "shop", "helm.toolkit.fluxcd.io/namespace", "flux-system")
			create(t, b, u, "helm-controller")
		}},
		{"Argo CD", "the Argo CD application shop", []string{"argocd-controller"}, func(t *testing.T, b *bench, u *unstructured.Unstructured) {
			annotate(u, "argocd.argoproj.io/tracking-id", "shop:apps/Deployment:"+u.GetNamespace()+"/"+u.GetName())
			apply(t, b, u, "argocd-controller")
		}},
		{"Argo CD by label", "the Argo CD application shop", []string{"argocd-controller"}, func(t *testing.T, b *bench, u *unstructured.Unstructured) {
			label(u, "app.kubernetes.io/instance", "shop")
			create(t, b, u, "argocd-controller")
		}},
	}
}

// madeBy makes an object as a tool does, and returns its name.
func (b *bench) madeBy(t *testing.T, one tool, i int) string {
	t.Helper()
	name := fmt.Sprint("web", i)
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(declaredOf(name)), &u.Object); err != nil {
		t.Fatal(err)
	}
	u.SetNamespace(b.namespace)
	one.make(t, b, u)
	return name
}

// marksOfTools are what no adopted object has any more.
var marksOfTools = []string{"helm.sh/", "fluxcd.io/", "argoproj.io/", "last-applied", "managed-by", "app.kubernetes.io/instance"}

// Whoever made an object, it is taken over without a new pod, and what Git
// removes afterwards vanishes.
func TestAdoptedObjectsKeepTheirPodsAndLoseWhatGitRemoves(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app.Spec.Sync.Adopt = true
	for i, one := range tools() {
		t.Run(one.name, func(t *testing.T) {
			b := b.in(t)
			name := b.madeBy(t, one, i)
			same := b.mustResolve(declaredOf(name))
			b.scaleStatus(t, same[0])
			before := b.live(t, same[0])
			f := b.Check(t.Context(), b.planner(), same)[0]
			if f.Err != nil || !f.Differs || one.holder != "" && f.From != one.holder {
				t.Errorf("the plan finds %+v, want it taken over from %q", f, one.holder)
			}
			if o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: same[0].Key, Desired: same[0]}})[0]; o.Err != nil {
				t.Fatal(o.Err)
			}
			after := b.live(t, same[0])
			if diff := cmp.Diff(before.Object["spec"], after.Object["spec"]); diff != "" { // annotations alone make a new generation of a Deployment
				t.Errorf("taking it over changed it: its pods may restart\n%s", diff)
			}
			text, _ := json.Marshal([]any{after.GetLabels(), after.GetAnnotations()})
			for _, mark := range marksOfTools {
				if strings.Contains(string(text), mark) {
					t.Errorf("it still has the mark %s: %s", mark, text)
				}
			}
			for _, e := range after.GetManagedFields() {
				if slices.Contains(one.managers, e.Manager) {
					t.Errorf("%s still owns %s", e.Manager, e.FieldsV1.GetRawString())
				}
			}
			if !slices.ContainsFunc(after.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return e.Manager == "controller" }) {
				t.Error("the controller's own entry is gone")
			}
			less := b.mustResolve(declaredOf(name, `, {name: DEBUG, value: "1"}`, `      - {name: side, image: "busybox:1"}`+"\n", ", team: web"))
			b.apply(less...)
			now := b.live(t, less[0])
			text, _ = json.Marshal(now.Object["spec"])
			if strings.Contains(string(text), "DEBUG") || strings.Contains(string(text), "side") || now.GetLabels()["team"] != "" {
				t.Errorf("what Git removed is still there: %v %s", now.GetLabels(), text)
			}
			if f := b.Check(t.Context(), b.actor(), less)[0]; f.Err != nil || f.Differs {
				t.Errorf("afterwards a check finds %+v", f)
			}
		})
	}
}

// What Git never declared goes when an object is adopted, and the plan says so.
func TestAPlanShowsWhatGoesWithAdopting(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app.Spec.Sync.Adopt = true
	for i, one := range tools() {
		t.Run(one.name, func(t *testing.T) {
			b := b.in(t)
			name := b.madeBy(t, one, i)
			d := b.mustResolve(declaredOf(name, `, {name: DEBUG, value: "1"}`, ", team: web"))
			f := b.Check(t.Context(), b.planner(), d)[0]
			lines := asLines(t, f)
			for _, want := range []string{`env[name="DEBUG"]`, "metadata.labels.team"} {
				if !strings.Contains(lines, want) {
					t.Errorf("the plan doesn't say that %s goes:\n%s", want, lines)
				}
			}
			again := b.Check(t.Context(), b.planner(), d)[0]
			if f.Digest != again.Digest {
				t.Error("the same plan has two digests")
			}
			if o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: d[0].Key, Desired: d[0]}})[0]; o.Err != nil {
				t.Fatal(o.Err)
			}
			text, _ := json.Marshal(b.live(t, d[0]).Object["spec"])
			if strings.Contains(string(text), "DEBUG") || b.live(t, d[0]).GetLabels()["team"] != "" {
				t.Errorf("it is still there: %v %s", b.live(t, d[0]).GetLabels(), text)
			}
		})
	}
}

// Without adopt, what another tool holds is left to it, and who that is is told;
// what nobody holds is taken over at once.
func TestWhatAnotherToolHoldsIsLeftToIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, one := range tools() {
		t.Run(one.name, func(t *testing.T) {
			b := b.in(t)
			d := b.mustResolve(declaredOf(b.madeBy(t, one, i), ", team: web"))[0]
			f := b.Check(t.Context(), b.planner(), []plan.Desired{d})[0]
			o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: d.Key, Desired: d}})[0]
			tried := b.Apply(t.Context(), dryRun(b.actor()), []plan.Change{{Action: plan.Create, Key: d.Key, Desired: d}})[0]
			if one.holder == "" {
				if f.Err != nil || o.Err != nil || tried.Err != nil {
					t.Errorf("it isn't taken over: %v, %v, %v", f.Err, o.Err, tried.Err)
				}
				return
			}
			for _, err := range []error{f.Err, o.Err, tried.Err} {
				if err == nil || !strings.Contains(err.Error(), one.holder) || !strings.Contains(err.Error(), "sync.adopt") {
					t.Errorf("the error is %v, want it to name %s and sync.adopt", err, one.holder)
				}
			}
			if len(b.live(t, d).GetAnnotations()[object.AnnotationID]) > 0 {
				t.Error("it was written nevertheless")
			}
		})
	}
}

// What controllers wrote stays theirs: the replicas of an autoscaler, a restart,
// finalizers, and what a claim got.
func TestAdoptingLeavesWhatOthersNeed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app.Spec.Sync.Adopt = true
	kubectl := tools()[1]
	name := b.madeBy(t, kubectl, 0)
	d := b.mustResolve(declaredOf(name, "  replicas: 1\n"))[0]
	b.scale(t, d, 3)
	b.patchBy(t, d, "kubectl-rollout", "strategic", `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}}}}}`)
	b.patchBy(t, d, "kubectl-edit", "merge", `{"metadata":{"finalizers":["example.com/hold"]}}`)
	before := b.live(t, d)
	if o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: d.Key, Desired: d}})[0]; o.Err != nil {
		t.Fatal(o.Err)
	}
	after := b.live(t, d)
	replicas, _, _ := unstructured.NestedInt64(after.Object, "spec", "replicas")
	if replicas != 3 || !cmp.Equal(before.Object["spec"], after.Object["spec"]) || len(after.GetFinalizers()) != 1 {
		t.Errorf("replicas %d, finalizers %v\n%s", replicas, after.GetFinalizers(), cmp.Diff(before.Object["spec"], after.Object["spec"]))
	}
	b.patchBy(t, d, "test", "merge", `{"metadata":{"finalizers":null}}`)
}

// A claim's storage class was filled in when it was made, in the name of who made
// it. The server would not let go of it, so it stays.
func TestWhatTheServerWouldNotLetGoStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app.Spec.Sync.Adopt = true
	claim := func(class string) string {
		return "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {" + class + "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}"
	}
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(claim("storageClassName: fast, ")), &u.Object); err != nil {
		t.Fatal(err)
	}
	u.SetNamespace(b.namespace)
	if _, err := b.kindOfTest(u).Create(t.Context(), u, metav1.CreateOptions{FieldManager: "kubectl-create"}); err != nil {
		t.Fatal(err)
	}
	d := b.mustResolve(claim(""))[0]
	if o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: d.Key, Desired: d}})[0]; o.Err != nil {
		t.Fatal(o.Err)
	}
	if class, _, _ := unstructured.NestedString(b.live(t, d).Object, "spec", "storageClassName"); class != "fast" {
		t.Errorf("its class is %q", class)
	}
}

func dryRun(as target.Actor) target.Actor {
	as.DryRun = true
	return as
}

// live is a live object.
func (b *bench) live(t *testing.T, d plan.Desired) *unstructured.Unstructured {
	t.Helper()
	got, err := b.others(t, d).Get(t.Context(), d.Key.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// scaleStatus writes a status as a controller does.
func (b *bench) scaleStatus(t *testing.T, d plan.Desired) {
	t.Helper()
	_, err := b.others(t, d).Patch(t.Context(), d.Key.Name, types.MergePatchType, []byte(`{"status":{"conditions":[{"type":"Odd","status":"True"}]}}`),
		metav1.PatchOptions{FieldManager: "controller"}, "status")
	if err != nil {
		t.Fatal(err)
	}
}

// kindOfTest addresses the kind of an object, with rights over all.
func (b *bench) kindOfTest(u *unstructured.Unstructured) dynamic.ResourceInterface {
	b.t.Helper()
	return b.others(b.t, plan.Desired{Key: object.Object{Unstructured: u}.Key(), APIVersion: u.GetAPIVersion()})
}
