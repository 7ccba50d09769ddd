package deliver_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/status"
)

func (f *fleet) edit(name, manager, patch string) {
	f.t.Helper()
	if _, err := f.maps().Patch(f.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: manager}); err != nil {
		f.t.Fatal(err)
	}
}

func TestDriftIsPutRightAndTold(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	commit := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	f.synced("one", commit)
	f.settledReleases("one", 1)
	_, err := f.maps().Patch(t.Context(), "a", types.MergePatchType, []byte(`{"data":{"color":"green"}}`), metav1.PatchOptions{FieldManager: "mallory"})
	if err != nil {
		t.Fatal(err)
	}
	f.untilColor("a", "blue")
	list := f.settledReleases("one", 2)
	r := list[1]
	if !r.Corrective() || r.Actor != "mallory" || !strings.Contains(r.Changes[0].Reason, "data.color was changed by mallory") {
		t.Errorf("the corrective release is %+v", r)
	}
	if err := f.maps().Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	f.untilColor("a", "blue")
	list = f.settledReleases("one", 3)
	if c := list[2].Changes[0]; c.Action != "create" || c.Reason != "was deleted outside Git" {
		t.Errorf("the deletion was corrected by %+v", c)
	}
}

func TestDriftWhileNobodyWatchedIsPutRight(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/b.yaml": paint("b", "blue")})
	f.synced("one", first)
	f.settledReleases("one", 1)
	f.stop()
	if _, err := f.maps().Patch(t.Context(), "a", types.MergePatchType, []byte(`{"data":{"color":"green"}}`), metav1.PatchOptions{FieldManager: "mallory"}); err != nil {
		t.Fatal(err)
	}
	if err := f.maps().Delete(t.Context(), "b", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	f.start()
	f.declare(true, f.app("one"))
	f.tell(0)
	f.untilColor("a", "blue")
	f.untilColor("b", "blue")
	list := f.settledReleases("one", 2)
	if !list[1].Corrective() {
		t.Errorf("what was put right after a restart is told as %s", list[1].Trigger)
	}
}

func TestDriftIsToldOrIgnoredWhereTheAppSaysSo(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	mode := func(m v1alpha1.DriftMode) func(*v1alpha1.App) {
		return func(a *v1alpha1.App) { a.Spec.Sync.Drift = m }
	}
	f.declare(true,
		f.app("alert", mode(v1alpha1.DriftAlert)), f.app("ignore", mode(v1alpha1.DriftIgnore)),
		f.app("observe", func(a *v1alpha1.App) { a.Spec.Sync.Mode = v1alpha1.SyncObserve }),
	)
	commit := f.commit(map[string]string{"alert/a.yaml": paint("a", "blue"), "ignore/b.yaml": paint("b", "blue"), "observe/c.yaml": paint("c", "blue")})
	f.synced("alert", commit)
	f.synced("ignore", commit)
	f.until("observe", "out of line and left so", func(s status.App) bool { return s.Sync == status.OutOfSync })
	f.edit("a", "mallory", `{"data":{"color":"green"}}`)
	f.edit("b", "mallory", `{"data":{"color":"green"}}`)
	s := f.until("alert", "telling", func(s status.App) bool { return strings.Contains(s.Message, "data.color was changed by mallory") })
	if s.Sync != status.OutOfSync {
		t.Errorf("drift that is told leaves the App %s", s.Sync)
	}
	f.synced("ignore", commit)
	for _, name := range []string{"a", "b"} {
		if got, _ := f.color(name); got != "green" {
			t.Errorf("%s was put right to %s", name, got)
		}
	}
	if _, there := f.color("c"); there {
		t.Error("an observed App was applied")
	}
	f.edit("a", "mallory", `{"data":{"color":"blue"}}`)
	f.declare(true, f.app("alert"), f.app("ignore", mode(v1alpha1.DriftIgnore)))
	f.synced("alert", commit)
}

func TestAFightIsLeftAloneAndTold(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	commit := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/b.yaml": paint("b", "blue")})
	f.synced("one", commit)
	for range 3 {
		f.edit("a", "mallory", `{"data":{"color":"green"}}`)
		f.untilColor("a", "blue")
	}
	f.edit("a", "mallory", `{"data":{"color":"green"}}`)
	s := f.until("one", "telling of the fight", func(s status.App) bool { return strings.Contains(s.Message, "again and again") })
	if !strings.Contains(s.Message, "mallory takes data.color of ConfigMap/"+f.namespace+"/a") || !strings.Contains(s.Message, "fields: [/data/color]") {
		t.Errorf("the message is %q", s.Message)
	}
	f.edit("b", "mallory", `{"data":{"color":"green"}}`)
	f.untilColor("b", "blue") // a fight over one object holds up no other
	f.untilColor("a", "blue") // and ends when the truce does
}

func TestIgnoredFieldsAreLeftToOthers(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", func(a *v1alpha1.App) {
		a.Spec.Ignore = []v1alpha1.Ignore{{Kind: "ConfigMap", Name: "a", Fields: []string{"/data/color"}}}
	}))
	commit := f.commit(map[string]string{"one/a.yaml": paint("a", "blue") + "", "one/b.yaml": paint("b", "blue")})
	f.synced("one", commit)
	f.edit("a", "mallory", `{"data":{"color":"green"}}`)
	f.edit("b", "mallory", `{"data":{"color":"green"}}`)
	f.untilColor("b", "blue")
	f.synced("one", commit)
	if got, _ := f.color("a"); got != "green" {
		t.Errorf("an ignored field was set to %s", got)
	}
}

// Someone who uses our field manager's name takes no field from us: only the
// time of our entry, or the rare check of everything, tells.
func TestSomeoneElseCallsHimselfPlumb(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.lookEvery = 2 * time.Second
	f.stop()
	f.start()
	f.declare(true, f.app("one"))
	commit := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	f.synced("one", commit)
	u, err := f.maps().Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u.SetManagedFields(nil)
	u.SetResourceVersion("")
	u.SetUID("")
	if err := unstructured.SetNestedField(u.Object, "green", "data", "color"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.maps().Apply(t.Context(), "a", u, metav1.ApplyOptions{FieldManager: object.FieldManager, Force: true}); err != nil {
		t.Fatal(err)
	}
	f.untilColor("a", "blue")
	f.synced("one", commit)
}

// A clock that is set back or forth while the daemon runs keeps nothing from
// being delivered or put right. This one lacks what the real clock has beside
// the date: a reading that no setting changes.
func TestAClockThatJumps(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.stop()
	var off atomic.Int64
	f.now = func() time.Time { return time.Now().Round(0).Add(time.Duration(off.Load())) }
	f.start()
	f.declare(true, f.app("one"))
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}))
	for i, jump := range []time.Duration{-2 * time.Hour, 48 * time.Hour, -365 * 24 * time.Hour, 0} {
		off.Store(int64(jump))
		color := fmt.Sprint("color", i)
		f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", color)}))
		f.edit("a", fmt.Sprint("mallory", i), `{"data":{"color":"green"}}`)
		f.untilColor("a", color)
	}
	f.settledReleases("one", 9)
}
