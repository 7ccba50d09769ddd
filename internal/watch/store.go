package watch

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/sight"
)

// store is what a watch's reflector fills: it hands all on to the view, as records.
type store struct{ *Watch }

// Transformer reduces what a streamed list brings before it is gathered.
func (s *store) Transformer() cache.TransformFunc {
	return func(o any) (any, error) { return s.reduced(o), nil }
}

// Add takes in an object that appeared.
func (s *store) Add(o any) error { return s.Update(o) }

// Update takes in an object that changed.
func (s *store) Update(o any) error {
	if item := s.reduced(o); item != nil {
		s.o.View.Put(item.live)
	}
	return nil
}

// Delete takes out an object that vanished, or that lost its label.
func (s *store) Delete(o any) error {
	if item := s.reduced(o); item != nil {
		s.o.View.Remove(item.live.Key, item.live.Version)
	}
	return nil
}

// Bookmark takes in how far the watch has come.
func (s *store) Bookmark(version string) error {
	s.o.View.Reached(s.o.Kind.GroupKind(), sight.Version(version))
	return nil
}

// Replace takes in a whole list.
func (s *store) Replace(list []any, version string) error {
	live := make([]plan.Live, 0, len(list))
	for _, o := range list {
		if item := s.reduced(o); item != nil {
			live = append(live, item.live)
		}
	}
	s.o.View.Replace(s.o.Kind.GroupKind(), live, sight.Version(version))
	s.filled()
	return nil
}

// Resync has nothing to do: the view is driven by events alone.
func (*store) Resync() error { return nil }

// item is a record in the form that the reflector can gather.
type item struct {
	metav1.ObjectMeta
	live plan.Live
}

func (s *store) reduced(o any) *item {
	switch o := o.(type) {
	case *item:
		return o
	case metav1.Object:
		return &item{
			ObjectMeta: metav1.ObjectMeta{Namespace: o.GetNamespace(), Name: o.GetName(), ResourceVersion: o.GetResourceVersion()},
			live:       sight.ReduceBy(s.o.Judge, s.o.Kind.GroupKind(), o),
		}
	default:
		return nil // an object that can't be read must not end the watch
	}
}
