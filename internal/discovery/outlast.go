package discovery

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
)

// Outlast waits until there is no object of a kind, whoever made them, or ctx is
// done; then it says false. One object at a time is watched, by its metadata: as
// long as that is there, so are they.
func Outlast(ctx context.Context, objects metadata.Getter, backoff wait.Backoff) bool {
	return wait.ExponentialBackoffWithContext(ctx, backoff, func(ctx context.Context) (bool, error) {
		return outlast(ctx, objects), nil
	}) == nil
}

// outlast is Outlast, until a request fails.
func outlast(ctx context.Context, objects metadata.Getter) bool {
	for ctx.Err() == nil {
		one, err := objects.List(ctx, metav1.ListOptions{Limit: 1})
		switch {
		case apierrors.IsNotFound(err): // the kind is gone, and its objects with it
			return true
		case err != nil:
			return false
		case len(one.Items) == 0:
			return true
		}
		first := one.Items[0]
		stream, err := objects.Namespace(first.Namespace).Watch(ctx, metav1.ListOptions{
			FieldSelector: fields.OneTermEqualSelector("metadata.name", first.Name).String(), ResourceVersion: one.ResourceVersion,
		})
		if err != nil || !awaitDeletion(ctx, stream) {
			return false
		}
	}
	return false
}

// awaitDeletion reads a watch of one object until that is gone.
func awaitDeletion(ctx context.Context, stream watch.Interface) bool {
	defer stream.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case e, more := <-stream.ResultChan():
			if !more || e.Type == watch.Error {
				return false
			}
			if e.Type == watch.Deleted {
				return true
			}
		}
	}
}
