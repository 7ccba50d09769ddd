package replace

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
)

// Listed says whether an App's list of kinds has an object's.
func Listed(kinds []string, key object.Key) bool {
	for _, written := range kinds {
		kind, group, hasGroup := strings.Cut(written, ".")
		if kind == key.Kind && (!hasGroup || group == key.Group) && v1alpha1.Replaceable(key.Group, key.Kind) {
			return true
		}
	}
	return false
}

// Never says why objects of a kind are never replaced; empty where they may be.
func Never(key object.Key) string { return v1alpha1.NeverReplaced(key.Group, key.Kind) }

// Propagation is what becomes of what an object made. The pods of a StatefulSet
// stay, and the new one takes them over.
func Propagation(key object.Key) metav1.DeletionPropagation {
	if key.Group == "apps" && key.Kind == "StatefulSet" {
		return metav1.DeletePropagationOrphan
	}
	return metav1.DeletePropagationBackground
}

// What can be done about fields that can't be changed in place.
const (
	undo   = "undo the change in Git"
	allow  = `or let the object be deleted and made anew: the annotation plumb.dev/replace: allowed on it, or its kind in sync.replace of the App`
	beside = "or declare another object beside it, move over what it holds, and remove this one"
)

// Advice says what to do about an object that may not be replaced.
func Advice(key object.Key) string {
	if why := Never(key); why != "" {
		return fmt.Sprintf("a %s is never deleted for that, as %s: %s, %s", key.Kind, why, undo, beside)
	}
	if !v1alpha1.Replaceable(key.Group, key.Kind) {
		return undo + `, or let the object be deleted and made anew, if it holds nothing: the annotation plumb.dev/replace: allowed on it`
	}
	return undo + ", " + allow
}

// Passes says whether what the server says of a trial under another name is no
// mistake in the object: what is given once, such as an address, is taken by the
// one that is to be replaced.
func Passes(said metav1.Status) bool {
	if said.Reason != metav1.StatusReasonInvalid || said.Details == nil || len(said.Details.Causes) == 0 {
		return false
	}
	for _, cause := range said.Details.Causes {
		if !strings.Contains(cause.Message, "already allocated") {
			return false
		}
	}
	return true
}

// mostOfName is how long the name of a trial is: what every kind takes.
const mostOfName = 52

// TrialName is another name for an object, which is tried and never made.
func TrialName(name string) string {
	return strings.TrimRight(name[:min(len(name), mostOfName-len(trial))], "-.") + trial
}

const trial = "-plumb-try"
