package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// A hand edit can change what an element of a list is known by: a port's
// number, a container's name. For the server that element is then another one,
// which belongs to who made it. Applying what is declared adds ours beside it,
// or is refused, and never takes the other away. So before such a correction
// the element is put back in its place, by a patch in this name:
const repairManager = object.FieldManager + "-repair"

// operation is one step of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// mend is a repair: the JSON patch that carries it out, and what it puts right.
type mend struct {
	patch  []byte
	fields []plan.Field
}

// mendOf finds the elements of lists that the one who wrote last made of
// declared ones, which are therefore not there any more, and puts each declared
// one in the place of what was made of it. It holds only while nobody else
// changes the object.
func mendOf(live *unstructured.Unstructured, declared map[string]any) mend {
	writer, ok := ownersOf(live).last()
	if !ok {
		return mend{}
	}
	var m mend
	var operations []operation
	restored := map[string]bool{}
	fieldsOf(writer).Iterate(func(p fieldpath.Path) {
		list, element := p[:len(p)-1].Copy(), p[len(p)-1]
		if element.Key == nil {
			return
		}
		if _, _, ours := elementAt(declared, list, element); ours {
			return
		}
		_, at, there := elementAt(live.Object, list, element)
		lost, pointer := lostFrom(live.Object, declared, list, element, restored)
		if !there || lost == nil {
			return
		}
		restored[pointer] = true
		operations = append(operations, operation{Op: "replace", Path: at, Value: lost})
		m.fields = append(m.fields, plan.Field{Path: strings.TrimPrefix(p.String(), "."), Pointer: pointerOf(list, declared), Owner: writer.Manager})
	})
	if len(operations) == 0 {
		return mend{}
	}
	// Status is written all the time; the generation counts changes of the rest.
	test := operation{Op: "test", Path: "/metadata/resourceVersion", Value: live.GetResourceVersion()}
	if generation := live.GetGeneration(); generation > 0 {
		test = operation{Op: "test", Path: "/metadata/generation", Value: generation}
	}
	patch, err := json.Marshal(slices.Insert(operations, 0, test))
	if err != nil {
		return mend{} // what came as JSON always marshals
	}
	m.patch = patch
	return m
}

// last is the manager that wrote last, other than to the status.
func (o owners) last() (metav1.ManagedFieldsEntry, bool) {
	for _, e := range o { // the newest first
		if e.Subresource == "" {
			return e, true
		}
	}
	return metav1.ManagedFieldsEntry{}, false
}

// lostFrom finds the first declared element of a list that isn't live, and its
// place in what is declared; like is any element of the list, which tells what
// elements are known by. What was restored already is passed over.
func lostFrom(live, declared map[string]any, list fieldpath.Path, like fieldpath.PathElement, restored map[string]bool) (element any, pointer string) {
	elements, _ := nodeAt(declared, list).([]any)
	for i, e := range elements {
		m, isMap := e.(map[string]any)
		if !isMap {
			return nil, ""
		}
		pointer := fmt.Sprint(list, i)
		key := make(value.FieldList, 0, len(*like.Key))
		for _, field := range *like.Key {
			of := m[field.Name]
			if of == nil && isDefault(field) {
				of = field.Value.Unstructured()
			}
			key = append(key, value.Field{Name: field.Name, Value: value.NewValueInterface(of)})
		}
		if _, _, there := elementAt(live, list, fieldpath.PathElement{Key: &key}); !there && !restored[pointer] {
			return e, pointer
		}
	}
	return nil, ""
}

// nodeAt is what is at a path, or nil.
func nodeAt(o map[string]any, path fieldpath.Path) any {
	if len(path) == 0 {
		return o
	}
	node, _, _ := elementAt(o, path[:len(path)-1], path[len(path)-1])
	return node
}

// elementAt finds an element of a list inside an object, and its JSON pointer.
func elementAt(o map[string]any, list fieldpath.Path, element fieldpath.PathElement) (node any, pointer string, found bool) {
	var at strings.Builder
	node = o
	for _, step := range append(list.Copy(), element) {
		if step.FieldName != nil {
			m, ok := node.(map[string]any)
			if !ok {
				return nil, "", false
			}
			if node, ok = m[*step.FieldName]; !ok {
				return nil, "", false
			}
			at.WriteString("/" + strings.ReplaceAll(strings.ReplaceAll(*step.FieldName, "~", "~0"), "/", "~1"))
			continue
		}
		elements, _ := node.([]any)
		i := placeOf(step, elements)
		if i < 0 {
			return nil, "", false
		}
		node = elements[i]
		fmt.Fprintf(&at, "/%d", i)
	}
	return node, at.String(), true
}

// repair carries out a repair, before the object is applied.
func (c *Cluster) repair(ctx context.Context, as target.Actor, d plan.Desired, patch []byte) error {
	return c.patchAs(ctx, as, d, repairManager, patch)
}

// forgetRepair takes the repair's own entry out of the managed fields: what it
// wrote is ours by the apply, and must not stay owned when we let it go.
func (c *Cluster) forgetRepair(ctx context.Context, as target.Actor, d plan.Desired, entries []metav1.ManagedFieldsEntry) error {
	i := slices.IndexFunc(entries, func(e metav1.ManagedFieldsEntry) bool { return e.Manager == repairManager })
	if i < 0 {
		return nil
	}
	at := fmt.Sprintf("/metadata/managedFields/%d", i)
	patch, err := json.Marshal([]operation{{Op: "test", Path: at + "/manager", Value: repairManager}, {Op: "remove", Path: at}})
	if err != nil {
		return err
	}
	return c.patchAs(ctx, as, d, repairManager, patch)
}

func (c *Cluster) patchAs(ctx context.Context, as target.Actor, d plan.Desired, manager string, patch []byte) error {
	k, err := c.served(ctx, d)
	if err != nil {
		return err
	}
	cs, err := c.as(as)
	if err != nil {
		return err
	}
	return c.limited(ctx, func(ctx context.Context) error {
		_, err := metadataOf(cs, k, d.Key).Patch(ctx, d.Key.Name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: manager})
		return err
	})
}
