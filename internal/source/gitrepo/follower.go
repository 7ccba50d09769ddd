package gitrepo

import (
	"context"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"time"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/source"
)

// follower follows one repository. What is wanted of it may change at any time;
// all else belongs to its one goroutine.
type follower struct {
	source  *Source
	text    string // the URL, as it is written
	url     git.URL
	refused error // why the URL can't be used
	mirror  *git.Mirror
	spread  float64 // between 0 and 1: how early in its time it looks

	end         context.CancelFunc
	ended       chan struct{}
	asked       chan struct{} // to look now; holds at most one
	rescheduled chan struct{} // to wait for another time; holds at most one

	mu     sync.Mutex
	wanted map[source.Ref]time.Duration
	fresh  map[source.Ref]bool // wanted since the last look, so they are told whatever is known

	known    map[source.Ref]source.Head // what was told last
	failures int                        // looks in a row that failed
	fetched  int                        // looks that brought something, since the mirror was tidied
	watch    watch
}

func newFollower(s *Source, url string, end context.CancelFunc) *follower {
	f := &follower{
		source: s, text: url, end: end, spread: float64(maphash.String(s.seed, url)>>11) / (1 << 53), ended: make(chan struct{}), known: map[source.Ref]source.Head{}, fresh: map[source.Ref]bool{},
		asked: make(chan struct{}, 1), rescheduled: make(chan struct{}, 1),
	}
	if f.url, f.refused = git.ParseURL(url); f.refused == nil {
		f.mirror = s.program.Mirror(f.url)
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
			delete(f.fresh, ref)
		}
	}
	for ref := range refs {
		if _, had := f.wanted[ref]; !had {
			f.fresh[ref] = true
			signal(f.asked)
		}
	}
	f.wanted = refs
	signal(f.rescheduled)
	return gone
}

// refresh asks for a look. Those who ask while one is under way are answered by
// one more.
func (f *follower) refresh() { signal(f.asked) }

// answered takes back what a look that begins now answers.
func answered(c <-chan struct{}) {
	select {
	case <-c:
	default:
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it has been told, and has not heard yet
	}
}

// run looks at the repository until the follower is let go.
func (f *follower) run(ctx context.Context) {
	defer close(f.ended)
	var broken <-chan struct{}
	if f.mirror != nil {
		defer f.mirror.Close()
		broken = f.mirror.Broken()
	}
	defer f.watch.close()
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
		case <-broken:
		case <-f.watch.changes:
		case <-timer.C:
		}
		f.look(ctx)
		looked = time.Now()
		timer.Reset(f.pause())
	}
}

// pause is how long to wait from one look to the next.
func (f *follower) pause() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return source.Pause(f.wanted, f.failures, f.spread)
}

// look looks at the repository once and tells what is new.
func (f *follower) look(ctx context.Context) {
	answered(f.asked)
	answered(f.watch.changes)
	f.mu.Lock()
	wanted := slices.Collect(maps.Keys(f.wanted))
	f.mu.Unlock()
	if len(wanted) == 0 {
		return
	}
	began := time.Now()
	if f.url.Local() {
		f.watch.on(f.url.Path)
	}
	results, err := f.fetch(ctx, wanted)
	if ctx.Err() != nil {
		return // it was let go, so whatever failed doesn't matter
	}
	f.count(err)
	changed := f.tell(wanted, results, err)
	f.source.options.Looked(Look{URL: f.text, Took: time.Since(began), Outcome: git.Outcome(err), Changed: changed})
	f.tidy(ctx, changed)
}

// fetch asks the repository. Where it doesn't answer, the results are what is
// known from an earlier time.
func (f *follower) fetch(ctx context.Context, wanted []source.Ref) (map[git.Ref]git.Result, error) {
	if f.refused != nil {
		return nil, f.refused
	}
	refs := make([]git.Ref, len(wanted))
	for i, ref := range wanted {
		refs[i] = gitRef(ref)
	}
	credentials, err := f.source.options.Credentials(f.url)
	if err != nil {
		return f.mirror.Resolve(refs), err
	}
	results, err := f.mirror.Fetch(ctx, credentials, refs)
	if err != nil {
		return f.mirror.Resolve(refs), err
	}
	return results, nil
}

func gitRef(r source.Ref) git.Ref { return git.Ref{Branch: r.Branch, Tag: r.Tag, Commit: r.Commit} }

// count keeps the number of failures, and logs the first of them and the last.
func (f *follower) count(err error) {
	log := f.source.options.Logger.With("url", git.Redacted(f.text))
	switch {
	case err != nil && f.failures == 0:
		log.Warn("repository can't be followed", "error", err)
	case err == nil && f.failures > 0:
		log.Info("repository is followed again", "failures", f.failures)
	}
	if f.failures++; err == nil {
		f.failures = 0
	}
}

// tell hands on the heads that aren't what they were, and returns how many
// revisions are new.
func (f *follower) tell(wanted []source.Ref, results map[git.Ref]git.Result, err error) int {
	now, changed := time.Now(), 0
	heads := map[source.Ref]source.Head{}
	for _, ref := range wanted {
		was, told := f.known[ref]
		head := source.Next(was, f.head(ref, results[gitRef(ref)], err, now))
		heads[ref] = head
		if head.Revision.Commit != was.Revision.Commit {
			changed++
		}
		f.hand(head, !told || source.News(was, head))
	}
	f.known = heads
	return changed
}

// hand passes a head on that is news, or that someone has wanted only now,
// unless it was let go meanwhile.
func (f *follower) hand(head source.Head, news bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fresh := f.fresh[head.Ref]
	delete(f.fresh, head.Ref)
	if _, still := f.wanted[head.Ref]; still && (news || fresh) {
		f.source.outbox.Put(head)
	}
}

func (f *follower) head(ref source.Ref, r git.Result, err error, now time.Time) source.Head {
	head := source.Head{Ref: ref, Err: err, Checked: now}
	if err == nil {
		head.Err = r.Err
	}
	if c := r.Commit; c.ID != "" {
		head.Revision = revision(f.text, r.Name, c)
	}
	return head
}

// tidyAfter is how many looks that brought something may pass before the mirror
// is packed, if it needs it.
const tidyAfter = 50

// tidy packs the mirror when much was fetched. It goes on beside everything
// else, one mirror at a time.
func (f *follower) tidy(ctx context.Context, changed int) {
	if changed > 0 {
		f.fetched++
	}
	if f.fetched < tidyAfter {
		return
	}
	select {
	case f.source.tidying <- struct{}{}:
	default:
		return // it is another's turn
	}
	f.fetched = 0
	f.mu.Lock()
	var refs []git.Ref
	for ref := range f.wanted {
		refs = append(refs, gitRef(ref))
	}
	f.mu.Unlock()
	f.source.running.Go(func() {
		defer func() { <-f.source.tidying }()
		if err := f.mirror.Tidy(ctx, refs); err != nil && ctx.Err() == nil {
			f.source.options.Logger.Warn("mirror can't be tidied", "url", f.text, "error", err)
		}
	})
}
