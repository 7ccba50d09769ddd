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
	if !k.Namespaced {
		q.Namespace = ""
	}
	objects := cs.dynamic.Resource(k.Resource).Namespace(q.Namespace)
	list := []map[string]any{}
	bytes := 0
	for o := (metav1.ListOptions{LabelSelector: q.Labels, Limit: page}); ; {
		var found *unstructured.UnstructuredList
		err := c.limited(ctx, func(ctx context.Context) (err error) {
			found, err = objects.List(ctx, o)
			return err
		})
		switch {
		case apierrors.IsNotFound(err):
			return nil, nil
		case err != nil:
			return nil, explain(key, err)
		}
		for i := range found.Items {
			list = append(list, found.Items[i].Object)
			bytes += weight(found.Items[i].Object)
		}
		switch {
		case len(list) > q.Most:
			return nil, fmt.Errorf("there are more than %d objects of the kind %s; ask for fewer, such as those of one namespace", q.Most, q.Kind)
		case bytes > mostBytes:
			return nil, fmt.Errorf("the objects of the kind %s have more than %d bytes; ask for fewer, such as those of one namespace", q.Kind, mostBytes)
		case found.GetContinue() == "":
			return list, nil
		}
		o.Continue = found.GetContinue()
	}
}

// A list is read page by page, so that it is bounded before all of it is held.
const (
	page      = 50
	mostBytes = 16 << 20
)

// weight is about how many bytes a value takes.
func weight(v any) int {
	const scalar = 16
	sum := scalar
	switch v := v.(type) {
	case string:
		sum += len(v)
	case []any:
		for _, item := range v {
			sum += weight(item)
		}
	case map[string]any:
		for name, item := range v {
			sum += len(name) + weight(item)
		}
	}
	return sum
}
