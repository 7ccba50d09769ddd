package historytest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/history"
)

// Memory is what keeps the two memories of a restart.
type Memory interface {
	history.Applied
	history.Apps
}

// RunMemory tests Applied and Apps. open returns an empty Memory.
func RunMemory(t *testing.T, open func(t *testing.T) Memory) {
	for name, test := range map[string]func(*testing.T, Memory){
		"objects come back":            appliedComesBack,
		"loading stops when told":      loadingStops,
		"saving while loading":         savingWhileLoading,
		"Apps come back, sorted":       appsComeBack,
		"a gone App takes its objects": goneApp,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// applied returns all that is remembered, by App.
func applied(t *testing.T, m Memory) map[string][]history.AppliedObject {
	t.Helper()
	all := map[string][]history.AppliedObject{}
	err := m.LoadApplied(t.Context(), func(app string, o history.AppliedObject) error {
		all[app] = append(all[app], o)
		return nil
	})
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return all
}

// remember saves what was applied.
func remember(t *testing.T, m Memory, app string, upserts []history.AppliedObject, removed ...string) {
	t.Helper()
	if err := m.SaveApplied(t.Context(), app, upserts, removed); err != nil {
		t.Fatalf("save what was applied: %v", err)
	}
}

var (
	web = history.AppliedObject{ID: "apps/Deployment/shop/web", UID: "u1", Digest: "d1", Fingerprint: "f1"}
	svc = history.AppliedObject{ID: "/Service/shop/web", UID: "u2", Digest: "d2", Fingerprint: "f2"}
)

func appliedComesBack(t *testing.T, m Memory) {
	remember(t, m, "a/shop", []history.AppliedObject{web, svc})
	remember(t, m, "b/shop", []history.AppliedObject{web})
	changed := web
	changed.Digest, changed.Fingerprint = "d9", "f9"
	remember(t, m, "a/shop", []history.AppliedObject{changed}, svc.ID, "/Secret/shop/never-was")

	want := map[string][]history.AppliedObject{"a/shop": {changed}, "b/shop": {web}}
	if diff := cmp.Diff(want, applied(t, m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func loadingStops(t *testing.T, m Memory) {
	remember(t, m, "a/shop", []history.AppliedObject{web, svc})
	enough := errors.New("enough")
	calls := 0
	err := m.LoadApplied(t.Context(), func(string, history.AppliedObject) error {
		calls++
		return enough
	})
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%d calls, %v; want one and its error", calls, err)
	}
}

func savingWhileLoading(t *testing.T, m Memory) {
	remember(t, m, "a/shop", []history.AppliedObject{web, svc})
	err := m.LoadApplied(t.Context(), func(app string, o history.AppliedObject) error {
		return m.SaveApplied(t.Context(), app, nil, []string{o.ID})
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := applied(t, m); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func appsComeBack(t *testing.T, m Memory) {
	for range 2 { // twice is as good as once
		if err := m.SaveApps(t.Context(), []string{"b/two", "a/one", "c/three"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	remember(t, m, "d/four", nil)
	if err := m.SaveApps(t.Context(), nil, []string{"c/three", "never/was"}); err != nil {
		t.Fatal(err)
	}
	got, err := m.LoadApps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/one", "b/two", "d/four"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func goneApp(t *testing.T, m Memory) {
	remember(t, m, "a/shop", []history.AppliedObject{web})
	remember(t, m, "b/shop", []history.AppliedObject{svc})
	if err := m.SaveApps(t.Context(), nil, []string{"a/shop"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]history.AppliedObject{"b/shop": {svc}}, applied(t, m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
