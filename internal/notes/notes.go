// Package notes follows single objects of a cluster, such as the ConfigMaps and
// Secrets that values are taken from: it tells when one changed, and keeps
// nothing of them but their version. Each costs one watch of its metadata,
// however many use it.
//
// It is not for what Plumb holds in line: that is watched kind by kind.
package notes

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"plumb.dev/plumb/internal/object"
)

// Options are what Notes need.
type Options struct {
	Client  metadata.Interface
	Backoff func() *wait.Backoff // for each watch its own
	Changed func(object.Key)     // is told that an object came, went or changed
}

// Notes are the objects that are followed. Make them with New. They are safe for
// concurrent use.
type Notes struct {
	o Options

	mu    sync.Mutex
	byKey map[object.Key]*note
}

// New makes Notes of nothing.
func New(o Options) *Notes { return &Notes{o: o, byKey: map[object.Key]*note{}} }

// Follow sees to it that exactly these objects are followed, ConfigMaps and
// Secrets, until ctx is done. Each new watch runs by begin, which is to wait for its end.
func (n *Notes) Follow(ctx context.Context, begin func(func()), keys []object.Key) {
	n.mu.Lock()
	defer n.mu.Unlock()
	wanted := make(map[object.Key]*note, len(keys))
	for _, key := range keys {
		if wanted[key] = n.byKey[key]; wanted[key] == nil {
			wanted[key] = n.follow(ctx, begin, key)
		}
	}
	for key, one := range n.byKey {
		if wanted[key] == nil {
			one.cancel()
		}
	}
	n.byKey = wanted
}

// Version is the resource version of a followed object, empty where there is
// none. It says false until that is known.
func (n *Notes) Version(key object.Key) (version string, known bool) {
	n.mu.Lock()
	one := n.byKey[key]
	n.mu.Unlock()
	if one == nil {
		return "", false
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	return one.version, one.known
}

// follow watches one object by its name.
func (n *Notes) follow(ctx context.Context, begin func(func()), key object.Key) *note {
	ctx, cancel := context.WithCancel(ctx)
	one := &note{key: key, changed: n.o.Changed, cancel: cancel}
	resource := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	if key.Kind == "Secret" {
		resource.Resource = "secrets"
	}
	named := fields.OneTermEqualSelector("metadata.name", key.Name).String()
	client := n.o.Client.Resource(resource).Namespace(key.Namespace)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = named
			return client.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = named
			return client.Watch(ctx, o)
		},
	}
	reflector := cache.NewReflectorWithOptions(lw, &metav1.PartialObjectMetadata{}, one, cache.ReflectorOptions{
		Name: "plumb/" + key.String(), Backoff: n.o.Backoff(),
	})
	begin(func() { reflector.RunWithContext(ctx) })
	return one
}

// note is one followed object.
type note struct {
	key     object.Key
	changed func(object.Key)
	cancel  context.CancelFunc

	mu      sync.Mutex
	version string
	known   bool
}

// take takes in the version that the object has now; none is empty.
func (n *note) take(version string) {
	n.mu.Lock()
	changed := !n.known || n.version != version
	n.version, n.known = version, true
	n.mu.Unlock()
	if changed {
		n.changed(n.key)
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
