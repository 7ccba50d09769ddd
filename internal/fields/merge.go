package fields

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Merged is a live object with what is declared in it, near enough to what an
// apply makes of it: elements of lists are known by what the managed fields know
// them by, and other lists are replaced. It is for objects that can't be applied
// as they are.
func Merged(live *unstructured.Unstructured, declared map[string]any) *unstructured.Unstructured {
	m := merger{keys: Keys(live)}
	o := live.DeepCopy()
	o.Object, _ = m.merge(nil, o.Object, declared).(map[string]any)
	return o
}

type merger struct {
	keys func(list fieldpath.Path) []string
}

func (m merger) merge(at fieldpath.Path, live, declared any) any {
	switch d := declared.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			return d
		}
		l = maps.Clone(l)
		for name, value := range d {
			l[name] = m.merge(append(at.Copy(), fieldpath.PathElement{FieldName: &name}), l[name], value)
		}
		return l
	case []any:
		l, ok := live.([]any)
		names := m.keys(at)
		switch {
		case ok && len(names) > 0:
			return m.mergeLists(at, names, l, d)
		case ok && isSet(at):
			return append(slices.Clone(l), slices.DeleteFunc(slices.Clone(d), func(v any) bool { return slices.Contains(l, v) })...)
		}
		return d
	default:
		return declared
	}
}

// isSet says whether a list is one that everyone adds to: the finalizers.
func isSet(at fieldpath.Path) bool {
	return at.Equals(fieldpath.MakePathOrDie("metadata", "finalizers"))
}

func (m merger) mergeLists(at fieldpath.Path, names []string, live, declared []any) []any {
	list := slices.Clone(live)
	for _, e := range declared {
		i := slices.IndexFunc(list, func(other any) bool { return sameKey(names, e, other) })
		if i < 0 {
			list = append(list, e)
			continue
		}
		list[i] = m.merge(append(at.Copy(), fieldpath.PathElement{Index: &i}), list[i], e)
	}
	return list
}

// sameKey says whether two elements of a list are one.
func sameKey(names []string, a, b any) bool {
	x, isMap := a.(map[string]any)
	y, alsoMap := b.(map[string]any)
	if !isMap || !alsoMap {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool { return keyText(x, name) != keyText(y, name) })
}

func keyText(m map[string]any, name string) string {
	if m[name] == nil && name == "protocol" {
		return "TCP" // as IsDefault has it
	}
	return fmt.Sprint(m[name])
}

// Strays are the fields of a live object that a refusal speaks of: they and what
// is declared exclude each other, as a strategy and the parameters of another one
// do. Only what nobody of these owns is one, such as what the server filled in by
// itself: what Git doesn't mention stays where it is somebody's.
func Strays(live *unstructured.Unstructured, declared map[string]any, causes []metav1.StatusCause, owners []metav1.ManagedFieldsEntry) (strays []fieldpath.Path) {
	for _, cause := range causes {
		steps := stepsOf(cause.Field)
		if len(steps) < 3 || steps[0] != "spec" {
			continue
		}
		s := straySearch{last: steps[len(steps)-1], alone: cause.Type != metav1.CauseTypeForbidden}
		s.walk(steps[:len(steps)-1], nil, live.Object, declared)
		for _, p := range s.found {
			if _, owned := Owners(owners).Of(p); !owned {
				strays = append(strays, p)
			}
		}
	}
	return strays
}

// straySearch looks beside the field that a refusal names.
type straySearch struct {
	last  string
	alone bool // only that field is meant, and not what stands beside it
	found []fieldpath.Path
}

// walk follows a path as the server writes it. Of a list all elements are
// followed: their numbers are those of an object that doesn't exist.
func (s *straySearch) walk(steps []string, at fieldpath.Path, live, declared any) {
	l, isMap := live.(map[string]any)
	d, alsoMap := declared.(map[string]any)
	switch {
	case len(steps) > 0 && strings.HasPrefix(steps[0], "["):
		s.walkList(steps[1:], at, live, declared)
	case !isMap || !alsoMap:
	case len(steps) > 0:
		s.walk(steps[1:], append(at.Copy(), fieldpath.PathElement{FieldName: &steps[0]}), l[steps[0]], d[steps[0]])
	default:
		for _, name := range slices.Sorted(maps.Keys(l)) {
			_, deep := l[name].(map[string]any)
			if d[name] == nil && (name == s.last || deep && !s.alone && d[s.last] != nil) {
				s.found = append(s.found, append(at.Copy(), fieldpath.PathElement{FieldName: &name}))
			}
		}
	}
}

func (s *straySearch) walkList(steps []string, at fieldpath.Path, live, declared any) {
	l, _ := live.([]any)
	d, _ := declared.([]any)
	for _, e := range d {
		m, _ := e.(map[string]any)
		name, named := m["name"].(string)
		i := slices.IndexFunc(l, func(other any) bool { return sameKey([]string{"name"}, e, other) })
		if named && i >= 0 {
			s.walk(steps, append(at.Copy(), fieldpath.PathElement{Key: fieldpath.KeyByFields("name", name)}), l[i], e)
		}
	}
}

// stepsOf splits a path as the server writes it: names, and [n] for elements.
func stepsOf(field string) (steps []string) {
	for _, part := range strings.Split(field, ".") {
		name, element, inList := strings.Cut(part, "[")
		if steps = append(steps, name); inList {
			steps = append(steps, "["+element)
		}
	}
	return steps
}
