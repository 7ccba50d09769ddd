package push_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/push"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// A folder's whole life: it is applied, found in line, changed, put right after
// a hand edit, and what it no longer declares goes.
func TestFolder(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.files["shop/all.yaml"] = configMap("a", "1") + configMap("b", "1") + deployment("web", true)
	s.differs("create ConfigMap/a", "create ConfigMap/b", "create Deployment/web")
	s.pushed("3 to create", "ConfigMap/a created", "ConfigMap/b created", "Deployment/web created", "?Deployment/web healthy", "Succeeded")
	s.differs()
	s.pushed("Succeeded")

	s.files["shop/all.yaml"] = configMap("a", "2") + deployment("web", true)
	s.differs("prune ConfigMap/b", "update ConfigMap/a")
	s.pushed("1 to update, 1 to prune, 1 in line", "ConfigMap/a updated", "ConfigMap/b pruned", "Succeeded")
	if got := s.value("a") + s.value("b"); got != "2none" {
		t.Errorf("live is %s", got)
	}

	s.edit("a", "by hand")
	s.differs("update ConfigMap/a")
	s.pushed("1 to update, 1 in line", "ConfigMap/a updated", "Succeeded")
	if got := s.value("a"); got != "2" {
		t.Errorf("live is %s", got)
	}

	var kept []string
	for _, r := range s.records.kept {
		kept = append(kept, fmt.Sprint(r.ID, " ", r.Trigger, " by ", r.Actor, " ", r.Outcome, " ", len(r.Changes)))
		if r.Applied.IsZero() || r.Healthy.IsZero() || r.Finished.IsZero() || r.App != s.namespace+"/shop" {
			t.Errorf("release %d is incomplete: %+v", r.ID, r)
		}
	}
	if got := strings.Join(kept, ", "); got != "1 manual by Ada Succeeded 3, 2 manual by Ada Succeeded 2, 3 manual by Ada Succeeded 1" {
		t.Errorf("on record is %s", got)
	}
}

// A rollout that doesn't become healthy fails, and what was applied stays.
func TestRolloutFails(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	patient := s.subject.App.Spec.Health.Timeout
	s.subject.App.Spec.Health.Timeout = metav1.Duration{Duration: 3 * time.Second}
	s.files["shop/all.yaml"] = configMap("a", "1") + deployment("web", false)
	got, err := s.apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if last := got[len(got)-1]; !strings.HasPrefix(last, "Failed not healthy 3s after it was applied: Deployment/NS/web: ") {
		t.Errorf("it ended with %q", last)
	}
	if r := s.records.kept[0]; r.Outcome != release.Failed || r.Applied.IsZero() || !r.Healthy.IsZero() {
		t.Errorf("on record is %+v", r)
	}
	s.subject.App.Spec.Health.Timeout = patient
	s.files["shop/all.yaml"] = configMap("a", "1") + deployment("web", true)
	s.pushed("1 to update, 1 in line", "?Deployment/web healthy", "Deployment/web updated", "Succeeded")
}

// What an object waits for may come with the same push.
func TestWhatReliesOnEachOther(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	group := s.namespace + ".example.com"
	t.Cleanup(func() {
		crds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
		_ = s.live.Resource(crds).Delete(context.Background(), "gears."+group, metav1.DeleteOptions{})
		_ = s.live.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).Delete(context.Background(), s.namespace+"-more", metav1.DeleteOptions{})
	})
	s.files["shop/all.yaml"] = fmt.Sprintf(`apiVersion: %[1]s/v1
kind: Gear
metadata: {name: gear}
spec: {teeth: 12}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gears.%[1]s}
spec:
  group: %[1]s
  names: {plural: gears, singular: gear, kind: Gear, listKind: GearList}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: %[2]s-more}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: %[2]s-more}
`, group, s.namespace)
	got, err := s.apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(got, "\n"); got[0] != "4 to create" || got[len(got)-1] != "Succeeded" || !strings.Contains(text, "Gear/gear created") {
		t.Errorf("it said %s", text)
	}
	s.pushed("Succeeded")
}

func TestNothingIsAppliedThatIsntAgreedTo(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.files["shop/all.yaml"] = configMap("a", "1")
	s.confirm = func(plan.Plan) error { return errors.New("no, thanks") }
	_ = s.refused("no, thanks")
	s.confirm = nil
	s.pushed("1 to create", "ConfigMap/a created", "Succeeded")

	s.files["shop/all.yaml"] = configMap("a", "2")
	s.confirm = func(plan.Plan) error { s.edit("a", "by hand"); return nil }
	_, err := s.apply(t.Context())
	var refusal *status.Refusal
	if !errors.As(err, &refusal) || refusal.Kind != status.Moved || !strings.Contains(err.Error(), "what is live changed since plan") {
		t.Errorf("it ended with %v", err)
	}
	if got := s.value("a"); got != "by hand" {
		t.Errorf("live is %s", got)
	}
	if n := len(s.records.kept); n != 1 {
		t.Errorf("%d releases are on record", n)
	}
}

// What others have is left to them, and so is what is in a folder of the same name.
func TestNothingIsTakenFromOthers(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.files["shop/a.yaml"] = configMap("a", "1")
	s.subject.Root = "https://git.example.com/root.git"
	s.pushed("1 to create", "ConfigMap/a created", "Succeeded")

	s.subject.Root = ""
	_ = s.refused("shop/a.yaml:1: ConfigMap/NS/a: belongs to an App of the same name of the root https://git.example.com/root.git")
	s.subject.App.Name = "other"
	_ = s.refused("ConfigMap/NS/a: belongs to the App NS.shop (of the root https://git.example.com/root.git): remove it from one of the two")
	s.differs() // its content is what the folder says, whoever has it
	s.files["shop/a.yaml"] = configMap("a", "2")
	if p := s.differs("update ConfigMap/a"); len(p.Changes[0].Fields) != 1 || p.Changes[0].Fields[0].Path != "data.x" {
		t.Errorf("the fields are %+v", p.Changes[0].Fields)
	}

	delete(s.files, "shop/a.yaml")
	s.files["one/web/b.yaml"], s.files["two/web/c.yaml"] = configMap("b", "1"), configMap("c", "1")
	s.subject.App.Name, s.subject.App.Spec.Source.Path = "web", "one/web"
	s.pushed("1 to create", "ConfigMap/b created", "Succeeded")
	s.subject.App.Spec.Source.Path = "two/web"
	s.pushed("1 to create", "ConfigMap/c created", "Succeeded")
	if p := s.differs(); len(p.Extra) != 1 || p.Extra[0].Key.Name != "b" || !strings.Contains(p.Extra[0].Reason, "one/web/b.yaml") {
		t.Errorf("left alone are %+v", p.Extra)
	}
}

// Objects that nobody has are taken, without being made anew.
func TestWhatNobodyHasIsTaken(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}, "data": map[string]any{"x": "1", "y": "2"}}}
	made, err := s.configMaps().Create(t.Context(), o, metav1.CreateOptions{FieldManager: "kubectl-create"})
	if err != nil {
		t.Fatal(err)
	}
	s.files["shop/b.yaml"] = configMap("b", "1")
	s.explores = true
	if p := s.differs("create ConfigMap/b"); !slices.ContainsFunc(p.Extra, func(x plan.Extra) bool { return x.Key.Name == "a" }) {
		t.Errorf("what nobody declares is %+v", p.Extra)
	}
	delete(s.files, "shop/b.yaml")
	s.files["shop/a.yaml"] = configMap("a", "1")
	s.differs() // its content is as declared
	s.pushed("1 to update", "ConfigMap/a updated", "Succeeded")
	after, err := s.configMaps().Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil || after.GetUID() != made.GetUID() || after.GetLabels()[object.LabelApp] != s.namespace+".shop" {
		t.Errorf("it is %v, %v", after, err)
	}
}

func TestGuardsOfPruning(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.files["shop/a.yaml"] = configMap("a", "1")
	s.files["shop/b.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, annotations: {plumb.dev/prune: never}}\n"
	s.pushed("2 to create", "ConfigMap/a created", "ConfigMap/b created", "Succeeded")
	delete(s.files, "shop/b.yaml")
	if p := s.differs(); len(p.Extra) != 1 || !strings.Contains(p.Extra[0].Reason, "plumb.dev/prune") {
		t.Errorf("left alone are %+v", p.Extra)
	}
	s.files["shop/c.yaml"] = configMap("c", "1")
	delete(s.files, "shop/a.yaml")
	s.subject.Keep = true
	s.pushed("1 to create", "ConfigMap/c created", "Succeeded")
	s.subject.Keep = false
	s.files = map[string]string{"shop/readme.md": "nothing"}
	if p := s.differs(); len(p.Extra) != 3 {
		t.Errorf("left alone are %+v", p.Extra)
	}
}

// What holds a declared App holds a push of it.
func TestGates(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.subject.Root, s.subject.Revision.Author = "https://git.example.com/root.git", "Ada <ada@example.com>"
	s.files["shop/a.yaml"] = configMap("a", "1")
	sync := s.subject.App.Spec.Sync
	for want, hold := range map[string]func(*v1alpha1.Sync){
		"sync.mode is observe": func(y *v1alpha1.Sync) { y.Mode = v1alpha1.SyncObserve },
		"made the commit":      func(y *v1alpha1.Sync) { y.Mode, y.Approval.NotAuthor = v1alpha1.SyncApprove, true },
	} {
		s.subject.App.Spec.Sync = sync
		hold(&s.subject.App.Spec.Sync)
		if err := s.refused(want); !errors.Is(err, push.ErrHeld) {
			t.Errorf("%v doesn't say that it is held", err)
		}
	}
	s.subject.App.Spec.Sync = sync
	p := s.parts(t.Context())
	p.Pauses = []gate.Pause{{By: "bob", Reason: "the network is moved", Until: time.Now().Add(time.Hour)}}
	if _, err := push.Apply(t.Context(), p, s.subject, push.Options{By: "Ada"}); !errors.Is(err, push.ErrHeld) || !strings.Contains(err.Error(), "paused by bob") {
		t.Errorf("it ended with %v", err)
	}
	s.subject.App.Spec.Sync.Mode = v1alpha1.SyncApprove // who pushes approves
	s.pushed("1 to create", "ConfigMap/a created", "Succeeded")
}

// A daemon that holds the root goes on; one that is gone doesn't hinder.
func TestADaemonGoesFirst(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.leads = true
	s.subject.Root = "https://git.example.com/" + s.namespace
	s.files["shop/a.yaml"] = configMap("a", "1")
	s.pushed("1 to create", "ConfigMap/a created", "Succeeded")

	daemon, ok := s.parts(t.Context()).Target.(push.Leader)
	if !ok {
		t.Fatal("the target can't lead")
	}
	ctx, stop := context.WithCancel(t.Context())
	led, ended := make(chan bool, 10), make(chan error, 1)
	go func() {
		ended <- daemon.Lead(ctx, s.subject.Root, "host:/data", func(leads bool, _ string) { led <- leads })
	}()
	if !<-led {
		t.Fatal("the push didn't give the root back")
	}
	s.files["shop/a.yaml"] = configMap("a", "2")
	if err := s.refused("host:/data holds the root"); !errors.Is(err, push.ErrHeld) {
		t.Errorf("%v doesn't say that it is held", err)
	}
	stop()
	<-ended
	s.pushed("1 to update", "ConfigMap/a updated", "Succeeded")
}

// An interrupt leaves a record of how far it came.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.files["shop/all.yaml"] = configMap("a", "1") + deployment("web", false)
	ctx, interrupt := context.WithCancelCause(t.Context())
	s.told = func(n push.News) {
		if n.State == push.Waiting {
			interrupt(errors.New("by a signal"))
		}
	}
	got, err := s.apply(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if last := got[len(got)-1]; last != "Failed it was interrupted: by a signal; what was applied so far stays" {
		t.Errorf("it ended with %q", last)
	}
	r := s.records.kept[0]
	if r.Outcome != release.Failed || r.Finished.IsZero() || len(r.Changes) != 2 {
		t.Errorf("on record is %+v", r)
	}
}

// What was killed in the middle doesn't run for ever on record.
func TestCutOff(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	app := s.namespace + "/shop"
	s.records.kept = []release.Release{{ID: 1, App: app, Outcome: release.Running}, {ID: 2, App: "other/shop", Outcome: release.Running}, {ID: 3, App: app, Outcome: release.Failed}}
	s.files["shop/a.yaml"] = configMap("a", "1")
	s.pushed("1 to create", "ConfigMap/a created", "Succeeded")
	var got []release.Outcome
	for _, r := range s.records.kept {
		got = append(got, r.Outcome)
	}
	if want := []release.Outcome{release.Superseded, release.Running, release.Failed, release.Succeeded}; !slices.Equal(got, want) {
		t.Errorf("on record is %v, want %v", got, want)
	}
}

func TestWhatCantBeRendered(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.files["shop/all.yaml"] = configMap("a", "1") + "kind: [broken"
	_ = s.refused("shop/all.yaml")
	s.files["shop/all.yaml"] = configMap("a", "1") + "apiVersion: example.com/v1\nkind: Unheard\nmetadata: {name: u}\n"
	_ = s.refused("Unheard")
	s.files["shop/all.yaml"] = configMap("a", "1") + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\nunknown: field\n"
	_ = s.refused("ConfigMap/NS/b", "unknown")
}
