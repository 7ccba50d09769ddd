package queue

import (
	"context"
	"runtime/debug"
	"sync"
	"time"
)

// Job is work on a key. It returns what takes its result in.
type Job func(ctx context.Context) (result func())

// Pool is workers that do jobs in the order of a Queue. Make one with NewPool.
type Pool[K comparable] struct {
	queue   *Queue[K]
	options PoolOptions[K]

	mu   sync.Mutex
	jobs map[K]Job
}

// PoolOptions are what a Pool needs.
type PoolOptions[K comparable] struct {
	// Grace is how long jobs that were begun may go on after the end was asked for.
	Grace time.Duration
	// Deliver is given the result of each job, on the worker.
	Deliver func(result func())
	// Panicked tells of a job that panicked, and what takes that in as its result.
	Panicked func(key K, cause any, stack []byte) (result func())
}

// NewPool is a pool without work; nothing is done before Run.
func NewPool[K comparable](o PoolOptions[K]) *Pool[K] {
	return &Pool[K]{queue: New[K](), options: o, jobs: map[K]Job{}}
}

// Start queues a job in a flow. Of a key that waits already, only the newest job is done.
func (p *Pool[K]) Start(key K, flow string, j Job) {
	p.mu.Lock()
	p.jobs[key] = j
	p.mu.Unlock()
	p.queue.Add(key, flow)
}

// Len is how many jobs wait.
func (p *Pool[K]) Len() int { return p.queue.Len() }

// Run does jobs on so many workers until ctx is done and what was begun has ended.
func (p *Pool[K]) Run(ctx context.Context, workers int) {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { p.work(ctx) })
	}
	all.Wait()
}

func (p *Pool[K]) work(ctx context.Context) {
	for {
		key, ok := p.queue.Get(ctx)
		if !ok {
			return
		}
		p.mu.Lock()
		j := p.jobs[key]
		delete(p.jobs, key)
		p.mu.Unlock()
		p.options.Deliver(p.do(ctx, key, j))
		p.queue.Done(key)
	}
}

// do does one job. A panic in it ends that job and nothing else.
func (p *Pool[K]) do(ctx context.Context, key K, j Job) (result func()) {
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(p.options.Grace, cancel) })
	defer stop()
	defer func() {
		if cause := recover(); cause != nil {
			result = p.options.Panicked(key, cause, debug.Stack())
		}
	}()
	return j(working)
}
