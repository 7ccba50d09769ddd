package kube

import (
	"sync"

	"plumb.dev/plumb/internal/discovery"
	"plumb.dev/plumb/internal/object"
)

// vigils are the CRDs that were kept for their objects, and are waited for to
// have none.
type vigils struct {
	mu sync.Mutex
	of map[object.Key]bool
}

func (v *vigils) begin(key object.Key) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of[key] {
		return false
	}
	if v.of == nil {
		v.of = map[object.Key]bool{}
	}
	v.of[key] = true
	return true
}

func (v *vigils) end(key object.Key) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.of, key)
}

// keepVigil tells the view's taker when the last object of a kind is gone, for
// which a CRD was kept.
func (c *Cluster) keepVigil(key object.Key, k discovery.Kind) {
	if !c.vigils.begin(key) {
		return
	}
	c.running.Go(func() {
		defer c.vigils.end(key)
		if discovery.Outlast(c.ctx, c.metadata.Resource(k.Resource), *watchBackoff()) {
			c.view.Freed(key)
		}
	})
}
