package origin

import (
	"errors"
	"fmt"
	"slices"

	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/yamledit"
)

// NewPatch is a patch that the App's own kustomization doesn't have yet, for
// one field of a rendered object. It says false for plain files.
func (f *Finder) NewPatch(o object.Object, field yamledit.Path) (Place, bool) {
	d, err := f.find(o)
	top := f.layers[f.path]
	if err != nil || top == nil || len(d.layers) == 0 {
		return Place{}, false
	}
	// The patches of a kustomization come before its own prefix and suffix.
	d.layers = slices.DeleteFunc(slices.Clone(d.layers), func(l *layer) bool { return l == top })
	names := d.names()
	name := names[len(names)-1]
	line := lineOf(top.content, 0)
	return Place{
		File: top.file, Line: line, Last: line, What: "a new patch",
		spot: patchSpot{apiVersion: o.GetAPIVersion(), kind: o.GetKind(), name: name, field: field},
	}, true
}

// patchSpot is a patch that isn't there yet.
type patchSpot struct {
	apiVersion, kind, name string
	field                  yamledit.Path
}

func (s patchSpot) set(file []byte, value any) ([]byte, error) {
	content, err := nested(s.field, value)
	if err != nil {
		return nil, err
	}
	fields, isMap := content.(map[string]any)
	if !isMap {
		return nil, errFixed
	}
	fields["apiVersion"], fields["kind"] = s.apiVersion, s.kind
	metadata, _ := fields["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["name"] = s.name
	fields["metadata"] = metadata
	text, err := yaml.Marshal(fields)
	if err != nil {
		return nil, err
	}
	d, err := yamledit.Open(file, yamledit.Selector{})
	if err != nil {
		return nil, err
	}
	var entry any = map[string]any{"patch": string(text)}
	at := yamledit.Keys("patches", "-")
	if _, err := d.Find(at[:1]); errors.Is(err, yamledit.ErrAbsent) {
		at, entry = at[:1], []any{entry}
	}
	if d, err = d.Set(at, entry); err != nil {
		return nil, err
	}
	return d.Bytes(), nil
}

// remove is a patch that takes the field away: null does.
func (s patchSpot) remove(file []byte) ([]byte, error) { return s.set(file, nil) }

// nested is what a patch holds for one field.
func nested(field yamledit.Path, value any) (any, error) {
	for i := len(field) - 1; i >= 0; i-- {
		s := field[i]
		if s.Match == nil {
			value = map[string]any{s.Key: value}
			continue
		}
		below, isMap := value.(map[string]any)
		switch {
		case isMap:
		case value == nil && i == len(field)-1:
			below = map[string]any{"$patch": "delete"}
		default:
			return nil, fmt.Errorf("%s can't be written as a patch", field)
		}
		for _, m := range s.Match {
			if m.Field == "" {
				return nil, fmt.Errorf("%s can't be written as a patch", field)
			}
			below[m.Field] = m.Value
		}
		value = []any{below}
	}
	return value, nil
}
