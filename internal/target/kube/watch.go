package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"plumb.dev/plumb/internal/watch"

	"plumb.dev/plumb/internal/discovery"
)

// watcher is a watch that can be ended alone.
type watcher struct {
	*watch.Watch
	gk     schema.GroupKind
	cancel context.CancelFunc
}

// state says whether all objects of the kind are known, or why not.
func (w *watcher) state() (bool, error) {
	synced, err := w.State()
	if err != nil {
		return false, explainWatch(w.gk, err)
	}
	return synced, nil
}

// known is state, but for a kind whose conversion webhook can't be called. What
// serves it may come with the same App, so that has to go on.
func (w *watcher) known() (bool, error) {
	if w.Unconverted() {
		return true, nil
	}
	return w.state()
}

// watches is the set of watchers, by kind.
type watches struct {
	mu     sync.Mutex
	byKind map[schema.GroupKind]*watcher
	sought map[schema.GroupKind]*search
	swept  bool
	// trouble is why the sweep failed the last time.
	trouble error
}

// Watch sees to it that kinds are watched, and says whether all are known. It
// never waits for the server.
func (c *Cluster) Watch(wanted []schema.GroupKind) (bool, error) {
	known := true
	var errs []error
	for _, gk := range wanted {
		synced, err := c.watchKind(gk)
		known = known && synced
		errs = append(errs, err)
	}
	return known, errors.Join(errs...)
}

func (c *Cluster) watchKind(gk schema.GroupKind) (bool, error) {
	c.watches.mu.Lock()
	w, sought := c.watches.byKind[gk], c.watches.sought[gk]
	c.watches.mu.Unlock()
	if w != nil {
		return w.known()
	}
	if sought != nil {
		return false, sought.err
	}
	now, ok := c.kinds.Cached()
	if !ok {
		c.seek(gk)
		return false, nil
	}
	gvk, k, served := now.Preferred(gk)
	if !served {
		err := now.Missing(gk.Group)
		return err == nil, err // without an error nothing of it can be there
	}
	if !k.Watchable {
		return false, fmt.Errorf("%s can't be watched, so drift of it can't be seen; leave it out", gk)
	}
	return c.startWatch(gvk, k).state()
}

// search is the search for how a kind is served, while the server isn't known.
type search struct{ err error }

// seek asks the server for its kinds, until it answers, and tells the view's
// taker when it did or failed.
func (c *Cluster) seek(gk schema.GroupKind) {
	c.watches.mu.Lock()
	defer c.watches.mu.Unlock()
	if c.watches.sought[gk] != nil {
		return
	}
	c.watches.sought[gk] = &search{}
	c.running.Go(func() {
		// Only the end of ctx ends it without an answer.
		_ = wait.ExponentialBackoffWithContext(c.ctx, *watchBackoff(), func(ctx context.Context) (bool, error) {
			_, err := c.kinds.Current(ctx)
			c.watches.mu.Lock()
			c.watches.sought[gk] = &search{err: err}
			if err == nil {
				delete(c.watches.sought, gk)
			}
			c.watches.mu.Unlock()
			c.view.TellKinds()
			return err == nil, nil
		})
	})
}

func (c *Cluster) startWatch(gvk schema.GroupVersionKind, k discovery.Kind) *watcher {
	c.watches.mu.Lock()
	defer c.watches.mu.Unlock()
	gk := gvk.GroupKind()
	if w := c.watches.byKind[gk]; w != nil {
		return w
	}
	ctx, cancel := context.WithCancel(c.ctx)
	w := &watcher{gk: gk, cancel: cancel, Watch: watch.New(watch.Options{
		Kind: gvk, Resource: k.Resource, Dynamic: c.dynamic, Metadata: c.metadata, Backoff: watchBackoff(), Judge: c.judge, View: c.view,
	})}
	c.watches.byKind[gk] = w
	c.running.Go(func() { w.Run(ctx) })
	return w
}

// kindsChanged looks at which watched kinds the cluster still serves, and in
// which version; what went is forgotten, what changed its version is watched anew.
func (c *Cluster) kindsChanged() {
	c.kinds.Expire()
	c.watches.mu.Lock()
	current := maps.Clone(c.watches.byKind)
	c.watches.mu.Unlock()
	for gk, w := range current {
		gvk, _, ok, err := c.kinds.Preferred(c.ctx, gk)
		if err != nil || (ok && gvk.Version == w.Version()) {
			continue
		}
		w.cancel()
		c.watches.mu.Lock()
		delete(c.watches.byKind, gk)
		c.watches.mu.Unlock()
		if !ok {
			c.view.Forget(gk)
		}
	}
	c.view.TellKinds()
}
