package deliver_test

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// job is a hook that ends by itself: simulated nodes let the pods of Jobs succeed.
func job(name, annotations string) string {
	return fmt.Sprintf(`apiVersion: batch/v1
kind: Job
metadata: {name: %s, annotations: {%s}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: example.com/%[1]s}]}}}
`, name, annotations)
}

// pod is a hook, or an object, that runs until the test ends it: no node takes it.
func pod(name, annotations string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata: {name: %s, annotations: {%s}}
spec: {restartPolicy: Never, nodeSelector: {nowhere: "true"}, containers: [{name: main, image: example.com/%[1]s}]}
`, name, annotations)
}

func (f *fleet) of(resource string) dynamic.ResourceInterface {
	gvr := schema.GroupVersionResource{Version: "v1", Resource: resource}
	if resource == "jobs" {
		gvr.Group = "batch"
	}
	return f.live.Resource(gvr).Namespace(f.namespace)
}

// untilMade waits for an object, and returns it.
func (f *fleet) untilMade(resource, name string) *unstructured.Unstructured {
	f.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		u, err := f.of(resource).Get(f.t.Context(), name, metav1.GetOptions{})
		if err == nil {
			return u
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s %s never came: %v; the Apps stand as %+v", resource, name, err, f.Apps())
		}
	}
}

func (f *fleet) there(resource, name string) bool {
	_, err := f.of(resource).Get(f.t.Context(), name, metav1.GetOptions{})
	return err == nil
}

// end ends a pod that no node runs.
func (f *fleet) end(name, phase string) {
	f.t.Helper()
	f.untilMade("pods", name)
	patch := fmt.Sprintf(`{"status":{"phase":%q,"message":"the test says so"}}`, phase)
	if _, err := f.of("pods").Patch(f.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status"); err != nil {
		f.t.Fatal(err)
	}
}

// ended waits for an App's nth release to have ended so.
func (f *fleet) ended(name string, n int, outcome release.Outcome) release.Release {
	f.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		list := f.releases(name)
		if len(list) == n && list[n-1].Outcome == outcome && !list[n-1].Finished.IsZero() {
			return list[n-1]
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("want %d releases, the last one %s: %+v; the Apps stand as %+v", n, outcome, list, f.Apps())
		}
		f.tick()
	}
}

// told is what is recorded of a release's hooks.
func told(r release.Release) string {
	var parts []string
	for _, h := range r.Hooks {
		parts = append(parts, fmt.Sprintf("%s %s/%s %s", h.Phase, h.Object.Kind, h.Object.Name, h.State))
	}
	return strings.Join(parts, ", ")
}

func TestHooksRunOnceAroundARelease(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	first := f.commit(map[string]string{
		"one/a.yaml":       paint("a", "blue"),
		"one/pre.yaml":     pod("pre", `plumb.dev/hook: pre-sync`),
		"one/post.yaml":    job("post", `argocd.argoproj.io/hook: PostSync`),
		"one/install.yaml": job("install", `"helm.sh/hook": "pre-install"`), "one/upgrade.yaml": job("upgrade", `"helm.sh/hook": "post-upgrade"`),
	})
	pre := f.untilMade("pods", "pre")
	f.until("one", "waiting for its hook", func(s status.App) bool {
		return strings.Contains(s.Message, "the pre-sync hook Pod/"+f.namespace+"/pre runs")
	})
	if _, there := f.color("a"); there || f.there("jobs", "post") {
		t.Fatal("something was applied before the hook had ended")
	}
	f.end("pre", "Succeeded")
	f.synced("one", first)
	r := f.ended("one", 1, release.Succeeded)
	if want := "pre-sync Job/install Succeeded, pre-sync Pod/pre Succeeded, post-sync Job/post Succeeded"; sorted(told(r)) != sorted(want) || r.Occasion != release.Install {
		t.Fatalf("the hooks of an %s were: %s", r.Occasion, told(r))
	}

	if _, err := f.maps().Patch(t.Context(), "a", types.MergePatchType, []byte(`{"data":{"color":"mine"}}`), metav1.PatchOptions{FieldManager: "me"}); err != nil {
		t.Fatal(err)
	}
	f.untilColor("a", "blue")
	corrected := f.ended("one", 2, release.Succeeded)
	if !corrected.Corrective() || len(corrected.Hooks) > 0 || f.untilMade("pods", "pre").GetUID() != pre.GetUID() {
		t.Errorf("drift ran hooks: %+v", corrected)
	}

	second := f.commit(map[string]string{"one/a.yaml": paint("a", "red")})
	for f.untilMade("pods", "pre").GetUID() == pre.GetUID() {
		f.tick()
	}
	f.end("pre", "Succeeded")
	f.synced("one", second)
	r = f.ended("one", 3, release.Succeeded)
	if want := "pre-sync Pod/pre Succeeded, post-sync Job/post Succeeded, post-sync Job/upgrade Succeeded"; sorted(told(r)) != sorted(want) || r.Occasion != release.Upgrade {
		t.Errorf("the hooks of an %s were: %s", r.Occasion, told(r))
	}

	f.stop()
	f.start()
	f.declare(true, f.app("one"))
	f.tell(1)
	f.synced("one", second)
	if list := f.releases("one"); len(list) != 3 {
		t.Errorf("a restart made releases: %+v", list)
	}
	third := f.commit(map[string]string{"one/post.yaml": job("post", `argocd.argoproj.io/hook: PostSync, plumb.dev/note: changed`)})
	for f.untilMade("pods", "pre").GetUID() == pre.GetUID() {
		f.tick()
	}
	f.untilPhase("pre", "Pending")
	f.end("pre", "Succeeded")
	f.synced("one", third)
	if r := f.ended("one", 4, release.Succeeded); len(r.Changes) > 0 || len(r.Hooks) != 3 {
		t.Errorf("a changed hook came to %+v", r)
	}
}

func (f *fleet) untilPhase(name, phase string) {
	f.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		if got, _, _ := unstructured.NestedString(f.untilMade("pods", name).Object, "status", "phase"); got == phase {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("pod %s never came to be %s: %+v", name, phase, f.Apps())
		}
	}
}

// sorted is a list as text, whatever its order.
func sorted(list string) string {
	parts := strings.Split(list, ", ")
	for i := range parts {
		for j := i + 1; j < len(parts); j++ {
			if parts[j] < parts[i] {
				parts[i], parts[j] = parts[j], parts[i]
			}
		}
	}
	return strings.Join(parts, ", ")
}

func TestAHookThatFailsStopsItsRelease(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.commit(map[string]string{
		"one/a.yaml": paint("a", "blue"), "one/pre.yaml": pod("pre", `plumb.dev/hook: pre-sync, plumb.dev/hook-delete: "before-creation,failed"`),
		"one/post.yaml": job("post", `plumb.dev/hook: post-sync`), "one/sorry.yaml": job("sorry", `plumb.dev/hook: sync-fail`),
	})
	f.end("pre", "Failed")
	r := f.ended("one", 1, release.Failed)
	if want := "pre-sync Pod/pre Failed, sync-fail Job/sorry Succeeded"; told(r) != want || !strings.Contains(r.Reason, "the test says so") {
		t.Fatalf("%s: %s", told(r), r.Reason)
	}
	s := f.until("one", "held", func(s status.App) bool { return s.Hold != nil })
	if _, there := f.color("a"); there || f.there("jobs", "post") || !strings.Contains(s.Message, "plumb sync") {
		t.Errorf("it went on, or doesn't say what to do: %s", s.Message)
	}
	f.stop()
	f.start()
	f.declare(true, f.app("one"))
	f.tell(0)
	f.until("one", "held after a restart", func(s status.App) bool { return s.Hold != nil })
	if list := f.releases("one"); len(list) != 1 {
		t.Fatalf("a restart tried it again: %+v", list)
	}
	if err := f.Sync(t.Context(), f.namespace+"/one", "ada"); err != nil {
		t.Fatal(err)
	}
	f.untilPhase("pre", "Pending")
	f.end("pre", "Failed")
	f.ended("one", 2, release.Failed)
	fixed := f.commit(map[string]string{"one/pre.yaml": job("pre", `plumb.dev/hook: pre-sync`)})
	f.synced("one", fixed)
	if r := f.ended("one", 3, release.Succeeded); told(r) != "pre-sync Job/pre Succeeded, post-sync Job/post Succeeded" {
		t.Errorf("the hooks were: %s", told(r))
	}
}

func TestAKillNeitherLosesNorDoublesAHook(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	commit := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/pre.yaml": pod("pre", `plumb.dev/hook: pre-sync`)})
	pre := f.untilMade("pods", "pre")
	for n := range 3 {
		f.stop()
		if n == 2 { // it ends while nobody looks
			f.end("pre", "Succeeded")
		}
		f.start()
		f.declare(true, f.app("one"))
		f.tell(0)
		if n < 2 {
			f.until("one", "waiting for its hook", func(s status.App) bool { return strings.Contains(s.Message, "the pre-sync hook") })
		}
	}
	f.synced("one", commit)
	if r := f.ended("one", 1, release.Succeeded); told(r) != "pre-sync Pod/pre Succeeded" || r.Hooks[0].UID != string(pre.GetUID()) {
		t.Errorf("the hooks were: %s (%s, and %s at first)", told(r), r.Hooks[0].UID, pre.GetUID())
	}
}

func TestWavesWaitForHealth(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	commit := f.commit(map[string]string{
		"one/db.yaml": pod("db", `plumb.dev/wave: "-1"`), "one/a.yaml": paint("a", "blue"),
		"one/late.yaml":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late, annotations: {argocd.argoproj.io/sync-wave: \"5\"}}\ndata: {color: green}\n",
		"one/migrate.yaml": pod("migrate", `argocd.argoproj.io/hook: Sync, argocd.argoproj.io/sync-wave: "1"`),
	})
	f.untilMade("pods", "db")
	f.until("one", "waiting for wave -1", func(s status.App) bool {
		return strings.Contains(s.Message, "2 objects wait for wave -1: Pod/"+f.namespace+"/db")
	})
	if _, there := f.color("a"); there {
		t.Fatal("wave 0 was applied before wave -1 was healthy")
	}
	f.end("db", "Succeeded")
	f.untilColor("a", "blue")
	f.untilMade("pods", "migrate")
	f.until("one", "waiting for the hook", func(s status.App) bool {
		return strings.Contains(s.Message, "the sync hook Pod/"+f.namespace+"/migrate runs")
	})
	if _, there := f.color("late"); there {
		t.Fatal("wave 5 was applied before the hook of wave 1 had ended")
	}
	f.end("migrate", "Succeeded")
	f.untilColor("late", "green")
	f.synced("one", commit)
	if r := f.ended("one", 1, release.Succeeded); len(r.Changes) != 3 || told(r) != "sync Pod/migrate Succeeded" {
		t.Errorf("the release is %+v", r)
	}
}

func TestAWaveThatIsNeverHealthyFailsTheRelease(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	app := f.app("one", func(a *v1alpha1.App) { a.Spec.Health.Timeout.Duration = brief })
	f.declare(true, app)
	f.commit(map[string]string{"one/db.yaml": pod("db", `plumb.dev/wave: "-1"`), "one/a.yaml": paint("a", "blue"), "one/sorry.yaml": strings.Replace(job("sorry", "plumb.dev/hook: sync-fail"), "spec: {", "spec: {activeDeadlineSeconds: 120, ", 1)})
	r := f.ended("one", 1, release.Failed)
	if !strings.Contains(r.Reason, "Pod/"+f.namespace+"/db") || told(r) != "sync-fail Job/sorry Succeeded" {
		t.Errorf("%s: %s", told(r), r.Reason)
	}
	f.end("db", "Succeeded")
	f.until("one", "held", func(s status.App) bool { return s.Hold != nil && s.Health == status.Progressing })
	if _, there := f.color("a"); there {
		t.Error("what had failed went on by itself")
	}
	if err := f.Sync(t.Context(), app.App.ID(), "ada"); err != nil {
		t.Fatal(err)
	}
	f.untilColor("a", "blue")
	f.ended("one", 2, release.Succeeded)
}

func TestHooksRunWhenAnAppGoes(t *testing.T) {
	t.Parallel()
	for _, restarted := range []bool{false, true} {
		f := newFleet(t)
		f.declare(true, f.app("one"), f.app("two"))
		commit := f.commit(map[string]string{
			"one/a.yaml": paint("a", "blue"), "two/b.yaml": paint("b", "blue"),
			"one/bye.yaml":  pod("bye", `plumb.dev/hook: pre-delete`),
			"one/gone.yaml": pod("gone", `"helm.sh/hook": post-delete`),
		})
		f.synced("one", commit)
		f.synced("two", commit)
		f.ended("one", 1, release.Succeeded)
		if restarted {
			f.stop()
			f.start()
		}
		f.declare(true, f.app("two"))
		f.tell(0)
		f.untilMade("pods", "bye")
		if restarted {
			f.stop()
			f.start()
			f.declare(true, f.app("two"))
			f.tell(0)
			f.synced("two", commit)
		}
		if _, there := f.color("a"); !there || f.there("pods", "gone") {
			t.Fatal("the App went before its hook had ended")
		}
		f.end("bye", "Succeeded")
		f.untilColor("a", "")
		if restarted {
			f.untilMade("pods", "gone")
			f.stop()
			f.start()
			f.declare(true, f.app("two"))
			f.tell(0)
			f.synced("two", commit)
		}
		f.end("gone", "Succeeded")
		r := f.ended("one", 2, release.Succeeded)
		if told(r) != "pre-delete Pod/bye Succeeded, post-delete Pod/gone Succeeded" || r.Trigger != release.TriggerRemoval {
			t.Errorf("the hooks were: %s", told(r))
		}
		f.stop()
	}
}

func TestGatesHoldHooks(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", func(a *v1alpha1.App) { a.Spec.Sync.Mode = v1alpha1.SyncApprove }))
	f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/pre.yaml": job("pre", `plumb.dev/hook: pre-sync`), "one/post.yaml": job("post", `plumb.dev/hook: post-sync`)})
	approve := func() {
		t.Helper()
		s := f.until("one", "waiting for approval", func(s status.App) bool { return s.Plan != nil && !s.Plan.Stale && s.Hold != nil })
		if f.there("jobs", "pre") && len(f.releases("one")) == 0 {
			t.Fatal("a hook ran before anyone approved")
		}
		if !strings.Contains(s.Plan.Summary, "2 hooks to run") {
			t.Fatalf("the plan has %s", s.Plan.Summary)
		}
		if _, err := f.Approve(t.Context(), gate.Approval{App: f.namespace + "/one", Plan: s.Plan.Hash, By: "grace"}); err != nil {
			t.Fatal(err)
		}
	}
	approve()
	if r := f.ended("one", 1, release.Succeeded); told(r) != "pre-sync Job/pre Succeeded, post-sync Job/post Succeeded" || r.ApprovedBy != "grace" {
		t.Fatalf("%s, approved by %q", told(r), r.ApprovedBy)
	}
	f.commit(map[string]string{"one/post.yaml": job("post", `plumb.dev/hook: post-sync, plumb.dev/note: changed`)})
	approve()
	if r := f.ended("one", 2, release.Succeeded); told(r) != "pre-sync Job/pre Succeeded, post-sync Job/post Succeeded" || len(r.Changes) > 0 || r.ApprovedBy != "grace" {
		t.Fatalf("%s, approved by %q: %+v", told(r), r.ApprovedBy, r.Changes)
	}
	f.until("one", "in line", func(s status.App) bool { return s.Plan == nil && s.Sync == status.Synced && s.Hold == nil })
}

func TestAPauseHoldsTheHooksOfAReleaseUnderWay(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	commit := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/pre.yaml": pod("pre", `plumb.dev/hook: pre-sync`), "one/post.yaml": job("post", `plumb.dev/hook: post-sync`)})
	f.untilMade("pods", "pre")
	id := f.namespace + "/one"
	if _, err := f.Pause(t.Context(), gate.Pause{App: id, By: "ada", Reason: "a look", Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	f.end("pre", "Succeeded")
	for deadline := time.Now().Add(patience); f.releases("one")[0].Hooks[0].State != release.HookSucceeded; {
		if time.Now().After(deadline) {
			t.Fatalf("how it ended was not taken in: %+v", f.releases("one"))
		}
	}
	if _, there := f.color("a"); there || f.there("jobs", "post") {
		t.Fatal("it went on in a pause")
	}
	if _, err := f.Resume(t.Context(), id, nil, "ada"); err != nil {
		t.Fatal(err)
	}
	f.synced("one", commit)
	if r := f.ended("one", 1, release.Succeeded); told(r) != "pre-sync Pod/pre Succeeded, post-sync Job/post Succeeded" {
		t.Error(told(r))
	}
}

func TestANewerCommitCutsOffNoHook(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/pre.yaml": pod("pre", `plumb.dev/hook: pre-sync`)})
	pre := f.untilMade("pods", "pre")
	second := f.commit(map[string]string{"one/a.yaml": paint("a", "red")})
	f.until("one", "at the newer commit", func(s status.App) bool { return s.Revision == second })
	if now := f.untilMade("pods", "pre"); now.GetUID() != pre.GetUID() || now.GetDeletionTimestamp() != nil {
		t.Fatal("a hook was cut off")
	}
	f.end("pre", "Succeeded")
	for f.untilMade("pods", "pre").GetUID() == pre.GetUID() {
		f.tick()
	}
	if _, there := f.color("a"); there {
		t.Fatal("something was applied without the hook of its release")
	}
	f.untilPhase("pre", "Pending")
	f.end("pre", "Succeeded")
	f.synced("one", second)
	f.ended("one", 2, release.Succeeded)
	list := f.releases("one")
	if list[0].Outcome != release.Superseded || told(list[0]) != "pre-sync Pod/pre Succeeded" || told(list[1]) != "pre-sync Pod/pre Succeeded" {
		t.Errorf("the releases are %+v", list)
	}
}

func TestAHookKeepsAnAppFromGoing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"), f.app("two"))
	commit := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "two/b.yaml": paint("b", "blue"), "one/bye.yaml": pod("bye", `plumb.dev/hook: pre-delete`)})
	f.synced("one", commit)
	f.ended("one", 1, release.Succeeded)
	f.declare(true, f.app("two"))
	f.end("bye", "Failed")
	f.ended("one", 2, release.Failed)
	f.until("one", "held", func(s status.App) bool {
		return s.Hold != nil && strings.Contains(s.Message, "the pre-delete hook Pod")
	})
	if _, there := f.color("a"); !there {
		t.Fatal("it went all the same")
	}
	if _, err := f.Resume(t.Context(), f.namespace+"/one", nil, "ada"); err != nil {
		t.Fatal(err)
	}
	f.untilPhase("bye", "Pending")
	f.end("bye", "Succeeded")
	f.untilColor("a", "")
}

// A commit that changes hooks alone runs those that run on such an occasion, be
// they the last of a release, and waits for nothing where none does.
func TestHooksThatChangeAlone(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"), f.app("two"))
	first := f.commit(map[string]string{
		"one/a.yaml": paint("a", "blue"), "one/post.yaml": job("post", `plumb.dev/hook: post-sync`),
		"two/b.yaml": paint("b", "blue"), "two/install.yaml": job("install", `"helm.sh/hook": post-install`),
	})
	f.synced("one", first)
	f.ended("one", 1, release.Succeeded)
	f.ended("two", 1, release.Succeeded)
	second := f.commit(map[string]string{
		"one/post.yaml":    job("post", `plumb.dev/hook: post-sync, plumb.dev/note: changed`),
		"two/install.yaml": job("install", `"helm.sh/hook": post-install, plumb.dev/note: changed`),
	})
	f.synced("one", second)
	f.synced("two", second)
	if r := f.ended("one", 2, release.Succeeded); told(r) != "post-sync Job/post Succeeded" || len(r.Changes) > 0 {
		t.Errorf("the last hook, changed: %+v", r)
	}
	if list := f.releases("two"); len(list) != 1 {
		t.Errorf("a hook that doesn't run on this occasion made a release: %+v", list)
	}
}

// A release of which all is applied is brought to its end by its own hooks, though
// the next commit is there, where that is held or changes nothing.
func TestAnOvertakenReleaseEndsWithItsHooks(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	gated := func(a *v1alpha1.App) { a.Spec.Sync.Mode = v1alpha1.SyncApprove }
	f.declare(true, f.app("one", gated), f.app("two", gated), f.app("three"))
	files := map[string]string{}
	for _, name := range []string{"one", "two", "three"} {
		files[name+"/web.yaml"] = pod(name, "plumb.dev/note: first")
		files[name+"/post.yaml"] = job(name+"-post", "plumb.dev/hook: post-sync, plumb.dev/note: first")
	}
	first := f.commit(files)
	for _, name := range []string{"one", "two"} {
		s := f.until(name, "waiting for approval", func(s status.App) bool { return s.Plan != nil && !s.Plan.Stale && s.Hold != nil })
		if _, err := f.Approve(t.Context(), gate.Approval{App: f.namespace + "/" + name, Plan: s.Plan.Hash, By: "grace"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"one", "two", "three"} {
		f.untilMade("pods", name)
		f.until(name, "applied", func(s status.App) bool { return s.Sync == status.Synced && s.Revision == first })
	}
	second := f.commit(map[string]string{
		"one/web.yaml": pod("one", "plumb.dev/note: second"), "one/post.yaml": job("one-post", "plumb.dev/hook: post-sync, plumb.dev/note: second"),
		"two/web.yaml": pod("two", "plumb.dev/note: second"), "three/web.yaml": "# a remark\n" + files["three/web.yaml"],
	})
	for _, name := range []string{"one", "two"} {
		f.until(name, "held at the second commit", func(s status.App) bool { return s.Revision == second && s.Hold != nil })
	}
	f.until("three", "at the second commit", func(s status.App) bool { return s.Revision == second })
	f.end("one", "Succeeded")
	f.end("three", "Succeeded")
	for _, name := range []string{"one", "three"} {
		r := f.ended(name, 1, release.Succeeded)
		if told(r) != "post-sync Job/"+name+"-post Succeeded" || r.Revision.Commit != first {
			t.Errorf("%s at %s: %q", name, r.Revision.Short(), told(r))
		}
	}
	if note := f.untilMade("jobs", "one-post").GetAnnotations()["plumb.dev/note"]; note != "first" {
		t.Errorf("the hook of the %s commit ran", note)
	}

	f.stop() // now nobody knows any more what the first commit declared
	f.start()
	f.declare(true, f.app("one", gated), f.app("two", gated), f.app("three"))
	f.tell(1)
	f.until("two", "held at the second commit", func(s status.App) bool { return s.Revision == second && s.Hold != nil })
	f.end("two", "Succeeded")
	if r := f.ended("two", 1, release.Succeeded); told(r) != "" || !strings.Contains(r.Reason, "did not run") {
		t.Errorf("after a restart: %q, %s", told(r), r.Reason)
	}
	if list := f.releases("three"); len(list) != 1 {
		t.Errorf("the second commit changed nothing, and made a release: %+v", list)
	}
}

// What becomes healthy after a restart of the daemon hasn't failed meanwhile.
func TestARestartFailsNothingThatIsComing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	commit := f.commit(map[string]string{"one/web.yaml": pod("web", "plumb.dev/note: first"), "one/post.yaml": job("post", "plumb.dev/hook: post-sync")})
	f.untilMade("pods", "web")
	f.until("one", "applied", func(s status.App) bool { return s.Sync == status.Synced && s.Revision == commit })
	f.stop()
	f.start()
	f.declare(true, f.app("one"))
	f.tell(0)
	f.until("one", "applied, and not healthy yet", func(s status.App) bool { return s.Sync == status.Synced && s.Health == status.Progressing })
	f.end("web", "Succeeded")
	if r := f.ended("one", 1, release.Succeeded); told(r) != "post-sync Job/post Succeeded" {
		t.Error(told(r))
	}
}

// What hooks print comes from the kubelets of their pods' nodes into the record,
// without what is secret.
func TestWhatHooksPrintIsOnRecord(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	const canary = "canary-91c4aa"
	node := controlplanetest.Shared(t).Kubelet(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s connects with %s\n", path.Base(path.Dir(r.URL.Path)), canary)
	}))
	there := strings.NewReplacer(`nodeSelector: {nowhere: "true"}`, "nodeName: "+node, "restartPolicy: Never, containers", "restartPolicy: Never, nodeName: "+node+", containers")
	f.declare(true, f.app("one"))
	f.commit(map[string]string{
		"one/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: database}\nstringData: {password: " + canary + "}\n",
		"one/pre.yaml":    there.Replace(job("pre", "plumb.dev/hook: pre-sync")),
		"one/post.yaml":   there.Replace(pod("post", "plumb.dev/hook: post-sync")),
	})
	f.untilPhase("post", "Running")
	f.end("post", "Failed")
	r := f.ended("one", 1, release.Failed)
	if told(r) != "pre-sync Job/pre Succeeded, post-sync Pod/post Failed" {
		t.Fatal(told(r))
	}
	for i, name := range []string{"pre", "post"} {
		if log := r.Hooks[i].Log; !strings.HasPrefix(log, name) || !strings.Contains(log, "connects with ") || strings.Contains(log, canary) {
			t.Errorf("%s printed %q", name, log)
		}
	}
}
