package source

import (
	"slices"
	"sync"
)

// Outbox is for sources to hand heads on with: in the order in which their refs
// first had news, and of each ref only the newest. Putting into it never waits
// for who takes.
type Outbox struct {
	out  chan Head
	more chan struct{} // there is something to hand on; holds at most one

	mu    sync.Mutex
	order []Ref
	heads map[Ref]Head
}

// NewOutbox makes an empty one.
func NewOutbox() *Outbox {
	return &Outbox{out: make(chan Head), more: make(chan struct{}, 1), heads: map[Ref]Head{}}
}

// Heads is where heads can be taken. It is never closed.
func (o *Outbox) Heads() <-chan Head { return o.out }

// Put replaces what waits of the same ref.
func (o *Outbox) Put(h Head) {
	o.mu.Lock()
	if _, waits := o.heads[h.Ref]; !waits {
		o.order = append(o.order, h.Ref)
	}
	o.heads[h.Ref] = h
	o.mu.Unlock()
	signal(o.more)
}

// Forget drops what waits of refs that nobody wants any more.
func (o *Outbox) Forget(refs []Ref) {
	o.mu.Lock()
	for _, ref := range refs {
		if _, waits := o.heads[ref]; waits {
			delete(o.heads, ref)
			o.order = slices.DeleteFunc(o.order, func(r Ref) bool { return r == ref })
		}
	}
	o.mu.Unlock()
	signal(o.more)
}

// first is what comes next, and where it can be sent; a nil channel if nothing waits.
func (o *Outbox) first() (Head, chan<- Head) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.order) == 0 {
		return Head{}, nil
	}
	return o.heads[o.order[0]], o.out
}

// sent takes a head out, unless a newer one has come meanwhile.
func (o *Outbox) sent(h Head) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if waits, ok := o.heads[h.Ref]; ok && !News(waits, h) {
		delete(o.heads, h.Ref)
		o.order = slices.DeleteFunc(o.order, func(r Ref) bool { return r == h.Ref })
	}
}

// Run hands on until it is told to end.
func (o *Outbox) Run(end <-chan struct{}) {
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

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it has been told, and has not heard yet
	}
}
