package hooks

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

func TestMake(t *testing.T) {
	t.Parallel()
	h := Hook{Generated: true, Desired: plan.Desired{
		Key:  object.Key{Group: "batch", Kind: "Job", Namespace: "shop", Name: "migrate-0a1b2c3d"},
		Body: []byte(`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"migrate-0a1b2c3d","generateName":"migrate-","annotations":{"plumb.dev/id":"x","plumb.dev/root":"r"}},"spec":{"big":12345678901234567890}}`),
	}}
	first, err := h.Make("first", PreSync)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := h.Make("first", PreSync)
	second, _ := h.Make("second", PreSync)
	if first.Key != again.Key || first.Key == second.Key || !strings.HasPrefix(first.Key.Name, "migrate-") || len(first.Key.Name) != len("migrate-")+hashSize {
		t.Errorf("the names are %s, %s and %s", first.Key.Name, again.Key.Name, second.Key.Name)
	}
	var o unstructured.Unstructured
	if err := json.Unmarshal(first.Body, &o.Object); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"plumb.dev/root": "r", MarkRun: "first.pre-sync"}
	if diff := cmp.Diff(want, o.GetAnnotations()); diff != "" || o.GetName() != first.Key.Name || o.GetGenerateName() != "" {
		t.Errorf("it is marked otherwise (-want +got):\n%s%s", diff, first.Body)
	}
	if !strings.Contains(string(first.Body), "12345678901234567890") {
		t.Errorf("a large number came out otherwise: %s", first.Body)
	}
}

func TestRunOf(t *testing.T) {
	t.Parallel()
	conditions := func(kind, status string) map[string]any {
		return map[string]any{"conditions": []any{map[string]any{"type": kind, "status": status, "reason": "Why", "message": "because"}}}
	}
	for _, tc := range []struct {
		name   string
		gk     schema.GroupKind
		status map[string]any
		health status.Health
		want   plan.Run
	}{
		{"a Job that runs counts as healthy, and not as done", schema.GroupKind{Group: "batch", Kind: "Job"}, map[string]any{"active": int64(1)}, status.Healthy, plan.Run{}},
		{"a Job", schema.GroupKind{Group: "batch", Kind: "Job"}, conditions("Complete", "True"), status.Healthy, plan.Run{Ended: true}},
		{"a Job that failed", schema.GroupKind{Group: "batch", Kind: "Job"}, conditions("Failed", "True"), status.Degraded, plan.Run{Ended: true, Failed: true, Message: "Why: because"}},
		{"a Pod", schema.GroupKind{Kind: "Pod"}, map[string]any{"phase": "Running"}, status.Healthy, plan.Run{}},
		{"a Pod that ended", schema.GroupKind{Kind: "Pod"}, map[string]any{"phase": "Succeeded"}, status.Healthy, plan.Run{Ended: true}},
		{"a Pod that failed", schema.GroupKind{Kind: "Pod"}, map[string]any{"phase": "Failed"}, status.Degraded, plan.Run{Ended: true, Failed: true, Message: "its phase is Failed"}},
		{"a Workflow", schema.GroupKind{Group: "argoproj.io", Kind: "Workflow"}, map[string]any{"phase": "Error", "message": "no"}, status.HealthUnset, plan.Run{Ended: true, Failed: true, Message: "no"}},
		{"a PipelineRun", schema.GroupKind{Group: "tekton.dev", Kind: "PipelineRun"}, conditions("Succeeded", "Unknown"), status.Progressing, plan.Run{Message: "Why: because"}},
		{"a PipelineRun that failed", schema.GroupKind{Group: "tekton.dev", Kind: "PipelineRun"}, conditions("Succeeded", "False"), status.Degraded, plan.Run{Ended: true, Failed: true, Message: "Why: because"}},
		{"a volume that waits for its user", schema.GroupKind{Kind: "PersistentVolumeClaim"}, nil, status.Progressing, plan.Run{Ended: true}},
		{"a ConfigMap", schema.GroupKind{Kind: "ConfigMap"}, nil, status.Healthy, plan.Run{Ended: true}},
		{"a Deployment on its way", schema.GroupKind{Group: "apps", Kind: "Deployment"}, nil, status.Progressing, plan.Run{Message: "on its way"}},
		{"a Deployment that can't", schema.GroupKind{Group: "apps", Kind: "Deployment"}, nil, status.Degraded, plan.Run{Ended: true, Failed: true, Message: "on its way"}},
	} {
		o := made(tc.gk.Kind, "a", map[string]string{MarkRun: "t"})
		o.Object["status"] = tc.status
		tc.want.Token = "t"
		got := RunOf(tc.gk, o.Unstructured, health.Verdict{Health: tc.health, Message: "on its way"})
		if diff := cmp.Diff(&tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	if RunOf(schema.GroupKind{Kind: "Pod"}, made("Pod", "a", nil).Unstructured, health.Verdict{}) != nil {
		t.Error("an ordinary Pod counts as a run")
	}
	metadata := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{MarkRun: "t"}}}
	if r := RunOf(schema.GroupKind{Kind: "Secret"}, metadata, health.Verdict{Health: status.Healthy}); r == nil || !r.Ended {
		t.Errorf("a Secret that is there is %+v", r)
	}
}

func TestRemembered(t *testing.T) {
	t.Parallel()
	secret := hook("s", PreDelete)
	secret.Desired.Key.Kind = "Secret"
	marked := hook("m", PostDelete)
	marked.Desired.Body = []byte(`{"metadata":{"annotations":{"plumb.dev/sensitive":"/data/x"}}}`)
	all := []Hook{hook("a", PreSync), hook("b", PreDelete), secret, marked}
	m := Remembered(all, "d", v1alpha1.Target{Namespace: "shop"})
	if len(m.Deletion) != 1 || m.Deletion[0].Desired.Key.Name != "b" || m.Left != 2 || m.Done != "d" || m.Target.Namespace != "shop" {
		t.Errorf("%+v is remembered", m)
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back Memory
	if err := json.Unmarshal(text, &back); err != nil || !back.Same(m) || back.Same(Memory{}) {
		t.Errorf("it comes back as %+v (%v)", back, err)
	}
	if Digest(nil) != "" || Digest(all) != Digest(all[:1]) || Digest(all) == Digest([]Hook{hook("a", PostSync)}) {
		t.Error("the digest is of other things than what runs with releases, and when")
	}
}
