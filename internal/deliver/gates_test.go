package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
)

func approved(a *v1alpha1.App) { a.Spec.Sync.Mode = v1alpha1.SyncApprove }

// pending waits for a plan of an App at a commit to wait for approval.
func (f *fleet) pending(name, commit string) status.PendingPlan {
	f.t.Helper()
	s := f.until(name, "held with a plan of "+commit, func(s status.App) bool {
		return s.Plan != nil && s.Plan.Revision == commit && s.Hold != nil && s.Hold.Reason == gate.HeldByApproval
	})
	return *s.Plan
}

func (f *fleet) approve(name, plan string, change ...func(*gate.Approval)) error {
	f.t.Helper()
	said := gate.Approval{App: f.namespace + "/" + name, Plan: plan, By: "grace", Why: "looks right"}
	for _, c := range change {
		c(&said)
	}
	_, err := f.Approve(f.t.Context(), said)
	return err
}

// happened lists the kinds of events of an App, oldest first.
func (f *fleet) happened(name string) (kinds []event.Kind) {
	f.t.Helper()
	list, err := f.history.ListEvents(f.t.Context(), event.Query{App: f.namespace + "/" + name, Limit: event.MaxLimit})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range list {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (f *fleet) untilHappened(name string, want event.Kind) {
	f.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		got := f.happened(name)
		for _, kind := range got {
			if kind == want {
				return
			}
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s never happened to %s, but %v", want, name, got)
		}
		f.tick()
	}
}

func wantRefusal(t *testing.T, err error, kind status.RefusalKind, says string) {
	t.Helper()
	var refusal *status.Refusal
	if !errors.As(err, &refusal) || refusal.Kind != kind || !strings.Contains(refusal.Reason, says) {
		t.Errorf("the answer is %v, want a refusal of kind %d that says %q", err, kind, says)
	}
}

func TestAPlanWaitsForItsApproval(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", approved))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/b.yaml": paint("b", "blue")})
	plan := f.pending("one", first)
	if _, there := f.color("a"); there {
		t.Error("it was applied before anyone approved it")
	}
	wantRefusal(t, f.approve("one", "0000000000"), status.Moved, plan.Hash[:12])
	if err := f.approve("one", plan.Hash[:12]); err != nil {
		t.Fatal(err)
	}
	f.synced("one", first)
	wantRefusal(t, f.approve("one", plan.Hash), status.NotThere, "no plan")

	second := f.commit(map[string]string{"one/a.yaml": paint("a", "red"), "one/b.yaml": ""})
	plan = f.pending("one", second)
	if got, _ := f.color("a"); got != "blue" {
		t.Errorf("a is %q before the approval", got)
	}
	if _, there := f.color("b"); !there {
		t.Error("b was pruned before the approval")
	}
	if err := f.approve("one", plan.Hash); err != nil {
		t.Fatal(err)
	}
	f.synced("one", second)
	f.untilGone("b")
	list := f.settledReleases("one", 2)
	if r := list[1]; r.Revision.Commit != second || len(r.Changes) != 2 || r.Plan != plan.Hash || r.ApprovedBy != "grace" || r.ApprovedWhy != "looks right" {
		t.Errorf("the second release is %+v", r)
	}
	if s := f.until("one", "without a plan", func(s status.App) bool { return s.Plan == nil }); s.Hold != nil {
		t.Errorf("it is still held: %+v", s.Hold)
	}
	f.untilHappened("one", event.PlanApproved)
}

func TestDriftIsPutRightWhileAPlanWaits(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/b.yaml": paint("b", "blue")}))
	f.declare(true, f.app("one", approved))
	second := f.commit(map[string]string{"one/a.yaml": paint("a", "red")})
	f.pending("one", second)
	f.edit("b", "kubectl-edit", `{"data":{"color":"green"}}`)
	f.untilColor("b", "blue")
	f.until("one", "still held", func(s status.App) bool { return s.Hold != nil && s.Plan != nil })
	if got, _ := f.color("a"); got != "blue" {
		t.Errorf("a is %q before the approval", got)
	}
}

func TestAnApprovalIsOfExactlyOnePlan(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}))
	f.declare(true, f.app("one", approved))
	second := f.commit(map[string]string{"one/a.yaml": paint("a", "red")})
	old := f.pending("one", second)
	f.edit("a", "kubectl-edit", `{"data":{"color":"green"}}`) // its base moves
	moved := f.until("one", "held with another plan", func(s status.App) bool { return s.Plan != nil && s.Plan.Hash != old.Hash })
	wantRefusal(t, f.approve("one", old.Hash), status.Moved, moved.Plan.Hash[:12])
	if err := f.approve("one", moved.Plan.Hash); err != nil {
		t.Fatal(err)
	}
	f.synced("one", second)
}

func TestAnApprovalThatCameTooLateIsTold(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", approved))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	plan := f.pending("one", first)
	f.stop() // killed after the approval was written down; meanwhile the cluster moves on
	f.reopen(func(store history.Memory) {
		f.say(store, gate.Approval{App: f.namespace + "/one", Plan: plan.Hash, By: "grace", At: time.Now()})
	})
	theirs := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}, "data": map[string]any{"color": "green"},
	}}
	if _, err := f.maps().Create(t.Context(), theirs, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	f.start()
	f.declare(true, f.app("one", approved))
	f.tell(0)
	f.untilHappened("one", event.PlanStale)
	if got, _ := f.color("a"); got != "green" {
		t.Errorf("a is %q: more was applied than what was approved", got)
	}
}

func TestAnApprovalOutlivesAKill(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", approved))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	plan := f.pending("one", first)
	f.stop()
	f.reopen(func(store history.Memory) {
		f.say(store, gate.Approval{App: f.namespace + "/one", Plan: plan.Hash, By: "grace", At: time.Now()})
	})
	f.start()
	f.declare(true, f.app("one", approved))
	f.tell(0)
	f.synced("one", first)
	f.settledReleases("one", 1)
}

func TestTwoApprovalsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", approved))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	plan := f.pending("one", first)
	var both sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		both.Go(func() { errs[i] = f.approve("one", plan.Hash) })
	}
	both.Wait()
	if errs[0] != nil && errs[1] != nil {
		t.Errorf("neither was taken: %v", errs)
	}
	f.synced("one", first)
	if list := f.settledReleases("one", 1); len(list[0].Attempts) != 1 {
		t.Errorf("it took %d attempts", len(list[0].Attempts))
	}
}

func TestTheAuthorOfACommitDoesNotApproveIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", approved, func(a *v1alpha1.App) { a.Spec.Sync.Approval.NotAuthor = true }))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	plan := f.pending("one", first)
	err := f.approve("one", plan.Hash, func(a *gate.Approval) { a.By = "ada@example.com" })
	wantRefusal(t, err, status.Denied, "ada@example.com")
	if _, there := f.color("a"); there {
		t.Error("it was applied all the same")
	}
	if err := f.approve("one", plan.Hash); err != nil {
		t.Fatal(err)
	}
	f.synced("one", first)
}

func TestARefusedPlanIsNotApplied(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", approved))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	plan := f.pending("one", first)
	if err := f.approve("one", plan.Hash, func(a *gate.Approval) { a.Refuse, a.Why = true, "not on a Friday" }); err != nil {
		t.Fatal(err)
	}
	s := f.until("one", "refused", func(s status.App) bool { return s.Hold != nil && s.Hold.Reason == gate.HeldByRefusal })
	if !strings.Contains(s.Hold.Message, "grace") || !strings.Contains(s.Hold.Message, "not on a Friday") {
		t.Errorf("the hold doesn't say who and why: %s", s.Hold.Message)
	}
	second := f.commit(map[string]string{"one/a.yaml": paint("a", "red")})
	plan = f.pending("one", second)
	if err := f.approve("one", plan.Hash); err != nil {
		t.Fatal(err)
	}
	f.synced("one", second)
}

func TestRemovingAnAppThatNeedsApprovalNeedsApproval(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", approved))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	if err := f.approve("one", f.pending("one", first).Hash); err != nil {
		t.Fatal(err)
	}
	f.synced("one", first)
	f.declare(true)
	f.until("one", "held", func(s status.App) bool { return s.Plan != nil && s.Hold != nil })
	f.stop() // and a restart doesn't forget that
	f.start()
	f.declare(true)
	f.tell(0)
	s := f.until("one", "held", func(s status.App) bool {
		return s.Plan != nil && s.Hold != nil && strings.HasPrefix(s.Plan.Summary, "1 ")
	})
	if _, there := f.color("a"); !there {
		t.Fatal("it was deleted before anyone approved it")
	}
	if err := f.approve("one", s.Plan.Hash); err != nil {
		t.Fatal(err)
	}
	f.untilGone("a")
}

func (f *fleet) pause(app string, key *object.Key, d time.Duration) gate.Pause {
	f.t.Helper()
	p, err := f.Pause(f.t.Context(), gate.Pause{App: app, Object: key, By: "grace", Reason: "looking into it", Until: time.Now().Add(d)})
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

func TestAPausedAppIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/b.yaml": paint("b", "blue")}))
	id := f.namespace + "/one"
	f.pause(id, nil, time.Hour)
	f.edit("a", "kubectl-edit", `{"data":{"color":"green"}}`)
	second := f.commit(map[string]string{"one/b.yaml": paint("b", "red")})
	s := f.until("one", "paused and known to differ", func(s status.App) bool {
		return s.Hold != nil && s.Hold.Reason == gate.HeldByPause && strings.Contains(s.Message, "kubectl-edit") && s.Revision == second
	})
	if s.Alerts != 0 || len(s.Pauses) != 1 || !strings.Contains(s.Message, "grace") || !strings.Contains(s.Message, "looking into it") {
		t.Errorf("it stands as %+v", s)
	}
	f.stop() // a pause outlives a restart
	f.start()
	f.declare(true, f.app("one"))
	f.tell(1)
	f.until("one", "paused", func(s status.App) bool { return s.Hold != nil && strings.Contains(s.Message, "kubectl-edit") })
	for name, want := range map[string]string{"a": "green", "b": "blue"} {
		if got, _ := f.color(name); got != want {
			t.Errorf("%s is %q while the App is paused, want %q", name, got, want)
		}
	}
	ended, err := f.Resume(t.Context(), id, nil, "grace")
	if err != nil || len(ended) != 1 {
		t.Fatalf("%v, %v", ended, err)
	}
	f.synced("one", second)
	f.untilColor("a", "blue")
	f.untilColor("b", "red")
	_, err = f.Resume(t.Context(), id, nil, "grace")
	wantRefusal(t, err, status.NotThere, "nothing of that is paused")
}

func TestAPauseEndsByItself(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}))
	f.pause("", nil, 2*brief) // of everything
	f.edit("a", "kubectl-edit", `{"data":{"color":"green"}}`)
	f.until("one", "paused", func(s status.App) bool { return strings.Contains(s.Message, "kubectl-edit") && len(s.Pauses) == 1 })
	f.untilColor("a", "blue")
	f.until("one", "not paused", func(s status.App) bool { return s.Hold == nil && len(s.Pauses) == 0 })
}

func TestAPauseOfOneObject(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/b.yaml": paint("b", "blue")}))
	p := f.pause("", &object.Key{Kind: "configmap", Namespace: f.namespace, Name: "a"}, time.Hour)
	if p.App != f.namespace+"/one" || p.Object.Kind != "ConfigMap" {
		t.Errorf("the pause is of %s %s", p.App, p.Object)
	}
	f.edit("a", "kubectl-edit", `{"data":{"color":"green"}}`)
	f.edit("b", "kubectl-edit", `{"data":{"color":"green"}}`)
	f.untilColor("b", "blue")
	second := f.commit(map[string]string{"one/a.yaml": paint("a", "red"), "one/b.yaml": paint("b", "red")})
	f.untilColor("b", "red")
	s := f.until("one", "at the second commit but for what is paused", func(s status.App) bool {
		return s.Sync == status.OutOfSync && s.Revision == second && strings.Contains(s.Message, "paused by itself")
	})
	if got, _ := f.color("a"); got != "green" {
		t.Errorf("a is %q while it is paused: %+v", got, s)
	}
	if _, err := f.Resume(t.Context(), "", &object.Key{Kind: "ConfigMap", Name: "a"}, "grace"); err != nil {
		t.Fatal(err)
	}
	f.synced("one", second)
	f.untilColor("a", "red")
	_, err := f.Pause(t.Context(), gate.Pause{Object: &object.Key{Kind: "ConfigMap", Name: "nowhere"}, Until: time.Now().Add(time.Hour)})
	wantRefusal(t, err, status.NotThere, "no App declares")
}

func TestAWindowHoldsChanges(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	closed := func(a *v1alpha1.App) {
		a.Spec.Sync.Windows = []v1alpha1.Window{{Kind: v1alpha1.WindowDeny, Schedule: "0 0 * * *", Reason: "the audit"}}
		a.Spec.Sync.Windows[0].Duration.Duration = 24 * time.Hour
	}
	f.declare(true, f.app("one"))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/b.yaml": paint("b", "blue")}))
	f.declare(true, f.app("one", closed))
	second := f.commit(map[string]string{"one/a.yaml": paint("a", "red")})
	s := f.until("one", "held", func(s status.App) bool { return s.Hold != nil && s.Hold.Reason == gate.HeldByWindow })
	if s.Window == nil || s.Window.Open || !strings.Contains(s.Hold.Message, "the audit") {
		t.Errorf("it stands as %+v", s)
	}
	f.edit("b", "kubectl-edit", `{"data":{"color":"green"}}`)
	f.untilColor("b", "blue") // corrections go on
	if got, _ := f.color("a"); got != "blue" {
		t.Errorf("a is %q outside of the window", got)
	}
	f.untilHappened("one", event.Held)
	f.declare(true, f.app("one"))
	f.synced("one", second)
}

// reopen lends the history of a stopped engine.
func (f *fleet) reopen(use func(history.Memory)) {
	f.t.Helper()
	store := f.open()
	use(store)
	if err := store.Close(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) say(store history.Memory, said gate.Approval) {
	f.t.Helper()
	body, err := json.Marshal(said)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := store.Put(f.t.Context(), history.DeskApproval, said.App, body); err != nil {
		f.t.Fatal(err)
	}
}

// A check that began while all was paused may end after the pause.
func TestAPauseThatEndsWhileItIsLookedAt(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}))
	for range 8 {
		f.pause("", nil, time.Hour)
		f.edit("a", "kubectl-edit", `{"data":{"color":"green"}}`)
		f.until("one", "known to differ", func(s status.App) bool { return s.Sync != status.Synced })
		if _, err := f.Resume(t.Context(), "", nil, "grace"); err != nil {
			t.Fatal(err)
		}
		f.untilColor("a", "blue")
		f.until("one", "in line", func(s status.App) bool { return s.Sync == status.Synced })
	}
}

func TestAPausedObjectIsLeftAloneThoughOthersChange(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/z.yaml": paint("z", "blue")}))
	f.pause("", &object.Key{Kind: "ConfigMap", Namespace: f.namespace, Name: "z"}, time.Hour)
	f.Lead(false, "") // so that both are found at once
	f.edit("z", "kubectl-edit", `{"data":{"color":"green"}}`)
	f.commit(map[string]string{"one/a.yaml": paint("a", "red")})
	f.until("one", "known to differ in both", func(s status.App) bool { return s.Sync == status.OutOfSync })
	f.Lead(true, "")
	f.untilColor("a", "red")
	f.until("one", "paused in z", func(s status.App) bool { return strings.Contains(s.Message, "paused by itself") })
	if got, _ := f.color("z"); got != "green" {
		t.Errorf("z is %q while it is paused", got)
	}
}

func TestAPlanThatNobodyNeedsAnyMoreGoes(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", approved))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	if err := f.approve("one", f.pending("one", first).Hash); err != nil {
		t.Fatal(err)
	}
	f.synced("one", first)
	f.pending("one", f.commit(map[string]string{"one/a.yaml": paint("a", "red")}))
	third := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}) // taken back
	s := f.synced("one", third)
	if s.Plan != nil || s.Hold != nil {
		t.Errorf("a plan of nothing waits: %+v", s)
	}
	f.pending("one", f.commit(map[string]string{"one/a.yaml": paint("a", "red")}))
	f.declare(true, f.app("one")) // nobody has to approve any more
	s = f.synced("one", fmt.Sprintf("%040d", 3))
	if s.Plan != nil || s.Hold != nil {
		t.Errorf("a plan waits for nobody: %+v", s)
	}
}

// What was applied before is judged by itself, not by what waits.
func TestAReleaseEndsWellThoughMoreWaits(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	slow := "apiVersion: v1\nkind: Service\nmetadata: {name: door}\nspec: {type: LoadBalancer, ports: [{port: 80}]}\n"
	f.declare(true, f.app("one", approved))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/door.yaml": slow})
	if err := f.approve("one", f.pending("one", first).Hash); err != nil {
		t.Fatal(err)
	}
	f.untilColor("a", "blue")
	second := f.commit(map[string]string{"one/new.yaml": paint("new", "blue")})
	f.pending("one", second)
	services := f.live.Resource(schema.GroupVersionResource{Version: "v1", Resource: "services"}).Namespace(f.namespace)
	reached := []byte(`{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}`)
	if _, err := services.Patch(t.Context(), "door", types.MergePatchType, reached, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	f.settledReleases("one", 1)
}

// log is a history of commits, each by its author.
type log struct {
	source.Past
	authors []string // of the commits 0, 1, 2, …
	lost    error
}

func (l log) Log(_ context.Context, _ string, s source.Span) (list []release.Revision, _ error) {
	var from, to int
	if _, err := fmt.Sscanf(s.To, "%d", &to); err != nil {
		return nil, err
	}
	if _, err := fmt.Sscanf(s.From, "%d", &from); err != nil {
		from = -1
	}
	for i := to; i > from; i-- {
		list = append(list, release.Revision{Commit: fmt.Sprintf("%040d", i), Author: l.authors[i]})
	}
	return list, l.lost
}

func TestNobodyApprovesWhatHoldsHisOwnChange(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.stop()
	past := &log{authors: []string{"Eve <eve@example.com>", "Bob <bob@example.com>", "Ada <ada@example.com>"}}
	f.past = past
	f.start()
	f.declare(true, f.app("one", approved, func(a *v1alpha1.App) { a.Spec.Sync.Approval.NotAuthor = true }))
	by := func(name string) func(*gate.Approval) { return func(a *gate.Approval) { a.By = name } }
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	if err := f.approve("one", f.pending("one", first).Hash, by("grace")); err != nil {
		t.Fatal(err)
	}
	f.synced("one", first)
	f.settledReleases("one", 1)
	f.pending("one", f.commit(map[string]string{"one/a.yaml": paint("a", "red")}))
	plan := f.pending("one", f.commit(map[string]string{"one/b.yaml": paint("b", "red")}))
	for _, author := range []string{"bob@example.com", "Ada"} {
		wantRefusal(t, f.approve("one", plan.Hash, by(author)), status.Denied, "someone else has to approve")
	}
	past.lost = errors.New("the mirror is damaged")
	wantRefusal(t, f.approve("one", plan.Hash, by("grace")), status.Denied, "the mirror is damaged")
	past.lost = nil
	if err := f.approve("one", plan.Hash, by("eve@example.com")); err != nil { // what is live is hers, what waits isn't
		t.Fatal(err)
	}
	f.untilColor("a", "red")
}
