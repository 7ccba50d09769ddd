package kube

import (
	"context"
	"encoding/json"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/sight"
)

// What other people do to our objects.

func (b *bench) others(t *testing.T, d plan.Desired) dynamic.ResourceInterface {
	t.Helper()
	k, _, err := b.kinds.Find(context.WithoutCancel(t.Context()), schema.FromAPIVersionAndKind(d.APIVersion, d.Key.Kind))
	if err != nil {
		t.Fatal(err)
	}
	return contentOf(clients{dynamic: b.dynamic}, k, d.Key)
}

func (b *bench) patchBy(t *testing.T, d plan.Desired, manager, kind, data string) {
	t.Helper()
	kinds := map[string]types.PatchType{
		"merge": types.MergePatchType, "json": types.JSONPatchType, "strategic": types.StrategicMergePatchType, "apply": types.ApplyPatchType,
	}
	options := metav1.PatchOptions{FieldManager: manager}
	if kind == "apply" {
		force := true
		options.Force = &force
	}
	if _, err := b.others(t, d).Patch(t.Context(), d.Key.Name, kinds[kind], []byte(data), options); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) scale(t *testing.T, d plan.Desired, replicas int) {
	t.Helper()
	data, err := json.Marshal(map[string]any{"spec": map[string]any{"replicas": replicas}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.others(t, d).Patch(t.Context(), d.Key.Name, types.MergePatchType, data, metav1.PatchOptions{FieldManager: "tester"}, "scale"); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) replace(t *testing.T, d plan.Desired) {
	t.Helper()
	// The controllers write the status all the time, so the replace names no version.
	live, err := b.others(t, d).Get(t.Context(), d.Key.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	live.SetResourceVersion("")
	if err := unstructured.SetNestedField(live.Object, int64(6), "spec", "replicas"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.others(t, d).Update(t.Context(), live, metav1.UpdateOptions{FieldManager: "tester"}); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) deleteBy(t *testing.T, d plan.Desired) {
	t.Helper()
	if err := b.others(t, d).Delete(context.WithoutCancel(t.Context()), d.Key.Name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

// version is the object's resource version as the server has it now.
func (b *bench) version(t *testing.T, d plan.Desired) uint64 {
	t.Helper()
	live, err := b.others(t, d).Get(t.Context(), d.Key.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return sight.Version(live.GetResourceVersion())
}

// untilQuota waits until the quota controller has counted.
func (b *bench) untilQuota(t *testing.T) {
	t.Helper()
	quotas := b.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "resourcequotas"}).Namespace(b.namespace)
	w, err := quotas.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for e := range w.ResultChan() {
		if u, ok := e.Object.(*unstructured.Unstructured); ok {
			if used, found, _ := unstructured.NestedMap(u.Object, "status", "used"); found && len(used) > 0 {
				return
			}
		}
	}
}
