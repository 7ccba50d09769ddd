// Package discoverytest is an API server that tells its kinds and nothing else,
// for tests of what is built on discovery. It is no stand-in for a real one.
package discoverytest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// Resource is how a kind is served.
type Resource struct {
	Name, Kind string
	Verbs      []string
	Cluster    bool
}

// EveryVerb are all that can be done to an object.
func EveryVerb() []string {
	return []string{"create", "delete", "get", "list", "patch", "update", "watch"}
}

// APIs is an API server that tells its kinds and nothing else. Groups whose
// own server is away are broken.
type APIs struct {
	*httptest.Server
	aggregated bool

	mu       sync.Mutex
	Version  string
	Groups   []string // GROUP/VERSION; preferred versions first
	Kinds    map[string][]Resource
	Broken   map[string]bool
	Requests atomic.Int64
	Asked    func() // called for each request that asks for the groups
}

// New serves the core's ConfigMap, and Gear of example.com.
func New(t *testing.T, aggregated bool) *APIs {
	t.Helper()
	a := &APIs{
		aggregated: aggregated, Version: "v1.36.0", Groups: []string{"v1", "apps/v1", "example.com/v2", "example.com/v1"}, Broken: map[string]bool{},
		Kinds: map[string][]Resource{
			"v1": {
				{"configmaps", "ConfigMap", EveryVerb(), false}, {"namespaces", "Namespace", EveryVerb(), true}, {"namespaces/finalize", "Namespace", []string{"update"}, true},
				{"bindings", "Binding", []string{"create"}, false}, {"componentstatuses", "ComponentStatus", []string{"get", "list"}, true},
			},
			"apps/v1": {
				{"deployments", "Deployment", EveryVerb(), false}, {"deployments/scale", "Scale", []string{"get", "patch", "update"}, false},
			},
			"example.com/v2": {{"gears", "Gear", EveryVerb(), false}},
			"example.com/v1": {{"gears", "Gear", EveryVerb(), false}, {"cogs", "Cog", []string{"get", "patch"}, false}},
		},
	}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

// Change changes what is served while requests come.
func (a *APIs) Change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

// ServeHTTP answers as the API server does, in its older or its newer form.
func (a *APIs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.Requests.Add(1)
	if asked := a.Asked; asked != nil && r.URL.Path == "/apis" {
		asked()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var answer any
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/apis"), "/api")
	switch path = strings.TrimPrefix(path, "/"); {
	case a.aggregated && r.URL.Path != "/version":
		w.Header().Set("Content-Type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
		answer = a.aggregate(r.URL.Path == "/api")
	case r.URL.Path == "/api":
		answer = metav1.APIVersions{Versions: []string{"v1"}}
	case r.URL.Path == "/version":
		answer = version.Info{GitVersion: a.Version}
	case r.URL.Path == "/apis":
		answer = a.list()
	case a.Broken[path]:
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
func (a *APIs) byGroup(core bool) (names []string, versions map[string][]string) {
	versions = map[string][]string{}
	for _, gv := range a.Groups {
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

func (a *APIs) list() metav1.APIGroupList {
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

func (a *APIs) resources(gv string) metav1.APIResourceList {
	list := metav1.APIResourceList{GroupVersion: gv}
	for _, k := range a.Kinds[gv] {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: k.Name, Kind: k.Kind, Namespaced: !k.Cluster, Verbs: k.Verbs})
	}
	return list
}

// aggregate is the newer form, in which one answer tells all.
func (a *APIs) aggregate(core bool) any {
	type object = map[string]any
	names, versions := a.byGroup(core)
	var items []object
	for _, name := range names {
		var inside []object
		for _, v := range versions[name] {
			gv := strings.TrimPrefix(name+"/"+v, "/")
			version := object{"version": v, "freshness": "Current"}
			if a.Broken[gv] {
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

func (a *APIs) discovered(gv string) (resources []map[string]any) {
	_, version, named := strings.Cut(gv, "/")
	group := strings.TrimSuffix(gv, "/"+version)
	if !named {
		group, version = "", gv
	}
	for _, k := range a.Kinds[gv] {
		if strings.Contains(k.Name, "/") {
			continue // the newer form has them inside of the others
		}
		scope := "Namespaced"
		if k.Cluster {
			scope = "Cluster"
		}
		resources = append(resources, map[string]any{
			"resource": k.Name, "scope": scope, "verbs": k.Verbs, "singularResource": strings.ToLower(k.Kind),
			"responseKind": map[string]any{"group": group, "version": version, "kind": k.Kind},
		})
	}
	return resources
}

// Client asks it.
func (a *APIs) Client(t *testing.T) *discovery.DiscoveryClient {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(&rest.Config{Host: a.URL, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
