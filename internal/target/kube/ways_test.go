package kube

import (
	"context"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/sight"
	"plumb.dev/plumb/internal/status"
)

// in is the bench in a test below the one that it was made for.
func (b *bench) in(t *testing.T) *bench {
	below := *b
	below.t = t
	return &below
}

// still is a Deployment of which the controllers make nothing: what these tests
// look at needs no pods.
func still(name string) string {
	return strings.Replace(strings.Replace(deployment, "name: web", "name: "+name, 1), "spec:\n", "spec:\n  paused: true\n", 1)
}

// stand is how an object stands now, once the view has caught up with the server.
func (b *bench) stand(d plan.Desired, applied map[object.Key]plan.Applied) plan.Standing {
	b.t.Helper()
	b.until("the view has caught up with the server", func() bool {
		live, there := b.Live(d.Key)
		now, err := b.others(b.t, d).Get(b.t.Context(), d.Key.Name, metav1.GetOptions{})
		if err != nil || now.GetLabels()[object.LabelApp] == "" {
			return !there
		}
		return there && !live.Provisional && live.Version >= sight.Version(now.GetResourceVersion())
	})
	live, _ := b.Live(d.Key)
	return plan.Judge(b.label(), d, live, applied[d.Key])
}

// subresource changes something of an object beside its content, as controllers do.
func (b *bench) subresource(t *testing.T, d plan.Desired, manager, name, data string) {
	t.Helper()
	_, err := b.others(t, d).Patch(t.Context(), d.Key.Name, types.MergePatchType, []byte(data), metav1.PatchOptions{FieldManager: manager}, name)
	if err != nil {
		t.Fatal(err)
	}
}

// asPlumb applies what we applied, changed, under the name of our field manager.
func (b *bench) asPlumb(t *testing.T, d plan.Desired, change func(body map[string]any)) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(d.Body); err != nil {
		t.Fatal(err)
	}
	change(u.Object)
	got, err := b.others(t, d).Apply(t.Context(), d.Key.Name, u, metav1.ApplyOptions{FieldManager: object.FieldManager, Force: true})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// inSpec sets a field of the spec.
func inSpec(name string, value any) func(map[string]any) {
	return func(body map[string]any) { body["spec"].(map[string]any)[name] = value }
}

// Beside those of TestTheFingerprintMovesWithOurFieldsOnly: what kubectl,
// controllers and people with odd habits do.
func TestEveryOtherWayToChangeAField(t *testing.T) {
	t.Parallel()
	type edit = func(*testing.T, *bench, plan.Desired)
	patch := func(manager, kind, data string) edit {
		return func(t *testing.T, b *bench, d plan.Desired) { b.patchBy(t, d, manager, kind, data) }
	}
	b := newBench(t)
	const lastApplied = `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"replicas\":5}}"}},"spec":{"replicas":5}}`
	for i, tc := range []struct {
		name  string
		edit  edit
		want  plan.Standing
		field string // that is told, with who changed it
		owner string
	}{
		{"a client-side apply", patch("kubectl-client-side-apply", "strategic", lastApplied), plan.Moved, "spec.replicas", "kubectl-client-side-apply"},
		{"a client-side apply of the same values", patch("kubectl-client-side-apply", "strategic", strings.ReplaceAll(lastApplied, "5", "2")), plan.InLine, "", ""},
		{"an edit under our manager's name", patch("plumb", "merge", `{"spec":{"replicas":5}}`), plan.Moved, "spec.replicas", "plumb"},
		{"a field that is set to nothing", patch("ada", "merge", `{"spec":{"replicas":null}}`), plan.Moved, "spec.replicas", "ada"},
		{"an atomic list that is changed inside", patch("ada", "json", `[{"op":"replace","path":"/spec/template/spec/containers/0/args/1","value":"-q"}]`),
			plan.Moved, `spec.template.spec.containers[name="web"].args`, "ada"},
		{"an annotation of ours that is removed", patch("ada", "merge", `{"metadata":{"annotations":{"plumb.dev/origin":null}}}`),
			plan.Moved, "metadata.annotations.plumb.dev/origin", ""}, // who only removes owns nothing, and leaves no name
		{"a digest that is forged", patch("ada", "merge", `{"metadata":{"annotations":{"plumb.dev/digest":"x"}}}`), plan.Moved, "metadata.annotations.plumb.dev/digest", "ada"},
		{"a container of someone else's", patch("istio", "strategic", `{"spec":{"template":{"spec":{"containers":[{"name":"proxy","image":"envoy:1"}]}}}}`), plan.InLine, "", ""},
		{"an env entry of someone else's", patch("ada", "strategic", `{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"NEW","value":"x"}]}]}}}}`), plan.InLine, "", ""},
		{"a restart", patch("kubectl-rollout", "strategic", `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}}}}}`), plan.InLine, "", ""},
		{"a finalizer", patch("ada", "merge", `{"metadata":{"finalizers":["example.com/hold"]}}`), plan.InLine, "", ""},
		{"an apply of the same value by another manager", func(t *testing.T, b *bench, d plan.Desired) {
			b.patchBy(t, d, "ada", "apply", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"`+d.Key.Name+`"},"spec":{"replicas":2}}`)
		}, plan.InLine, "", ""},
		{"a status", func(t *testing.T, b *bench, d plan.Desired) {
			b.subresource(t, d, "ada", "status", `{"status":{"conditions":[{"type":"Odd","status":"True"}]}}`)
		}, plan.InLine, "", ""},
		{"an apply under our manager's name that leaves out a field", func(t *testing.T, b *bench, d plan.Desired) {
			b.asPlumb(t, d, func(body map[string]any) { delete(body["spec"].(map[string]any), "replicas") })
		}, plan.Moved, "spec.replicas", ""},
		{"an apply under our manager's name that knows nothing of our marks", func(t *testing.T, b *bench, d plan.Desired) {
			b.asPlumb(t, d, func(body map[string]any) {
				metadata := body["metadata"].(map[string]any)
				delete(metadata, "labels")
				delete(metadata, "annotations")
			})
		}, plan.Gone, "metadata.labels.plumb.dev/app", ""},
		{"a label that gives it to another App", patch("ada", "merge", `{"metadata":{"labels":{"plumb.dev/app":"someone.else"}}}`),
			plan.Foreign, "metadata.labels.plumb.dev/app", "ada"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := b.in(t)
			manifest := strings.Replace(still(fmt.Sprint("web", i)), `image: "nginx:1.27",`, `image: "nginx:1.27", args: [-a, -b],`, 1)
			desired := b.mustResolve(manifest)
			b.watch(desired)
			applied := b.apply(desired...)
			d := desired[0]
			if got := b.stand(d, applied); got != plan.InLine {
				t.Fatalf("before the edit it stands %d", got)
			}
			tc.edit(t, b, d)
			if got := b.stand(d, applied); got != tc.want {
				t.Errorf("after the edit it stands %d, want %d", got, tc.want)
			}
			f := b.Check(t.Context(), b.actor(), desired)[0]
			if f.Err != nil || f.Differs != (tc.want != plan.InLine) {
				t.Errorf("the check says it differs: %v (%v)", f.Differs, f.Err)
			}
			if tc.field != "" && !tells(f.Fields, tc.field, tc.owner) {
				t.Errorf("the fields told are %+v, want %s of %q", f.Fields, tc.field, tc.owner)
			}
			fixed := b.apply(d)
			if got := b.stand(d, fixed); got != plan.InLine {
				t.Errorf("after the correction it stands %d", got)
			}
			if f := b.Check(t.Context(), b.actor(), desired)[0]; f.Err != nil || f.Differs {
				t.Errorf("after the correction the check finds %+v", f)
			}
		})
	}
}

func tells(fields []plan.Field, path, owner string) bool {
	for _, f := range fields {
		if f.Path == path && f.Owner == owner {
			return true
		}
	}
	return false
}

// Who applies our own fields, with other values, under our name takes nothing
// from us. Only the time of our entry moves, which counts in seconds; within
// the same second it is for the rare check to find.
func TestAnApplyUnderOurNameMovesTheTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desired := b.mustResolve(still("web"))
	b.watch(desired)
	applied := b.apply(desired...)
	d := desired[0]
	before := fields.Fingerprint(b.asPlumb(t, d, inSpec("replicas", int64(3))).GetManagedFields())
	if f := b.Check(t.Context(), b.actor(), desired)[0]; f.Err != nil || !f.Differs || !names(f.Fields, "spec.replicas") {
		t.Errorf("the check finds %+v", f)
	}
	for n := int64(4); ; n++ { // until the server's clock shows another second
		got := b.asPlumb(t, d, inSpec("replicas", n))
		if fields.Fingerprint(got.GetManagedFields()) != before {
			break
		}
		if t.Context().Err() != nil || n > 10_000 {
			t.Fatal("the time of our entry never moves")
		}
	}
	if got := b.stand(d, applied); got != plan.Moved {
		t.Errorf("it stands %d, want moved", got)
	}
	if got := b.stand(d, b.apply(d)); got != plan.InLine {
		t.Errorf("after the correction it stands %d", got)
	}
}

// Where the App leaves the number of replicas out, an autoscaler that sets it,
// by the scale subresource, is no drift and is not undone.
func TestAnAutoscalerOwnsWhatIsNotDeclared(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desired := b.mustResolve(strings.Replace(still("web"), "  replicas: 2\n", "", 1))
	b.watch(desired)
	applied := b.apply(desired...)
	d := desired[0]
	b.subresource(t, d, "kube-controller-manager", "scale", `{"spec":{"replicas":4}}`)
	if got := b.stand(d, applied); got != plan.InLine {
		t.Errorf("after scaling it stands %d, want in line", got)
	}
	if f := b.Check(t.Context(), b.actor(), desired)[0]; f.Err != nil || f.Differs {
		t.Errorf("after scaling the check finds %+v", f)
	}
	b.patchBy(t, d, "ada", "merge", `{"metadata":{"labels":{"tier":"back"}}}`)
	b.apply(d) // some other correction
	live, err := b.others(t, d).Get(t.Context(), d.Key.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n, _, _ := unstructured.NestedInt64(live.Object, "spec", "replicas"); n != 4 {
		t.Errorf("a correction sets the replicas to %d, want the autoscaler's 4", n)
	}
}

// Someone deletes an object of ours and makes another one of that name.
func TestAnObjectThatSomeoneMadeAnewIsTakenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, tc := range []struct {
		name    string
		content func(d plan.Desired) string
		want    plan.Standing
	}{
		{"without our marks", func(plan.Desired) string {
			return `{"apiVersion":"v1","kind":"ConfigMap","metadata":{},"data":{"color":"green","extra":"x"}}`
		}, plan.Gone},
		{"with our marks as it was", func(d plan.Desired) string { return string(d.Body) }, plan.Moved},
		{"with our marks and other content", func(d plan.Desired) string { return strings.Replace(string(d.Body), "blue", "green", 1) }, plan.Moved},
		{"with our label and an older digest", func(d plan.Desired) string { return strings.Replace(string(d.Body), d.Digest, "older", 1) }, plan.Moved},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := b.in(t)
			desired := b.mustResolve(strings.Replace(configMap, "settings", fmt.Sprint("settings", i), 1))
			b.watch(desired)
			applied := b.apply(desired...)
			d := desired[0]
			b.deleteBy(t, d)
			made := &unstructured.Unstructured{}
			if err := made.UnmarshalJSON([]byte(tc.content(d))); err != nil {
				t.Fatal(err)
			}
			made.SetName(d.Key.Name)
			if _, err := b.others(t, d).Create(t.Context(), made, metav1.CreateOptions{FieldManager: "ada"}); err != nil {
				t.Fatal(err)
			}
			if got := b.stand(d, applied); got != tc.want {
				t.Errorf("it stands %d, want %d", got, tc.want)
			}
			if f := b.Check(t.Context(), b.actor(), desired)[0]; f.Err != nil || !f.Exists || !f.Differs {
				t.Errorf("the check finds %+v", f)
			}
			if got := b.stand(d, b.apply(d)); got != plan.InLine {
				t.Errorf("after the correction it stands %d", got)
			}
			live, err := b.others(t, d).Get(t.Context(), d.Key.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if color, _, _ := unstructured.NestedString(live.Object, "data", "color"); color != "blue" {
				t.Errorf("the color is %s", color)
			}
		})
	}
}

// letGo removes the finalizers that would hold up the end of the namespace.
func (b *bench) letGo(t *testing.T, d plan.Desired) {
	t.Helper()
	data := []byte(`{"metadata":{"finalizers":null}}`)
	if _, err := b.others(t, d).Patch(context.WithoutCancel(t.Context()), d.Key.Name, types.MergePatchType, data, metav1.PatchOptions{}); err != nil {
		t.Error(err)
	}
}

// While a finalizer holds a deletion, the object is neither there nor gone.
func TestAFinalizerHoldsADeletion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desired := b.mustResolve(strings.Replace(configMap, "{name: settings}", "{name: settings, finalizers: [example.com/hold]}", 1))
	b.watch(desired)
	applied := b.apply(desired...)
	d := desired[0]
	b.deleteBy(t, d)
	if got := b.stand(d, applied); got != plan.Terminating {
		t.Errorf("while it is held it stands %d, want terminating", got)
	}
	live, _ := b.Live(d.Key)
	if live.Health.Health != status.Progressing || !live.Deleting {
		t.Errorf("while it is held it is %+v", live)
	}
	b.patchBy(t, d, "ada", "json", `[{"op":"remove","path":"/metadata/finalizers"}]`)
	if got := b.stand(d, applied); got != plan.Gone {
		t.Errorf("when it is let go it stands %d, want gone", got)
	}
	if f := b.Check(t.Context(), b.actor(), desired)[0]; f.Err != nil || f.Exists || !f.Differs {
		t.Errorf("the check finds %+v", f)
	}
	if got := b.stand(d, b.apply(d)); got != plan.InLine {
		t.Errorf("when it is made anew it stands %d", got)
	}
	b.letGo(t, d)
}

// The rule that ends a fight is pasted as it is told. Then the App can still be
// applied, and the fight is over.
func TestTheRuleThatIsToldCanBePasted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, tc := range []struct{ name, kind, data string }{
		{"replicas", "merge", `{"spec":{"replicas":5}}`},
		{"an image", "strategic", `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx:1.26"}]}}}}`},
		{"a label", "merge", `{"metadata":{"labels":{"tier":"back"}}}`},
		{"a label with a slash", "merge", `{"metadata":{"labels":{"example.com/owner":"eve"}}}`},
		{"an env value", "strategic", `{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"MODE","value":"slow"}]}]}}}}`},
		{"an env entry removed", "json", `[{"op":"remove","path":"/spec/template/spec/containers/0/env/1"}]`},
		{"a finalizer removed", "merge", `{"metadata":{"finalizers":null}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := b.in(t)
			manifest := strings.Replace(still(fmt.Sprint("web", i)), "labels: {tier: front}", "finalizers: [example.com/hold], labels: {tier: front, example.com/owner: ada}", 1)
			desired := b.mustResolve(manifest)
			b.watch(desired)
			b.apply(desired...)
			t.Cleanup(func() { b.letGo(t, desired[0]) })
			b.patchBy(t, desired[0], "mallory", tc.kind, tc.data)
			rule := v1alpha1.Ignore{Kind: "Deployment"}
			for _, f := range b.Check(t.Context(), b.actor(), desired)[0].Fields {
				rule.Fields = append(rule.Fields, f.Pointer)
			}
			b.app.Spec.Ignore = []v1alpha1.Ignore{rule}
			desired = b.mustResolve(manifest)
			d := desired[0]
			o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Update, Key: d.Key, Desired: d}})[0]
			if o.Err != nil {
				t.Fatalf("with the rule %v it can't be applied: %v", rule.Fields, o.Err)
			}
			if tc.kind != "json" { // what was removed by its place isn't there to be removed again
				b.patchBy(t, d, "mallory", tc.kind, tc.data)
			}
			if got := b.stand(d, map[object.Key]plan.Applied{d.Key: o.Applied}); got != plan.InLine {
				t.Errorf("with the rule %v the next take leaves it standing %d", rule.Fields, got)
			}
			if f := b.Check(t.Context(), b.actor(), desired)[0]; f.Err != nil || f.Differs {
				t.Errorf("with the rule %v the check finds %+v", rule.Fields, f)
			}
		})
	}
}
