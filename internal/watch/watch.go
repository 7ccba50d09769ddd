// Package watch follows the objects of one kind that carry an App's label, in all
// namespaces: it brings a record of each to the view, and knows whether all of
// them are known, or why not.
//
// The client library's reflector does the listing, the resuming and the backing
// off; what it brings is reduced as it arrives and never kept whole. Kinds whose
// health needs no content, Secrets among them, are read as metadata only. Which
// kinds there are, and which to follow, is for others to say.
package watch

import (
	"context"
	"errors"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/refusal"
	"plumb.dev/plumb/internal/sight"
)

// Options say what is followed, how it is reached, and who is told.
type Options struct {
	Kind     schema.GroupVersionKind
	Resource schema.GroupVersionResource
	Dynamic  dynamic.Interface
	Metadata metadata.Interface
	Backoff  *wait.Backoff // its own
	Judge    *health.Judge
	View     *sight.View
}

// Watch follows one kind. It is safe for concurrent use.
type Watch struct {
	o Options

	mu     sync.Mutex
	synced bool
	err    error
	// unconverted is set while the first list waits for a conversion webhook.
	unconverted bool
	begun       bool // a stream was
}

// New is a Watch that asks nobody until Run.
func New(o Options) *Watch { return &Watch{o: o} }

// Run follows the kind until ctx is done.
func (w *Watch) Run(ctx context.Context) {
	source, expected := w.source()
	reflector := cache.NewReflectorWithOptions(w.observed(source), expected, &store{w}, cache.ReflectorOptions{
		Name: "plumb/" + w.o.Kind.GroupKind().String(), Backoff: w.o.Backoff,
	})
	reflector.RunWithContext(ctx)
}

// Version is the version that the kind is read in.
func (w *Watch) Version() string { return w.o.Kind.Version }

// State says whether all objects of the kind are known, or what the server said
// to the last request.
func (w *Watch) State() (synced bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.synced && w.err == nil, w.err
}

// Unconverted says whether the kind can't be read because its conversion webhook
// can't be called: of it all is known that can be.
func (w *Watch) Unconverted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unconverted && (!w.synced || w.err != nil)
}

// source reads the kind whole, or as metadata only.
func (w *Watch) source() (*cache.ListWatch, runtime.Object) {
	if health.ByPresence(w.o.Kind.GroupKind()) {
		r := w.o.Metadata.Resource(w.o.Resource)
		return &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				return r.List(ctx, ours(o))
			},
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (apiwatch.Interface, error) {
				return r.Watch(ctx, ours(o))
			},
		}, &metav1.PartialObjectMetadata{}
	}
	r := w.o.Dynamic.Resource(w.o.Resource)
	expected := &unstructured.Unstructured{}
	expected.SetGroupVersionKind(w.o.Kind)
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return r.List(ctx, ours(o))
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (apiwatch.Interface, error) {
			return r.Watch(ctx, ours(o))
		},
	}, expected
}

// ours narrows a request to objects with an App's label.
func ours(o metav1.ListOptions) metav1.ListOptions {
	o.LabelSelector, o.FieldSelector = object.LabelApp, ""
	return o
}

// observed notes how lists and watches fare.
func (w *Watch) observed(source *cache.ListWatch) *cache.ListWatch {
	list, watchFor := source.ListWithContextFunc, source.WatchFuncWithContext
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			found, err := list(ctx, o)
			w.note(err)
			return found, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (apiwatch.Interface, error) {
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
func (w *Watch) note(err error) {
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || apierrors.IsInvalid(err) || errors.Is(err, context.Canceled) {
		return // the reflector asks again in another way
	}
	waits := uncalled(err)
	w.mu.Lock()
	changed := (w.err == nil) != (err == nil) || waits && !w.unconverted
	w.err = err
	w.unconverted = w.unconverted || waits
	w.mu.Unlock()
	if changed {
		w.o.View.TellKinds()
	}
}

// probe asks for one object when a stream is begun again before it has brought
// all: what goes wrong within a stream doesn't say what is wrong with the objects.
func (w *Watch) probe(ctx context.Context, list cache.ListWithContextFunc) error {
	w.mu.Lock()
	again := w.begun && !w.synced
	w.begun = true
	w.mu.Unlock()
	if !again {
		return nil
	}
	if _, err := list(ctx, metav1.ListOptions{Limit: 1}); uncalled(err) {
		return err
	}
	return nil
}

// uncalled says whether a webhook can't be called.
func uncalled(err error) bool {
	said, _ := refusal.Of(err)
	return refusal.Uncalled(said) != ""
}

// filled notes that a whole list was brought.
func (w *Watch) filled() {
	w.mu.Lock()
	first := !w.synced
	w.synced, w.unconverted = true, false
	w.mu.Unlock()
	if first {
		w.o.View.TellKinds()
	}
}
