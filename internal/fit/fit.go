// Package fit makes a rendered object ready to be applied by an App: the namespace,
// the marks, what is left to others, the order, and what the App and the object
// allow beyond that. Whether the object's kind lives in namespaces is for the
// caller to know.
//
// It asks no server, and changes nothing that it is given: rendered objects are
// shared.
package fit

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// For is whom objects are fitted for.
type For struct {
	App      v1alpha1.App
	Root     string // the root that declares the App
	Revision string // the commit that was rendered
}

// Object is an object ready to be applied.
func (f For) Object(o object.Object, namespaced bool) (plan.Desired, error) {
	u := &unstructured.Unstructured{Object: copyShallow(o.Object)}
	switch {
	case !namespaced:
		unstructured.RemoveNestedField(u.Object, "metadata", "namespace")
	case u.GetNamespace() == "":
		u.SetNamespace(f.App.Spec.Target.Namespace)
	}
	encodeSecret(u)
	leaveOut(u, f.App.Spec.Ignore)
	key := object.Object{Unstructured: u}.Key()
	terms, err := termsOf(f.App, key, u)
	if err != nil {
		return plan.Desired{}, err
	}
	digest := object.Object{Unstructured: u}.DigestWith(append([]string{o.Origin.File, f.Root, fmt.Sprint(kept(f.App))}, terms.words()...)...)
	f.mark(u, marks{id: key.ID(), digest: digest, origin: o.Origin.File})
	body, err := u.MarshalJSON()
	if err != nil {
		return plan.Desired{}, fmt.Errorf("can't be written as JSON: %w", err)
	}
	wave, _ := hooks.Wave(u.GetAnnotations()) // what can't be read was told when it was rendered
	return plan.Desired{
		Key: key, APIVersion: u.GetAPIVersion(), Origin: o.Origin, Digest: digest,
		Revision: f.Revision, Stage: plan.StageOf(key), Wave: wave, Body: body,
		Adopt: terms.adopt, Replace: terms.replace,
	}, nil
}

type marks struct{ id, digest, origin string }

// mark sets our label and annotations.
func (f For) mark(u *unstructured.Unstructured, m marks) {
	labels := u.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[object.LabelApp] = object.AppLabel(f.App.ID())
	u.SetLabels(labels)
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[object.AnnotationID] = m.id
	annotations[object.AnnotationRoot] = f.Root
	annotations[object.AnnotationDigest] = m.digest
	annotations[object.AnnotationOrigin] = m.origin
	annotations[object.AnnotationRevision] = f.Revision
	if kept(f.App) {
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
