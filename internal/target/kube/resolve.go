package kube

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/hooks"
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
	u := &unstructured.Unstructured{Object: copyShallow(o.Object)}
	switch {
	case !namespaced:
		unstructured.RemoveNestedField(u.Object, "metadata", "namespace")
	case u.GetNamespace() == "":
		u.SetNamespace(r.App.Spec.Target.Namespace)
	}
	encodeSecret(u)
	leaveOut(u, r.App.Spec.Ignore)
	key := object.Object{Unstructured: u}.Key()
	terms, err := termsOf(r.App, key, u)
	if err != nil {
		return plan.Desired{}, err
	}
	digest := object.Object{Unstructured: u}.DigestWith(append([]string{o.Origin.File, r.Root, fmt.Sprint(kept(r.App))}, terms.words()...)...)
	mark(u, r, marks{id: key.ID(), digest: digest, origin: o.Origin.File})
	body, err := u.MarshalJSON()
	if err != nil {
		return plan.Desired{}, fmt.Errorf("can't be written as JSON: %w", err)
	}
	wave, _ := hooks.Wave(u.GetAnnotations()) // what can't be read was told when it was rendered
	return plan.Desired{
		Key: key, APIVersion: u.GetAPIVersion(), Origin: o.Origin, Digest: digest,
		Revision: r.Revision, Stage: plan.StageOf(key), Wave: wave, Body: body,
		Adopt: terms.adopt, Replace: terms.replace,
	}, nil
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

type marks struct{ id, digest, origin string }

// mark sets our label and annotations.
func mark(u *unstructured.Unstructured, r target.Resolve, m marks) {
	labels := u.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[object.LabelApp] = object.AppLabel(r.App.ID())
	u.SetLabels(labels)
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[object.AnnotationID] = m.id
	annotations[object.AnnotationRoot] = r.Root
	annotations[object.AnnotationDigest] = m.digest
	annotations[object.AnnotationOrigin] = m.origin
	annotations[object.AnnotationRevision] = r.Revision
	if kept(r.App) {
		annotations[object.AnnotationPrune] = object.PruneNever
	}
	u.SetAnnotations(annotations)
}

// encodeSecret writes a Secret's stringData into its data, as the server does
// when it stores it. Applied as it is, we would own a field that is never
// there, and no change of the data would be seen.
func encodeSecret(u *unstructured.Unstructured) {
	plain, ok := u.Object["stringData"].(map[string]any)
	if !ok || u.GetKind() != "Secret" || u.GetAPIVersion() != "v1" {
		return
	}
	data, ok := u.Object["data"].(map[string]any)
	if !ok && u.Object["data"] != nil {
		return // for the server to refuse
	}
	encoded := copyMap(data)
	for key, value := range plain {
		text, ok := value.(string)
		if !ok {
			return
		}
		encoded[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	u.Object["data"] = encoded
	delete(u.Object, "stringData")
}

// kept says that the App's objects outlive their declaration. It is written on
// each of them, because the App may be gone when the question comes.
func kept(app v1alpha1.App) bool {
	prune := app.Spec.Sync.Prune
	return prune != nil && !*prune
}

// leaveOut removes the fields that the App leaves to others: what isn't
// applied is neither owned nor compared.
func leaveOut(u *unstructured.Unstructured, rules []v1alpha1.Ignore) {
	for _, rule := range rules {
		if rule.Kind != u.GetKind() || (rule.Name != "" && rule.Name != u.GetName()) {
			continue
		}
		for _, pointer := range rule.Fields {
			u.Object = without(u.Object, pointerSteps(pointer))
		}
	}
}

// pointerSteps splits a JSON pointer.
func pointerSteps(pointer string) []string {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, s := range steps {
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return steps
}

// without is m less the field at steps; m itself is not changed, since
// rendered objects are shared.
func without(m map[string]any, steps []string) map[string]any {
	value, ok := m[steps[0]]
	if !ok {
		return m
	}
	out := copyMap(m)
	if len(steps) == 1 {
		delete(out, steps[0])
		return out
	}
	switch inner := value.(type) {
	case map[string]any:
		out[steps[0]] = without(inner, steps[1:])
	case []any:
		out[steps[0]] = withoutIn(inner, steps[1:])
	}
	return out
}

// withoutIn is without for the elements of a list: a number selects one, * all.
func withoutIn(list []any, steps []string) []any {
	out := make([]any, 0, len(list))
	for i, e := range list {
		selected := steps[0] == "*" || steps[0] == strconv.Itoa(i)
		if selected && len(steps) == 1 {
			continue
		}
		if m, ok := e.(map[string]any); ok && selected {
			e = without(m, steps[1:])
		}
		out = append(out, e)
	}
	return out
}

// copyShallow copies as much of an object as marking it changes.
func copyShallow(o map[string]any) map[string]any {
	out := copyMap(o)
	if metadata, ok := o["metadata"].(map[string]any); ok {
		out["metadata"] = copyMap(metadata)
	}
	return out
}

func copyMap(m map[string]any) map[string]any {
	out := make(map[string]any, len(m)+1)
	for k, v := range m {
		out[k] = v
	}
	return out
}
