package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
)

func TestMain(m *testing.M) { controlplanetest.Main(m) }

// bench is a Cluster of a test's own over the shared control plane.
type bench struct {
	*Cluster
	t         *testing.T
	namespace string
	app       v1alpha1.App
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchIn(t, controlplanetest.Namespace(t))
}

func newBenchIn(t *testing.T, namespace string) *bench {
	t.Helper()
	c, err := New(controlplanetest.Config(t), Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return newBenchOver(t, c, namespace)
}

// newBenchOver runs a Cluster until the test ends.
func newBenchOver(t *testing.T, c *Cluster, namespace string) *bench {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c.Run(ctx)
	t.Cleanup(func() { cancel(); c.Wait() })
	app := v1alpha1.App{}
	app.Namespace, app.Name = namespace, "app"
	app.Spec.Target.Namespace = namespace
	return &bench{Cluster: c, t: t, namespace: namespace, app: app}
}

func (b *bench) actor() target.Actor {
	return target.Actor{Namespace: b.namespace, CreateNamespace: true}
}

func (b *bench) label() string { return object.AppLabel(b.app.ID()) }

// resolve makes objects of YAML documents ready to apply.
func (b *bench) resolve(manifests ...string) ([]plan.Desired, []target.ObjectError) {
	b.t.Helper()
	var objects []object.Object
	for _, m := range manifests {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(m), &u.Object); err != nil {
			b.t.Fatal(err)
		}
		objects = append(objects, object.Object{Unstructured: u, Origin: object.Origin{File: "app.yaml", Line: 1}})
	}
	return b.Resolve(b.t.Context(), target.Resolve{App: b.app, Root: "root", Revision: "c0ffee", Objects: objects})
}

func (b *bench) mustResolve(manifests ...string) []plan.Desired {
	b.t.Helper()
	desired, failed := b.resolve(manifests...)
	for _, f := range failed {
		b.t.Fatal(f)
	}
	return desired
}

// apply applies and returns what is to be remembered.
func (b *bench) apply(desired ...plan.Desired) map[object.Key]plan.Applied {
	b.t.Helper()
	var changes []plan.Change
	for _, d := range desired {
		changes = append(changes, plan.Change{Action: plan.Update, Key: d.Key, Desired: d})
	}
	applied := map[object.Key]plan.Applied{}
	for _, o := range b.Apply(b.t.Context(), b.actor(), changes) {
		if o.Err != nil {
			b.t.Fatalf("%s: %v", o.Key, o.Err)
		}
		applied[o.Key] = o.Applied
	}
	return applied
}

// until waits for the view to tell something, by its events.
func (b *bench) until(what string, holds func() bool) {
	b.t.Helper()
	deadline := time.After(2 * time.Minute) // on a machine that has other work
	for !holds() {
		select {
		case <-b.Events():
		case <-deadline:
			b.t.Fatalf("never came: %s", what)
		}
	}
}

func (b *bench) watch(desired []plan.Desired) {
	b.t.Helper()
	var kinds []schema.GroupKind
	for _, d := range desired {
		kinds = append(kinds, d.Key.GroupKind())
	}
	b.until("the view knows the kinds", func() bool {
		known, err := b.Watch(kinds)
		if err != nil {
			b.t.Log(err)
		}
		return known
	})
}

const (
	configMap  = `{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {color: blue, size: small}}`
	secret     = `{apiVersion: v1, kind: Secret, metadata: {name: token}, stringData: {password: hunter2}}`
	deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "nginx:1.27", env: [{name: MODE, value: fast}, {name: LEVEL, value: low}]}
`
)

func TestApplyMarksAndTheViewTells(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desired := b.mustResolve(configMap, secret, deployment)
	b.watch(desired)
	applied := b.apply(desired...)
	for _, d := range desired {
		live, ok := b.Live(d.Key)
		if !ok {
			t.Fatalf("%s is not in the view after its apply", d.Key)
		}
		if got := plan.Judge(b.label(), d, live, applied[d.Key]); got != plan.InLine {
			t.Errorf("%s stands %d after its apply, want in line", d.Key, got)
		}
		if live.Root != "root" || live.Revision != "c0ffee" || live.Origin != "app.yaml" || !live.Own {
			t.Errorf("%s carries the wrong marks: %+v", d.Key, live)
		}
	}
	b.until("the Deployment is healthy", func() bool {
		live, _ := b.Live(desired[2].Key)
		return live.Health.Health == status.Healthy
	})
	for _, f := range b.Check(t.Context(), b.actor(), desired) {
		if f.Err != nil || f.Differs {
			t.Errorf("a check right after the apply finds %+v", f)
		}
	}
}

// Every way to change a field must move the fingerprint; what is not ours must not.
func TestTheFingerprintMovesWithOurFieldsOnly(t *testing.T) {
	t.Parallel()
	patch := func(kind, data string) func(*testing.T, *bench, plan.Desired) {
		return func(t *testing.T, b *bench, d plan.Desired) { b.patchBy(t, d, "tester", kind, data) }
	}
	b := newBench(t)
	for i, tc := range []struct {
		name   string
		edit   func(*testing.T, *bench, plan.Desired)
		moves  bool
		fields string // one that must be named
	}{
		{"merge patch of a field", patch("merge", `{"spec":{"replicas":5}}`), true, "spec.replicas"},
		{"json patch of a field", patch("json", `[{"op":"replace","path":"/spec/replicas","value":5}]`), true, "spec.replicas"},
		{"strategic patch of an image", patch("strategic", `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx:1.26"}]}}}}`), true, `spec.template.spec.containers[name="web"].image`},
		{"an env entry removed", patch("json", `[{"op":"remove","path":"/spec/template/spec/containers/0/env/1"}]`), true, `spec.template.spec.containers[name="web"].env[name="LEVEL"].name`},
		{"a label of ours removed", patch("json", `[{"op":"remove","path":"/metadata/labels/tier"}]`), true, "metadata.labels.tier"},
		{"another manager's forced apply", func(t *testing.T, b *bench, d plan.Desired) {
			b.patchBy(t, d, "tester", "apply", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"`+d.Key.Name+`"},"spec":{"replicas":7}}`)
		}, true, "spec.replicas"},
		{"the scale subresource", func(t *testing.T, b *bench, d plan.Desired) { b.scale(t, d, 4) }, true, "spec.replicas"},
		{"a whole replace", func(t *testing.T, b *bench, d plan.Desired) { b.replace(t, d) }, true, "spec.replicas"},
		{"managed fields cleared", patch("json", `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`), true, ""},
		{"a foreign label added", patch("merge", `{"metadata":{"labels":{"other":"x"}}}`), false, ""},
		{"a foreign annotation added", patch("merge", `{"metadata":{"annotations":{"other":"x"}}}`), false, ""},
		{"a field of nobody set", patch("merge", `{"spec":{"minReadySeconds":3}}`), false, ""},
		{"the same value written", patch("merge", `{"spec":{"replicas":2}}`), false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := b.in(t)
			desired := b.mustResolve(still(fmt.Sprint("web", i)))
			b.watch(desired)
			applied := b.apply(desired...)
			d := desired[0]
			before, _ := b.Live(d.Key)
			tc.edit(t, b, d)
			b.until("the edit is in the view", func() bool {
				live, _ := b.Live(d.Key)
				return live.Version >= before.Version && !live.Provisional && b.version(t, d) <= live.Version
			})
			live, _ := b.Live(d.Key)
			moved := plan.Judge(b.label(), d, live, applied[d.Key]) == plan.Moved
			if moved != tc.moves {
				t.Errorf("moved is %v, want %v", moved, tc.moves)
			}
			f := b.Check(t.Context(), b.actor(), desired)[0]
			if f.Err != nil || f.Differs != tc.moves {
				t.Errorf("the check says differs=%v (%v), want %v", f.Differs, f.Err, tc.moves)
			}
			if tc.fields != "" && !names(f.Fields, tc.fields) {
				t.Errorf("fields %v do not name %s", f.Fields, tc.fields)
			}
			if tc.fields == "spec.replicas" && f.Fields[0].Owner != "tester" {
				t.Errorf("%q is told to have changed it, want tester", f.Fields[0].Owner)
			}
			fixed := b.apply(d)
			live, _ = b.Live(d.Key)
			if got := plan.Judge(b.label(), d, live, fixed[d.Key]); got != plan.InLine {
				t.Errorf("after the correction it stands %d", got)
			}
		})
	}
}

func names(fields []plan.Field, path string) bool {
	for _, f := range fields {
		if f.Path == path {
			return true
		}
	}
	return false
}

func TestAnObjectThatIsDeletedOrRelabelledLeavesTheView(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desired := b.mustResolve(configMap, secret)
	b.watch(desired)
	b.apply(desired...)
	if got := len(b.Owned(b.label())); got != 2 {
		t.Fatalf("the App owns %d objects, want 2", got)
	}
	b.patchBy(t, desired[0], "tester", "json", `[{"op":"remove","path":"/metadata/labels"}]`)
	b.deleteBy(t, desired[1])
	b.until("both left", func() bool { return len(b.Owned(b.label())) == 0 })
	findings := b.Check(t.Context(), b.actor(), desired)
	exists := map[string]bool{findings[0].Key.Kind: findings[0].Exists, findings[1].Key.Kind: findings[1].Exists}
	if !exists[desired[0].Key.Kind] || exists[desired[1].Key.Kind] {
		t.Errorf("a check must tell what lost its label from what is gone: %v", exists)
	}
}

func TestWhatCantBeResolvedIsToldAndLeftOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desired, failed := b.resolve(configMap,
		`{apiVersion: v1, kind: Gizmo, metadata: {name: a}}`,
		`{apiVersion: apps/v1beta1, kind: Deployment, metadata: {name: b}}`,
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: `+b.namespace+`}}`,
	)
	if len(desired) != 1 || len(failed) != 3 {
		t.Fatalf("%d resolved, %d failed; want 1 and 3", len(desired), len(failed))
	}
	for i, want := range []string{"serves no Gizmo of v1", "change its apiVersion", "declared twice, first at app.yaml:1"} {
		if !strings.Contains(failed[i].Error(), want) || !strings.Contains(failed[i].Error(), "app.yaml:1") {
			t.Errorf("%q does not say %q and where", failed[i].Error(), want)
		}
	}
	if !errors.Is(failed[0], target.ErrUnknownKind) {
		t.Error("an unknown kind must be told as such")
	}
}

func TestClusterScopedObjectsLoseTheirNamespaceAndOthersGetOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desired := b.mustResolve(configMap,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: x, namespace: wrong}}`,
		`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: gears.example.com}, spec: {group: example.com, scope: Namespaced, names: {kind: Gear, plural: gears}, versions: []}}`,
		`{apiVersion: example.com/v1, kind: Gear, metadata: {name: g}}`,
	)
	got := map[string]string{}
	for _, d := range desired {
		got[d.Key.Kind] = d.Key.Namespace
	}
	if got["ConfigMap"] != b.namespace || got["ClusterRole"] != "" || got["Gear"] != b.namespace {
		t.Errorf("namespaces are %v", got)
	}
	if desired[0].Key.Kind != "CustomResourceDefinition" {
		t.Errorf("%s comes first, want the CRD", desired[0].Key)
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(b.mustResolve(deployment,
		`{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {services: "0"}}}`)...)
	b.untilQuota(t)
	for _, tc := range []struct{ name, manifest, want string }{
		{"an immutable field", strings.ReplaceAll(deployment, "app: web", "app: other"), "can't be changed in place"},
		{"an unknown field", strings.Replace(deployment, "replicas: 2", "replicaz: 2", 1), "replicaz"},
		{"a quota", `{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}]}}`, "raise the ResourceQuota"},
		{"a secret's value stays untold", `{apiVersion: v1, kind: Secret, metadata: {name: bad}, data: {password: "hunter2!"}}`, "refused it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := b.mustResolve(tc.manifest)[0]
			o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Update, Key: d.Key, Desired: d}})[0]
			if o.Err == nil || !strings.Contains(o.Err.Error(), tc.want) {
				t.Errorf("the error is %v, want it to say %q", o.Err, tc.want)
			}
			if o.Err != nil && strings.Contains(o.Err.Error(), "hunter2") {
				t.Errorf("the error tells a secret: %v", o.Err)
			}
		})
	}
}

func TestACRDAndItsResourcesInOneGo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	name := strings.ReplaceAll(b.namespace, "-", "")
	definition := `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ` + name + `s.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: ` + name + `, plural: ` + name + `s}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`
	desired := b.mustResolve(`{apiVersion: example.com/v1, kind: `+name+`, metadata: {name: first}}`, definition)
	b.watch(desired[:1])
	b.apply(desired[0])
	t.Cleanup(func() { b.deleteBy(t, desired[0]) })
	var last error
	b.until("the resource can be applied", func() bool {
		o := b.Apply(context.WithoutCancel(t.Context()), b.actor(), []plan.Change{{Action: plan.Create, Key: desired[1].Key, Desired: desired[1]}})[0]
		if o.Err != nil && !errors.Is(o.Err, target.ErrSkipped) {
			last = o.Err
		}
		return o.Err == nil
	})
	if last != nil {
		t.Errorf("waiting for a CRD must not look like a failure: %v", last)
	}
	live, _ := b.Live(desired[0].Key)
	o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Prune, Key: desired[0].Key, Live: live}})[0]
	if !errors.Is(o.Err, target.ErrKept) || !strings.Contains(o.Err.Error(), "/first") {
		t.Errorf("a CRD with instances must be kept, naming one: %v", o.Err)
	}
}

func TestPruneDeletesOnlyWhatWasPlanned(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desired := b.mustResolve(configMap, secret)
	b.watch(desired)
	b.apply(desired...)
	stale, _ := b.Live(desired[0].Key)
	stale.UID = "00000000-0000-0000-0000-000000000000"
	fresh, _ := b.Live(desired[1].Key)
	outcomes := b.Apply(t.Context(), b.actor(), []plan.Change{
		{Action: plan.Prune, Key: desired[0].Key, Live: stale},
		{Action: plan.Prune, Key: desired[1].Key, Live: fresh},
	})
	if outcomes[0].Err == nil {
		t.Error("an object that was made anew since the plan must not be deleted")
	}
	if outcomes[1].Err != nil {
		t.Error(outcomes[1].Err)
	}
	b.until("the pruned object is gone", func() bool { _, there := b.Live(desired[1].Key); return !there })
}

func TestTheTargetNamespaceIsMade(t *testing.T) {
	t.Parallel()
	b := newBenchIn(t, controlplanetest.Namespace(t)+"-made")
	t.Cleanup(func() {
		ns := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
		if err := b.dynamic.Resource(ns).Delete(context.WithoutCancel(t.Context()), b.namespace, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	b.apply(b.mustResolve(configMap)...)
}
