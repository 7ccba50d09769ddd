// Package queue hands keyed work to workers, fairly between flows.
//
// A key stands in the queue at most once and is worked on by at most one worker
// at a time; one that is added while it is worked on comes again afterwards.
// Keys belong to flows (a project, a namespace), which take turns: a flow with
// ten thousand waiting keys delays another by one key, not ten thousand. The
// queue keeps no time: who wants something later adds it later; Backoff says
// how much, after failures. A Pool is workers that do what is queued.
package queue

import (
	"context"
	"sync"
)

// Queue is a keyed, fair queue. Make one with New.
type Queue[K comparable] struct {
	mu      sync.Mutex
	flows   map[string]*flow[K]
	turn    []*flow[K] // flows with waiting keys, in the order of their turns
	waiting map[K]string
	busy    map[K]struct{}
	again   map[K]string // added while busy, with its flow
	signal  chan struct{}
}

type flow[K comparable] struct {
	name string
	keys []K
}

// New is an empty queue.
func New[K comparable]() *Queue[K] {
	return &Queue[K]{
		flows:   map[string]*flow[K]{},
		waiting: map[K]string{},
		busy:    map[K]struct{}{},
		again:   map[K]string{},
		signal:  make(chan struct{}, 1),
	}
}

// Add queues key in a flow, unless it is waiting already.
func (q *Queue[K]) Add(key K, flowName string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.busy[key]; ok {
		q.again[key] = flowName
		return
	}
	q.push(key, flowName)
}

func (q *Queue[K]) push(key K, flowName string) {
	if _, ok := q.waiting[key]; ok {
		return
	}
	f := q.flows[flowName]
	if f == nil {
		f = &flow[K]{name: flowName}
		q.flows[flowName] = f
		q.turn = append(q.turn, f)
	}
	f.keys = append(f.keys, key)
	q.waiting[key] = flowName
	q.wake()
}

// Get waits for a key and marks it busy. It returns false when ctx is done.
func (q *Queue[K]) Get(ctx context.Context) (K, bool) {
	for {
		if ctx.Err() != nil {
			var none K
			return none, false // what waits is not begun any more
		}
		if key, ok := q.pop(); ok {
			return key, true
		}
		select {
		case <-ctx.Done():
			var none K
			return none, false
		case <-q.signal:
		}
	}
}

func (q *Queue[K]) pop() (K, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var none K
	if len(q.turn) == 0 {
		return none, false
	}
	f := q.turn[0]
	key := f.keys[0]
	f.keys = f.keys[1:]
	q.turn = q.turn[1:]
	if len(f.keys) > 0 {
		q.turn = append(q.turn, f)
	} else {
		delete(q.flows, f.name)
	}
	delete(q.waiting, key)
	q.busy[key] = struct{}{}
	if len(q.turn) > 0 {
		q.wake() // the next waiting worker
	}
	return key, true
}

// Done ends the work on a key that Get returned.
func (q *Queue[K]) Done(key K) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, key)
	if flowName, ok := q.again[key]; ok {
		delete(q.again, key)
		q.push(key, flowName)
	}
}

// Len is how many keys wait.
func (q *Queue[K]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

func (q *Queue[K]) wake() {
	select {
	case q.signal <- struct{}{}:
	default:
	}
}
