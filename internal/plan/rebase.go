package plan

import (
	"bytes"
	"encoding/json"
	"fmt"

	"plumb.dev/plumb/internal/object"
)

// At is the object marked with the commit that gave it its content. An object
// that is only put right keeps the commit that it was last changed with.
func (d Desired) At(revision string) (Desired, error) {
	if revision == "" || revision == d.Revision {
		return d, nil
	}
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
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		return d, fmt.Errorf("%s has no annotations", d.Key)
	}
	annotations[object.AnnotationRevision] = revision
	body, err := json.Marshal(o)
	if err != nil {
		return d, fmt.Errorf("%s can't be written as JSON: %w", d.Key, err)
	}
	d.Body, d.Revision = body, revision
	return d, nil
}
