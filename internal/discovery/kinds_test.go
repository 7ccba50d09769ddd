package discovery

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/discovery/discoverytest"
)

// errAway marks what failed because the server did not answer.
var errAway = errors.New("away")

func kindsOf(t *testing.T, a *discoverytest.APIs, now func() time.Time) *Kinds {
	t.Helper()
	return New(a.Client(t), Options{Now: now, Failed: func(err error) error { return fmt.Errorf("%w: %w", errAway, err) }})
}

func inBothForms(t *testing.T, f func(t *testing.T, a *discoverytest.APIs)) {
	t.Helper()
	for name, aggregated := range map[string]bool{"one answer for all": true, "one for each group": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, discoverytest.New(t, aggregated))
		})
	}
}

var gears, deployments = schema.GroupKind{Group: "example.com", Kind: "Gear"}, schema.GroupKind{Group: "apps", Kind: "Deployment"}

func TestKindsAreKnownAsTheServerServesThem(t *testing.T) {
	t.Parallel()
	inBothForms(t, func(t *testing.T, a *discoverytest.APIs) {
		k := kindsOf(t, a, time.Now)
		in := func(group, version, resource string, namespaced, watchable bool) Kind {
			return Kind{schema.GroupVersionResource{Group: group, Version: version, Resource: resource}, namespaced, watchable}
		}
		got, err := k.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := Known{
			byVersion: map[schema.GroupVersionKind]Kind{
				{Version: "v1", Kind: "ConfigMap"}:                  in("", "v1", "configmaps", true, true),
				{Version: "v1", Kind: "Namespace"}:                  in("", "v1", "namespaces", false, true),
				{Group: "apps", Version: "v1", Kind: "Deployment"}:  in("apps", "v1", "deployments", true, true),
				{Group: "example.com", Version: "v2", Kind: "Gear"}: in("example.com", "v2", "gears", true, true),
				{Group: "example.com", Version: "v1", Kind: "Gear"}: in("example.com", "v1", "gears", true, true),
				{Group: "example.com", Version: "v1", Kind: "Cog"}:  in("example.com", "v1", "cogs", true, false),
			},
			preferred: map[schema.GroupKind]schema.GroupVersionKind{
				{Kind: "ConfigMap"}:                 {Version: "v1", Kind: "ConfigMap"},
				{Kind: "Namespace"}:                 {Version: "v1", Kind: "Namespace"},
				deployments:                         deployments.WithVersion("v1"),
				gears:                               gears.WithVersion("v2"),
				{Group: "example.com", Kind: "Cog"}: {Group: "example.com", Version: "v1", Kind: "Cog"},
			},
		}
		if diff := cmp.Diff(want.byVersion, got.byVersion); diff != "" {
			t.Errorf("by version (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff(want.preferred, got.preferred); diff != "" {
			t.Errorf("preferred (-want +got)\n%s", diff)
		}
	})
}

func TestABrokenGroupHidesNoOther(t *testing.T) {
	t.Parallel()
	inBothForms(t, func(t *testing.T, a *discoverytest.APIs) {
		a.Broken["example.com/v2"], a.Broken["example.com/v1"] = true, true
		k := kindsOf(t, a, time.Now)
		if _, ok, err := k.Find(t.Context(), deployments.WithVersion("v1")); !ok || err != nil {
			t.Errorf("a kind of a sound group is known: %v, %v", ok, err)
		}
		if _, ok, _ := k.Find(t.Context(), gears.WithVersion("v2")); ok {
			t.Error("a kind that nobody has told of is known")
		}
	})
}

func TestAGroupThatBreaksIsNotGone(t *testing.T) {
	t.Parallel()
	inBothForms(t, func(t *testing.T, a *discoverytest.APIs) {
		k := kindsOf(t, a, time.Now)
		if _, _, ok, err := k.Preferred(t.Context(), gears); !ok || err != nil {
			t.Fatalf("while all is well the kind is known: %v, %v", ok, err)
		}
		a.Change(func() { a.Broken["example.com/v2"], a.Broken["example.com/v1"] = true, true })
		k.Expire()
		if gvk, kind, ok, err := k.Preferred(t.Context(), gears); err == nil && (!ok || gvk.Version != "v2" || kind.Resource.Resource != "gears") {
			t.Errorf("a kind whose server is away is taken for one that the cluster doesn't have (%v, %v)", gvk, ok)
		}
		a.Change(func() {
			clear(a.Broken)
			a.Groups = a.Groups[:2]
		})
		k.Expire()
		if _, _, ok, err := k.Preferred(t.Context(), gears); ok || err != nil {
			t.Errorf("a kind that is gone indeed is known: %v, %v", ok, err)
		}
	})
}

func TestTheServerIsAskedOnlyAboutWhatIsUnknown(t *testing.T) {
	t.Parallel()
	a := discoverytest.New(t, true)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	k := kindsOf(t, a, func() time.Time { return now })
	find := func(kind string) bool {
		t.Helper()
		_, ok, err := k.Find(t.Context(), schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	cost := func(want int64, what string, f func()) {
		t.Helper()
		before := a.Requests.Load()
		f()
		if got := a.Requests.Load() - before; got != want {
			t.Errorf("%s: %d requests, want %d", what, got, want)
		}
	}
	cost(2, "the first look", func() { find("Gear") })
	cost(0, "known kinds", func() { find("Gear"); find("Cog"); find("Gear") })
	cost(0, "an unknown kind right after", func() { find("Nut") })
	now = now.Add(reloadEvery)
	cost(2, "unknown kinds a second later", func() { find("Nut"); find("Bolt"); find("Nut") })
	a.Change(func() {
		a.Kinds["example.com/v1"] = append(a.Kinds["example.com/v1"], discoverytest.Resource{Name: "nuts", Kind: "Nut", Verbs: discoverytest.EveryVerb()})
	})
	cost(0, "a kind that came since", func() { find("Nut") })
	k.Expire()
	cost(2, "after a CRD came", func() {
		if !find("Nut") {
			t.Error("a kind that came isn't known")
		}
	})
	now = now.Add(-time.Hour)
	cost(0, "known kinds after the clock jumped back", func() { find("Nut") })
}

func TestManyAskAtOnceAndTheServerAnswersOnce(t *testing.T) {
	t.Parallel()
	a := discoverytest.New(t, true)
	k := kindsOf(t, a, time.Now)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, ok, err := k.Find(t.Context(), deployments.WithVersion("v1")); !ok || err != nil {
				t.Errorf("the kind is known: %v, %v", ok, err)
			}
			if list, err := k.All(t.Context()); err != nil || len(list) != 4 {
				t.Errorf("%d kinds can be watched (%v), want 4", len(list), err)
			}
		})
	}
	wg.Wait()
	if got := a.Requests.Load(); got != 2 {
		t.Errorf("%d requests, want 2", got)
	}
}

// While one asks the server, the cluster says that its kinds change. What is
// being answered may be from before that, so it has to be asked again.
func TestAChangeDuringALookIsNotMissed(t *testing.T) {
	t.Parallel()
	a := discoverytest.New(t, true)
	k := kindsOf(t, a, time.Now)
	first := sync.OnceFunc(func() {
		// The answer that is on its way tells of the kinds as they were.
		k.Expire()
	})
	a.Asked = first
	if _, err := k.Current(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := a.Requests.Load()
	if _, err := k.Current(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a.Requests.Load() == before {
		t.Error("what was asked for before the change counts for after it")
	}
}

func TestAServerThatIsAwayIsTold(t *testing.T) {
	t.Parallel()
	a := discoverytest.New(t, true)
	k := kindsOf(t, a, time.Now)
	if _, _, err := k.Find(t.Context(), deployments.WithVersion("v1")); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if _, ok, err := k.Find(t.Context(), deployments.WithVersion("v1")); !ok || err != nil {
		t.Errorf("what is known needs no server: %v, %v", ok, err)
	}
	k.Expire()
	_, _, err := k.Find(t.Context(), deployments.WithVersion("v1"))
	if !errors.Is(err, errAway) || !strings.Contains(err.Error(), "list the cluster's kinds") {
		t.Errorf("the error is %v", err)
	}
}
