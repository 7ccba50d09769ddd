// Package sides tells in what a live object differs from what an apply would make
// of it: for people who look at a plan (Values), for those who are told of drift
// (Drift), and where the change is refused (Fixed). What must not be shown is
// hidden before anything is compared.
//
// It asks no server: both sides are handed in. All functions are pure.
package sides

import (
	"maps"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/generate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/replace"
)

// most bounds how many fields of one object are told.
const most = 50

// Sides are what is compared of one object.
type Sides struct {
	Desired plan.Desired
	// Live is the object as it is, Wanted as an apply leaves it.
	Live, Wanted *unstructured.Unstructured
	Declared     map[string]any // what is applied, generated values included
	Mend         fields.Mend    // what the apply has to begin with
	Mask         redact.Mask
}

// WasDeclared says whether the object was applied as it is declared now.
func (s Sides) WasDeclared() bool {
	return s.Live.GetAnnotations()[object.AnnotationDigest] == s.Desired.Digest
}

// Differ says whether an apply would change anything.
func (s Sides) Differ() bool {
	return s.Mend.Patch != nil || !s.taken().Empty() || !reflect.DeepEqual(Content(s.Live), Content(s.Wanted))
}

// taken are the fields that an apply would take back. A generated value that
// someone changed isn't among them: nothing in Git says what it is.
func (s Sides) taken() *fieldpath.Set {
	return fields.Ours(s.Wanted).Difference(fields.Ours(s.Live)).Difference(s.generated())
}

// generated are the fields of a Secret whose values are generated.
func (s Sides) generated() *fieldpath.Set {
	set := fieldpath.NewSet()
	if s.Desired.Key.Kind == "Secret" {
		for _, key := range generate.KeysOf(s.Declared) {
			set.Insert(fieldpath.MakePathOrDie("data", key))
		}
	}
	return set
}

// Drift names the fields that somebody changed, and who.
func (s Sides) Drift() []plan.Field {
	if s.Mend.Patch != nil {
		return s.mended()
	}
	return s.changed()
}

// mended names what a repair puts right.
func (s Sides) mended() []plan.Field {
	shown := s.Mask.Show(s.Live.Object)
	list := make([]plan.Field, 0, len(s.Mend.Elements))
	for _, p := range s.Mend.Elements {
		list = append(list, plan.Field{
			Path: fields.Text(p, shown), Pointer: fields.Pointer(p[:len(p)-1], s.Declared), Owner: s.Mend.Owner, Before: valueAt(shown, p),
		})
	}
	return list
}

// changed names the fields that were taken from us, with who took them; or, when
// ownership tells nothing (the field manager's name was used by someone else),
// those whose values differ.
func (s Sides) changed() []plan.Field {
	owners := fields.OwnersOf(s.Live)
	before, after := s.Mask.Show(s.Live.Object), s.Mask.Show(s.Wanted.Object)
	var list []plan.Field
	s.taken().Leaves().Iterate(func(p fieldpath.Path) {
		if p = fields.Visible(p, after); len(list) < most {
			list = append(list, plan.Field{
				Path: fields.Text(p, after), Pointer: fields.Pointer(p, s.Declared), Owner: owners.Taker(p), Before: valueAt(before, p), After: valueAt(after, p),
			})
		}
	})
	if len(list) > 0 {
		return list
	}
	for _, spot := range plan.Diff(s.Mask.Show(Content(s.Live)), s.Mask.Show(Content(s.Wanted)), fields.Keys(s.Live, s.Wanted)) {
		list = append(list, plan.Field{Path: spot.Path(), Pointer: fields.Pointer(spot.At, s.Declared), Before: spot.Before, After: spot.After})
	}
	return list[:min(len(list), most)]
}

// Fixed are those that differ among the fields that can't be changed. What the
// server adds to what is declared doesn't count.
func (s Sides) Fixed(fixed replace.Fixed) (list []plan.Field) {
	declared := plan.WithoutMarks(s.Mask.Show(s.Declared))
	live, _ := plan.AsDeclared(declared, plan.WithoutMarks(s.Mask.Show(Content(s.Live)))).(map[string]any)
	generated := s.generated()
	for _, spot := range plan.Diff(live, declared, fields.Keys(s.Live)) {
		if fixed.Has(spot.Path()) && !generated.Has(spot.At) && len(list) < most {
			list = append(list, plan.Field{Path: spot.Path(), Pointer: fields.Pointer(spot.At, s.Declared), Before: spot.Before, After: spot.After})
		}
	}
	return list
}

// Content is an object without what the server keeps for itself.
func Content(o *unstructured.Unstructured) map[string]any {
	out := maps.Clone(o.Object)
	delete(out, "status")
	if metadata, ok := out["metadata"].(map[string]any); ok {
		metadata = maps.Clone(metadata)
		for _, name := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"} {
			delete(metadata, name)
		}
		out["metadata"] = metadata
	}
	return out
}

// valueAt is what is at a path of an object as it may be shown, or nil.
func valueAt(shown map[string]any, p fieldpath.Path) *plan.Value {
	if node := fields.Node(shown, p); node != nil {
		return plan.Shown(node)
	}
	return nil
}
