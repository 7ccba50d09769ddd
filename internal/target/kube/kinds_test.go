package kube

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"plumb.dev/plumb/internal/target"
)

// servedKind is what a kind is served as in these tests.
type servedKind struct {
	name, kind string
	verbs      []string
	cluster    bool
}

var everyVerb = []string{"create", "delete", "get", "list", "patch", "update", "watch"}

// apis is an API server that tells its kinds and nothing else. Groups whose
// own server is away are broken.
type apis struct {
	*httptest.Server
	aggregated bool

	mu       sync.Mutex
	groups   []string // GROUP/VERSION; preferred versions first
	kinds    map[string][]servedKind
	broken   map[string]bool
	requests atomic.Int64
	asked    func() // called for each request that asks for the groups
}

// newAPIs serves the core's ConfigMap, and Gear of example.com.
func newAPIs(t *testing.T, aggregated bool) *apis {
	t.Helper()
	a := &apis{
		aggregated: aggregated, groups: []string{"v1", "apps/v1", "example.com/v2", "example.com/v1"}, broken: map[string]bool{},
		kinds: map[string][]servedKind{
			"v1": {
				{"configmaps", "ConfigMap", everyVerb, false}, {"namespaces", "Namespace", everyVerb, true}, {"namespaces/finalize", "Namespace", []string{"update"}, true},
				{"bindings", "Binding", []string{"create"}, false}, {"componentstatuses", "ComponentStatus", []string{"get", "list"}, true},
			},
			"apps/v1": {
				{"deployments", "Deployment", everyVerb, false}, {"deployments/scale", "Scale", []string{"get", "patch", "update"}, false},
			},
			"example.com/v2": {{"gears", "Gear", everyVerb, false}},
			"example.com/v1": {{"gears", "Gear", everyVerb, false}, {"cogs", "Cog", []string{"get", "patch"}, false}},
		},
	}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *apis) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

// ServeHTTP answers as the API server does, in its older or its newer form.
func (a *apis) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.requests.Add(1)
	if asked := a.asked; asked != nil && r.URL.Path == "/apis" {
		asked()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var answer any
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/apis"), "/api")
	switch path = strings.TrimPrefix(path, "/"); {
	case a.aggregated:
		w.Header().Set("Content-Type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
		answer = a.aggregate(r.URL.Path == "/api")
	case r.URL.Path == "/api":
		answer = metav1.APIVersions{Versions: []string{"v1"}}
	case r.URL.Path == "/apis":
		answer = a.list()
	case a.broken[path]:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	default:
		answer = a.resources(path)
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// byGroup lists the versions of each group but the core, in order.
func (a *apis) byGroup(core bool) (names []string, versions map[string][]string) {
	versions = map[string][]string{}
	for _, gv := range a.groups {
		group, version, named := strings.Cut(gv, "/")
		if !named {
			group, version = "", gv
		}
		if core != (group == "") {
			continue
		}
		if versions[group] == nil {
			names = append(names, group)
		}
		versions[group] = append(versions[group], version)
	}
	return names, versions
}

func (a *apis) list() metav1.APIGroupList {
	var list metav1.APIGroupList
	names, versions := a.byGroup(false)
	for _, name := range names {
		group := metav1.APIGroup{Name: name}
		for _, v := range versions[name] {
			group.Versions = append(group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + v, Version: v})
		}
		group.PreferredVersion = group.Versions[0]
		list.Groups = append(list.Groups, group)
	}
	return list
}

func (a *apis) resources(gv string) metav1.APIResourceList {
	list := metav1.APIResourceList{GroupVersion: gv}
	for _, k := range a.kinds[gv] {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: k.name, Kind: k.kind, Namespaced: !k.cluster, Verbs: k.verbs})
	}
	return list
}

// aggregate is the newer form, in which one answer tells all.
func (a *apis) aggregate(core bool) any {
	type object = map[string]any
	names, versions := a.byGroup(core)
	var items []object
	for _, name := range names {
		var inside []object
		for _, v := range versions[name] {
			gv := strings.TrimPrefix(name+"/"+v, "/")
			version := object{"version": v, "freshness": "Current"}
			if a.broken[gv] {
				version["freshness"] = "Stale"
			} else {
				version["resources"] = a.discovered(gv)
			}
			inside = append(inside, version)
		}
		items = append(items, object{"metadata": object{"name": name}, "versions": inside})
	}
	return object{"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": object{}, "items": items}
}

func (a *apis) discovered(gv string) (resources []map[string]any) {
	_, version, named := strings.Cut(gv, "/")
	group := strings.TrimSuffix(gv, "/"+version)
	if !named {
		group, version = "", gv
	}
	for _, k := range a.kinds[gv] {
		if strings.Contains(k.name, "/") {
			continue // the newer form has them inside of the others
		}
		scope := "Namespaced"
		if k.cluster {
			scope = "Cluster"
		}
		resources = append(resources, map[string]any{
			"resource": k.name, "scope": scope, "verbs": k.verbs, "singularResource": strings.ToLower(k.kind),
			"responseKind": map[string]any{"group": group, "version": version, "kind": k.kind},
		})
	}
	return resources
}

func (a *apis) client(t *testing.T, now func() time.Time) *kinds {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(&rest.Config{Host: a.URL, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	return &kinds{client: client, now: now}
}

func inBothForms(t *testing.T, f func(t *testing.T, a *apis)) {
	t.Helper()
	for name, aggregated := range map[string]bool{"one answer for all": true, "one for each group": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newAPIs(t, aggregated))
		})
	}
}

var gears, deployments = schema.GroupKind{Group: "example.com", Kind: "Gear"}, schema.GroupKind{Group: "apps", Kind: "Deployment"}

func TestKindsAreKnownAsTheServerServesThem(t *testing.T) {
	t.Parallel()
	inBothForms(t, func(t *testing.T, a *apis) {
		k := a.client(t, time.Now)
		in := func(group, version, resource string, namespaced, watchable bool) kind {
			return kind{schema.GroupVersionResource{Group: group, Version: version, Resource: resource}, namespaced, watchable}
		}
		got, err := k.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := known{
			byVersion: map[schema.GroupVersionKind]kind{
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
		if diff := cmp.Diff(want.byVersion, got.byVersion, cmp.AllowUnexported(kind{})); diff != "" {
			t.Errorf("by version (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff(want.preferred, got.preferred); diff != "" {
			t.Errorf("preferred (-want +got)\n%s", diff)
		}
	})
}

func TestABrokenGroupHidesNoOther(t *testing.T) {
	t.Parallel()
	inBothForms(t, func(t *testing.T, a *apis) {
		a.broken["example.com/v2"], a.broken["example.com/v1"] = true, true
		k := a.client(t, time.Now)
		if _, ok, err := k.find(t.Context(), deployments.WithVersion("v1")); !ok || err != nil {
			t.Errorf("a kind of a sound group is known: %v, %v", ok, err)
		}
		if _, ok, _ := k.find(t.Context(), gears.WithVersion("v2")); ok {
			t.Error("a kind that nobody has told of is known")
		}
	})
}

func TestAGroupThatBreaksIsNotGone(t *testing.T) {
	t.Parallel()
	inBothForms(t, func(t *testing.T, a *apis) {
		k := a.client(t, time.Now)
		if _, _, ok, err := k.preferredOf(t.Context(), gears); !ok || err != nil {
			t.Fatalf("while all is well the kind is known: %v, %v", ok, err)
		}
		a.change(func() { a.broken["example.com/v2"], a.broken["example.com/v1"] = true, true })
		k.expire()
		if gvk, kind, ok, err := k.preferredOf(t.Context(), gears); err == nil && (!ok || gvk.Version != "v2" || kind.resource.Resource != "gears") {
			t.Errorf("a kind whose server is away is taken for one that the cluster doesn't have (%v, %v)", gvk, ok)
		}
		a.change(func() {
			clear(a.broken)
			a.groups = a.groups[:2]
		})
		k.expire()
		if _, _, ok, err := k.preferredOf(t.Context(), gears); ok || err != nil {
			t.Errorf("a kind that is gone indeed is known: %v, %v", ok, err)
		}
	})
}

func TestTheServerIsAskedOnlyAboutWhatIsUnknown(t *testing.T) {
	t.Parallel()
	a := newAPIs(t, true)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	k := a.client(t, func() time.Time { return now })
	find := func(kind string) bool {
		t.Helper()
		_, ok, err := k.find(t.Context(), schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	cost := func(want int64, what string, f func()) {
		t.Helper()
		before := a.requests.Load()
		f()
		if got := a.requests.Load() - before; got != want {
			t.Errorf("%s: %d requests, want %d", what, got, want)
		}
	}
	cost(2, "the first look", func() { find("Gear") })
	cost(0, "known kinds", func() { find("Gear"); find("Cog"); find("Gear") })
	cost(0, "an unknown kind right after", func() { find("Nut") })
	now = now.Add(reloadEvery)
	cost(2, "unknown kinds a second later", func() { find("Nut"); find("Bolt"); find("Nut") })
	a.change(func() {
		a.kinds["example.com/v1"] = append(a.kinds["example.com/v1"], servedKind{"nuts", "Nut", everyVerb, false})
	})
	cost(0, "a kind that came since", func() { find("Nut") })
	k.expire()
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
	a := newAPIs(t, true)
	k := a.client(t, time.Now)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, ok, err := k.find(t.Context(), deployments.WithVersion("v1")); !ok || err != nil {
				t.Errorf("the kind is known: %v, %v", ok, err)
			}
			if list, err := k.all(t.Context()); err != nil || len(list) != 4 {
				t.Errorf("%d kinds can be watched (%v), want 4", len(list), err)
			}
		})
	}
	wg.Wait()
	if got := a.requests.Load(); got != 2 {
		t.Errorf("%d requests, want 2", got)
	}
}

// While one asks the server, the cluster says that its kinds change. What is
// being answered may be from before that, so it has to be asked again.
func TestAChangeDuringALookIsNotMissed(t *testing.T) {
	t.Parallel()
	a := newAPIs(t, true)
	k := a.client(t, time.Now)
	first := sync.OnceFunc(func() {
		// The answer that is on its way tells of the kinds as they were.
		k.expire()
	})
	a.asked = first
	if _, err := k.current(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := a.requests.Load()
	if _, err := k.current(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a.requests.Load() == before {
		t.Error("what was asked for before the change counts for after it")
	}
}

func TestAServerThatIsAwayIsTold(t *testing.T) {
	t.Parallel()
	a := newAPIs(t, true)
	k := a.client(t, time.Now)
	if _, _, err := k.find(t.Context(), deployments.WithVersion("v1")); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if _, ok, err := k.find(t.Context(), deployments.WithVersion("v1")); !ok || err != nil {
		t.Errorf("what is known needs no server: %v, %v", ok, err)
	}
	k.expire()
	_, _, err := k.find(t.Context(), deployments.WithVersion("v1"))
	if !errors.Is(err, target.ErrUnreachable) || !strings.Contains(err.Error(), "list the cluster's kinds") {
		t.Errorf("the error is %v", err)
	}
}
