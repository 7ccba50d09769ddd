// Package health judges whether a live object works.
//
// The judgement is a pure function of the object. It follows kstatus, the rules
// that the Kubernetes tools share, and adds what kstatus has no word for:
// suspension. An unknown health is said to be unknown, never healthy.
package health

import (
	"fmt"

	kstatus "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/status"
)

// Verdict is the health of one object, and why it isn't healthy.
type Verdict struct {
	Health  status.Health
	Message string
}

// Of judges a whole object.
func Of(o *unstructured.Unstructured) Verdict {
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
		return Deleting()
	default:
		return Verdict{Health: status.HealthUnset, Message: result.Message}
	}
}

// Deleting is the verdict on an object whose deletion isn't through yet.
func Deleting() Verdict {
	return Verdict{Health: status.Progressing, Message: "is being deleted"}
}

// suspended tells what people stopped on purpose: a suspended CronJob or Job
// (and custom resources that follow their habit), a paused Deployment.
func suspended(o *unstructured.Unstructured) bool {
	if o.GetDeletionTimestamp() != nil {
		return false
	}
	field := "suspend"
	if o.GetKind() == "Deployment" {
		field = "paused"
	}
	stopped, _, _ := unstructured.NestedBool(o.Object, "spec", field)
	return stopped
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
