package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// kind is how the API server serves one kind in one version.
type kind struct {
	resource   schema.GroupVersionResource
	namespaced bool
	watchable  bool
}

// reloadEvery bounds how often unknown kinds make us ask the server for its
// kinds; a CRD that comes or goes makes us ask at once.
const reloadEvery = time.Second

// kinds is the cluster's kinds, cached from discovery and asked for again when
// one is unknown or the cluster says that they changed. Discovery costs two
// requests whatever the number of kinds.
type kinds struct {
	client *discovery.DiscoveryClient
	now    func() time.Time

	loading sync.Mutex // one asks the server at a time; the others wait for its answer
	mu      sync.RWMutex
	known   known
}

// known is one answer of the server. It is never changed.
type known struct {
	byVersion map[schema.GroupVersionKind]kind
	preferred map[schema.GroupKind]schema.GroupVersionKind
	loaded    time.Time // zero: never, or no longer true
}

// expire makes the next look-up ask the server again.
func (k *kinds) expire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known.loaded = time.Time{}
}

// cached is what is known without asking, and whether it still counts.
func (k *kinds) cached() (known, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.known, !k.known.loaded.IsZero()
}

// current is what is known, after asking where that has expired.
func (k *kinds) current(ctx context.Context) (known, error) {
	if now, ok := k.cached(); ok {
		return now, nil
	}
	return k.reload(ctx, time.Time{})
}

// reload asks the server, unless someone has done so since the answer of a time.
func (k *kinds) reload(ctx context.Context, since time.Time) (known, error) {
	k.loading.Lock()
	defer k.loading.Unlock()
	if now, ok := k.cached(); ok && now.loaded.After(since) {
		return now, nil
	}
	fresh, err := k.load(ctx)
	if err != nil {
		return known{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known = fresh
	return fresh, nil
}

// find looks a kind up in the version that is declared.
func (k *kinds) find(ctx context.Context, gvk schema.GroupVersionKind) (kind, bool, error) {
	now, err := k.current(ctx)
	if err != nil {
		return kind{}, false, err
	}
	found, ok := now.byVersion[gvk]
	if !ok && k.now().Sub(now.loaded) >= reloadEvery {
		if now, err = k.reload(ctx, now.loaded); err != nil {
			return kind{}, false, err
		}
		found, ok = now.byVersion[gvk]
	}
	return found, ok, nil
}

// preferredOf looks a kind up in the version that the server prefers.
func (k *kinds) preferredOf(ctx context.Context, gk schema.GroupKind) (schema.GroupVersionKind, kind, bool, error) {
	now, err := k.current(ctx)
	if err != nil {
		return schema.GroupVersionKind{}, kind{}, false, err
	}
	gvk, ok := now.preferred[gk]
	return gvk, now.byVersion[gvk], ok, nil
}

// all lists every kind that can be watched, in its preferred version.
func (k *kinds) all(ctx context.Context) ([]schema.GroupKind, error) {
	now, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	var list []schema.GroupKind
	for gk, gvk := range now.preferred {
		if now.byVersion[gvk].watchable {
			list = append(list, gk)
		}
	}
	return list, nil
}

// load asks the server. A group whose own server (an aggregated API) does not
// answer is left out and does not hide the others.
func (k *kinds) load(ctx context.Context) (known, error) {
	_, lists, err := k.client.ServerGroupsAndResourcesWithContext(ctx)
	var partial *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &partial) {
		return known{}, unreachable(fmt.Errorf("list the cluster's kinds: %w", err))
	}
	byVersion := map[schema.GroupVersionKind]kind{}
	preferred := map[schema.GroupKind]schema.GroupVersionKind{}
	for _, list := range lists { // preferred versions come first
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // not a name that an object could have
		}
		for _, r := range list.APIResources {
			addKind(byVersion, preferred, gv, r)
		}
	}
	return known{byVersion: byVersion, preferred: preferred, loaded: k.now()}, nil
}

func addKind(byVersion map[schema.GroupVersionKind]kind, preferred map[schema.GroupKind]schema.GroupVersionKind, gv schema.GroupVersion, r metav1.APIResource) {
	if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "patch") {
		return // a subresource, or nothing that can be applied
	}
	gvk := gv.WithKind(r.Kind)
	if _, ok := byVersion[gvk]; ok {
		return // the first resource of a kind is the one that the server means
	}
	byVersion[gvk] = kind{
		resource:   gv.WithResource(r.Name),
		namespaced: r.Namespaced,
		watchable:  slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "watch"),
	}
	if _, ok := preferred[gvk.GroupKind()]; !ok {
		preferred[gvk.GroupKind()] = gvk
	}
}
