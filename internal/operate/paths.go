package operate

import (
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/yamledit"
)

// steps is a path of managed fields as one in a file.
func steps(p fieldpath.Path) yamledit.Path {
	path := make(yamledit.Path, 0, len(p))
	for _, e := range p {
		var s yamledit.Step
		switch {
		case e.FieldName != nil:
			s.Key = *e.FieldName
		case e.Index != nil:
			s.Key = strconv.Itoa(*e.Index)
		case e.Value != nil:
			s.Match = []yamledit.Match{{Value: (*e.Value).Unstructured()}}
		case e.Key != nil:
			for _, k := range *e.Key {
				s.Match = append(s.Match, yamledit.Match{Field: k.Name, Value: k.Value.Unstructured()})
			}
		}
		path = append(path, s)
	}
	return path
}

// isMark says whether a path leads to a label or annotation of Plumb's own.
func isMark(p fieldpath.Path) bool {
	if len(p) != 3 || p[0].FieldName == nil || *p[0].FieldName != "metadata" || p[2].FieldName == nil {
		return false
	}
	return strings.HasPrefix(*p[2].FieldName, object.Domain+"/")
}

// isKey says whether a path leads to what an element is known by in its list.
func isKey(p fieldpath.Path) bool {
	n := len(p)
	if n < 2 || p[n-2].Key == nil || p[n-1].FieldName == nil {
		return false
	}
	for _, k := range *p[n-2].Key {
		if k.Name == *p[n-1].FieldName {
			return true
		}
	}
	return false
}
