package deliver

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"plumb.dev/plumb/internal/board"
	"plumb.dev/plumb/internal/dependency"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/ledger"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/queue"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/step"
	"plumb.dev/plumb/internal/target"
)

// Parts are what an Engine works with.
type Parts struct {
	Source   source.Source
	Past     source.Past // tells who made commits; nil where nobody can
	Renderer pipeline.Renderer
	Target   target.Target
	History  history.Memory
	// Root names the root that declares the Apps; it is written on every
	// object. RootRef is what is followed of it, looked at RootEvery.
	Root      string
	RootRef   source.Ref
	RootEvery time.Duration
	// Workers is how many Apps are worked on at once; 0 means DefaultWorkers.
	Workers int
	Log     *slog.Logger
	Observe Observer
	// LookEvery is how often everything is checked with the server, though
	// nothing tells of a change; 0 means DefaultLookEvery.
	LookEvery time.Duration
	// Now is the clock; nil is the real one.
	Now func() time.Time
	// Hidden makes what may be shown of secret values in plans.
	Hidden redact.Redactor
	// Rollback puts an App's inputs back to what they were before a release that
	// failed, by a commit; nil when nothing can be written to Git.
	Rollback func(ctx context.Context, app string, failed release.Release) (status.RolledBack, error)
	// Random spreads what would come at the same time; nil is seeded by chance.
	Random *rand.Rand
}

// DefaultWorkers is how many Apps are worked on at once when not told. Workers
// wait for answers most of their time, so there are more than processors.
const DefaultWorkers = 48

// rollbacks is how many are made at once.
const rollbacks = 2

// DefaultLookEvery is rare: the view tells of every change, and the check is
// there to find out if that is ever not so.
const DefaultLookEvery = 24 * time.Hour

// Observer is told what happens, for the metrics. It must not block.
type Observer interface {
	// Released tells of a release that ended.
	Released(r release.Release)
	// Rendered tells of a render, or of one that was spared because its result is kept.
	Rendered(took time.Duration, cached bool, err error)
	// Corrected tells how many objects were put right after drift.
	Corrected(app string, objects int)
	// Missed tells how many objects were found changed that the view had told
	// to be in line: a mistake in Plumb.
	Missed(app string, objects int)
	// Panicked tells of a panic in an App's work.
	Panicked(app string)
}

// Engine holds Apps in line. Make one with New and Run it.
type Engine struct{ e *engine }

// engine is what the loop owns. Fields below the line are safe to use from
// anywhere; all others belong to the loop.
type engine struct {
	Parts
	target target.Target
	root   string

	apps     map[string]*app
	byLabel  map[string]*app
	follows  *source.Follows
	claims   ledger.Claims
	takers   given.Takers
	releases ledger.Releases
	needs    dependency.Graph
	touched  map[*app]struct{}
	pruners  map[*app]struct{} // Apps whose prunes wait for others' renders
	turn     uint64            // grows with each declaration or head
	settled  bool              // an App that isn't declared is known to be none
	standby  string            // why this daemon changes nothing; empty when it does
	rootAt   release.Revision  // the revision of the root that was declared last
	last     history.Last      // what of the last run of the daemon nobody took up yet
	pauses   gate.Register
	answers  []func() // to what was asked in this turn of events

	// ---
	events  chan func()
	workers *queue.Pool[string]
	asides  *queue.Pool[string] // for rollbacks
	records *history.Recorder
	done    chan struct{}

	approving sync.Mutex // approvals come one after the other

	board *board.Board // written by the loop

	mu    sync.RWMutex
	reach error // why the target can't be worked with
}

// New makes an engine.
func New(p Parts) *Engine {
	if p.Workers <= 0 {
		p.Workers = DefaultWorkers
	}
	if p.LookEvery <= 0 {
		p.LookEvery = DefaultLookEvery
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Random == nil {
		//lint:ignore forbidden it spreads load over time and guards nothing
		p.Random = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	e := &engine{
		Parts: p, target: p.Target, root: p.Root,
		apps: map[string]*app{}, byLabel: map[string]*app{}, follows: source.NewFollows(p.RootRef, p.RootEvery),
		claims:  ledger.Claims{},
		touched: map[*app]struct{}{}, pruners: map[*app]struct{}{},
		events: make(chan func(), 64), done: make(chan struct{}),
		records: history.NewRecorder(p.History, p.Log),
		board:   board.New(), reach: errors.New("the cluster was not reached yet"),
	}
	e.workers = queue.NewPool(queue.PoolOptions[string]{Grace: grace, Deliver: e.post, Panicked: e.jobPanicked})
	e.asides = queue.NewPool(queue.PoolOptions[string]{Grace: grace, Deliver: e.post, Panicked: e.asidePanicked})
	return &Engine{e}
}

// Run holds the Apps in line until ctx is done, and returns when what was
// begun has ended and is recorded.
func (en *Engine) Run(ctx context.Context) error {
	e := en.e
	defer close(e.done)
	var err error
	if e.last, err = history.LoadLast(ctx, e.History, e.Log); err != nil {
		e.Log.Warn("what was applied before is not remembered; every object is checked with the server", "error", err)
	}
	for _, p := range e.last.Pauses {
		e.pauses.Put(p)
	}
	var working, recording sync.WaitGroup
	working.Go(func() { e.workers.Run(ctx, e.Workers) })
	working.Go(func() { e.asides.Run(ctx, rollbacks) })
	recording.Go(e.records.Run)
	e.loop(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); working.Wait() }()
	e.drain(ended)
	e.records.Close()
	recording.Wait()
	return nil
}

// loop takes events one by one and, after each, decides for the Apps that it touched.
func (e *engine) loop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-e.events:
			event()
		case event := <-e.target.Events():
			e.observe(event)
		}
		e.settle()
	}
}

// drain takes the last results in, so that they are recorded.
func (e *engine) drain(ended <-chan struct{}) {
	for {
		select {
		case event := <-e.events:
			event()
			e.answer()
		case <-ended:
			for {
				select {
				case event := <-e.events:
					event()
					e.answer()
				default:
					return
				}
			}
		}
	}
}

// post hands an event to the loop. After the loop's end it is dropped.
func (e *engine) post(event func()) {
	select {
	case e.events <- event:
	case <-e.done:
	}
}

// touch marks an App to be decided about after the event.
func (e *engine) touch(a *app) { e.touched[a] = struct{}{} }

// settle decides for every touched App, and for those that this touches.
func (e *engine) settle() {
	for len(e.touched) > 0 {
		for a := range e.touched {
			delete(e.touched, a)
			if e.apps[a.id] == a {
				e.decide(a)
			}
		}
	}
	e.board.Show()
	e.answer()
}

// answer answers those who asked, none of whom keeps the loop waiting.
func (e *engine) answer() {
	for _, answer := range e.answers {
		answer()
	}
	e.answers = nil
}

// decide does what is next for an App.
func (e *engine) decide(a *app) {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
	e.closeResumed(a)
	now := e.Now()
	e.passGate(a, now)
	look := e.watchDrift(a, now)
	e.walkHooks(a, now)
	facts := a.facts()
	facts.Standby = e.standby != ""
	facts.Waiting = len(e.waitingFor(a)) > 0
	facts.PruneHeld = facts.Prunes > 0 && e.pruneHeld(a)
	a.holdFacts(&facts)
	a.hookFacts(&facts)
	e.tellHold(a, facts)
	d := step.Next(facts, now)
	a.syncing = a.syncing && (a.busy || d.Step != step.Rest)
	d.Until = step.Sooner(step.Sooner(step.Sooner(d.Until, look), a.verdict.Until), a.next.Until)
	for _, p := range e.pauses.About(a.id) {
		d.Until = step.Sooner(d.Until, p.Until)
	}
	switch d.Step {
	case step.Render:
		e.start(a, e.renderJob(a))
	case step.Sync:
		e.start(a, e.syncJob(a, facts, now))
	case step.Prune:
		e.start(a, e.pruneJob(a))
	case step.Propose:
		e.start(a, e.proposeJob(a))
	case step.Look:
		e.start(a, e.lookJob(a))
	case step.FinishHealthy:
		e.finish(a, release.Succeeded, "")
	case step.RunHooks:
		e.start(a, e.hookJob(a))
	case step.FinishLate:
		e.late(a, a.lateReason())
	case step.FinishFailed:
		e.finish(a, release.Failed, a.Open.Ending)
	case step.Forget:
		e.forget(a)
		return
	}
	if d.Step == step.FinishHealthy || d.Step == step.FinishLate || d.Step == step.FinishFailed {
		e.touch(a)
	}
	if !d.Until.IsZero() {
		a.timer = time.AfterFunc(max(0, d.Until.Sub(now)), func() {
			e.post(func() { e.touch(a) })
		})
	}
	e.publish(a)
}

// pruneHeld says whether an App that was asked to render no later than this
// one hasn't done so yet: it may declare what this one doesn't any more, and
// would take it over. An App whose render fails holds up nobody.
func (e *engine) pruneHeld(a *app) bool {
	for _, other := range e.apps {
		if other == a || other.removed || other.want.commit == "" || other.Held != nil || other.stuck() {
			continue
		}
		if other.stale() && other.want.turn <= a.want.turn {
			e.pruners[a] = struct{}{}
			return true
		}
	}
	return false
}

// waitingFor lists the Apps that must be ready before this one changes anything.
func (e *engine) waitingFor(a *app) []string {
	return e.needs.Waiting(a.id, func(id string) bool { return e.apps[id] != nil && e.ready(e.apps[id]) })
}

// ready says whether those that depend on an App may go on.
func (e *engine) ready(a *app) bool {
	return a.Open == nil && e.syncOf(a) == status.Synced && health.Enough(a.objects.Counts().WorstHealth())
}
