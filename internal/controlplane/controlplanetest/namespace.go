package controlplanetest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// Namespace makes a namespace of the test's own, ready to take pods, and has it deleted when the test ends, without waiting for that.
func (p *Plane) Namespace(t testing.TB) string {
	t.Helper()
	client, err := dynamic.NewForConfig(p.config)
	if err != nil {
		t.Fatal(err)
	}
	name := namespaceName(t.Name(), rand.Text())
	namespaces := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}}
	if _, err := namespaces.Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatalf("create a namespace for %s: %v", t.Name(), err)
	}
	t.Cleanup(func() {
		// The API server may be down by now, on purpose: then the namespace goes with the control plane.
		_ = namespaces.Delete(context.Background(), name, metav1.DeleteOptions{})
	})
	awaitServiceAccount(t, client, name)
	return name
}

// awaitServiceAccount waits for the account that every pod of the namespace needs.
func awaitServiceAccount(t testing.TB, client dynamic.Interface, namespace string) {
	t.Helper()
	accounts := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}).Namespace(namespace)
	events, err := accounts.Watch(t.Context(), metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", "default").String()})
	if err != nil {
		t.Fatalf("wait for the service account of namespace %s: %v", namespace, err)
	}
	defer events.Stop()
	if _, ok := <-events.ResultChan(); !ok {
		t.Fatalf("wait for the service account of namespace %s: the watch ended", namespace)
	}
}

// namespaceName is the test's name in the letters that a namespace may have, and something random: tests run again, also with -count.
func namespaceName(test, random string) string {
	const most = 40 // of 63 letters: tests put their own prefixes and suffixes around it
	readable := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, strings.TrimPrefix(test, "Test"))
	readable = readable[:min(len(readable), most)]
	return "test-" + strings.Trim(readable, "-") + "-" + strings.ToLower(random[:6])
}
