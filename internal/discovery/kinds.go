package discovery

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

// Kind is how the API server serves one kind in one version.
type Kind struct {
	Resource   schema.GroupVersionResource
	Namespaced bool
	Watchable  bool
}

// reloadEvery bounds how often unknown kinds make us ask the server for its
// kinds; a CRD that comes or goes makes us ask at once.
const reloadEvery = time.Second

// Options says what Kinds needs beside its client.
type Options struct {
	// Now is the clock; nil is the real one.
	Now func() time.Time
	// Failed words the error of a request that failed; nil leaves it as it is.
	Failed func(error) error
	// Changed is called when an answer of the server differs from the one before.
	Changed func()
}

// Kinds is the cluster's kinds, cached from discovery and asked for again when
// one is unknown or the cluster says that they changed. Discovery costs two
// requests whatever the number of kinds. It is safe for concurrent use.
type Kinds struct {
	client *discovery.DiscoveryClient
	o      Options

	loading sync.Mutex // one asks the server at a time; the others wait for its answer
	mu      sync.RWMutex
	known   Known
	changes uint64 // how often what is known was said to be no longer true
	version version
}

// New makes Kinds that ask the server at the first look-up.
func New(client *discovery.DiscoveryClient, o Options) *Kinds {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Failed == nil {
		o.Failed = func(err error) error { return err }
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Kinds{client: client, o: o}
}

// Known is one answer of the server. It is never changed.
type Known struct {
	byVersion map[schema.GroupVersionKind]Kind
	preferred map[schema.GroupKind]schema.GroupVersionKind
	// served are all GROUP/VERSION and GROUP/VERSION/KIND, in order: those that
	// can't be applied among them.
	served []string
	loaded time.Time // zero: never, or no longer true
	// away are the groups whose own servers (aggregated APIs) did not answer,
	// and why. Of them is known what was known before, and maybe not all.
	away map[string]error
}

// Preferred is how a kind is served in the version that the server prefers.
func (k Known) Preferred(gk schema.GroupKind) (schema.GroupVersionKind, Kind, bool) {
	gvk, ok := k.preferred[gk]
	return gvk, k.byVersion[gvk], ok
}

// Served are all GROUP/VERSION and GROUP/VERSION/KIND, in order. They must not
// be changed.
func (k Known) Served() []string { return k.served }

// Away says of some group why its kinds may not all be known; nil where all are.
func (k Known) Away() error {
	for group := range k.away {
		return k.Missing(group)
	}
	return nil
}

// Missing says why it can't be told whether a kind of a group is there; nil
// where it isn't.
func (k Known) Missing(group string) error {
	if err := k.away[group]; err != nil {
		return fmt.Errorf("the server of %s does not answer, so its kinds are not known: %w; see to its APIService", group, err)
	}
	return nil
}

// Expire makes the next look-up ask the server again.
func (k *Kinds) Expire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known.loaded = time.Time{}
	k.changes++
}

// Cached is what is known without asking, and whether it still counts.
func (k *Kinds) Cached() (Known, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.known, !k.known.loaded.IsZero()
}

// Current is what is known, after asking where that has expired.
func (k *Kinds) Current(ctx context.Context) (Known, error) {
	if now, ok := k.Cached(); ok {
		return now, nil
	}
	return k.reload(ctx, time.Time{})
}

// reload asks the server, unless someone has done so since the answer of a time.
func (k *Kinds) reload(ctx context.Context, since time.Time) (Known, error) {
	k.loading.Lock()
	defer k.loading.Unlock()
	if now, ok := k.Cached(); ok && now.loaded.After(since) {
		return now, nil
	}
	k.mu.RLock()
	before, changes := k.known, k.changes
	k.mu.RUnlock()
	fresh, err := k.load(ctx, before)
	if err != nil {
		return Known{}, err
	}
	k.mu.Lock()
	k.known = fresh
	if k.changes != changes {
		k.known.loaded = time.Time{} // it changed while we asked: the next look-up asks again
	}
	k.mu.Unlock()
	if before.served != nil && !slices.Equal(before.served, fresh.served) {
		k.o.Changed()
	}
	return fresh, nil
}

// Find looks a kind up in the version that is declared.
func (k *Kinds) Find(ctx context.Context, gvk schema.GroupVersionKind) (Kind, bool, error) {
	now, err := k.Current(ctx)
	if err != nil {
		return Kind{}, false, err
	}
	found, ok := now.byVersion[gvk]
	if !ok && k.o.Now().Sub(now.loaded) >= reloadEvery {
		if now, err = k.reload(ctx, now.loaded); err != nil {
			return Kind{}, false, err
		}
		found, ok = now.byVersion[gvk]
	}
	if !ok {
		return found, false, now.Missing(gvk.Group)
	}
	return found, true, nil
}

// Preferred looks a kind up in the version that the server prefers.
func (k *Kinds) Preferred(ctx context.Context, gk schema.GroupKind) (schema.GroupVersionKind, Kind, bool, error) {
	now, err := k.Current(ctx)
	if err != nil {
		return schema.GroupVersionKind{}, Kind{}, false, err
	}
	gvk, ok := now.preferred[gk]
	if !ok {
		return gvk, Kind{}, false, now.Missing(gk.Group)
	}
	return gvk, now.byVersion[gvk], true, nil
}

// All lists every kind that can be watched, in its preferred version.
func (k *Kinds) All(ctx context.Context) ([]schema.GroupKind, error) {
	now, err := k.Current(ctx)
	if err != nil {
		return nil, err
	}
	var list []schema.GroupKind
	for gk, gvk := range now.preferred {
		if now.byVersion[gvk].Watchable {
			list = append(list, gk)
		}
	}
	return list, nil
}

// load asks the server. A group whose own server does not answer hides no
// other, and keeps the kinds that it was known to have before.
func (k *Kinds) load(ctx context.Context, before Known) (Known, error) {
	groups, lists, err := k.client.ServerGroupsAndResourcesWithContext(ctx)
	var partial *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &partial) {
		return Known{}, k.o.Failed(fmt.Errorf("list the cluster's kinds: %w", err))
	}
	fresh := Known{byVersion: map[schema.GroupVersionKind]Kind{}, preferred: map[schema.GroupKind]schema.GroupVersionKind{}, loaded: k.o.Now()}
	for _, list := range inOrder(groups, lists) {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // not a name that an object could have
		}
		fresh.served = append(fresh.served, list.GroupVersion)
		for _, r := range list.APIResources {
			fresh.served = append(fresh.served, list.GroupVersion+"/"+r.Kind)
			fresh.add(gv, r)
		}
	}
	if partial != nil {
		fresh.keep(before, partial.Groups)
	}
	slices.Sort(fresh.served)
	fresh.served = slices.Clip(slices.Compact(fresh.served))
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
func (k *Known) keep(before Known, failed map[schema.GroupVersion]error) {
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
	for gv := range failed {
		for _, served := range before.served {
			if served == gv.String() || strings.HasPrefix(served, gv.String()+"/") {
				k.served = append(k.served, served)
			}
		}
	}
}

// add takes in one resource as the server tells of it.
func (k *Known) add(gv schema.GroupVersion, r metav1.APIResource) {
	if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "patch") {
		return // a subresource, or nothing that can be applied
	}
	gvk := gv.WithKind(r.Kind)
	if _, ok := k.byVersion[gvk]; ok {
		return // the first resource of a kind is the one that the server means
	}
	k.byVersion[gvk] = Kind{
		Resource:   gv.WithResource(r.Name),
		Namespaced: r.Namespaced,
		Watchable:  slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "watch"),
	}
	if _, ok := k.preferred[gvk.GroupKind()]; !ok {
		k.preferred[gvk.GroupKind()] = gvk
	}
}
