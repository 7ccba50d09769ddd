package fields

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// Pointer writes a field's path as the JSON pointer of an ignore rule. An
// element of a list is told by its place in what is declared, or where it isn't
// declared as all of them; of what an element is known by, the element is told.
func Pointer(p fieldpath.Path, declared any) string {
	if n := len(p); n >= 2 && keyedBy(p[n-2], p[n-1]) {
		p = p[:n-1]
	}
	var pointer strings.Builder
	for _, e := range p {
		pointer.WriteByte('/')
		if e.FieldName != nil {
			pointer.WriteString(escape(*e.FieldName))
			m, _ := declared.(map[string]any)
			declared = m[*e.FieldName]
			continue
		}
		list, _ := declared.([]any)
		i := Place(e, list)
		if i < 0 || e.Index != nil {
			pointer.WriteByte('*')
			declared = nil
			continue
		}
		pointer.WriteString(strconv.Itoa(i))
		declared = list[i]
	}
	return pointer.String()
}

func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// Place finds an element in a list, or -1.
func Place(e fieldpath.PathElement, list []any) int {
	if e.Index != nil && *e.Index >= 0 && *e.Index < len(list) {
		return *e.Index
	}
	return slices.IndexFunc(list, func(candidate any) bool {
		switch m, isMap := candidate.(map[string]any); {
		case e.Key != nil && isMap:
			return !slices.ContainsFunc(*e.Key, func(key value.Field) bool {
				return fmt.Sprint(m[key.Name]) != fmt.Sprint(key.Value.Unstructured()) && (m[key.Name] != nil || !IsDefault(key))
			})
		case e.Value != nil:
			return fmt.Sprint(candidate) == fmt.Sprint((*e.Value).Unstructured())
		}
		return false
	})
}

// IsDefault says whether the server gives a key this value where none is
// declared, as it does for the protocol of a port.
func IsDefault(key value.Field) bool {
	return key.Name == "protocol" && key.Value.Unstructured() == "TCP"
}

// keyedBy says whether a field is part of what an element is known by in its list.
func keyedBy(element, field fieldpath.PathElement) bool {
	return element.Key != nil && field.FieldName != nil && slices.Contains(keyNames(element), *field.FieldName)
}

// Node is what is at a path, or nil.
func Node(o map[string]any, path fieldpath.Path) any {
	if len(path) == 0 {
		return o
	}
	node, _, _ := Element(o, path[:len(path)-1], path[len(path)-1])
	return node
}

// Element finds an element of a list, or a field, inside an object, and its
// JSON pointer.
func Element(o map[string]any, list fieldpath.Path, element fieldpath.PathElement) (node any, pointer string, found bool) {
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
			at.WriteString("/" + escape(*step.FieldName))
			continue
		}
		elements, _ := node.([]any)
		i := Place(step, elements)
		if i < 0 {
			return nil, "", false
		}
		node = elements[i]
		fmt.Fprintf(&at, "/%d", i)
	}
	return node, at.String(), true
}

// Visible is as much of a path as leads to something in an object as it may be
// shown: below what is hidden as a whole, not even names are told.
func Visible(p fieldpath.Path, shown any) fieldpath.Path {
	for i, step := range p {
		var ok bool
		switch at := shown.(type) {
		case map[string]any:
			if step.FieldName != nil {
				shown, ok = at[*step.FieldName]
			}
		case []any:
			if n := Place(step, at); n >= 0 {
				shown, ok = at[n], true
			}
		default:
			return p[:i]
		}
		if !ok {
			return p
		}
	}
	return p
}

// Text writes a path for people. What elements of lists are known by is written
// only where shown, which is the object as it may be shown, has it too.
func Text(p fieldpath.Path, shown any) string {
	safe := make(fieldpath.Path, 0, len(p))
	var text strings.Builder
	flush := func() {
		text.WriteString(safe.String())
		safe = safe[:0]
	}
	for _, step := range p {
		if step.FieldName != nil {
			m, _ := shown.(map[string]any)
			shown = m[*step.FieldName]
			safe = append(safe, step)
			continue
		}
		list, _ := shown.([]any)
		if i := Place(step, list); i >= 0 {
			shown = list[i]
			safe = append(safe, step)
			continue
		}
		shown = nil
		flush()
		text.WriteString("[*]")
	}
	flush()
	return strings.TrimPrefix(text.String(), ".")
}
