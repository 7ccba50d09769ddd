package discovery

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// CRD is where the cluster's own custom kinds are defined.
func CRD() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
}

// Definitions are how all of a cluster's CRDs are listed and watched.
func Definitions() schema.GroupVersionResource {
	return CRD().GroupVersion().WithResource("customresourcedefinitions")
}

// Follow follows all CRDs, ours or not, until ctx is done, so that kinds that
// come, go or change are known by an event. A user who may not list CRDs learns
// of new kinds when one is declared.
func Follow(ctx context.Context, client dynamic.Interface, backoff wait.Backoff, changed func()) {
	crds := client.Resource(Definitions())
	lw := &cache.ListWatch{
		ListWithContextFunc:  func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return crds.List(ctx, o) },
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) { return crds.Watch(ctx, o) },
	}
	expected := &unstructured.Unstructured{}
	expected.SetGroupVersionKind(CRD())
	d := &definitions{known: map[string]string{}, changed: make(chan struct{}, 1)}
	reflector := cache.NewReflectorWithOptions(lw, expected, d, cache.ReflectorOptions{Name: "plumb/definitions", Backoff: &backoff})
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { reflector.RunWithContext(ctx) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.changed:
			changed()
		}
	}
}

// definitions keeps a short word for each CRD: what it serves.
type definitions struct {
	mu      sync.Mutex
	known   map[string]string
	changed chan struct{}
}

// served is what of a CRD decides which kinds the cluster has.
func served(o any) (name, word string) {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return "", ""
	}
	kindName, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
	versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	word = kindName
	for _, v := range versions {
		if m, ok := v.(map[string]any); ok {
			word += fmt.Sprint(" ", m["name"], m["served"])
		}
	}
	for _, v := range conditions {
		if m, ok := v.(map[string]any); ok && m["type"] == "Established" {
			word += fmt.Sprint(" ", m["status"])
		}
	}
	return u.GetName(), word
}

func (d *definitions) set(name, word string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known[name] == word {
		return
	}
	d.known[name] = word
	if word == "" {
		delete(d.known, name)
	}
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// Add takes in a CRD that appeared.
func (d *definitions) Add(o any) error { return d.Update(o) }

// Update takes in a CRD that changed.
func (d *definitions) Update(o any) error {
	d.set(served(o))
	return nil
}

// Delete takes out a CRD.
func (d *definitions) Delete(o any) error {
	name, _ := served(o)
	d.set(name, "")
	return nil
}

// Replace takes in a whole list.
func (d *definitions) Replace(list []any, _ string) error {
	present := map[string]bool{}
	for _, o := range list {
		name, word := served(o)
		present[name] = true
		d.set(name, word)
	}
	d.mu.Lock()
	var gone []string
	for name := range d.known {
		if !present[name] {
			gone = append(gone, name)
		}
	}
	d.mu.Unlock()
	for _, name := range gone {
		d.set(name, "")
	}
	return nil
}

// Resync has nothing to do.
func (d *definitions) Resync() error { return nil }
