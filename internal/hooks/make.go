package hooks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// Key is the object that the hook makes in a release.
func (h Hook) Key(token string) object.Key {
	key := h.Desired.Key
	if h.Generated && token != "" {
		sum := sha256.Sum256([]byte(key.ID() + " " + token))
		key.Name = key.Name[:max(0, len(key.Name)-hashSize)] + hex.EncodeToString(sum[:])[:hashSize]
	}
	return key
}

// Mark is what the object of a hook carries: of which release and phase it is.
func Mark(token, phase string) string { return token + "." + phase }

// Make is the object that the hook makes in a release, marked as such. It
// carries the App's label, so that it is watched, and not its own identity, so
// that it never counts as left over.
func (h Hook) Make(token string, at Phase) (plan.Desired, error) {
	d := h.Desired
	d.Key = h.Key(token)
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
	annotations, _ := metadata["annotations"].(map[string]any)
	if annotations == nil {
		annotations = map[string]any{}
		metadata["annotations"] = annotations
	}
	for _, mark := range []string{object.AnnotationID, object.AnnotationDigest, object.AnnotationPrune} {
		delete(annotations, mark)
	}
	annotations[MarkRun] = Mark(token, string(at))
	metadata["name"] = d.Key.Name
	delete(metadata, "generateName")
	body, err := json.Marshal(o)
	if err != nil {
		return d, fmt.Errorf("%s can't be written as JSON: %w", d.Key, err)
	}
	d.Body = body
	return d, nil
}

// Digest is of all hooks of releases and how they run; empty without any. When
// it changes, they are due though no other object is to be changed.
func Digest(all []Hook) string {
	var parts []string
	for _, phase := range []Phase{PreSync, Sync, PostSync} {
		for _, h := range all {
			for _, e := range h.Events {
				if e.Phase == phase {
					parts = append(parts, fmt.Sprint(e, " ", h.Weight, " ", h.Desired.Wave, " ", h.Desired.Key.ID(), " ", h.Desired.Digest))
				}
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	const size = 16
	return hex.EncodeToString(sum[:size])
}
