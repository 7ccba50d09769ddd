package git

import (
	"errors"
	"sync"
	"time"
)

const (
	// maxReaders bounds the processes that read one mirror.
	maxReaders = 4
	// idleTime is how long an unused process is kept.
	idleTime = time.Minute
)

var errClosed = errors.New("the mirror was let go")

// pool keeps the processes that read one mirror: started when they are needed,
// ended when they haven't been for a while, replaced when they die.
type pool[P process] struct {
	start func() (P, error)
	slots chan struct{}

	mu     sync.Mutex
	free   []P
	era    int // those of an earlier era read a mirror that is no more
	idle   *time.Timer
	closed bool
}

// process is what a pool keeps. Whoever uses one learns of its death by a failure.
type process interface{ close() }

func newPool[P process](start func() (P, error)) *pool[P] {
	return &pool[P]{start: start, slots: make(chan struct{}, maxReaders)}
}

// use runs fn with a process, and once more with a fresh one if that one died.
func (p *pool[P]) use(fn func(P) error) error {
	p.slots <- struct{}{}
	defer func() { <-p.slots }()
	for attempt := 0; ; attempt++ {
		r, era, err := p.take()
		if err != nil {
			return err
		}
		err = fn(r)
		var dead *failure
		if died := errors.As(err, &dead); !died {
			p.put(r, era)
			return err
		}
		if attempt > 0 {
			return err
		}
		p.end() // what killed one has likely killed the others
	}
}

func (p *pool[P]) take() (P, int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		var none P
		return none, 0, errClosed
	}
	if last := len(p.free) - 1; last >= 0 {
		r := p.free[last]
		p.free = p.free[:last]
		return r, p.era, nil
	}
	r, err := p.start()
	return r, p.era, err
}

func (p *pool[P]) put(r P, era int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || era != p.era {
		r.close()
		return
	}
	p.free = append(p.free, r)
	if p.idle == nil {
		p.idle = time.AfterFunc(idleTime, p.end)
	} else {
		p.idle.Reset(idleTime)
	}
}

// end ends the processes that nobody uses.
func (p *pool[P]) end() {
	p.mu.Lock()
	free := p.free
	p.free = nil
	p.mu.Unlock()
	for _, r := range free {
		r.close()
	}
}

// renew ends all processes, those in use as soon as they are free.
func (p *pool[P]) renew() {
	p.mu.Lock()
	p.era++
	p.mu.Unlock()
	p.end()
}

// close ends the pool for good.
func (p *pool[P]) close() {
	p.mu.Lock()
	p.closed = true
	if p.idle != nil {
		p.idle.Stop()
	}
	p.mu.Unlock()
	p.end()
}
