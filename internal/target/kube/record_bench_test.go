package kube

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/sight"
)

// BenchmarkReduce is what each event of a watch costs, for an object whole.
func BenchmarkReduce(b *testing.B) {
	live, err := dynamic.NewForConfig(controlplanetest.Config(b))
	if err != nil {
		b.Fatal(err)
	}
	d := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "labels": map[string]any{"a": "b"}},
		"spec": map[string]any{"replicas": int64(0), "selector": map[string]any{"matchLabels": map[string]any{"a": "b"}},
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"a": "b"}}, "spec": map[string]any{
				"containers": []any{map[string]any{"name": "c", "image": "i", "env": []any{map[string]any{"name": "x", "value": "y"}}}}}}},
	}}
	objects := live.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}).Namespace(controlplanetest.Namespace(b))
	got, err := objects.Apply(b.Context(), "web", d, metav1.ApplyOptions{FieldManager: "plumb"})
	if err != nil {
		b.Fatal(err)
	}
	entries, judge := got.GetManagedFields(), health.NewJudge()
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			sight.ReduceBy(judge, schema.GroupKind{Group: "apps", Kind: "Deployment"}, got)
		}
	})
	b.Run("fingerprint", func(b *testing.B) {
		for b.Loop() {
			fields.Fingerprint(entries)
		}
	})
}
