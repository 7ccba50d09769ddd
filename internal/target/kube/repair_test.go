package kube

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/plan"
)

const service = `{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: tls, port: 443}]}}`

// A hand edit can change what an element of a list is known by. It must be put
// back in its place: not stand beside ours, and not stay when ours goes.
func TestAnElementWhoseKeyWasChangedIsPutBack(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, manifest, edit, list, want string }{
		{"a port's number", service, `[{"op":"replace","path":"/spec/ports/0/port","value":8080}]`, "spec.ports", "port:80"},
		{"both ports' numbers", service,
			`[{"op":"replace","path":"/spec/ports/0/port","value":8080},{"op":"replace","path":"/spec/ports/1/port","value":8443}]`, "spec.ports", "port:443"},
		{"a container's name", deployment, `[{"op":"replace","path":"/spec/template/spec/containers/0/name","value":"other"}]`,
			"spec.template.spec.containers", "name:web"},
		{"a variable's name", deployment, `[{"op":"replace","path":"/spec/template/spec/containers/0/env/0/name","value":"OTHER"}]`,
			"spec.template.spec.containers", "name:MODE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			d := b.mustResolve(tc.manifest)[0]
			b.watch([]plan.Desired{d})
			b.apply(d)
			before := b.listAt(t, d, tc.list)
			b.patchBy(t, d, "mallory", "json", tc.edit)
			f := b.Check(t.Context(), b.actor(), []plan.Desired{d})[0]
			if f.Err != nil || !f.Differs || len(f.Fields) == 0 || f.Fields[0].Owner != "mallory" {
				t.Fatalf("the check finds %+v", f)
			}
			o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Update, Key: d.Key, Desired: d, Repair: f.Repair}})[0]
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			if after := b.listAt(t, d, tc.list); len(after) != len(before) || !strings.Contains(strings.Join(after, " "), tc.want) {
				t.Errorf("after the correction there are %v, want as before: %v", after, before)
			}
			if again := b.Check(t.Context(), b.actor(), []plan.Desired{d})[0]; again.Err != nil || again.Differs {
				t.Errorf("after the correction the check finds %+v", again)
			}
			live, err := b.others(t, d).Get(t.Context(), d.Key.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range live.GetManagedFields() {
				if e.Manager == repairManager {
					t.Error("the repair still owns what it wrote, so it would stay when it is no longer declared")
				}
			}
		})
	}
}

// listAt tells the elements of a list as the server has it.
func (b *bench) listAt(t *testing.T, d plan.Desired, path string) []string {
	t.Helper()
	live, err := b.others(t, d).Get(t.Context(), d.Key.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := unstructured.NestedSlice(live.Object, strings.Split(path, ".")...)
	if err != nil {
		t.Fatal(err)
	}
	var elements []string
	for _, e := range list {
		elements = append(elements, strings.ReplaceAll(strings.TrimPrefix(strings.TrimSuffix(fmt.Sprint(e), "]"), "map["), "  ", " "))
	}
	return elements
}

// Controllers write an object between the apply that corrects it and what takes
// the repair's entry out: the entry is found where it is by then.
func TestTheRepairsEntryIsFoundWhereverItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := b.mustResolve(configMap)[0]
	b.apply(d)
	b.patchBy(t, d, repairManager, "merge", `{"data":{"color":"green"}}`)
	entries := func() []metav1.ManagedFieldsEntry {
		live, err := b.others(t, d).Get(t.Context(), d.Key.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return live.GetManagedFields()
	}
	before := entries()
	moved := append([]metav1.ManagedFieldsEntry{{Manager: repairManager}}, before...)
	if err := b.forgetRepair(t.Context(), b.actor(), d, moved); err != nil {
		t.Fatal(err)
	}
	if after := entries(); len(after) != len(before)-1 || slices.ContainsFunc(after, func(e metav1.ManagedFieldsEntry) bool { return e.Manager == repairManager }) {
		t.Errorf("what is left are %d entries of %d", len(after), len(before))
	}
}
