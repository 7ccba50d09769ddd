// Package worker renders in processes of their own, so that a render cannot
// hurt the daemon: a template that loops, allocates or recurses without end
// ends its worker and nothing else, and what breaks out of a library finds no
// file, no network, no environment and no other program (see package confine).
//
// A Pool wraps render.Renderers. Choosing one, recording what is read, opening
// encrypted files, asking the target and checking what comes out stay in the
// daemon; a worker is handed what it asks for over a pipe, one render at a time.
// It is not trusted: what it sends is bounded, and garbage ends it.
//
// A worker that ends through the fault of what it renders is an error of that
// render, which says what was exceeded. One that ends otherwise is replaced, and
// the render done again.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"plumb.dev/plumb/internal/confine"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// Options say what workers may take. The zero value is good.
type Options struct {
	Workers int           // at most, at once; 0: DefaultWorkers
	Memory  int64         // bytes that one render may take; 0: DefaultMemory
	Time    time.Duration // that one render may take; 0: DefaultTime
	Log     *slog.Logger  // nil: none
	// Ended is told of each worker that ended during a render, with what the
	// render exceeded: memory, time, stack; or fault, where it is not known to.
	Ended func(why string)
}

// The defaults of Options.
const (
	DefaultMemory = 512 << 20
	DefaultTime   = time.Minute
	mostWorkers   = 4 // a daemon has other work
	mostStack     = 128 << 20
)

// DefaultWorkers is how many workers there are unless told otherwise.
func DefaultWorkers() int { return min(runtime.NumCPU(), mostWorkers) }

// Bounds of a worker's life. Libraries keep things for the whole process.
const (
	maxRenders = 2_000            // then another one takes its place
	idleFor    = 2 * time.Minute  // then it ends, unless it is the last
	startTime  = 20 * time.Second // that a start may take
)

// Pool is workers. It is safe for concurrent use. Who waits for one is served in
// the order of coming.
type Pool struct {
	options Options
	starter *confine.Starter
	places  *semaphore.Weighted

	mu       sync.Mutex
	closed   bool
	idle     []*worker // the one that was used last comes last
	all      map[*worker]bool
	failures int       // starts that failed, in a row
	resting  time.Time // until when none is started
	reaper   *time.Timer
}

// New starts a worker, and says what workers are kept from. It is an error
// where none can be started.
func New(o Options) (*Pool, error) {
	if o.Workers <= 0 {
		o.Workers = DefaultWorkers()
	}
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	if o.Time <= 0 {
		o.Time = DefaultTime
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Ended == nil {
		o.Ended = func(string) {}
	}
	starter, err := confine.NewStarter(Argument)
	if err != nil {
		return nil, err
	}
	p := &Pool{options: o, starter: starter, places: semaphore.NewWeighted(int64(o.Workers)), all: map[*worker]bool{}}
	p.reaper = time.AfterFunc(idleFor, p.reap)
	first, err := p.start()
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("start a process to render in: %w", err)
	}
	p.tell(first.report)
	p.putBack(first)
	return p, nil
}

// tell logs what workers are kept from.
func (p *Pool) tell(r confine.Report) {
	attributes := []any{"workers", p.options.Workers, "memory", mebibytes(p.options.Memory), "time", p.options.Time.String(), "by", r.By}
	if len(r.Wrong) > 0 {
		attributes = append(attributes, "wrong", r.Wrong)
	}
	if r.Tight() {
		p.options.Log.Info("renders are done in processes that reach no file, network or program", attributes...)
		return
	}
	p.options.Log.Warn("renders are done in processes of their own, which this system doesn't keep from all that they should be kept from",
		append(attributes, "open", r.Open)...)
}

// Close ends all workers, and what they render.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.reaper.Stop()
	all := p.all
	p.all, p.idle = map[*worker]bool{}, nil
	p.mu.Unlock()
	for w := range all {
		w.Kill()
	}
	for w := range all {
		w.Finish()
	}
	p.starter.Close()
}

// Wrap is a renderer whose renders are done by a worker. The worker must have
// one of the same name.
func (p *Pool) Wrap(r render.Renderer) render.Renderer { return wrapped{r, p} }

// WrapAll wraps each.
func (p *Pool) WrapAll(all []render.Renderer) render.Set {
	set := make(render.Set, 0, len(all))
	for _, r := range all {
		set = append(set, p.Wrap(r))
	}
	return set
}

type wrapped struct {
	render.Renderer
	pool *Pool
}

// Render implements render.Renderer.
func (w wrapped) Render(ctx context.Context, r render.Request) ([]object.Object, error) {
	return w.pool.render(ctx, w.Name(), r)
}

var _ tree.Reader = (*desk)(nil)

// attempts is how often a render is begun whose worker ends through no fault of
// it.
const attempts = 2

func (p *Pool) render(ctx context.Context, renderer string, r render.Request) ([]object.Object, error) {
	about := subject{renderer: renderer, path: r.Path, app: r.Params.Release.Name, memory: p.options.Memory, time: p.options.Time}
	if ctx.Err() != nil || p.places.Acquire(ctx, 1) != nil {
		return nil, about.ended(context.Cause(ctx))
	}
	defer p.places.Release(1)
	var last death
	for range attempts {
		d, objects, err := p.attempt(ctx, about, r)
		if !d.is {
			return objects, err
		}
		if ctx.Err() != nil {
			return nil, about.ended(context.Cause(ctx))
		}
		p.options.Ended(d.why())
		p.options.Log.Warn("a process that renders ended", "renderer", renderer, "path", r.Path, "app", about.app, "why", d.why(), "how", d.String())
		if last = d; !d.again() {
			break
		}
	}
	return nil, about.fault(last)
}

// attempt has it rendered once. The worker is taken back whatever happens: what
// answers it may panic.
func (p *Pool) attempt(ctx context.Context, about subject, r render.Request) (death, []object.Object, error) {
	w, err := p.take()
	if err != nil {
		return death{}, nil, about.unstarted(err)
	}
	defer p.putBack(w)
	return w.render(ctx, about.renderer, r, p.options)
}

// errClosed says that there are no workers any more.
var errClosed = errors.New("the daemon ends")

// take is a worker to render with.
func (p *Pool) take() (*worker, error) {
	p.mu.Lock()
	for len(p.idle) > 0 {
		last := len(p.idle) - 1
		w := p.idle[last]
		p.idle = p.idle[:last]
		if w.alive() {
			p.mu.Unlock()
			return w, nil
		}
		delete(p.all, w)
		go w.Finish()
	}
	closed, wait := p.closed, time.Until(p.resting)
	p.mu.Unlock()
	switch {
	case closed:
		return nil, errClosed
	case wait > 0:
		return nil, fmt.Errorf("processes that render end as soon as they are started; the next one is started in %s", wait.Round(time.Second))
	}
	return p.start()
}

// start starts a worker, and waits until it is confined.
func (p *Pool) start() (*worker, error) {
	w, err := start(p.starter, p.options)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.failures++
		p.resting = time.Now().Add(rest(p.failures))
		return nil, err
	}
	if p.closed {
		go w.Finish()
		return nil, errClosed
	}
	p.all[w], p.failures = true, 0
	return w, nil
}

// rest is the time to let pass before the next start, after so many that failed
// in a row. The first may be an accident.
func rest(failures int) time.Duration {
	const most = 6 // doublings: a minute
	if failures < 2 {
		return 0
	}
	return time.Second << min(failures-2, most)
}

// putBack takes a worker back after use, or lets it go.
func (p *Pool) putBack(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !w.alive() || w.worn(p.options.Memory) {
		delete(p.all, w)
		go w.Finish()
		return
	}
	w.since = time.Now()
	p.idle = append(p.idle, w)
}

// reap ends workers that had nothing to do for a while, but for the last.
func (p *Pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.idle = slices.DeleteFunc(p.idle, func(w *worker) bool {
		old := len(p.all) > 1 && time.Since(w.since) > idleFor
		if old {
			delete(p.all, w)
			go w.Finish()
		}
		return old
	})
	p.reaper.Reset(idleFor / 4)
}
