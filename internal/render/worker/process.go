package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"plumb.dev/plumb/internal/confine"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
)

// worker is a process that renders, as the daemon has it.
type worker struct {
	*confine.Process
	link    *link
	report  confine.Report
	renders int
	sound   bool      // it does nothing, and nothing went wrong with it
	since   time.Time // when it was used last
}

// start starts one.
func start(s *confine.Starter, o Options) (*worker, error) {
	process, err := s.Start()
	if err != nil {
		return nil, err
	}
	w := &worker{Process: process, link: newLink(process.Out, process.In, mostFromWorker), sound: true}
	late := time.AfterFunc(startTime, w.Kill)
	defer late.Stop()
	if err := w.greet(o); err != nil {
		return nil, fmt.Errorf("%w (%s)", err, w.Finish())
	}
	return w, nil
}

func (w *worker) greet(o Options) error {
	payload, err := json.Marshal(settings{confine.Limits{Memory: o.Memory, Stack: mostStack}})
	if err != nil {
		return err
	}
	if err := w.link.sendNow(kindSettings, payload); err != nil {
		return err
	}
	k, payload, err := w.link.receive()
	if err != nil {
		return err
	}
	return ready(k, payload, &w.report)
}

func (w *worker) alive() bool {
	select {
	case <-w.Ended():
		return false
	default:
		return w.sound
	}
}

// worn says that it has lived long enough.
func (w *worker) worn(memory int64) bool {
	const every = 16 // renders between two looks at its memory
	return w.renders >= maxRenders || w.renders%every == 0 && w.Memory() > memory/2+base
}

// base is the memory that a worker may have before it renders anything: mostly
// the program itself, which it shares with the others.
const base = 192 << 20

// render has one render done. After a death the worker is of no use any more.
func (w *worker) render(ctx context.Context, renderer string, r render.Request, o Options) (d death, objects []object.Object, err error) {
	w.sound = false // until the end was seen
	g := newGuard(w.Process, o)
	defer g.done()
	ended := context.AfterFunc(ctx, func() { g.stop(reasonEnded) })
	defer ended()
	t := &talk{link: w.link, request: r, clock: g}
	objects, err, broken := t.run(ctx, renderer)
	reason := g.done()
	if broken == nil && reason == reasonNone {
		w.sound = true
		w.renders++
		return death{}, objects, err
	}
	if errors.Is(broken, errHeavy) {
		return death{}, nil, fmt.Errorf("the objects have more than %d bytes, above the limit of %d: split the App", mostWeight, render.MaxTotalBytes)
	}
	return death{is: true, reason: reason, end: w.end(broken), garbage: errors.Is(broken, errGarbage), broken: broken, fresh: w.renders == 0}, nil, nil
}

// end is how the process ended, if it did by itself; one that goes on is ended.
func (w *worker) end(broken error) confine.End {
	if errors.Is(broken, errGarbage) {
		return w.Finish()
	}
	const grace = 5 * time.Second // it may be about to say what was wrong
	late := time.AfterFunc(grace, w.Kill)
	defer late.Stop()
	return w.Mourn()
}

// reason is why the daemon ended a worker.
type reason int

const (
	reasonNone reason = iota
	reasonEnded
	reasonTime
	reasonMemory
)

// guard ends a process that takes too long or too much. The process is held to
// its memory by itself and by the kernel; this is for one that got round both.
type guard struct {
	process *confine.Process
	memory  int64
	time    time.Duration

	mu     sync.Mutex
	timer  *time.Timer
	began  time.Time
	paused time.Duration
	asking time.Time // when a pause began; zero outside of one
	reason reason
	over   bool
}

const lookEvery = 50 * time.Millisecond

func newGuard(p *confine.Process, o Options) *guard {
	g := &guard{process: p, memory: o.Memory + o.Memory/2 + base, time: o.Time, began: time.Now()}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.timer = time.AfterFunc(min(lookEvery, o.Time), g.look)
	return g
}

// look sees whether it is within its limits still.
func (g *guard) look() {
	g.mu.Lock()
	paused := g.paused
	if !g.asking.IsZero() {
		paused += time.Since(g.asking)
	}
	late := time.Since(g.began)-paused >= g.time
	g.mu.Unlock()
	switch {
	case late:
		g.stop(reasonTime)
	case g.process.Memory() > g.memory:
		g.stop(reasonMemory)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over && g.reason == reasonNone {
		g.timer.Reset(min(lookEvery, g.time))
	}
}

// pause stops the clock until resume is called.
func (g *guard) pause() (resume func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asking = time.Now()
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.paused += time.Since(g.asking)
		g.asking = time.Time{}
	}
}

// stop ends the process, unless the render is over.
func (g *guard) stop(why reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over || g.reason != reasonNone {
		return
	}
	g.reason = why
	g.process.Kill()
}

// done ends the watch, and says whether the process was ended.
func (g *guard) done() reason {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	g.timer.Stop()
	return g.reason
}
