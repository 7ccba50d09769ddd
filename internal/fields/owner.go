package fields

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"plumb.dev/plumb/internal/object"
)

// Set is the set of fields that an entry of the managed fields owns.
func Set(e metav1.ManagedFieldsEntry) *fieldpath.Set {
	set := &fieldpath.Set{}
	if e.FieldsV1 == nil || set.FromJSON(e.FieldsV1.GetRawReader()) != nil {
		return &fieldpath.Set{}
	}
	return set
}

// IsOurs says whether an entry is that of our applies.
func IsOurs(e metav1.ManagedFieldsEntry) bool {
	return e.Manager == object.FieldManager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == ""
}

// Ours are the fields that our entry owns.
func Ours(o metav1.Object) *fieldpath.Set {
	for _, e := range o.GetManagedFields() {
		if IsOurs(e) {
			return Set(e)
		}
	}
	return &fieldpath.Set{}
}

// Owners are the other managers of an object's fields, the newest first.
type Owners []metav1.ManagedFieldsEntry

// OwnersOf are the managers of an object's fields that aren't us.
func OwnersOf(o metav1.Object) Owners {
	var others Owners
	for _, e := range o.GetManagedFields() {
		if !IsOurs(e) {
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

// Of is the manager that owns a field, or something in it; false when none does.
func (o Owners) Of(p fieldpath.Path) (metav1.ManagedFieldsEntry, bool) {
	for _, e := range o {
		if Touches(Set(e), p) {
			return e, true
		}
	}
	return metav1.ManagedFieldsEntry{}, false
}

// Last is the manager that wrote last, other than to a subresource where that
// can be told.
func (o Owners) Last() (metav1.ManagedFieldsEntry, bool) {
	i := slices.IndexFunc(o, func(e metav1.ManagedFieldsEntry) bool { return e.Subresource == "" })
	if i < 0 {
		return metav1.ManagedFieldsEntry{}, false
	}
	return o[i], true
}

// Taker is the name of the manager that owns a field or, where the field was
// removed, of the one that wrote last.
func (o Owners) Taker(p fieldpath.Path) string {
	for _, e := range o {
		if Set(e).Has(p) {
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

// Touches says whether a set has a field, something in it, or all of what it is in.
func Touches(set *fieldpath.Set, p fieldpath.Path) bool {
	for i, step := range p {
		below := set.WithPrefix(step)
		switch has := set.Members.Has(step); {
		case has && (below.Empty() || i == len(p)-1):
			return true
		case below.Empty():
			return false
		}
		set = below
	}
	return true
}

// Keys tells of each list in objects what its elements are known by, as far as
// anyone owns such an element.
func Keys(objects ...metav1.Object) func(list fieldpath.Path) []string {
	known := map[string][]string{}
	for _, o := range objects {
		for _, e := range o.GetManagedFields() {
			Set(e).Iterate(func(p fieldpath.Path) {
				for i, step := range p {
					if step.Key != nil {
						known[shape(p[:i])] = keyNames(step)
					}
				}
			})
		}
	}
	return func(list fieldpath.Path) []string { return known[shape(list)] }
}

func keyNames(element fieldpath.PathElement) []string {
	names := make([]string, 0, len(*element.Key))
	for _, field := range *element.Key {
		names = append(names, field.Name)
	}
	return names
}

// shape is a path whatever the elements of the lists on its way are.
func shape(p fieldpath.Path) string {
	var out []byte
	for _, step := range p {
		if step.FieldName != nil {
			out = append(append(out, '/'), *step.FieldName...)
		} else {
			out = append(out, "/*"...)
		}
	}
	return string(out)
}
