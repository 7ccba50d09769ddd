package push

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// dress gives all that is declared the marks that the live objects have, or
// none where these have none, so that only content is compared: a folder that
// is only looked at wants to own nothing.
func (d *door) dress(s *seen) error {
	for _, c := range s.conflicts {
		s.desired = append(s.desired, c.Desired)
	}
	s.conflicts = nil
	for i, desired := range s.desired {
		live, _ := d.Target.Live(desired.Key)
		dressed, err := dressed(desired, live)
		if err != nil {
			return err
		}
		s.desired[i] = dressed
	}
	return nil
}

// dressed is an object with the marks of a live one; the zero Live has none.
func dressed(d plan.Desired, live plan.Live) (plan.Desired, error) {
	var o map[string]any
	decoder := json.NewDecoder(bytes.NewReader(d.Body))
	decoder.UseNumber() // large integers must come out as they went in
	if err := decoder.Decode(&o); err != nil {
		return d, fmt.Errorf("%s: its JSON can't be read: %w", d.Key, err)
	}
	metadata, ok := o["metadata"].(map[string]any)
	if !ok {
		return d, fmt.Errorf("%s has no metadata", d.Key)
	}
	annotations, labels := marksOf(live)
	put(metadata, "annotations", annotations)
	put(metadata, "labels", labels)
	body, err := json.Marshal(o)
	if err != nil {
		return d, fmt.Errorf("%s can't be written as JSON: %w", d.Key, err)
	}
	d.Body, d.Revision = body, live.Revision
	return d, nil
}

// marksOf are a live object's marks; nil stands for one that it hasn't.
func marksOf(live plan.Live) (annotations, labels map[string]any) {
	annotations = map[string]any{
		object.AnnotationID: nil, object.AnnotationRoot: nil, object.AnnotationDigest: nil, object.AnnotationOrigin: nil, object.AnnotationRevision: nil,
	}
	if live.App == "" {
		return annotations, map[string]any{object.LabelApp: nil}
	}
	annotations[object.AnnotationRoot], annotations[object.AnnotationDigest] = live.Root, live.Digest
	annotations[object.AnnotationOrigin], annotations[object.AnnotationRevision] = live.Origin, live.Revision
	if live.Own {
		annotations[object.AnnotationID] = live.Key.ID()
	}
	if live.Keep {
		annotations[object.AnnotationPrune] = object.PruneNever
	}
	return annotations, map[string]any{object.LabelApp: live.App}
}

// put sets values in a field of metadata, and takes out those that are nil.
func put(metadata map[string]any, field string, values map[string]any) {
	before, _ := metadata[field].(map[string]any)
	after := make(map[string]any, len(before)+len(values))
	maps.Copy(after, before)
	maps.Copy(after, values)
	maps.DeleteFunc(after, func(_ string, value any) bool { return value == nil })
	if metadata[field] = after; len(after) == 0 {
		delete(metadata, field)
	}
}
