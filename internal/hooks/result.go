package hooks

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// RunOf is how a live object stands as a hook's run; nil where it is none. What
// runs to an end is judged by that, all else by its health.
func RunOf(gk schema.GroupKind, o metav1.Object, v health.Verdict) *plan.Run {
	token := o.GetAnnotations()[MarkRun]
	if token == "" {
		return nil
	}
	var content map[string]any
	if whole, ok := o.(*unstructured.Unstructured); ok {
		content = whole.Object
	}
	var r plan.Run
	switch gk {
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		r = byConditions(content)
	case schema.GroupKind{Group: "tekton.dev", Kind: "PipelineRun"}, schema.GroupKind{Group: "tekton.dev", Kind: "TaskRun"}:
		r = byCondition(content)
	case schema.GroupKind{Kind: "Pod"}, schema.GroupKind{Group: "argoproj.io", Kind: "Workflow"}:
		r = byPhase(content)
	case schema.GroupKind{Kind: "PersistentVolumeClaim"}:
		r = plan.Run{Ended: true} // it may wait for who uses it
	default:
		r = byHealth(v)
	}
	r.Token = token
	return &r
}

// byHealth takes what is healthy for done, and what nobody can judge.
func byHealth(v health.Verdict) plan.Run {
	switch v.Health {
	case status.Healthy, status.Suspended, status.HealthUnset:
		return plan.Run{Ended: true}
	case status.Degraded:
		return plan.Run{Ended: true, Failed: true, Message: v.Message}
	}
	return plan.Run{Message: v.Message}
}

// byPhase judges a Pod, and a Workflow of Argo.
func byPhase(o map[string]any) plan.Run {
	phase, _, _ := unstructured.NestedString(o, "status", "phase")
	message, _, _ := unstructured.NestedString(o, "status", "message")
	switch phase {
	case "Succeeded":
		return plan.Run{Ended: true}
	case "Failed", "Error":
		return plan.Run{Ended: true, Failed: true, Message: cmp.Or(message, "its phase is "+phase)}
	}
	return plan.Run{Message: message}
}

// byConditions judges a Job.
func byConditions(o map[string]any) plan.Run {
	if c := condition(o, "Failed"); c["status"] == "True" {
		return plan.Run{Ended: true, Failed: true, Message: messageOf(c)}
	}
	return plan.Run{Ended: condition(o, "Complete")["status"] == "True"}
}

// byCondition judges what Tekton runs.
func byCondition(o map[string]any) plan.Run {
	c := condition(o, "Succeeded")
	return plan.Run{Ended: c["status"] == "True" || c["status"] == "False", Failed: c["status"] == "False", Message: messageOf(c)}
}

// condition is one condition of a status; nil where there is none.
func condition(o map[string]any, kind string) map[string]any {
	list, _, _ := unstructured.NestedSlice(o, "status", "conditions")
	for _, one := range list {
		if c, ok := one.(map[string]any); ok && c["type"] == kind {
			return c
		}
	}
	return nil
}

func messageOf(condition map[string]any) string {
	reason, _ := condition["reason"].(string)
	message, _ := condition["message"].(string)
	if reason != "" && message != "" {
		return reason + ": " + message
	}
	return cmp.Or(message, reason)
}
