package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/fit"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// Resolve fits rendered objects to the cluster. Its cost is in proportion to
// the objects; it asks the server only when a kind is unknown.
func (c *Cluster) Resolve(ctx context.Context, r target.Resolve) ([]plan.Desired, []target.ObjectError) {
	scopes := scopesDeclared(r.Objects)
	seen := map[object.Key]object.Origin{}
	desired := make([]plan.Desired, 0, len(r.Objects))
	var failed []target.ObjectError
	for _, o := range r.Objects {
		d, err := c.resolveOne(ctx, r, o, scopes)
		if first, twice := seen[d.Key]; err == nil && twice {
			err = fmt.Errorf("is declared twice, first at %s; remove one of the two", first)
		}
		if err != nil {
			failed = append(failed, target.ObjectError{Key: o.Key(), Origin: o.Origin, Err: err})
			continue
		}
		seen[d.Key] = d.Origin
		desired = append(desired, d)
	}
	slices.SortStableFunc(desired, func(a, b plan.Desired) int { return cmp.Or(cmp.Compare(a.Wave, b.Wave), cmp.Compare(a.Stage, b.Stage)) })
	return desired, failed
}

func (c *Cluster) resolveOne(ctx context.Context, r target.Resolve, o object.Object, scopes map[schema.GroupKind]bool) (plan.Desired, error) {
	gvk := o.GroupVersionKind()
	namespaced, err := c.scope(ctx, gvk, scopes)
	if err != nil {
		return plan.Desired{}, err
	}
	return fit.For{App: r.App, Root: r.Root, Revision: r.Revision}.Object(o, namespaced)
}

// scope says whether a kind lives in namespaces: as the cluster knows it, or
// else as a CRD among the App's own objects says.
func (c *Cluster) scope(ctx context.Context, gvk schema.GroupVersionKind, declared map[schema.GroupKind]bool) (bool, error) {
	if namespaced, ok := declared[gvk.GroupKind()]; ok {
		return namespaced, nil
	}
	k, ok, err := c.kinds.Find(ctx, gvk)
	if err != nil {
		return false, err
	}
	if !ok {
		return false, c.unknownKind(ctx, gvk)
	}
	return k.Namespaced, nil
}

func (c *Cluster) unknownKind(ctx context.Context, gvk schema.GroupVersionKind) error {
	if known, _, ok, err := c.kinds.Preferred(ctx, gvk.GroupKind()); err == nil && ok {
		return fmt.Errorf("%w: the cluster serves %s as %s, not as %s; change its apiVersion", target.ErrUnknownKind,
			gvk.Kind, known.GroupVersion(), gvk.GroupVersion())
	}
	return fmt.Errorf("%w: the cluster serves no %s of %s; check the spelling, or install its CRD first (with dependsOn where another App brings it)",
		target.ErrUnknownKind, gvk.Kind, gvk.GroupVersion())
}

// scopesDeclared reads the scope of custom kinds from the CRDs among the objects.
func scopesDeclared(objects []object.Object) map[schema.GroupKind]bool {
	scopes := map[schema.GroupKind]bool{}
	for _, o := range objects {
		if plan.StageOf(o.Key()) != plan.StageDefinition {
			continue
		}
		group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		kindName, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		scope, _, _ := unstructured.NestedString(o.Object, "spec", "scope")
		scopes[schema.GroupKind{Group: group, Kind: kindName}] = scope == "Namespaced"
	}
	return scopes
}
