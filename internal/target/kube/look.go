package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

var _ target.Looker = (*Cluster)(nil)

// Capabilities implements target.Looker.
func (c *Cluster) Capabilities(ctx context.Context) (version string, apis []string, err error) {
	can, err := c.kinds.Capabilities(ctx)
	return can.Version, can.APIs, err
}

// Served implements target.Looker.
func (c *Cluster) Served() []string {
	if now, ok := c.kinds.Cached(); ok {
		return now.Served()
	}
	return nil
}

// List implements target.Looker.
func (c *Cluster) List(ctx context.Context, as target.Actor, q target.Query) ([]map[string]any, error) {
	gvk := schema.FromAPIVersionAndKind(q.APIVersion, q.Kind)
	key := object.Key{Group: gvk.Group, Kind: gvk.Kind, Namespace: q.Namespace, Name: "*"}
	k, err := c.served(ctx, plan.Desired{Key: key, APIVersion: q.APIVersion})
	if err != nil {
		return nil, err
	}
	cs, err := c.as(as)
	if err != nil {
		return nil, err
	}
	var found *unstructured.UnstructuredList
	err = c.limited(ctx, func(ctx context.Context) (err error) {
		objects := cs.dynamic.Resource(k.Resource)
		o := metav1.ListOptions{LabelSelector: q.Labels, Limit: int64(q.Most) + 1}
		if k.Namespaced {
			found, err = objects.Namespace(q.Namespace).List(ctx, o)
		} else {
			found, err = objects.List(ctx, o)
		}
		return err
	})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, explain(key, err)
	case found.GetContinue() != "" || len(found.Items) > q.Most:
		return nil, fmt.Errorf("there are more than %d objects of the kind %s; ask for fewer, such as those of one namespace", q.Most, q.Kind)
	}
	list := make([]map[string]any, len(found.Items))
	for i := range found.Items {
		list[i] = found.Items[i].Object
	}
	return list, nil
}
