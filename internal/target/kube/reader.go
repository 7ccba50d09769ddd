package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

var _ target.Reader = (*Cluster)(nil)

// Object implements target.Reader.
func (c *Cluster) Object(ctx context.Context, as target.Actor, key object.Key, apiVersion string) (*unstructured.Unstructured, error) {
	k, err := c.kindOf(ctx, key, apiVersion)
	if err != nil {
		return nil, err
	}
	cs, err := c.as(as)
	if err != nil {
		return nil, err
	}
	var live *unstructured.Unstructured
	err = c.limited(ctx, func(ctx context.Context) (err error) {
		live, err = contentOf(cs, k, key).Get(ctx, key.Name, metav1.GetOptions{})
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(key, err)
	}
	return live, nil
}

// kindOf finds the kind of a key as people may write it.
func (c *Cluster) kindOf(ctx context.Context, key object.Key, apiVersion string) (kind, error) {
	if apiVersion != "" {
		return c.served(ctx, plan.Desired{Key: key, APIVersion: apiVersion})
	}
	gk := key.GroupKind()
	if gk.Group == "" {
		var err error
		if gk, err = c.onlyKind(ctx, gk.Kind); err != nil {
			return kind{}, err
		}
	}
	_, k, ok, err := c.kinds.preferredOf(ctx, gk)
	if err == nil && !ok {
		err = fmt.Errorf("%w: the cluster serves no %s; check the spelling", target.ErrUnknownKind, gk)
	}
	return k, err
}

// onlyKind is the kind of a name. The core's own comes before those of groups.
func (c *Cluster) onlyKind(ctx context.Context, name string) (schema.GroupKind, error) {
	all, err := c.kinds.all(ctx)
	if err != nil {
		return schema.GroupKind{}, err
	}
	core := schema.GroupKind{Kind: name}
	var found []string
	for _, gk := range all {
		if gk.Kind == name {
			found = append(found, gk.Group)
		}
	}
	switch {
	case len(found) == 1:
		core.Group = found[0]
	case len(found) > 1 && !slices.Contains(found, ""):
		slices.Sort(found)
		return core, fmt.Errorf("%w: several groups have a %s: %s; name the group", target.ErrUnknownKind, name, strings.Join(found, ", "))
	}
	return core, nil
}

// Forms implements target.Reader.
func (c *Cluster) Forms(ctx context.Context, as target.Actor, d plan.Desired) (live, wanted *unstructured.Unstructured, err error) {
	live, wanted, err = c.liveAndWanted(ctx, as, d)
	if live == nil && apierrors.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, explainMasked(d.Key, err, as.Redact.Of(contentOrNil(live)))
	}
	return live, wanted, nil
}
