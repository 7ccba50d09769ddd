package kube

import (
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/target"
)

var _ target.Noter = (*Cluster)(nil)

// Note implements target.Noter.
func (c *Cluster) Note(keys []object.Key) { c.notes.Follow(c.ctx, c.running.Go, keys) }

// Noted implements target.Noter.
func (c *Cluster) Noted(key object.Key) (version string, known bool) { return c.notes.Version(key) }
