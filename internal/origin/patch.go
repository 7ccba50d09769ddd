package origin

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/yamledit"
)

// NewPatches are patches that the App's own kustomization doesn't have yet, for
// one field of a rendered object: one that merges, and one of operations, which
// can also change what elements are known by. Of plain files there are none.
func (f *Finder) NewPatches(o object.Object, field yamledit.Path) []Place {
	d, err := f.find(o)
	top := f.layers[f.path]
	if err != nil || top == nil {
		return nil
	}
	d, passes := d.belowTop(top) // patches come before prefix and suffix
	if !passes {
		return nil
	}
	names := d.names()
	of := patched{apiVersion: o.GetAPIVersion(), kind: o.GetKind(), name: names[len(names)-1]}
	place := Place{File: top.file, Line: 1, Last: 1, What: "a new patch", spot: patchSpot{of, field}}
	places := []Place{place}
	if _, keys, found := Lookup(o.Object, field); found {
		place.spot = operationSpot{of, pointer(keys)}
		places = append(places, place)
	}
	return places
}

// patched is what a patch is for.
type patched struct{ apiVersion, kind, name string }

// pointer is a path as a JSON pointer.
func pointer(keys []string) string {
	var b strings.Builder
	for _, k := range keys {
		b.WriteString("/" + strings.ReplaceAll(strings.ReplaceAll(k, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// addPatch adds an entry to a kustomization's patches.
func addPatch(file []byte, content any, target map[string]any) ([]byte, error) {
	text, err := yaml.Marshal(content)
	if err != nil {
		return nil, err
	}
	d, err := yamledit.Open(file, yamledit.Selector{})
	if err != nil {
		return nil, err
	}
	entry := map[string]any{"patch": string(text)}
	if target != nil {
		entry["target"] = target
	}
	at, value := yamledit.Keys("patches", "-"), any(entry)
	if _, err := d.Find(at[:1]); errors.Is(err, yamledit.ErrAbsent) {
		at, value = at[:1], []any{entry}
	}
	if d, err = d.Set(at, value); err != nil {
		return nil, err
	}
	return d.Bytes(), nil
}

// operationSpot is a JSON patch that isn't there yet, of a field that is.
type operationSpot struct {
	of patched
	at string
}

func (s operationSpot) set(file []byte, value any) ([]byte, error) {
	return s.add(file, map[string]any{"op": "replace", "path": s.at, "value": value})
}

func (s operationSpot) remove(file []byte) ([]byte, error) {
	return s.add(file, map[string]any{"op": "remove", "path": s.at})
}

func (s operationSpot) add(file []byte, operation map[string]any) ([]byte, error) {
	return addPatch(file, []any{operation}, map[string]any{"kind": s.of.kind, "name": regexp.QuoteMeta(s.of.name)})
}

// patchSpot is a patch that isn't there yet.
type patchSpot struct {
	of    patched
	field yamledit.Path
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
	fields["apiVersion"], fields["kind"] = s.of.apiVersion, s.of.kind
	metadata, _ := fields["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["name"] = s.of.name
	fields["metadata"] = metadata
	return addPatch(file, fields, nil)
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
