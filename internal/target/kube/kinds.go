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
	changes uint64 // how often what is known was said to be no longer true
}

// known is one answer of the server. It is never changed.
type known struct {
	byVersion map[schema.GroupVersionKind]kind
	preferred map[schema.GroupKind]schema.GroupVersionKind
	loaded    time.Time // zero: never, or no longer true
	// away are the groups whose own servers (aggregated APIs) did not answer,
	// and why. Of them is known what was known before, and maybe not all.
	away map[string]error
}

// missing says why it can't be told whether a kind of a group is there; nil
// where it isn't.
func (k known) missing(group string) error {
	if err := k.away[group]; err != nil {
		return fmt.Errorf("the server of %s does not answer, so its kinds are not known: %w; see to its APIService", group, err)
	}
	return nil
}

// expire makes the next look-up ask the server again.
func (k *kinds) expire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known.loaded = time.Time{}
	k.changes++
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
	k.mu.RLock()
	before, changes := k.known, k.changes
	k.mu.RUnlock()
	fresh, err := k.load(ctx, before)
	if err != nil {
		return known{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known = fresh
	if k.changes != changes {
		k.known.loaded = time.Time{} // it changed while we asked: the next look-up asks again
	}
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
	if !ok {
		return found, false, now.missing(gvk.Group)
	}
	return found, true, nil
}

// preferredOf looks a kind up in the version that the server prefers.
func (k *kinds) preferredOf(ctx context.Context, gk schema.GroupKind) (schema.GroupVersionKind, kind, bool, error) {
	now, err := k.current(ctx)
	if err != nil {
		return schema.GroupVersionKind{}, kind{}, false, err
	}
	gvk, ok := now.preferred[gk]
	if !ok {
		return gvk, kind{}, false, now.missing(gk.Group)
	}
	return gvk, now.byVersion[gvk], true, nil
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

// load asks the server. A group whose own server does not answer hides no
// other, and keeps the kinds that it was known to have before.
func (k *kinds) load(ctx context.Context, before known) (known, error) {
	groups, lists, err := k.client.ServerGroupsAndResourcesWithContext(ctx)
	var partial *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &partial) {
		return known{}, unreachable(fmt.Errorf("list the cluster's kinds: %w", err))
	}
	byVersion := map[schema.GroupVersionKind]kind{}
	preferred := map[schema.GroupKind]schema.GroupVersionKind{}
	for _, list := range inOrder(groups, lists) {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // not a name that an object could have
		}
		for _, r := range list.APIResources {
			addKind(byVersion, preferred, gv, r)
		}
	}
	fresh := known{byVersion: byVersion, preferred: preferred, loaded: k.now()}
	if partial != nil {
		fresh.keep(before, partial.Groups)
	}
	return fresh, nil
}

// inOrder sorts the lists of kinds as the server prefers the versions of each
// group; the client library brings them in any order.
func inOrder(groups []*metav1.APIGroup, lists []*metav1.APIResourceList) []*metav1.APIResourceList {
	byVersion := map[string]*metav1.APIResourceList{}
	for _, list := range lists {
		byVersion[list.GroupVersion] = list
	}
	sorted := make([]*metav1.APIResourceList, 0, len(lists))
	for _, group := range groups {
		for _, version := range append([]metav1.GroupVersionForDiscovery{group.PreferredVersion}, group.Versions...) {
			if list := byVersion[version.GroupVersion]; list != nil {
				sorted = append(sorted, list)
				delete(byVersion, version.GroupVersion)
			}
		}
	}
	return sorted
}

// keep takes over what was known before of groups that did not answer.
func (k *known) keep(before known, failed map[schema.GroupVersion]error) {
	k.away = map[string]error{}
	for gv, err := range failed {
		k.away[gv.Group] = err
	}
	for gvk, kind := range before.byVersion {
		if _, there := k.byVersion[gvk]; !there && failed[gvk.GroupVersion()] != nil {
			k.byVersion[gvk] = kind
		}
	}
	for gk, gvk := range before.preferred {
		if _, there := k.preferred[gk]; !there && failed[gvk.GroupVersion()] != nil {
			k.preferred[gk] = gvk
		}
	}
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
