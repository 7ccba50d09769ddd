// Package health judges whether a live object works.
//
// The judgement is a pure function of the object and the rule for its kind: the
// App's own, or a built-in one (rules/, one file for each API group). Where
// there is none it follows kstatus, the rules that the Kubernetes tools share,
// and adds what kstatus has no word for: suspension, and not knowing. An unknown
// health is said to be unknown, never healthy. docs/health.md tells it to people.
package health

import (
	"fmt"
	"strings"

	kstatus "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/status"
)

// Verdict is the health of one object, and why it isn't healthy.
type Verdict struct {
	Health  status.Health
	Message string
}

// byHabit judges an object as if nothing were known of its kind but what all
// controllers have in common, and of the kinds of Kubernetes what kstatus knows.
func byHabit(o *unstructured.Unstructured) Verdict {
	if suspended(o) {
		return Verdict{Health: status.Suspended}
	}
	result, err := kstatus.Compute(o)
	if err != nil {
		return Verdict{Health: status.HealthUnset, Message: fmt.Sprintf("its status can't be read: %v", err)}
	}
	switch result.Status {
	case kstatus.CurrentStatus:
		return Verdict{Health: status.Healthy}
	case kstatus.InProgressStatus:
		return Verdict{Health: status.Progressing, Message: result.Message}
	case kstatus.FailedStatus:
		return Verdict{Health: status.Degraded, Message: result.Message}
	case kstatus.TerminatingStatus:
		return DeletingAs(o)
	default:
		return Verdict{Health: status.HealthUnset, Message: result.Message}
	}
}

// Deleting is the verdict on an object whose deletion isn't through yet.
func Deleting() Verdict {
	return Verdict{Health: status.Progressing, Message: "is being deleted"}
}

// DeletingAs is Deleting, with what holds it up: finalizers, which somebody has
// to take away, or what a namespace still has.
func DeletingAs(o metav1.Object) Verdict {
	v := Deleting()
	if held := o.GetFinalizers(); len(held) > 0 {
		v.Message += "; held by the finalizer " + strings.Join(held, ", ")
	}
	if whole, ok := o.(*unstructured.Unstructured); ok && whole.GetKind() == "Namespace" {
		for _, why := range remaining(whole) {
			v.Message += "; " + why
		}
	}
	return v
}

// remaining is what a namespace's controller says of why it isn't gone.
func remaining(namespace *unstructured.Unstructured) (texts []string) {
	conditions, _, _ := unstructured.NestedSlice(namespace.Object, "status", "conditions")
	for _, one := range conditions {
		c, _ := one.(map[string]any)
		if message, _ := c["message"].(string); c["status"] == "True" && message != "" {
			texts = append(texts, message)
		}
	}
	return texts
}

// suspended tells what people stopped on purpose: a suspended CronJob or Job
// (and custom resources that follow their habit), a paused Deployment, a paused
// composite resource.
func suspended(o *unstructured.Unstructured) bool {
	if o.GetDeletionTimestamp() != nil {
		return false
	}
	field := "suspend"
	if o.GetKind() == "Deployment" {
		field = "paused"
	}
	stopped, _, _ := unstructured.NestedBool(o.Object, "spec", field)
	return stopped || o.GetAnnotations()["crossplane.io/paused"] == "true" // which is on kinds of anybody's own
}

// Enough says whether a health is as good as it gets. What isn't known to be
// wrong or to go on isn't waited for: nothing would tell when it is better.
func Enough(h status.Health) bool {
	return h == status.Healthy || h == status.Suspended || h == status.HealthUnset
}

// ByPresence says whether the objects of a kind are well once they are there:
// their content tells nothing of their health, so nobody should hold it in
// memory. Secrets are among them.
func ByPresence(gk schema.GroupKind) bool {
	switch gk.Group {
	case "":
		switch gk.Kind {
		case "Secret", "ConfigMap", "ServiceAccount", "LimitRange", "ResourceQuota", "Endpoints":
			return true
		}
	case "rbac.authorization.k8s.io", "admissionregistration.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "node.k8s.io",
		"discovery.k8s.io", "coordination.k8s.io":
		return true
	case "networking.k8s.io":
		return gk.Kind == "NetworkPolicy" || gk.Kind == "IngressClass"
	}
	return false
}

// Count tells how many objects have each health; it is an App's health in the
// making. The zero value is empty and ready for use.
type Count struct {
	n [5]int
}

// Add counts an object with this health, or with a negative n takes it back.
func (c *Count) Add(h status.Health, n int) { c.n[rank(h)] += n }

// Of is how many objects have this health.
func (c *Count) Of(h status.Health) int { return c.n[rank(h)] }

// Worst is the worst health that any object has; no object is healthy.
func (c *Count) Worst() status.Health {
	for i := len(order) - 1; i > 0; i-- {
		if c.n[i] > 0 {
			return order[i]
		}
	}
	return status.Healthy
}

// order is from best to worst. Unknown stands below Progressing: what can't be
// judged doesn't hide what is known to go on or to be broken.
var order = [...]status.Health{status.Healthy, status.Suspended, status.HealthUnset, status.Progressing, status.Degraded}

func rank(h status.Health) int {
	for i, o := range order {
		if o == h {
			return i
		}
	}
	return rank(status.HealthUnset)
}
