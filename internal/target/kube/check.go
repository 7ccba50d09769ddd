package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// mostFields bounds how many fields of one object are told.
const mostFields = 50

// Check asks the server how declared objects differ from the live ones. It
// costs two requests an object, and changes nothing.
func (c *Cluster) Check(ctx context.Context, as target.Actor, desired []plan.Desired) []target.Finding {
	findings := make([]target.Finding, len(desired))
	inParallel(indices(len(desired)), func(i int) { findings[i] = c.checkOne(ctx, as, desired[i]) })
	return findings
}

func (c *Cluster) checkOne(ctx context.Context, as target.Actor, d plan.Desired) target.Finding {
	var declared map[string]any
	if err := json.Unmarshal(d.Body, &declared); err != nil {
		return target.Finding{Key: d.Key, Err: fmt.Errorf("its JSON can't be read: %w", err)}
	}
	live, wanted, err := c.liveAndWanted(ctx, as, d)
	if apierrors.IsNotFound(err) {
		return target.Finding{Key: d.Key, Differs: true}
	}
	var m mend
	if live != nil && (err == nil || apierrors.IsInvalid(err)) {
		m = mendOf(live, declared)
	}
	if err != nil && m.patch == nil {
		return target.Finding{Key: d.Key, Err: explain(d.Key, err)}
	}
	finding := target.Finding{Key: d.Key, Exists: true, Live: reduce(d.Key.GroupKind(), live), Fields: m.fields, Repair: m.patch}
	if err != nil { // as it is, what is declared is refused; the repair comes first
		finding.Differs = true
		return finding
	}
	taken := ownFields(wanted).Difference(ownFields(live))
	finding.Differs = m.patch != nil || !taken.Empty() || !reflect.DeepEqual(content(live), content(wanted))
	if finding.Differs && m.patch == nil {
		finding.Fields = fieldsThatDiffer(live, wanted, taken, declared)
	}
	return finding
}

// liveAndWanted reads an object as it is, and as it would be after an apply.
func (c *Cluster) liveAndWanted(ctx context.Context, as target.Actor, d plan.Desired) (live, wanted *unstructured.Unstructured, err error) {
	k, err := c.served(ctx, d)
	if err != nil {
		return nil, nil, err
	}
	cs, err := c.as(as)
	if err != nil {
		return nil, nil, err
	}
	objects := contentOf(cs, k, d.Key)
	options := applyOptions()
	options.DryRun = []string{metav1.DryRunAll}
	for range tries {
		err = c.limited(ctx, func(ctx context.Context) error {
			if live, err = objects.Get(ctx, d.Key.Name, metav1.GetOptions{}); err != nil {
				return err
			}
			body, err := bodyFor(d, live)
			if err != nil {
				return err
			}
			wanted, err = objects.Patch(ctx, d.Key.Name, types.ApplyPatchType, body, options)
			return err
		})
		if err != nil || live.GetResourceVersion() == wanted.GetResourceVersion() {
			break // a dry run shows the version that it started from
		}
	}
	return live, wanted, err
}

// bodyFor is what an object is compared with: an object whose content is as
// declared keeps the commit that gave it that content, and so doesn't differ by
// the mere number of a newer one.
func bodyFor(d plan.Desired, live *unstructured.Unstructured) ([]byte, error) {
	annotations := live.GetAnnotations()
	if annotations[object.AnnotationDigest] != d.Digest {
		return d.Body, nil
	}
	at, err := d.At(annotations[object.AnnotationRevision])
	return at.Body, err
}

// tries is how often an object that others write between our two looks at it
// is looked at again.
const tries = 4

// content is an object without what the server keeps for itself.
func content(o *unstructured.Unstructured) map[string]any {
	out := copyShallow(o.Object)
	delete(out, "status")
	if metadata, ok := out["metadata"].(map[string]any); ok {
		for _, name := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"} {
			delete(metadata, name)
		}
	}
	return out
}

// ownFields are the fields that our entry owns.
func ownFields(o *unstructured.Unstructured) *fieldpath.Set {
	for _, e := range o.GetManagedFields() {
		if ours(e) {
			return fieldsOf(e)
		}
	}
	return &fieldpath.Set{}
}

// fieldsThatDiffer names the fields that were taken from us, with who took
// them; or, when ownership tells nothing (the field manager's name was used by
// someone else), those whose values differ. Values are never told.
func fieldsThatDiffer(live, wanted *unstructured.Unstructured, taken *fieldpath.Set, declared map[string]any) []plan.Field {
	owners := ownersOf(live)
	var fields []plan.Field
	taken.Leaves().Iterate(func(p fieldpath.Path) {
		if len(fields) < mostFields {
			fields = append(fields, plan.Field{Path: strings.TrimPrefix(p.String(), "."), Pointer: pointerOf(p, declared), Owner: owners.of(p)})
		}
	})
	if len(fields) > 0 {
		return fields
	}
	for _, path := range differences("", content(live), content(wanted), nil) {
		fields = append(fields, plan.Field{Path: path, Pointer: "/" + strings.ReplaceAll(path, ".", "/")})
	}
	return fields[:min(len(fields), mostFields)]
}

// pointerOf writes a field's path as the JSON pointer of an ignore rule. An
// element of a list is told by its place in what is declared, or where it isn't
// declared as all of them; of what an element is known by, the element is told.
func pointerOf(p fieldpath.Path, declared any) string {
	if n := len(p); n >= 2 && keyedBy(p[n-2], p[n-1]) {
		p = p[:n-1]
	}
	var pointer strings.Builder
	for _, e := range p {
		pointer.WriteByte('/')
		if e.FieldName != nil {
			pointer.WriteString(strings.ReplaceAll(strings.ReplaceAll(*e.FieldName, "~", "~0"), "/", "~1"))
			m, _ := declared.(map[string]any)
			declared = m[*e.FieldName]
			continue
		}
		list, _ := declared.([]any)
		i := placeOf(e, list)
		if i < 0 {
			pointer.WriteByte('*')
			declared = nil
			continue
		}
		pointer.WriteString(strconv.Itoa(i))
		declared = list[i]
	}
	return pointer.String()
}

// placeOf finds an element in a list, or -1.
func placeOf(e fieldpath.PathElement, list []any) int {
	return slices.IndexFunc(list, func(candidate any) bool {
		switch m, isMap := candidate.(map[string]any); {
		case e.Key != nil && isMap:
			return !slices.ContainsFunc(*e.Key, func(key value.Field) bool {
				return fmt.Sprint(m[key.Name]) != fmt.Sprint(key.Value.Unstructured()) && (m[key.Name] != nil || !isDefault(key))
			})
		case e.Value != nil:
			return fmt.Sprint(candidate) == fmt.Sprint((*e.Value).Unstructured())
		}
		return false
	})
}

// isDefault says whether the server gives a key this value where none is
// declared, as it does for the protocol of a port.
func isDefault(key value.Field) bool {
	return key.Name == "protocol" && key.Value.Unstructured() == "TCP"
}

// keyedBy says whether a field is part of what an element is known by in its list.
func keyedBy(element, field fieldpath.PathElement) bool {
	if element.Key == nil || field.FieldName == nil {
		return false
	}
	for _, key := range *element.Key {
		if key.Name == *field.FieldName {
			return true
		}
	}
	return false
}

// owners are the other managers of an object's fields, the newest first.
type owners []metav1.ManagedFieldsEntry

func ownersOf(o *unstructured.Unstructured) owners {
	var others owners
	for _, e := range o.GetManagedFields() {
		if !ours(e) {
			others = append(others, e)
		}
	}
	slices.SortStableFunc(others, func(a, b metav1.ManagedFieldsEntry) int {
		switch {
		case a.Time == nil || b.Time == nil:
			return 0
		default:
			return b.Time.Compare(a.Time.Time)
		}
	})
	return others
}

// of is the manager that owns a field or, where the field was removed, the one
// that wrote last.
func (o owners) of(p fieldpath.Path) string {
	for _, e := range o {
		if fieldsOf(e).Has(p) {
			return e.Manager
		}
	}
	for _, e := range o {
		if e.Subresource != "status" {
			return e.Manager
		}
	}
	return ""
}

// differences lists the paths at which two values differ.
func differences(path string, a, b any, found []string) []string {
	if len(found) >= mostFields || reflect.DeepEqual(a, b) {
		return found
	}
	ma, aIsMap := a.(map[string]any)
	mb, bIsMap := b.(map[string]any)
	if !aIsMap || !bIsMap {
		return append(found, strings.TrimPrefix(path, "."))
	}
	names := make([]string, 0, len(ma)+len(mb))
	for name := range ma {
		names = append(names, name)
	}
	for name := range mb {
		if _, ok := ma[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		found = differences(path+"."+name, ma[name], mb[name], found)
	}
	return found
}
