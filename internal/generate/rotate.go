package generate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"plumb.dev/plumb/internal/object"
)

// The bounds of the time between two rotations.
const (
	leastPeriod = time.Minute
	mostPeriod  = 10 * 365 * 24 * time.Hour
)

// ParsePeriod reads the annotation that says after what time values are made
// anew: a duration such as 720h, or days such as 30d.
func ParsePeriod(text string) (time.Duration, error) {
	period, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		period = time.Duration(min(max(n, 0), int(mostPeriod/time.Hour))) * 24 * time.Hour
	}
	if err != nil || period < leastPeriod || period > mostPeriod {
		return 0, fmt.Errorf("%s: %.40q is no time from %s to ten years, such as 720h or 30d", object.AnnotationRotate, text, leastPeriod)
	}
	return period, nil
}

// DueOf says by a live Secret's annotations when its values are to be made anew;
// zero is never.
func DueOf(annotations map[string]string) time.Time {
	text, asked := annotations[object.AnnotationRotate]
	if !asked || annotations[object.AnnotationGenerate] == "" {
		return time.Time{}
	}
	period, err := ParsePeriod(text)
	made, badTime := time.Parse(time.RFC3339, annotations[object.AnnotationGenerated])
	if err != nil || badTime != nil {
		return time.Time{}
	}
	return made.Add(period)
}

// RestartDue says by a live Secret's annotations since when those who use it are
// to be restarted; zero is that nobody is.
func RestartDue(annotations map[string]string) time.Time {
	if annotations[object.AnnotationGenerate] == "" {
		return time.Time{}
	}
	since, err := time.Parse(time.RFC3339Nano, annotations[object.AnnotationRestartDue])
	if err != nil {
		return time.Time{}
	}
	return since
}

// RestartMark is how a Secret says it.
func RestartMark(since time.Time) string { return since.UTC().Format(time.RFC3339Nano) }

// Restart is which workloads are restarted when values were made anew.
type Restart struct {
	Users bool         // all that use the Secret
	Named []object.Key // in the Secret's namespace
}

// ParseRestart reads the annotation that says so: true, or KIND/NAME with commas
// between them.
func ParseRestart(text string) (Restart, error) {
	var r Restart
	for one := range strings.SplitSeq(text, ",") {
		switch one = strings.TrimSpace(one); one {
		case "", "false":
		case "true":
			r.Users = true
		default:
			key, err := object.ParseKey(one)
			if err != nil || !HasPods(key) || key.Namespace != "" {
				return Restart{}, fmt.Errorf("%s: %.80q is neither true nor a Deployment/NAME, StatefulSet/NAME or DaemonSet/NAME", object.AnnotationRestart, one)
			}
			key.Group = "apps"
			r.Named = append(r.Named, key)
		}
	}
	return r, nil
}

// Any says whether some are.
func (r Restart) Any() bool { return r.Users || len(r.Named) > 0 }

// HasPods says whether an object makes pods that can be restarted.
func HasPods(key object.Key) bool {
	switch key.Kind {
	case "Deployment", "StatefulSet", "DaemonSet":
		return key.Group == "" || key.Group == "apps"
	}
	return false
}

// Uses says whether the pods of a workload read a Secret: by their environment,
// their volumes, or to pull images.
func Uses(workload map[string]any, secret string) bool {
	spec, _ := workload["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	return mentions(template["spec"], secret)
}

// mentions looks for a reference to a Secret, wherever a pod may have one.
func mentions(node any, secret string) bool {
	switch n := node.(type) {
	case []any:
		for _, e := range n {
			if mentions(e, secret) {
				return true
			}
		}
	case map[string]any:
		for field, inner := range n {
			if refersTo(field, inner, secret) || mentions(inner, secret) {
				return true
			}
		}
	}
	return false
}

// refersTo knows the fields of a pod that name a Secret.
func refersTo(field string, node any, secret string) bool {
	switch m := node.(type) {
	case map[string]any:
		switch field {
		case "secretRef", "secretKeyRef":
			return m["name"] == secret
		case "secret": // of a volume, or of a part of a projected one
			return m["secretName"] == secret || m["name"] == secret
		}
	case []any:
		if field != "imagePullSecrets" {
			return false
		}
		for _, e := range m {
			if of, ok := e.(map[string]any); ok && of["name"] == secret {
				return true
			}
		}
	}
	return false
}
