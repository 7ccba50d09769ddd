package git

import (
	"container/list"
	"sync"

	"plumb.dev/plumb/internal/tree"
)

// cache keeps the folders that were used last, up to a number of bytes. Objects
// never change, so nothing in it is ever out of date.
type cache struct {
	mu    sync.Mutex
	max   int
	size  int
	order list.List // of *cached, the last used first
	byID  map[string]*list.Element
}

type cached struct {
	id      string
	entries []tree.Entry
	size    int
}

func newCache(max int) *cache { return &cache{max: max, byID: map[string]*list.Element{}} }

func (c *cache) get(id string) ([]tree.Entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byID[id]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).entries, true
}

func (c *cache) put(id string, entries []tree.Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.byID[id]; known {
		return
	}
	item := &cached{id: id, entries: entries, size: weight(entries)}
	if item.size > c.max {
		return
	}
	c.byID[id] = c.order.PushFront(item)
	c.size += item.size
	for c.size > c.max {
		last := c.order.Back()
		old := c.order.Remove(last).(*cached)
		delete(c.byID, old.id)
		c.size -= old.size
	}
}

// weight is about what entries take in memory.
func weight(entries []tree.Entry) int {
	const perFolder, perEntry = 200, 48
	n := perFolder
	for _, e := range entries {
		n += perEntry + len(e.Name) + len(e.ID)
	}
	return n
}
