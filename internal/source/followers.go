package source

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"
)

// Followers follow repositories: each URL once, however many refs of it are
// wanted. It is what the sources that poll are made of.
type Followers[R Repository] struct {
	open   func(url string, ask func()) R
	outbox *Outbox
	logger *slog.Logger
	seed   maphash.Seed // of what spreads looks over time

	ended   chan struct{} // closed when there are to be no more looks
	running sync.WaitGroup

	mu     sync.Mutex
	active map[string]*follower[R]
	ending map[string]*follower[R] // those that were let go and may still be at work
}

// NewFollowers follows nothing yet. It ends with ctx; Close waits for that. To
// follow a URL, its repository is opened, whatever the URL is; who calls ask has all
// that is wanted of it looked at now.
func NewFollowers[R Repository](ctx context.Context, logger *slog.Logger, open func(url string, ask func()) R) *Followers[R] {
	f := &Followers[R]{
		open: open, outbox: NewOutbox(), logger: logger, seed: maphash.MakeSeed(), ended: make(chan struct{}),
		active: map[string]*follower[R]{}, ending: map[string]*follower[R]{},
	}
	context.AfterFunc(ctx, f.end)
	f.running.Go(func() { f.outbox.Run(f.ended) })
	return f
}

// Close ends it and waits until nobody is at work.
func (f *Followers[R]) Close() {
	f.end()
	f.running.Wait()
}

// Ended is closed when it ends.
func (f *Followers[R]) Ended() <-chan struct{} { return f.ended }

// end lets everything go.
func (f *Followers[R]) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over() {
		return
	}
	close(f.ended)
	for _, one := range f.active {
		one.end()
	}
}

// over says whether it has ended. It is called with mu held.
func (f *Followers[R]) over() bool {
	select {
	case <-f.ended:
		return true
	default:
		return false
	}
}

// Follow is a source's.
func (f *Followers[R]) Follow(wanted map[Ref]time.Duration) {
	byURL := map[string]map[Ref]time.Duration{}
	for ref, every := range wanted {
		if byURL[ref.URL] == nil {
			byURL[ref.URL] = map[Ref]time.Duration{}
		}
		byURL[ref.URL][ref] = every
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over() {
		return
	}
	for url, one := range f.active {
		if byURL[url] == nil {
			f.outbox.Forget(one.want(nil))
			one.end()
			delete(f.active, url)
			f.ending[url] = one
		}
	}
	for url, refs := range byURL {
		one := f.active[url]
		if one == nil {
			one = f.start(url)
		}
		f.outbox.Forget(one.want(refs))
	}
}

// start makes a follower. It begins once the one before it, of the same URL and
// so of what is kept of it, has ended. It is called with mu held.
func (f *Followers[R]) start(url string) *follower[R] {
	ctx, end := context.WithCancel(context.Background()) // it is for Close, and for Follow, to end
	one := &follower[R]{
		url: url, outbox: f.outbox, logger: f.logger, spread: float64(maphash.String(f.seed, url)>>11) / (1 << 53), known: map[Ref]Head{},
		end: end, ended: make(chan struct{}), asked: make(chan struct{}, 1), rescheduled: make(chan struct{}, 1),
	}
	one.repository = f.open(url, one.refresh)
	before := f.ending[url]
	f.active[url] = one
	f.running.Go(func() {
		defer end()
		if before != nil {
			<-before.ended
		}
		one.run(ctx)
		one.repository.Close()
		close(one.ended)
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.ending[url] == one {
			delete(f.ending, url)
		}
	})
	return one
}

// Heads is a source's.
func (f *Followers[R]) Heads() <-chan Head { return f.outbox.Heads() }

// Refresh looks now at the repositories that are meant, and returns how many
// they are.
func (f *Followers[R]) Refresh(meant func(R) bool) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, one := range f.active {
		if meant(one.repository) {
			one.refresh()
			n++
		}
	}
	return n
}

// Repository is the one that is followed under a URL.
func (f *Followers[R]) Repository(url string) (repository R, followed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one := f.active[url]; one != nil {
		return one.repository, true
	}
	return repository, false
}

// InUse are the repositories that are followed, or may still be at work.
func (f *Followers[R]) InUse() []R {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []R
	for _, of := range []map[string]*follower[R]{f.active, f.ending} {
		for _, one := range of {
			all = append(all, one.repository)
		}
	}
	return all
}
