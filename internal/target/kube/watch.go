package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"plumb.dev/plumb/internal/discovery"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/sight"
)

// watcher follows one kind: our objects of it, in all namespaces. The client
// library's reflector does the listing, the resuming and the backing off; what
// it brings is reduced as it arrives and never kept whole.
type watcher struct {
	gk      schema.GroupKind
	version string
	view    *sight.View
	judge   *health.Judge
	cancel  context.CancelFunc

	mu     sync.Mutex
	synced bool
	err    error
	// unconverted is set while the first list waits for a conversion webhook.
	unconverted bool
	begun       bool // a stream was
}

// watches is the set of watchers, by kind.
type watches struct {
	mu     sync.Mutex
	byKind map[schema.GroupKind]*watcher
	sought map[schema.GroupKind]*search
	swept  bool
	// trouble is why the sweep failed the last time.
	trouble error
}

// Watch sees to it that kinds are watched, and says whether all are known. It
// never waits for the server.
func (c *Cluster) Watch(wanted []schema.GroupKind) (bool, error) {
	known := true
	var errs []error
	for _, gk := range wanted {
		synced, err := c.watchKind(gk)
		known = known && synced
		errs = append(errs, err)
	}
	return known, errors.Join(errs...)
}

func (c *Cluster) watchKind(gk schema.GroupKind) (bool, error) {
	c.watches.mu.Lock()
	w, sought := c.watches.byKind[gk], c.watches.sought[gk]
	c.watches.mu.Unlock()
	if w != nil {
		return w.known()
	}
	if sought != nil {
		return false, sought.err
	}
	now, ok := c.kinds.Cached()
	if !ok {
		c.seek(gk)
		return false, nil
	}
	gvk, k, served := now.Preferred(gk)
	if !served {
		err := now.Missing(gk.Group)
		return err == nil, err // without an error nothing of it can be there
	}
	if !k.Watchable {
		return false, fmt.Errorf("%s can't be watched, so drift of it can't be seen; leave it out", gk)
	}
	return c.startWatch(gvk, k).state()
}

// search is the search for how a kind is served, while the server isn't known.
type search struct{ err error }

// seek asks the server for its kinds, until it answers, and tells the view's
// taker when it did or failed.
func (c *Cluster) seek(gk schema.GroupKind) {
	c.watches.mu.Lock()
	defer c.watches.mu.Unlock()
	if c.watches.sought[gk] != nil {
		return
	}
	c.watches.sought[gk] = &search{}
	c.running.Go(func() {
		// Only the end of ctx ends it without an answer.
		_ = wait.ExponentialBackoffWithContext(c.ctx, *watchBackoff(), func(ctx context.Context) (bool, error) {
			_, err := c.kinds.Current(ctx)
			c.watches.mu.Lock()
			c.watches.sought[gk] = &search{err: err}
			if err == nil {
				delete(c.watches.sought, gk)
			}
			c.watches.mu.Unlock()
			c.view.TellKinds()
			return err == nil, nil
		})
	})
}

func (c *Cluster) startWatch(gvk schema.GroupVersionKind, k discovery.Kind) *watcher {
	c.watches.mu.Lock()
	defer c.watches.mu.Unlock()
	gk := gvk.GroupKind()
	if w := c.watches.byKind[gk]; w != nil {
		return w
	}
	ctx, cancel := context.WithCancel(c.ctx)
	w := &watcher{gk: gk, version: gvk.Version, view: c.view, judge: c.judge, cancel: cancel}
	c.watches.byKind[gk] = w
	lw, expected := c.listerWatcher(gvk, k, metav1.ListOptions{LabelSelector: object.LabelApp})
	reflector := cache.NewReflectorWithOptions(w.observed(lw), expected, w, cache.ReflectorOptions{
		Name: "plumb/" + gk.String(), Backoff: watchBackoff(),
	})
	c.running.Go(func() { reflector.RunWithContext(ctx) })
	return w
}

// listerWatcher reads a kind whole, or as metadata only.
func (c *Cluster) listerWatcher(gvk schema.GroupVersionKind, k discovery.Kind, base metav1.ListOptions) (*cache.ListWatch, runtime.Object) {
	if metadataOnly(gvk.GroupKind()) {
		r := c.metadata.Resource(k.Resource)
		return &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				return r.List(ctx, selected(o, base))
			},
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				return r.Watch(ctx, selected(o, base))
			},
		}, &metav1.PartialObjectMetadata{}
	}
	r := c.dynamic.Resource(k.Resource)
	expected := &unstructured.Unstructured{}
	expected.SetGroupVersionKind(gvk)
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return r.List(ctx, selected(o, base))
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return r.Watch(ctx, selected(o, base))
		},
	}, expected
}

func selected(o, base metav1.ListOptions) metav1.ListOptions {
	o.LabelSelector, o.FieldSelector = base.LabelSelector, base.FieldSelector
	return o
}

// observed notes how lists and watches fare.
func (w *watcher) observed(lw *cache.ListWatch) *cache.ListWatch {
	list, watchFor := lw.ListWithContextFunc, lw.WatchFuncWithContext
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			found, err := list(ctx, o)
			w.note(err)
			return found, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			if err := w.probe(ctx, list); err != nil {
				w.note(err)
				return nil, err
			}
			stream, err := watchFor(ctx, o)
			w.note(err)
			return stream, err
		},
	}
}

// note remembers whether the last request failed, and tells when that changed.
func (w *watcher) note(err error) {
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || apierrors.IsInvalid(err) || errors.Is(err, context.Canceled) {
		return // the reflector asks again in another way
	}
	waits := uncalled(err) != nil
	w.mu.Lock()
	changed := (w.err == nil) != (err == nil) || waits && !w.unconverted
	w.err = err
	w.unconverted = w.unconverted || waits
	w.mu.Unlock()
	if changed {
		w.view.TellKinds()
	}
}

// probe asks for one object when a stream is begun again before it has brought
// all: what goes wrong within a stream doesn't say what is wrong with the objects.
func (w *watcher) probe(ctx context.Context, list cache.ListWithContextFunc) error {
	w.mu.Lock()
	again := w.begun && !w.synced
	w.begun = true
	w.mu.Unlock()
	if !again {
		return nil
	}
	if _, err := list(ctx, metav1.ListOptions{Limit: 1}); uncalled(err) != nil {
		return err
	}
	return nil
}

// known is state, but for a kind that can't be read because its conversion
// webhook can't be called. What serves it may come with the same App, so that
// has to go on: of this kind all is known that can be.
func (w *watcher) known() (bool, error) {
	synced, err := w.state()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !synced && w.unconverted {
		return true, nil
	}
	return synced, err
}

// state says whether all objects of the kind are known, or why not.
func (w *watcher) state() (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return false, explainWatch(w.gk, w.err)
	}
	return w.synced, nil
}

// The watcher is the store that its reflector fills.

// Transformer reduces what a streamed list brings before it is gathered.
func (w *watcher) Transformer() cache.TransformFunc {
	return func(o any) (any, error) { return w.reduced(o), nil }
}

// Add takes in an object that appeared.
func (w *watcher) Add(o any) error { return w.Update(o) }

// Update takes in an object that changed.
func (w *watcher) Update(o any) error {
	if item := w.reduced(o); item != nil {
		w.view.Put(item.live)
	}
	return nil
}

// Delete takes out an object that vanished, or that lost its label.
func (w *watcher) Delete(o any) error {
	if item := w.reduced(o); item != nil {
		w.view.Remove(item.live.Key, item.live.Version)
	}
	return nil
}

// Bookmark takes in how far the watch has come.
func (w *watcher) Bookmark(version string) error {
	w.view.Reached(w.gk, parseVersion(version))
	return nil
}

// Replace takes in a whole list.
func (w *watcher) Replace(list []any, version string) error {
	live := make([]plan.Live, 0, len(list))
	for _, o := range list {
		if item := w.reduced(o); item != nil {
			live = append(live, item.live)
		}
	}
	w.view.Replace(w.gk, live, parseVersion(version))
	w.mu.Lock()
	first := !w.synced
	w.synced, w.unconverted = true, false
	w.mu.Unlock()
	if first {
		w.view.TellKinds()
	}
	return nil
}

// Resync has nothing to do: the view is driven by events alone.
func (w *watcher) Resync() error { return nil }

// item is a record in the form that the reflector can gather.
type item struct {
	metav1.ObjectMeta
	live plan.Live
}

func (w *watcher) reduced(o any) *item {
	switch o := o.(type) {
	case *item:
		return o
	case metav1.Object:
		live := reduceBy(w.judge, w.gk, o)
		return &item{
			ObjectMeta: metav1.ObjectMeta{Namespace: o.GetNamespace(), Name: o.GetName(), ResourceVersion: o.GetResourceVersion()},
			live:       live,
		}
	default:
		return nil // an object that can't be read must not end the watch
	}
}

// kindsChanged looks at which watched kinds the cluster still serves, and in
// which version; what went is forgotten, what changed its version is watched anew.
func (c *Cluster) kindsChanged() {
	c.kinds.Expire()
	c.watches.mu.Lock()
	current := maps.Clone(c.watches.byKind)
	c.watches.mu.Unlock()
	for gk, w := range current {
		gvk, _, ok, err := c.kinds.Preferred(c.ctx, gk)
		if err != nil || (ok && gvk.Version == w.version) {
			continue
		}
		w.cancel()
		c.watches.mu.Lock()
		delete(c.watches.byKind, gk)
		c.watches.mu.Unlock()
		if !ok {
			c.view.Forget(gk)
		}
	}
	c.view.TellKinds()
}
