package target

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// Reader reads objects whole, their managed fields included. What it returns
// holds secrets: it is for deciding, and not for showing.
type Reader interface {
	// Object returns a live object, or nil where there is none. Without an
	// apiVersion it is in the one that the server prefers; a key without a
	// group is in any that has its kind.
	Object(ctx context.Context, as Actor, key object.Key, apiVersion string) (*unstructured.Unstructured, error)
	// Forms returns a declared object as it is live, and as an apply would leave
	// it; nil where it isn't live.
	Forms(ctx context.Context, as Actor, d plan.Desired) (live, wanted *unstructured.Unstructured, err error)
}
