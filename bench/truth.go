package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// truth is what is live in one namespace, as watches tell it. The daemon is
// not asked: what counts is what the cluster says.
type truth struct {
	stop    context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	live    map[place]sight
	changed chan struct{} // closed when live changes, and replaced
}

// place is where an object is.
type place struct{ resource, name string }

// sight is an object as it was last seen.
type sight struct {
	uid     string
	version uint64    // resource version
	turn    string    // the line that commits and hands change; only where watched whole
	at      time.Time // when that came
}

// watchCreation sees which objects there are, by their metadata.
func watchCreation(ctx context.Context, c *cluster, namespace string) *truth {
	t, ctx := newTruth(ctx)
	for _, r := range []schema.GroupVersionResource{deployments, services, serviceAccounts, configMaps} {
		client := c.metadata.Resource(r).Namespace(namespace)
		t.follow(ctx, r, &metav1.PartialObjectMetadata{}, &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				return client.List(ctx, ours(o))
			},
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				return client.Watch(ctx, ours(o))
			},
		})
	}
	return t
}

// watchTurns sees the line that commits and hands change.
func watchTurns(ctx context.Context, c *cluster, namespace string) *truth {
	t, ctx := newTruth(ctx)
	client := c.dynamic.Resource(configMaps).Namespace(namespace)
	t.follow(ctx, configMaps, &unstructured.Unstructured{}, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return client.List(ctx, ours(o))
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return client.Watch(ctx, ours(o))
		},
	})
	return t
}

func newTruth(ctx context.Context) (*truth, context.Context) {
	ctx, stop := context.WithCancel(ctx)
	return &truth{stop: stop, live: map[place]sight{}, changed: make(chan struct{})}, ctx
}

// ours selects what this program declares or applies.
func ours(o metav1.ListOptions) metav1.ListOptions {
	o.LabelSelector = partLabel + "=" + partValue
	return o
}

func (t *truth) follow(ctx context.Context, r schema.GroupVersionResource, expected runtime.Object, lw *cache.ListWatch) {
	reflector := cache.NewReflectorWithOptions(lw, expected, intake{t, r.Resource}, cache.ReflectorOptions{Name: "bench/" + r.Resource})
	t.running.Go(func() { reflector.RunWithContext(ctx) })
}

func (t *truth) close() {
	t.stop()
	t.running.Wait()
}

// intake is the store that a reflector fills.
type intake struct {
	truth    *truth
	resource string
}

// Add takes in an object that appeared.
func (in intake) Add(o any) error { return in.Update(o) }

// Update takes in an object that changed.
func (in intake) Update(o any) error {
	object, ok := o.(metav1.Object)
	if !ok {
		return fmt.Errorf("a watch of %s brought a %T", in.resource, o)
	}
	in.truth.put(in.resource, object)
	return nil
}

// Delete takes out an object that vanished.
func (in intake) Delete(o any) error {
	object, ok := o.(metav1.Object)
	if !ok {
		return fmt.Errorf("a watch of %s brought a %T", in.resource, o)
	}
	t := in.truth
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.live, place{in.resource, object.GetName()})
	t.tell()
	return nil
}

// Replace takes in a whole list.
func (in intake) Replace(list []any, _ string) error {
	for _, o := range list {
		if err := in.Update(o); err != nil {
			return err
		}
	}
	return nil
}

// Resync has nothing to do.
func (intake) Resync() error { return nil }

func (t *truth) put(resource string, o metav1.Object) {
	version, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
	if err != nil {
		return // the API promises a number
	}
	s := sight{uid: string(o.GetUID()), version: version, at: time.Now()}
	if whole, ok := o.(*unstructured.Unstructured); ok {
		s.turn, _, _ = unstructured.NestedString(whole.Object, "data", "turn")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live[place{resource, o.GetName()}] = s
	t.tell()
}

// tell wakes who waits; the caller holds the lock.
func (t *truth) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// await waits until what is live is as wanted, and returns when it came to be.
func (t *truth) await(ctx context.Context, limit time.Duration, wanted func(live map[place]sight) bool) (time.Time, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it is not so after %s", limit))
	defer cancel()
	for {
		t.mu.Lock()
		done, changed := wanted(t.live), t.changed
		t.mu.Unlock()
		if done {
			return time.Now(), nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, context.Cause(ctx)
		case <-changed:
		}
	}
}

// count is how many objects there are.
func (t *truth) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.live)
}

// awaitCount waits for so many objects.
func (t *truth) awaitCount(ctx context.Context, limit time.Duration, n int) (time.Time, error) {
	at, err := t.await(ctx, limit, func(live map[place]sight) bool { return len(live) == n })
	if err != nil {
		err = fmt.Errorf("%d of %d objects are live: %w", t.count(), n, err)
	}
	return at, err
}

// awaitTurn waits for a value of an App's line in a version newer than one.
func (t *truth) awaitTurn(ctx context.Context, app, value string, newer uint64) (sight, error) {
	at := place{configMaps.Resource, settingsOf(app)}
	var s sight
	_, err := t.await(ctx, changeLimit, func(live map[place]sight) bool {
		s = live[at]
		return s.turn == value && s.version > newer
	})
	if err != nil {
		err = fmt.Errorf("the turn of %s is %q and should be %q: %w", app, s.turn, value, err)
	}
	return s, err
}

// changeLimit is how long one change of one object may take.
const changeLimit = time.Minute

// sight is an object as it was last seen, if it is there.
func (t *truth) sight(at place) (sight, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.live[at]
	return s, ok
}
