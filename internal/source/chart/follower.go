package chart

import (
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"time"

	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/source"
)

// follower follows one repository, in one goroutine of its own.
type follower struct {
	source     *Source
	text       string // the URL, as it is written
	url        registry.URL
	refused    error // why the URL can't be used
	repository *registry.Repository
	spread     float64 // between 0 and 1: how early in its time it looks

	end         context.CancelFunc
	asked       chan struct{} // to look now; holds at most one
	rescheduled chan struct{} // to wait for another time; holds at most one

	mu       sync.Mutex
	wanted   map[source.Ref]time.Duration
	known    map[source.Ref]source.Head // what was told last of what is wanted
	all      bool                       // the next look is at what is settled as well
	failures int                        // looks in a row that failed
}

func newFollower(s *Source, url string, end context.CancelFunc) *follower {
	f := &follower{
		source: s, text: url, end: end, spread: float64(maphash.String(s.seed, url)>>11) / (1 << 53), known: map[source.Ref]source.Head{},
		asked: make(chan struct{}, 1), rescheduled: make(chan struct{}, 1),
	}
	if f.url, f.refused = registry.ParseURL(url); f.refused == nil {
		f.repository = s.registry.Repository(f.url)
	}
	return f
}

// want sets what is wanted and returns what isn't any more.
func (f *follower) want(refs map[source.Ref]time.Duration) []source.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	var gone []source.Ref
	for ref := range f.wanted {
		if _, still := refs[ref]; !still {
			gone = append(gone, ref)
			delete(f.known, ref) // who wants it again is told again
		}
	}
	for ref := range refs {
		if _, had := f.wanted[ref]; !had {
			signal(f.asked)
		}
	}
	f.wanted = refs
	signal(f.rescheduled)
	return gone
}

// refresh asks for a look at all that is wanted. Those who ask while one is
// under way are answered by one more.
func (f *follower) refresh() {
	f.mu.Lock()
	f.all = true
	f.mu.Unlock()
	signal(f.asked)
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it has been told, and has not heard yet
	}
}

// run looks at the repository until the follower is let go.
func (f *follower) run(ctx context.Context) {
	if f.repository != nil {
		defer f.repository.Close()
	}
	timer := time.NewTimer(source.Idle) // what is wanted asks for the first look
	defer timer.Stop()
	var looked time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.rescheduled:
			if !looked.IsZero() {
				timer.Reset(time.Until(looked.Add(f.pause())))
			}
			continue
		case <-f.asked:
		case <-timer.C:
		}
		f.look(ctx)
		looked = time.Now()
		timer.Reset(f.pause())
	}
}

// pause is how long to wait from one look to the next. What is settled asks for
// none.
func (f *follower) pause() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	moving := maps.Clone(f.wanted)
	maps.DeleteFunc(moving, func(r source.Ref, _ time.Duration) bool { return f.settled(r) })
	return source.Pause(moving, f.failures, f.spread)
}

// settled says that a ref was fetched, and can't become another.
func (f *follower) settled(r source.Ref) bool {
	h := f.known[r]
	return h.Revision.Commit != "" && h.Err == nil && (r.Commit != "" || registry.Exact(r.Version))
}

// due is what to look at now.
func (f *follower) due() []source.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.all
	f.all = false
	due := slices.Collect(maps.Keys(f.wanted))
	return slices.DeleteFunc(due, func(r source.Ref) bool { return !all && f.settled(r) })
}

// look looks at the repository once and tells what is new.
func (f *follower) look(ctx context.Context) {
	select { // what asked meanwhile is answered by this look
	case <-f.asked:
	default:
	}
	due := f.due()
	if len(due) == 0 {
		return
	}
	began := time.Now()
	results, err := f.fetch(ctx, due)
	if ctx.Err() != nil {
		return // it was let go, so whatever failed doesn't matter
	}
	if err == nil {
		err = outage(results)
	}
	f.count(err)
	changed := f.tell(due, results, err)
	f.source.options.Looked(Look{URL: f.text, Took: time.Since(began), Outcome: registry.Outcome(worst(results, err)), Changed: changed})
}

func (f *follower) fetch(ctx context.Context, due []source.Ref) (map[registry.Want]registry.Result, error) {
	if f.refused != nil {
		return nil, f.refused
	}
	credentials, err := f.source.options.Credentials(f.url)
	if err != nil {
		return nil, err
	}
	wants := make([]registry.Want, len(due))
	for i, ref := range due {
		wants[i] = want(ref)
	}
	return f.repository.Fetch(ctx, credentials, wants)
}

// outage is the error of a repository that fails whatever it is asked, so that
// asking it often would not help.
func outage(results map[registry.Want]registry.Result) error {
	var last error
	for _, r := range results {
		if !errors.Is(r.Err, registry.ErrUnreachable) && !errors.Is(r.Err, registry.ErrServer) && !errors.Is(r.Err, registry.ErrTimeout) && !errors.Is(r.Err, registry.ErrCredentials) {
			return nil
		}
		last = r.Err
	}
	return last
}

// worst is an error of a look, if it had any.
func worst(results map[registry.Want]registry.Result, err error) error {
	for _, r := range results {
		if err == nil {
			err = r.Err
		}
	}
	return err
}

// count keeps the number of failures, and logs the first of them and the last.
func (f *follower) count(err error) {
	log := f.source.options.Logger.With("url", f.shown())
	switch {
	case err != nil && f.failures == 0:
		log.Warn("chart repository can't be followed", "error", err)
	case err == nil && f.failures > 0:
		log.Info("chart repository is followed again", "failures", f.failures)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failures++; err == nil {
		f.failures = 0
	}
}

// shown is the URL for the log; one that was refused may hold anything.
func (f *follower) shown() string {
	if f.refused != nil {
		return "a URL that is refused"
	}
	return f.text
}

// tell hands on the heads that aren't what they were, and returns how many
// revisions are new.
func (f *follower) tell(due []source.Ref, results map[registry.Want]registry.Result, err error) int {
	now, changed := time.Now(), 0
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ref := range due {
		if _, still := f.wanted[ref]; !still {
			continue
		}
		was, told := f.known[ref]
		head := source.Next(was, f.head(ref, results[want(ref)], err, now))
		if head.Revision.Commit == "" && f.refused == nil { // since the restart
			if p, ok := f.repository.Known(want(ref)); ok {
				head.Revision = revision(f.text, p)
			}
		}
		f.known[ref] = head
		if head.Revision.Commit != was.Revision.Commit {
			changed++
		}
		if !told || source.News(was, head) {
			f.source.outbox.Put(head)
		}
	}
	return changed
}

func (f *follower) head(ref source.Ref, r registry.Result, err error, now time.Time) source.Head {
	head := source.Head{Ref: ref, Err: r.Err, Checked: now}
	if head.Err == nil {
		head.Err = err
	}
	if head.Err == nil {
		head.Revision = revision(f.text, r.Package)
	}
	return head
}
