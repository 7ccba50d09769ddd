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

	mu        sync.Mutex
	byVersion map[schema.GroupVersionKind]kind
	preferred map[schema.GroupKind]schema.GroupVersionKind
	loaded    time.Time // zero: never, or no longer true
}

// expire makes the next look-up ask the server again.
func (k *kinds) expire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.loaded = time.Time{}
}

// find looks a kind up in the version that is declared.
func (k *kinds) find(ctx context.Context, gvk schema.GroupVersionKind) (kind, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.ensure(ctx); err != nil {
		return kind{}, false, err
	}
	found, ok := k.byVersion[gvk]
	if !ok && k.now().Sub(k.loaded) >= reloadEvery {
		if err := k.load(ctx); err != nil {
			return kind{}, false, err
		}
		found, ok = k.byVersion[gvk]
	}
	return found, ok, nil
}

// ensure loads what was never loaded or has expired.
func (k *kinds) ensure(ctx context.Context) error {
	if !k.loaded.IsZero() {
		return nil
	}
	return k.load(ctx)
}

// preferredOf looks a kind up in the version that the server prefers.
func (k *kinds) preferredOf(ctx context.Context, gk schema.GroupKind) (schema.GroupVersionKind, kind, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.ensure(ctx); err != nil {
		return schema.GroupVersionKind{}, kind{}, false, err
	}
	gvk, ok := k.preferred[gk]
	return gvk, k.byVersion[gvk], ok, nil
}

// all lists every kind that can be watched, in its preferred version.
func (k *kinds) all(ctx context.Context) ([]schema.GroupKind, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.ensure(ctx); err != nil {
		return nil, err
	}
	var list []schema.GroupKind
	for gk, gvk := range k.preferred {
		if k.byVersion[gvk].watchable {
			list = append(list, gk)
		}
	}
	return list, nil
}

// load asks the server; the caller holds the lock. A group whose own server
// (an aggregated API) does not answer is left out and does not hide the others.
func (k *kinds) load(ctx context.Context) error {
	_, lists, err := k.client.ServerGroupsAndResourcesWithContext(ctx)
	var partial *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &partial) {
		return unreachable(fmt.Errorf("list the cluster's kinds: %w", err))
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
	k.byVersion, k.preferred, k.loaded = byVersion, preferred, k.now()
	return nil
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
