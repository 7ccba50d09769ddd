package replace

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/internal/object"
)

func invalid(causes ...string) metav1.Status {
	s := metav1.Status{Reason: metav1.StatusReasonInvalid, Details: &metav1.StatusDetails{}}
	for i := 0; i+1 < len(causes); i += 2 {
		s.Details.Causes = append(s.Details.Causes, metav1.StatusCause{Field: causes[i], Message: causes[i+1]})
	}
	return s
}

// The messages are those of a 1.36 API server.
func TestFixedBy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		said      metav1.Status
		has, hasn string // a path that is meant, and one that isn't
	}{
		"a selector": {invalid("spec.selector", `Invalid value: {"matchLabels":{"a":"c"}}: field is immutable`), "spec.selector.matchLabels.a", "spec.template"},
		"a Job":      {invalid("spec.template", `Invalid value: {}: field is immutable`), `spec.template.spec.containers[name="c"].env`, "spec.suspend"},
		"a StatefulSet": {invalid("spec", `Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', `+
			`'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden`), "spec.volumeClaimTemplates", "spec.template.spec.containers"},
		"a Service": {invalid("spec.clusterIPs[0]", `Invalid value: ["None"]: may not change once set`), "spec.clusterIP", "spec.ports"},
		"a binding": {invalid("roleRef", `Invalid value: {}: cannot change roleRef`), "roleRef.name", "subjects"},
		"a claim":   {invalid("spec", `Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims`), "spec.accessModes", "metadata"},
		"a Secret":  {invalid("data", "Forbidden: field is immutable when `immutable` is set"), "data.a", "type"},
		"a class":   {invalid("provisioner", `Forbidden: updates to provisioner are forbidden.`), "provisioner", "parameters"},
	} {
		f := FixedBy(tc.said)
		if !f.Any() || !f.Has(tc.has) || f.Has(tc.hasn) {
			t.Errorf("%s: %v: %s is %v, %s is %v", name, f, tc.has, f.Has(tc.has), tc.hasn, f.Has(tc.hasn))
		}
	}
	for name, said := range map[string]metav1.Status{
		"a mistake":           invalid("spec.replicas", "Invalid value: -1: must be greater than or equal to 0"),
		"a mistake beside it": invalid("spec.selector", "Invalid value: field is immutable", "spec.replicas", "Invalid value: -1: must be greater than or equal to 0"),
		"no details":          {Reason: metav1.StatusReasonInvalid},
		"a conflict":          {Reason: metav1.StatusReasonConflict, Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Message: "immutable"}}}},
	} {
		if f := FixedBy(said); f.Any() {
			t.Errorf("%s: %v", name, f)
		}
	}
}

func TestListed(t *testing.T) {
	t.Parallel()
	kinds := []string{"Job", "Deployment.apps", "Cluster.postgresql.cnpg.io", "PersistentVolumeClaim"}
	for key, want := range map[object.Key]bool{
		{Group: "batch", Kind: "Job"}: true, {Group: "apps", Kind: "Deployment"}: true, {Group: "example.com", Kind: "Job"}: false,
		{Group: "postgresql.cnpg.io", Kind: "Cluster"}: false, {Kind: "PersistentVolumeClaim"}: false, {Kind: "Service"}: false,
	} {
		if got := Listed(kinds, key); got != want {
			t.Errorf("%v: %v", key, got)
		}
	}
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	for kind, want := range map[object.Key]string{
		{Kind: "PersistentVolumeClaim"}:                "holds data",
		{Kind: "Namespace"}:                            "all that is in it",
		{Group: "apps", Kind: "Deployment"}:            "sync.replace",
		{Group: "postgresql.cnpg.io", Kind: "Cluster"}: "if it holds nothing",
	} {
		if got := Advice(kind); !strings.Contains(got, want) || strings.Contains(got, "sync.replace") != (kind.Kind == "Deployment") {
			t.Errorf("%s: %s", kind.Kind, got)
		}
	}
}

func TestTrialName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"web", strings.Repeat("a", 253), strings.Repeat("a", 40) + "-" + strings.Repeat("b", 60)} {
		if got := TrialName(name); len(got) > mostOfName || got == name || strings.Contains(got, "--") {
			t.Errorf("%s is tried as %s", name, got)
		}
	}
}

func TestPasses(t *testing.T) {
	t.Parallel()
	if !Passes(invalid("spec.clusterIPs", "Invalid value: [10.0.0.1]: failed to allocate IP 10.0.0.1: provided IP is already allocated")) {
		t.Error("an address that the old one has keeps it from being replaced")
	}
	if Passes(invalid("spec.ports[0].port", "Invalid value: 0")) || Passes(invalid()) {
		t.Error("a mistake passes")
	}
}
