package hooks

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"
	"strings"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// Memory is what outlives a restart of an App's hooks.
type Memory struct {
	// Done is the Digest of the hooks that ran with a release that succeeded.
	Done string `json:"done,omitempty"`
	// Deletion are those that run when the App is removed: then nothing declares
	// them any more.
	Deletion []Hook `json:"deletion,omitempty"`
	// Target is where and in whose name they run.
	Target v1alpha1.Target `json:"target,omitzero"`
	// Left counts the hooks for deletion that can't be kept: they hold secrets.
	Left int `json:"left,omitempty"`
}

// mostKept bounds what is kept of an App's hooks.
const mostKept = 256 << 10

// Remembered is what is to be kept of an App's hooks for the day that it is
// removed. What holds secrets is written to no file.
func Remembered(all []Hook, done string, in v1alpha1.Target) Memory {
	m := Memory{Done: done}
	size := 0
	for _, h := range all {
		if !h.ForDeletion() {
			continue
		}
		size += len(h.Desired.Body)
		if size > mostKept || h.secret() {
			m.Left++
			continue
		}
		m.Deletion, m.Target = append(m.Deletion, h), in
	}
	return m
}

// secret says whether the object holds what must be written to no file.
func (h Hook) secret() bool {
	key := h.Desired.Key
	return key.Group == "" && key.Kind == "Secret" || strings.Contains(string(h.Desired.Body), object.AnnotationSensitive)
}

// Same says whether two memories are the same.
func (m Memory) Same(other Memory) bool {
	return m.Done == other.Done && m.Left == other.Left && reflect.DeepEqual(m.Target, other.Target) && slices.EqualFunc(m.Deletion, other.Deletion, func(a, b Hook) bool {
		return a.Desired.Digest == b.Desired.Digest && a.Desired.Key == b.Desired.Key && slices.Equal(a.Events, b.Events) && a.Weight == b.Weight
	})
}

// Content names all that an App declares, hooks included.
func Content(desired []plan.Desired, all []Hook) string {
	parts := make([]string, 0, len(desired)+1)
	for _, d := range desired {
		parts = append(parts, d.Key.ID()+" "+d.Digest)
	}
	slices.Sort(parts)
	sum := sha256.Sum256([]byte(strings.Join(append(parts, Digest(all)), "\n")))
	const size = 16
	return hex.EncodeToString(sum[:size])
}
