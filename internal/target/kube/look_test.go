package kube

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/internal/target"
)

func (b *bench) configMaps() dynamic.ResourceInterface {
	return b.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(b.namespace)
}

func (b *bench) makeConfigMap(name string) string {
	b.t.Helper()
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "labels": map[string]any{"of": "looks"}}}}
	made, err := b.configMaps().Create(b.t.Context(), o, metav1.CreateOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	return made.GetResourceVersion()
}

func TestList(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, name := range []string{"a", "b"} {
		b.makeConfigMap(name)
	}
	q := target.Query{APIVersion: "v1", Kind: "ConfigMap", Namespace: b.namespace, Labels: "of=looks", Most: 2}
	list, err := b.List(t.Context(), b.actor(), q)
	if err != nil || len(list) != 2 {
		t.Errorf("got %d objects and the error %v", len(list), err)
	}
	q.Most = 1
	if _, err := b.List(t.Context(), b.actor(), q); err == nil || !strings.Contains(err.Error(), "more than 1 objects") {
		t.Errorf("more than is allowed: the error is %v", err)
	}
	if _, err := b.List(t.Context(), b.actor(), target.Query{APIVersion: "example.net/v1", Kind: "None", Most: 1}); !errors.Is(err, target.ErrSkipped) {
		t.Errorf("of an unknown kind: the error is %v", err)
	}
	for i := range 60 { // more than a page
		b.makeConfigMap(fmt.Sprint("more-", i))
	}
	q.Most = 100
	if list, err := b.List(t.Context(), b.actor(), q); err != nil || len(list) != 62 {
		t.Errorf("of two pages come %d objects and the error %v", len(list), err)
	}
	for i := range 20 {
		patch := fmt.Sprintf(`{"data":{"large":%q}}`, strings.Repeat("x", 900_000))
		if _, err := b.configMaps().Patch(t.Context(), fmt.Sprint("more-", i), types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.List(t.Context(), b.actor(), q); err == nil || !strings.Contains(err.Error(), "more than 16777216 bytes") {
		t.Errorf("large ones: the error is %v", err)
	}
	as := b.actor()
	as.ServiceAccount = "nobody"
	q.Most = 10
	if _, err := b.List(t.Context(), as, q); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("system:serviceaccount:%s:nobody", b.namespace)) {
		t.Errorf("without the right: the error is %v", err)
	}
	if namespaces, err := b.List(t.Context(), b.actor(), target.Query{APIVersion: "v1", Kind: "Namespace", Most: 10_000}); err != nil || len(namespaces) == 0 {
		t.Errorf("of a kind without namespaces: %d and the error %v", len(namespaces), err)
	}
	version, apis, err := b.Cluster.Capabilities(t.Context())
	if err != nil || !strings.HasPrefix(version, "v1.") || !slices.Contains(apis, "apps/v1/Deployment") {
		t.Errorf("it is %s with %d APIs, and the error %v", version, len(apis), err)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := target.Secret{Name: "kept", Type: "example.com/kept", Labels: map[string]string{"owner": "test"}, Data: map[string][]byte{"x": []byte("1")}}
	for _, content := range []string{"1", "2"} {
		s.Data["x"] = []byte(content)
		if err := b.PutSecret(t.Context(), b.actor(), s); err != nil {
			t.Fatal(err)
		}
	}
	found, err := b.SecretsWith(t.Context(), b.actor(), map[string]string{"owner": "test"})
	if err != nil || len(found) != 1 || string(found[0].Data["x"]) != "2" || found[0].Type != s.Type {
		t.Fatalf("there is %v, and the error %v", found, err)
	}
	as := b.actor()
	as.ServiceAccount = "nobody"
	for what, err := range map[string]error{"write": b.PutSecret(t.Context(), as, s), "delete": b.DropSecret(t.Context(), as, s.Name)} {
		if err == nil {
			t.Errorf("who has no right may %s it", what)
		}
	}
	for range 2 {
		if err := b.DropSecret(t.Context(), b.actor(), s.Name); err != nil {
			t.Error(err)
		}
	}
	if found, err = b.SecretsWith(t.Context(), b.actor(), map[string]string{"owner": "test"}); err != nil || len(found) != 0 {
		t.Errorf("after that there is %v, and the error %v", found, err)
	}
}
