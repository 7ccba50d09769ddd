package pipeline

import (
	"fmt"
	"slices"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// Stays says which guard keeps a live object of an App from being pruned,
// though it is not among what the App declares; empty is none. The target knows
// of more guards when it is asked.
func Stays(app v1alpha1.App, desired []plan.Desired, live plan.Live) string {
	sync := app.Spec.Sync
	namespaces := slices.ContainsFunc(desired, func(d plan.Desired) bool { return plan.StageOf(d.Key) == plan.StageNamespace })
	switch {
	case live.Keep:
		return fmt.Sprintf("is no longer declared, and stays: %s is %s", object.AnnotationPrune, object.PruneNever)
	case sync.Prune != nil && !*sync.Prune:
		return "is no longer declared, and stays: nothing of the App is pruned (sync.prune)"
	case len(desired) == 0 && !sync.AllowEmpty:
		return "stays: the App declares no object at all, which is more often a mistake than meant; set sync.allowEmpty, or remove the App"
	case plan.StageOf(live.Key) == plan.StageNamespace && !namespaces && !sync.AllowEmpty:
		return "stays: it is among the App's last namespaces, and all that is in it would go with it; set sync.allowEmpty, or delete it by hand"
	}
	return ""
}
