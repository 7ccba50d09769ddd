package render

import (
	"fmt"
	"maps"
	"strings"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/substitute"
)

// substituted are the objects with ${NAME} replaced, where the App asks for it.
// What comes from Secrets is marked with all else that is secret of the work.
func substituted(objects []object.Object, w Work, notice func(string)) ([]object.Object, error) {
	asked := w.Params.Substitute
	if asked == nil {
		return objects, nil
	}
	s := substitute.Substitution{
		Values: substitutes(w), Lenient: asked.Strict != nil && !*asked.Strict, MaxBytes: MaxTotalBytes,
	}
	var errs []error
	for _, o := range objects {
		notices, err := s.Apply(o.Object)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", o.Origin, o.Key(), err))
		}
		for _, n := range notices {
			notice(fmt.Sprintf("%s: %s: %s", o.Origin, o.Key(), n))
		}
	}
	if len(errs) > 0 {
		return nil, Join(errs)
	}
	return objects, nil
}

// substitutes are the values by name: those of the App over those that it takes
// from the target, later ones over those before. A key that is no name is left
// out, and so is the line break that files end with.
func substitutes(w Work) map[string]string {
	values := map[string]string{}
	for _, from := range w.Params.Substitute.From {
		given, _ := w.Given.Find(from.Kind, from.Name)
		for key, content := range given.Data {
			if substitute.IsName(key) {
				values[key] = strings.TrimRight(string(content), "\r\n")
			}
		}
	}
	maps.Copy(values, w.Params.Substitute.Values)
	return values
}
