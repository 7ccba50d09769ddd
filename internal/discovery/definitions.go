package discovery

import (
	"context"
	"slices"
	"sync"
	"time"

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
// come, go or change are known by an event. It calls changed when they did, and
// again while the server doesn't tell of a kind yet that a CRD has established.
// A user who may not list CRDs learns of new kinds when one is declared.
func (k *Kinds) Follow(ctx context.Context, client dynamic.Interface, backoff wait.Backoff, changed func()) {
	crds := client.Resource(Definitions())
	lw := &cache.ListWatch{
		ListWithContextFunc:  func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return crds.List(ctx, o) },
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) { return crds.Watch(ctx, o) },
	}
	expected := &unstructured.Unstructured{}
	expected.SetGroupVersionKind(CRD())
	d := &definitions{known: map[string][]schema.GroupVersionKind{}, changed: make(chan struct{}, 1)}
	reflector := cache.NewReflectorWithOptions(lw, expected, d, cache.ReflectorOptions{Name: "plumb/definitions", Backoff: &backoff})
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { reflector.RunWithContext(ctx) })
	late := lateness()
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.changed:
			late = lateness()
		case <-again:
		}
		k.Expire()
		changed()
		if again = nil; late.Steps > 0 && k.lacks(ctx, d) {
			again = time.After(late.Step())
		}
	}
}

// lateness is how long a server may take to tell of a kind: about a minute.
func lateness() *wait.Backoff {
	return &wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Steps: 9}
}

// lacks says whether the server doesn't tell of a kind that a CRD has established.
func (k *Kinds) lacks(ctx context.Context, d *definitions) bool {
	now, err := k.Current(ctx)
	if err != nil {
		return false // who asks next hears of it
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, kinds := range d.known {
		for _, gvk := range kinds {
			if _, ok := now.byVersion[gvk]; !ok {
				return true
			}
		}
	}
	return false
}

// definitions keeps of each CRD what it serves, and of one that isn't
// established, nothing.
type definitions struct {
	mu      sync.Mutex
	known   map[string][]schema.GroupVersionKind
	changed chan struct{}
}

// definition is what is kept of a CRD, in the form that a reflector can gather.
type definition struct {
	metav1.ObjectMeta
	kinds []schema.GroupVersionKind
}

// reduced is what of a CRD decides which kinds the cluster has. CRDs can be
// large, so nothing of them is copied.
func reduced(o any) *definition {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		d, _ := o.(*definition)
		return d
	}
	d := &definition{ObjectMeta: metav1.ObjectMeta{Name: u.GetName(), ResourceVersion: u.GetResourceVersion()}}
	if !established(u.Object) {
		return d
	}
	group, _, _ := unstructured.NestedString(u.Object, "spec", "group")
	kindName, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
	versions, _, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "versions")
	list, _ := versions.([]any)
	for _, one := range list {
		v, _ := one.(map[string]any)
		if name, ok := v["name"].(string); ok && v["served"] == true {
			d.kinds = append(d.kinds, schema.GroupVersionKind{Group: group, Version: name, Kind: kindName})
		}
	}
	return d
}

func established(crd map[string]any) bool {
	conditions, _, _ := unstructured.NestedFieldNoCopy(crd, "status", "conditions")
	list, _ := conditions.([]any)
	for _, one := range list {
		if c, _ := one.(map[string]any); c["type"] == "Established" {
			return c["status"] == "True"
		}
	}
	return false
}

func (d *definitions) set(name string, kinds []schema.GroupVersionKind) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Equal(d.known[name], kinds) {
		return
	}
	d.known[name] = kinds
	if len(kinds) == 0 {
		delete(d.known, name)
	}
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// Transformer reduces what a streamed list brings before it is gathered.
func (d *definitions) Transformer() cache.TransformFunc {
	return func(o any) (any, error) { return reduced(o), nil }
}

// Add takes in a CRD that appeared.
func (d *definitions) Add(o any) error { return d.Update(o) }

// Update takes in a CRD that changed.
func (d *definitions) Update(o any) error {
	if one := reduced(o); one != nil {
		d.set(one.Name, one.kinds)
	}
	return nil
}

// Delete takes out a CRD.
func (d *definitions) Delete(o any) error {
	if one := reduced(o); one != nil {
		d.set(one.Name, nil)
	}
	return nil
}

// Replace takes in a whole list.
func (d *definitions) Replace(list []any, _ string) error {
	present := map[string]bool{}
	for _, o := range list {
		if one := reduced(o); one != nil {
			present[one.Name] = true
			d.set(one.Name, one.kinds)
		}
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
		d.set(name, nil)
	}
	return nil
}

// Resync has nothing to do.
func (d *definitions) Resync() error { return nil }
