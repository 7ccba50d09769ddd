package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// sick asks for a load balancer that nobody provides, so it never becomes healthy.
func sick(name string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: %s}
spec: {type: LoadBalancer, ports: [{port: 80}]}
`, name)
}

func TestAFailedReleaseHoldsTheApp(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	held := func(a *v1alpha1.App) {
		a.Spec.Sync.OnFailure = v1alpha1.FailureHold
		a.Spec.Health.Timeout.Duration = brief
	}
	f.declare(true, f.app("one", held))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}))
	f.commit(map[string]string{"one/web.yaml": sick("web")})
	f.until("one", "held after its failure", func(s status.App) bool { return s.Hold != nil && s.Hold.Reason == gate.HeldByFailure })
	third := f.commit(map[string]string{"one/web.yaml": "", "one/a.yaml": paint("a", "red")})
	f.until("one", "held at the third commit", func(s status.App) bool { return s.Revision == third && s.Hold != nil })
	f.stop() // a restart doesn't lift it
	f.start()
	f.declare(true, f.app("one", held))
	f.tell(2)
	f.until("one", "held at the third commit", func(s status.App) bool { return s.Revision == third && s.Hold != nil })
	if got, _ := f.color("a"); got != "blue" {
		t.Errorf("a is %q though the App is held", got)
	}
	if _, err := f.Resume(t.Context(), f.namespace+"/one", nil, "grace"); err != nil {
		t.Fatal(err)
	}
	f.synced("one", third)
}

func TestAFailedReleaseIsRolledBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rolled := func(a *v1alpha1.App) {
		a.Spec.Sync.OnFailure = v1alpha1.FailureRollback
		a.Spec.Health.Timeout.Duration = brief
	}
	asked := make(chan release.Release, 10)
	f.stop()
	f.rollback = func(_ context.Context, app string, failed release.Release) (status.RolledBack, error) {
		asked <- failed
		commit := f.commit(map[string]string{"one/web.yaml": ""})
		return status.RolledBack{App: app, Release: 1, To: fmt.Sprintf("%040d", 0), Commit: commit, Branch: "main"}, nil
	}
	f.start()
	f.declare(true, f.app("one", rolled))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}))
	second := f.commit(map[string]string{"one/web.yaml": sick("web")})
	var failed release.Release
	select {
	case failed = <-asked:
	case <-time.After(patience):
		t.Fatal("no rollback was asked for")
	}
	if failed.Revision.Commit != second || failed.Outcome != release.Failed {
		t.Errorf("what was rolled back is %+v", failed)
	}
	f.synced("one", fmt.Sprintf("%040d", 2))
	f.untilHappened("one", event.RolledBack)
	if len(asked) != 0 {
		t.Error("it was rolled back again")
	}
	if s := f.until("one", "not held", func(s status.App) bool { return s.Hold == nil }); s.Sync != status.Synced {
		t.Errorf("it stands as %+v", s)
	}
}

func TestARollbackThatCannotBeMadeHoldsTheApp(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.stop()
	f.rollback = func(context.Context, string, release.Release) (status.RolledBack, error) {
		return status.RolledBack{}, errors.New("others are made from these files")
	}
	f.start()
	f.declare(true, f.app("one", func(a *v1alpha1.App) {
		a.Spec.Sync.OnFailure = v1alpha1.FailureRollback
		a.Spec.Health.Timeout.Duration = brief
	}))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}))
	f.commit(map[string]string{"one/web.yaml": sick("web")})
	f.until("one", "held, with why", func(s status.App) bool {
		return s.Hold != nil && strings.Contains(s.Hold.Message, "others are made from these files")
	})
	third := f.commit(map[string]string{"one/web.yaml": ""}) // something changed
	f.synced("one", third)
}

// The daemon may be killed between a failure and the commit that takes it back.
func TestARollbackThatWasCutOffIsMade(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rolled := func(a *v1alpha1.App) {
		a.Spec.Sync.OnFailure = v1alpha1.FailureRollback
		a.Spec.Health.Timeout.Duration = brief
	}
	f.stop()
	begun := make(chan struct{}, 1)
	f.rollback = func(ctx context.Context, _ string, _ release.Release) (status.RolledBack, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return status.RolledBack{}, ctx.Err()
	}
	f.start()
	f.declare(true, f.app("one", rolled))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}))
	second := f.commit(map[string]string{"one/web.yaml": sick("web")})
	<-begun
	var left []byte
	f.until("one", "being rolled back", func(s status.App) bool {
		return s.Hold != nil && strings.Contains(s.Hold.Message, "is being rolled back")
	})
	for left == nil {
		kept, err := f.history.Kept(t.Context(), history.DeskFailure)
		if err != nil {
			t.Fatal(err)
		}
		left = kept[f.namespace+"/one"]
	}
	f.stop()
	f.reopen(func(store history.Memory) { // a kill tells nobody how it ended
		if err := store.Put(t.Context(), history.DeskFailure, f.namespace+"/one", left); err != nil {
			t.Fatal(err)
		}
	})
	asked := make(chan release.Release, 10)
	f.rollback = func(_ context.Context, app string, failed release.Release) (status.RolledBack, error) {
		asked <- failed
		commit := f.commit(map[string]string{"one/web.yaml": ""})
		return status.RolledBack{App: app, Release: 1, To: fmt.Sprintf("%040d", 0), Commit: commit, Branch: "main"}, nil
	}
	f.start()
	f.declare(true, f.app("one", rolled))
	f.tell(1)
	select {
	case failed := <-asked:
		if failed.Revision.Commit != second || failed.Outcome != release.Failed {
			t.Errorf("what was rolled back is %+v", failed)
		}
	case <-time.After(patience):
		t.Fatal("nobody went on with the rollback")
	}
	f.synced("one", fmt.Sprintf("%040d", 2))
	if len(asked) != 0 {
		t.Error("it was rolled back again")
	}
}

func TestNothingIsRolledBackDuringAPause(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.stop()
	asked := make(chan release.Release, 10)
	f.rollback = func(_ context.Context, app string, failed release.Release) (status.RolledBack, error) {
		asked <- failed
		return status.RolledBack{App: app, Release: 1, To: fmt.Sprintf("%040d", 0), Commit: f.commit(map[string]string{"one/web.yaml": ""}), Branch: "main"}, nil
	}
	f.start()
	f.declare(true, f.app("one", func(a *v1alpha1.App) {
		a.Spec.Sync.OnFailure = v1alpha1.FailureRollback
		a.Spec.Health.Timeout.Duration = 2 * brief // the pause has to begin before it is over
	}))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}))
	f.commit(map[string]string{"one/web.yaml": sick("web")})
	f.until("one", "applied", func(s status.App) bool { return s.Sync == status.Synced && s.Objects == 2 })
	f.pause("", nil, time.Hour)
	f.untilHappened("one", event.ReleaseFailed)
	if len(asked) != 0 {
		t.Error("it was rolled back during the pause")
	}
	if _, err := f.Resume(t.Context(), "", nil, "grace"); err != nil {
		t.Fatal(err)
	}
	f.synced("one", fmt.Sprintf("%040d", 2))
	if failed := <-asked; failed.Outcome != release.Failed || len(asked) != 0 {
		t.Errorf("what was rolled back is %+v, and %d more", failed, len(asked))
	}
}

// refused is what no API server takes.
const refused = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndata: {\"no key\": x}\n"

// An object that the API server won't have is tried until the release is over its
// time; then its failure hooks run, and it isn't tried again by itself.
func TestARefusedObjectFailsTheRelease(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	app := f.app("one", func(a *v1alpha1.App) { a.Spec.Health.Timeout.Duration = brief })
	f.declare(true, app, f.app("plain", func(a *v1alpha1.App) { a.Spec.Health.Timeout.Duration = brief }))
	f.commit(map[string]string{
		"one/a.yaml": paint("a", "blue"), "one/bad.yaml": refused, "one/sorry.yaml": job("sorry", "plumb.dev/hook: sync-fail"),
		"one/post.yaml": job("post", "plumb.dev/hook: post-sync"), "plain/bad.yaml": strings.Replace(refused, "bad", "worse", 1),
	})
	r := f.ended("one", 1, release.Failed)
	if told(r) != "sync-fail Job/sorry Succeeded" || !strings.Contains(r.Reason, "ConfigMap/"+f.namespace+"/bad") || len(r.Attempts) < 2 {
		t.Fatalf("%s after %d attempts: %s", told(r), len(r.Attempts), r.Reason)
	}
	f.until("one", "held", func(s status.App) bool { return s.Hold != nil && strings.Contains(s.Message, "plumb sync") })
	if err := f.Sync(t.Context(), app.App.ID(), "ada"); err != nil {
		t.Fatal(err)
	}
	if r := f.ended("one", 2, release.Failed); told(r) != "sync-fail Job/sorry Succeeded" {
		t.Errorf("tried again: %s", told(r))
	}
	if r := f.releases("plain"); len(r) != 1 || !r[0].Finished.IsZero() {
		t.Errorf("without anything to follow it was given up: %+v", r)
	}
	f.synced("one", f.commit(map[string]string{"one/bad.yaml": ""}))
	if r := f.ended("one", 3, release.Succeeded); told(r) != "post-sync Job/post Succeeded" {
		t.Errorf("mended: %s", told(r))
	}
}

func TestARefusedObjectIsRolledBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.stop()
	f.rollback = func(_ context.Context, app string, failed release.Release) (status.RolledBack, error) {
		commit := f.commit(map[string]string{"one/bad.yaml": ""})
		return status.RolledBack{App: app, Release: 1, To: fmt.Sprintf("%040d", 0), Commit: commit, Branch: "main"}, nil
	}
	f.start()
	f.declare(true, f.app("one", func(a *v1alpha1.App) {
		a.Spec.Sync.OnFailure = v1alpha1.FailureRollback
		a.Spec.Health.Timeout.Duration = brief
	}))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}))
	f.commit(map[string]string{"one/bad.yaml": refused})
	f.untilHappened("one", event.RolledBack)
	f.synced("one", fmt.Sprintf("%040d", 2))
}
