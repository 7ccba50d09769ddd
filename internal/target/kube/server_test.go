package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// install makes cluster-scoped objects by hand, and takes them away with the test.
func (b *bench) install(manifests ...string) {
	b.t.Helper()
	for _, d := range b.mustResolve(manifests...) {
		objects := b.others(b.t, d)
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(d.Body); err != nil {
			b.t.Fatal(err)
		}
		u.SetLabels(nil)
		u.SetAnnotations(nil)
		if _, err := objects.Apply(b.t.Context(), d.Key.Name, u, metav1.ApplyOptions{FieldManager: "ada", Force: true}); err != nil {
			b.t.Fatal(err)
		}
		b.t.Cleanup(func() {
			if err := objects.Delete(context.WithoutCancel(b.t.Context()), d.Key.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				b.t.Error(err)
			}
		})
	}
}

// A policy that writes its own value into a field of ours at every apply: what
// we declare never comes to be, and to say so again and again helps nobody.
func TestAFieldThatAdmissionChangesIsNoDrift(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.install(fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration: {expression: 'Object{data: {"color": "grey"}}'}
`, b.namespace), fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s}
`, b.namespace))
	desired := b.mustResolve(configMap)
	b.watch(desired)
	d := desired[0]
	var applied map[object.Key]plan.Applied
	b.until("the policy is at work", func() bool {
		b.deleteIfThere(d)
		applied = b.apply(d)
		return b.value(d, "data", "color") == "grey"
	})
	before := b.version(t, d)
	for range 3 {
		if got := b.stand(d, applied); got != plan.InLine {
			t.Fatalf("it stands %d", got)
		}
		if f := b.Check(t.Context(), b.actor(), desired)[0]; f.Err != nil || f.Differs {
			t.Fatalf("the check finds %+v", f)
		}
		applied = b.apply(d)
	}
	if after := b.version(t, d); after != before {
		t.Errorf("applying it again writes it again: version %d, then %d", before, after)
	}
	b.patchBy(t, d, "ada", "merge", `{"data":{"size":"large"}}`)
	if got := b.stand(d, applied); got != plan.Moved {
		t.Errorf("a field that the policy leaves alone: it stands %d, want moved", got)
	}
	if got := b.stand(d, b.apply(d)); got != plan.InLine {
		t.Errorf("after the correction it stands %d", got)
	}
}

func (b *bench) deleteIfThere(d plan.Desired) {
	b.t.Helper()
	if err := b.others(b.t, d).Delete(b.t.Context(), d.Key.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		b.t.Fatal(err)
	}
}

// value is one text of the live object.
func (b *bench) value(d plan.Desired, path ...string) string {
	b.t.Helper()
	live, err := b.others(b.t, d).Get(b.t.Context(), d.Key.Name, metav1.GetOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	text, _, err := unstructured.NestedString(live.Object, path...)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// gearsOf is a CRD of the test's own: served as v1, which is stored and
// preferred, and as v1beta1.
func (b *bench) gearsOf() (definition, kindName string) {
	kindName = "Gear" + strings.ReplaceAll(b.namespace, "-", "")
	const version = `served: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}`
	return fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]ss.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: %[2]s, plural: %[1]ss}
  versions: [{name: v1, storage: true, %[3]s}, {name: v1beta1, storage: false, %[3]s}]
`, strings.ToLower(kindName), kindName, version), kindName
}

// applySoon applies an object whose kind may not be served yet.
func (b *bench) applySoon(d plan.Desired) map[object.Key]plan.Applied {
	b.t.Helper()
	var applied map[object.Key]plan.Applied
	b.until(d.Key.Kind+" can be applied", func() bool {
		o := b.Apply(b.t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: d.Key, Desired: d}})[0]
		if o.Err != nil && !errors.Is(o.Err, target.ErrSkipped) {
			b.t.Fatal(o.Err)
		}
		applied = map[object.Key]plan.Applied{d.Key: o.Applied}
		return o.Err == nil
	})
	return applied
}

// The server stores another version than the one that is declared, and the
// watch reads a third way: none of that is a change by anyone.
func TestAnObjectDeclaredInAnotherVersionThanTheStoredIsInLine(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kindName := b.gearsOf()
	b.install(definition)
	gear := func(version string) string {
		return fmt.Sprintf("{apiVersion: example.com/%s, kind: %s, metadata: {name: %s}, spec: {teeth: 12, size: small}}", version, kindName, version)
	}
	// The definition is among the objects only so that the kind's scope is known.
	desired := b.mustResolve(definition, gear("v1"), gear("v1beta1"))[1:]
	for _, d := range desired {
		applied := b.applySoon(d)
		b.watch([]plan.Desired{d})
		if got := b.stand(d, applied); got != plan.InLine {
			t.Errorf("%s: after the apply it stands %d", d.APIVersion, got)
		}
		if f := b.Check(t.Context(), b.actor(), []plan.Desired{d})[0]; f.Err != nil || f.Differs {
			t.Errorf("%s: after the apply the check finds %+v", d.APIVersion, f)
		}
		if got := b.stand(d, b.apply(d)); got != plan.InLine {
			t.Errorf("%s: after another apply it stands %d", d.APIVersion, got)
		}
		other := b.mustResolve(definition, strings.NewReplacer("example.com/v1beta1", "example.com/v1", "example.com/v1,", "example.com/v1beta1,").
			Replace(gear(d.Key.Name)))[1]
		b.patchBy(t, other, "ada", "merge", `{"metadata":{"labels":{"x":"y"}},"spec":{"more":"z"}}`)
		if got := b.stand(d, applied); got != plan.InLine {
			t.Errorf("%s: after someone wrote his own fields in %s it stands %d", d.APIVersion, other.APIVersion, got)
		}
		b.patchBy(t, other, "ada", "merge", `{"spec":{"size":"large"}}`)
		if got := b.stand(d, applied); got != plan.Moved {
			t.Errorf("%s: after someone changed a field in %s it stands %d", d.APIVersion, other.APIVersion, got)
		}
		if f := b.Check(t.Context(), b.actor(), []plan.Desired{d})[0]; !tells(f.Fields, "spec.size", "ada") {
			t.Errorf("%s: the check finds %+v", d.APIVersion, f)
		}
		if got := b.stand(d, b.apply(d)); got != plan.InLine {
			t.Errorf("%s: after the correction it stands %d", d.APIVersion, got)
		}
	}
}

// A CRD is removed, which takes its objects along, and installed again. Both
// are told, and the new objects are seen.
func TestAKindGoesAndComesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kindName := b.gearsOf()
	b.install(definition)
	all := b.mustResolve(definition, "{apiVersion: example.com/v1, kind: "+kindName+", metadata: {name: g}, spec: {teeth: 12}}")
	d := all[1]
	b.applySoon(d)
	b.watch(all[1:])
	for range 2 {
		b.until("the object is seen", func() bool { _, there := b.Live(d.Key); return there })
		b.deleteBy(t, all[0])
		b.until("the object is gone with its kind", func() bool { _, there := b.Live(d.Key); return !there })
		b.until("the kind is gone", func() bool {
			_, failed := b.resolve("{apiVersion: example.com/v1, kind: " + kindName + ", metadata: {name: g}}")
			return len(failed) == 1 && errors.Is(failed[0].Err, target.ErrUnknownKind)
		})
		if known, err := b.Watch([]schema.GroupKind{d.Key.GroupKind()}); !known || err != nil {
			t.Errorf("of a kind that isn't there all is known: %v, %v", known, err)
		}
		b.install(definition)
		applied := b.applySoon(d)
		b.watch(all[1:])
		if got := b.stand(d, applied); got != plan.InLine {
			t.Errorf("when the kind is back it stands %d", got)
		}
	}
}

// configMapOf makes a ConfigMap ready to apply, without a detour over its text.
func (b *bench) configMapOf(name string, annotations, data map[string]any) plan.Desired {
	b.t.Helper()
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "annotations": annotations}, "data": data,
	}}
	desired, failed := b.Resolve(b.t.Context(), target.Resolve{App: b.app, Root: "root", Revision: "c0ffee", Objects: []object.Object{{Unstructured: u}}})
	for _, f := range failed {
		b.t.Fatal(f)
	}
	return desired[0]
}

// Large objects are applied, seen and judged like small ones.
func TestLargeObjects(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	many := map[string]any{"color": "blue"}
	for i := range 2000 {
		many[fmt.Sprint("key-", i)] = "value"
	}
	type texts = map[string]any
	big := func(size int) string { return strings.Repeat("x", size) }
	for _, tc := range []struct {
		name              string
		annotations, data texts
	}{
		{"an annotation of 64 KB", texts{"example.com/big": big(64 << 10)}, texts{"color": "blue"}},
		{"annotations of 200 KB", texts{"a": big(100 << 10), "b": big(100 << 10)}, texts{"color": "blue"}},
		{"a megabyte", texts{}, texts{"color": "blue", "big": big(1<<20 - 100)}},
		{"2,000 fields", texts{}, many},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := b.in(t)
			d := b.configMapOf(strings.NewReplacer(" ", "-", ",", "").Replace(strings.ToLower(tc.name)), tc.annotations, tc.data)
			b.watch([]plan.Desired{d})
			applied := b.apply(d)
			if got := b.stand(d, applied); got != plan.InLine {
				t.Errorf("it stands %d", got)
			}
			b.patchBy(t, d, "ada", "merge", `{"data":{"color":"green"}}`)
			if got := b.stand(d, applied); got != plan.Moved {
				t.Errorf("after an edit it stands %d", got)
			}
			if f := b.Check(t.Context(), b.actor(), []plan.Desired{d})[0]; f.Err != nil || len(f.Fields) != 1 || !tells(f.Fields, "data.color", "ada") {
				t.Errorf("the check finds %+v", f)
			}
			if got := b.stand(d, b.apply(d)); got != plan.InLine {
				t.Errorf("after the correction it stands %d", got)
			}
		})
	}
}

func TestWhatIsTooLargeIsRefusedWithAWordAboutIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	big := func(size int) map[string]any { return map[string]any{"x": strings.Repeat("x", size)} }
	for _, tc := range []struct {
		name              string
		annotations, data map[string]any
		want              string
	}{
		{"a ConfigMap over its limit", nil, big(1<<20 + 1), "1048576"},
		{"a request over the server's limit", nil, big(3<<20 + 1<<16), "too large for the API server: split it"},
		{"annotations over their limit", big(300 << 10), nil, "262144"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := b.in(t).configMapOf("big", tc.annotations, tc.data)
			o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: d.Key, Desired: d}})[0]
			switch {
			case o.Err == nil:
				t.Error("it is taken")
			case !strings.Contains(o.Err.Error(), tc.want), errors.Is(o.Err, target.ErrUnreachable):
				t.Errorf("the error is %.300v, want it to say %q", o.Err, tc.want)
			case len(o.Err.Error()) > 2000:
				t.Errorf("the error has %d letters", len(o.Err.Error()))
			}
		})
	}
}
