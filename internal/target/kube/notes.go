package kube

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/target"
)

var _ target.Noter = (*Cluster)(nil)

// notes are the single objects that are followed beside those with our label:
// ConfigMaps and Secrets that values are taken from. Each costs one watch of its
// metadata, however many Apps use it.
type notes struct {
	mu    sync.Mutex
	byKey map[object.Key]*note
}

// note is one followed object. Of it only the version is kept.
type note struct {
	key    object.Key
	view   *view
	cancel context.CancelFunc

	mu      sync.Mutex
	version string
	known   bool
}

// Note implements target.Noter.
func (c *Cluster) Note(keys []object.Key) {
	c.notes.mu.Lock()
	defer c.notes.mu.Unlock()
	wanted := make(map[object.Key]*note, len(keys))
	for _, key := range keys {
		if wanted[key] = c.notes.byKey[key]; wanted[key] == nil {
			wanted[key] = c.follow(key)
		}
	}
	for key, n := range c.notes.byKey {
		if wanted[key] == nil {
			n.cancel()
		}
	}
	c.notes.byKey = wanted
}

// Noted implements target.Noter.
func (c *Cluster) Noted(key object.Key) (version string, known bool) {
	c.notes.mu.Lock()
	n := c.notes.byKey[key]
	c.notes.mu.Unlock()
	if n == nil {
		return "", false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.version, n.known
}

// follow watches one object by its name.
func (c *Cluster) follow(key object.Key) *note {
	ctx, cancel := context.WithCancel(c.ctx)
	n := &note{key: key, view: c.view, cancel: cancel}
	resource := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	if key.Kind == "Secret" {
		resource.Resource = "secrets"
	}
	one := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", key.Name).String()}
	client := c.metadata.Resource(resource).Namespace(key.Namespace)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return client.List(ctx, selected(o, one))
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return client.Watch(ctx, selected(o, one))
		},
	}
	reflector := cache.NewReflectorWithOptions(lw, &metav1.PartialObjectMetadata{}, n, cache.ReflectorOptions{
		Name: "plumb/" + key.String(), Backoff: watchBackoff(),
	})
	c.running.Go(func() { reflector.RunWithContext(ctx) })
	return n
}

// take takes in the version that the object has now; none is empty.
func (n *note) take(version string) {
	n.mu.Lock()
	changed := !n.known || n.version != version
	n.version, n.known = version, true
	n.mu.Unlock()
	if changed {
		n.view.tellNoted(n.key)
	}
}

// The note is the store that its reflector fills.

// Add takes in the object when it appears.
func (n *note) Add(o any) error { return n.Update(o) }

// Update takes in the object when it changed.
func (n *note) Update(o any) error {
	if found, ok := o.(metav1.Object); ok && found.GetName() == n.key.Name {
		n.take(found.GetResourceVersion())
	}
	return nil
}

// Delete takes in that the object is gone.
func (n *note) Delete(any) error {
	n.take("")
	return nil
}

// Replace takes in what a list found.
func (n *note) Replace(list []any, _ string) error {
	for _, o := range list {
		return n.Update(o)
	}
	n.take("")
	return nil
}

// Resync has nothing to do.
func (n *note) Resync() error { return nil }
