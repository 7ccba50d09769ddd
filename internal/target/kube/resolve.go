package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

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
	own := ownKinds(r.Objects)
	seen := map[object.Key]object.Origin{}
	desired := make([]plan.Desired, 0, len(r.Objects))
	var failed []target.ObjectError
	for _, o := range r.Objects {
		d, err := c.resolveOne(ctx, r, o, own)
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

func (c *Cluster) resolveOne(ctx context.Context, r target.Resolve, o object.Object, own map[schema.GroupKind]ownKind) (plan.Desired, error) {
	gvk := o.GroupVersionKind()
	namespaced, err := c.scope(ctx, gvk, own)
	if err != nil {
		return plan.Desired{}, err
	}
	return fit.For{App: r.App, Root: r.Root, Revision: r.Revision}.Object(o, namespaced)
}

// scope says whether a kind lives in namespaces: as the cluster knows it, or
// else as a CRD among the App's own objects says.
func (c *Cluster) scope(ctx context.Context, gvk schema.GroupVersionKind, own map[schema.GroupKind]ownKind) (bool, error) {
	switch kind, ok := own[gvk.GroupKind()]; {
	case ok && len(kind.served) > 0 && !slices.Contains(kind.served, gvk.Version):
		return false, fmt.Errorf("%w: its CRD (%s) serves %s as %s, not as %s; change its apiVersion", target.ErrUnknownKind,
			kind.origin, gvk.Kind, strings.Join(kind.served, ", "), gvk.Version)
	case ok:
		return kind.namespaced, nil
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

// ownKind is a custom kind as a CRD among the App's own objects declares it.
type ownKind struct {
	namespaced bool
	served     []string // its versions
	origin     object.Origin
}

// ownKinds reads the custom kinds that the CRDs among the objects declare.
func ownKinds(objects []object.Object) map[schema.GroupKind]ownKind {
	kinds := map[schema.GroupKind]ownKind{}
	for _, o := range objects {
		if plan.StageOf(o.Key()) != plan.StageDefinition {
			continue
		}
		group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		kindName, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		scope, _, _ := unstructured.NestedString(o.Object, "spec", "scope")
		kinds[schema.GroupKind{Group: group, Kind: kindName}] = ownKind{scope == "Namespaced", servedBy(o), o.Origin}
	}
	return kinds
}

// servedBy lists the versions that a CRD serves.
func servedBy(definition object.Object) (served []string) {
	spec, _ := definition.Object["spec"].(map[string]any)
	versions, _ := spec["versions"].([]any)
	for _, one := range versions {
		v, _ := one.(map[string]any)
		if name, ok := v["name"].(string); ok && v["served"] == true {
			served = append(served, name)
		}
	}
	return served
}
