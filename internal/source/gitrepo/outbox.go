package gitrepo

import (
	"slices"
	"sync"

	"plumb.dev/plumb/internal/source"
)

// outbox hands heads on, in the order in which their refs first had news, and
// of each ref only the newest. Putting into it never waits for who takes.
type outbox struct {
	out  chan source.Head
	more chan struct{} // there is something to hand on; holds at most one

	mu    sync.Mutex
	order []source.Ref
	heads map[source.Ref]source.Head
}

func newOutbox() *outbox {
	return &outbox{out: make(chan source.Head), more: make(chan struct{}, 1), heads: map[source.Ref]source.Head{}}
}

// put replaces what waits of the same ref.
func (o *outbox) put(h source.Head) {
	o.mu.Lock()
	if _, waits := o.heads[h.Ref]; !waits {
		o.order = append(o.order, h.Ref)
	}
	o.heads[h.Ref] = h
	o.mu.Unlock()
	signal(o.more)
}

// forget drops what waits of refs that nobody wants any more.
func (o *outbox) forget(refs []source.Ref) {
	o.mu.Lock()
	for _, ref := range refs {
		if _, waits := o.heads[ref]; waits {
			delete(o.heads, ref)
			o.order = slices.DeleteFunc(o.order, func(r source.Ref) bool { return r == ref })
		}
	}
	o.mu.Unlock()
	signal(o.more)
}

// first is what comes next, and where it can be sent; a nil channel if nothing waits.
func (o *outbox) first() (source.Head, chan<- source.Head) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.order) == 0 {
		return source.Head{}, nil
	}
	return o.heads[o.order[0]], o.out
}

// sent takes a head out, unless a newer one has come meanwhile.
func (o *outbox) sent(h source.Head) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if waits, ok := o.heads[h.Ref]; ok && !news(waits, h) {
		delete(o.heads, h.Ref)
		o.order = slices.DeleteFunc(o.order, func(r source.Ref) bool { return r == h.Ref })
	}
}

// run hands on until it is told to end.
func (o *outbox) run(end <-chan struct{}) {
	for {
		head, out := o.first()
		select {
		case <-end:
			return
		case <-o.more: // what comes next may be another now
		case out <- head:
			o.sent(head)
		}
	}
}
