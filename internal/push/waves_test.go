package push_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/internal/push"
	"plumb.dev/plumb/internal/release"
)

// noted is a manifest with annotations.
func noted(manifest, annotations string) string {
	return strings.Replace(manifest, "metadata: {", "metadata: {annotations: {"+annotations+"}, ", 1)
}

// job succeeds on a simulated node, or asks for a node that there isn't and gives up.
func job(name, annotations string, succeeds bool) string {
	spec := ""
	if !succeeds {
		spec = "nodeSelector: {there: isnt}, "
	}
	return fmt.Sprintf(`apiVersion: batch/v1
kind: Job
metadata: {name: %s, annotations: {%s}}
spec: {activeDeadlineSeconds: %d, template: {spec: {%srestartPolicy: Never, containers: [{name: main, image: "example.com/main:1"}]}}}
---
`, name, annotations, map[bool]int{true: 60, false: 1}[succeeds], spec)
}

func TestHooksAndWaves(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.files["shop/all.yaml"] = job("pre", "plumb.dev/hook: pre-sync", true) + job("mid", `argocd.argoproj.io/hook: Sync, argocd.argoproj.io/sync-wave: "1"`, true) +
		job("post", "helm.sh/hook: post-install", true) + job("later", "helm.sh/hook: post-upgrade", true) + job("sorry", "plumb.dev/hook: sync-fail", true) +
		noted(deployment("db", true), `plumb.dev/wave: "-1"`) + configMap("a", "1") + noted(configMap("b", "1"), `plumb.dev/wave: "2"`)
	var order []string
	s.told = func(n push.News) {
		if n.State != push.Waiting && n.State != push.Healthy {
			order = append(order, n.Key.Name)
		}
	}
	s.pushed("3 to create, 3 hooks to run", "Deployment/db created", "?Deployment/db healthy", "ConfigMap/a created", "ConfigMap/b created",
		"Job/pre ran", "Job/mid ran", "Job/post ran", "Succeeded")
	if want := []string{"pre", "db", "a", "mid", "b", "post"}; !slices.Equal(order, want) {
		t.Errorf("it went %v, not %v", order, want)
	}
	s.pushed("Succeeded")
	s.files["shop/all.yaml"] = strings.Replace(s.files["shop/all.yaml"], `{x: "1"}`, `{x: "2"}`, 1)
	s.pushed("1 to update, 3 hooks to run, 2 in line", "ConfigMap/a updated", "Job/pre ran", "Job/mid ran", "Job/later ran", "Succeeded")
	r := s.records.kept[len(s.records.kept)-1]
	if len(r.Hooks) != 3 || r.Occasion != release.Upgrade || r.Hooks[0].Ended.IsZero() {
		t.Errorf("on record is %+v", r)
	}
}

func TestAWaveThatIsNotHealthyStopsAPush(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.subject.App.Spec.Health.Timeout = metav1.Duration{Duration: 2 * time.Second}
	s.files["shop/all.yaml"] = noted(deployment("db", false), `plumb.dev/wave: "-1"`) + configMap("a", "1") + job("sorry", "plumb.dev/hook: sync-fail", true)
	got, err := s.apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if last := got[len(got)-1]; !strings.HasPrefix(last, "Failed not healthy 2s after it was applied: Deployment/NS/db") || !slices.Contains(got, "Job/sorry ran") {
		t.Errorf("it said %v", got)
	}
	if s.value("a") != "none" {
		t.Error("it went on")
	}
}

func TestAHookThatFailsStopsAPush(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.files["shop/all.yaml"] = job("pre", "plumb.dev/hook: pre-sync", false) + configMap("a", "1")
	got, err := s.apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if last := got[len(got)-1]; !strings.Contains(last, "Failed the pre-sync hook Job/NS/pre failed: DeadlineExceeded") || s.value("a") != "none" {
		t.Errorf("it said %v, and a is %s", got, s.value("a"))
	}
}
