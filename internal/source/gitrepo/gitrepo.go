// Package gitrepo follows Git repositories: it is the source whose revisions
// are commits.
//
// Each repository URL has one follower, however many Apps and refs there are of
// it, and one mirror. A follower looks when it is time, when it is asked to, and,
// at a repository of this machine, when a branch or tag moves. What it finds is
// handed on without ever waiting for who takes it. How to speak to a repository
// is the business of package git.
package gitrepo

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"maps"
	"sync"
	"time"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
)

// Options say how repositories are followed. Only Git.Data is required.
type Options struct {
	// Git says how the git program is used, where mirrors are kept, and which
	// repositories of this machine may be followed.
	Git git.Options
	// Credentials are what opens a repository; nil, and an answer without any,
	// mean that it is open to all. It is asked at every look.
	Credentials func(git.URL) (git.Credentials, error)
	// Logger is told when a repository can't be followed, and when it can again.
	Logger *slog.Logger
	// Looked is told of every look at a repository. It must not block.
	Looked func(Look)
}

// Look is one look at a repository, for metrics.
type Look struct {
	URL string
	// Took is from its start to the end of the fetch.
	Took time.Duration
	// Outcome is a word, ok or what went wrong: git.Outcome.
	Outcome string
	// Changed is how many of the refs have a new revision.
	Changed int
}

// Source follows repositories. It implements source.Source, source.Looker and
// source.Past.
type Source struct {
	options Options
	program *git.Program
	outbox  *source.Outbox
	seed    maphash.Seed  // of what spreads looks over time
	ended   chan struct{} // closed when the source has ended
	running sync.WaitGroup
	tidying chan struct{} // held by the one mirror that is tidied

	mu        sync.Mutex
	followers map[string]*follower // by URL, as it is written
	ending    map[string]*follower // those that were let go and may still be at work
}

// New makes a source that follows nothing yet. It ends with ctx; Close waits for that.
func New(ctx context.Context, o Options) (*Source, error) {
	program, err := git.New(ctx, o.Git)
	if err != nil {
		return nil, err
	}
	if o.Credentials == nil {
		o.Credentials = func(git.URL) (git.Credentials, error) { return git.Credentials{}, nil }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Looked == nil {
		o.Looked = func(Look) {}
	}
	s := &Source{
		options: o, program: program, outbox: source.NewOutbox(), seed: maphash.MakeSeed(), ended: make(chan struct{}), tidying: make(chan struct{}, 1),
		followers: map[string]*follower{}, ending: map[string]*follower{},
	}
	context.AfterFunc(ctx, s.end)
	s.running.Go(func() { s.outbox.Run(s.ended) })
	s.running.Go(s.sweep)
	return s, nil
}

// Close ends the source and waits until nothing of it is at work.
func (s *Source) Close() {
	s.end()
	s.running.Wait()
}

// end lets everything go.
func (s *Source) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over() {
		return
	}
	close(s.ended)
	for _, f := range s.followers {
		f.end()
	}
}

// over says whether the source has ended. It is called with mu held.
func (s *Source) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// Follow implements source.Source.
func (s *Source) Follow(wanted map[source.Ref]time.Duration) {
	byURL := map[string]map[source.Ref]time.Duration{}
	for ref, every := range wanted {
		if byURL[ref.URL] == nil {
			byURL[ref.URL] = map[source.Ref]time.Duration{}
		}
		byURL[ref.URL][ref] = every
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over() {
		return
	}
	for url, f := range s.followers {
		if byURL[url] == nil {
			s.outbox.Forget(f.want(nil))
			f.end()
			delete(s.followers, url)
			s.ending[url] = f
		}
	}
	for url, refs := range byURL {
		f := s.followers[url]
		if f == nil {
			f = s.start(url)
		}
		s.outbox.Forget(f.want(refs))
	}
}

// start makes a follower. It begins once the one before it, of the same URL and
// so of the same mirror, has ended. It is called with mu held.
func (s *Source) start(url string) *follower {
	ctx, end := context.WithCancel(context.Background()) // it is for Close, and for Follow, to end
	f := newFollower(s, url, end)
	before := s.ending[url]
	s.followers[url] = f
	s.running.Go(func() {
		defer end()
		if before != nil {
			<-before.ended
		}
		f.run(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ending[url] == f {
			delete(s.ending, url)
		}
	})
	return f
}

// Refresh implements source.Source. The URL may be written in another way than
// it is followed under: git.SameRepository.
func (s *Source) Refresh(url string) int {
	u, err := git.ParseURL(url)
	if err != nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, f := range s.followers {
		if f.refused == nil && git.SameRepository(f.url, u) {
			f.refresh()
			n++
		}
	}
	return n
}

// Heads implements source.Source. The channel is never closed.
func (s *Source) Heads() <-chan source.Head { return s.outbox.Heads() }

// Tree implements source.Source.
func (s *Source) Tree(url, commit string) (tree.Tree, error) {
	m, err := s.mirror(url)
	if err != nil {
		return tree.Tree{}, err
	}
	return m.Tree(commit)
}

// Diff implements source.Source.
func (s *Source) Diff(url, from, to string) ([]tree.Change, error) {
	m, err := s.mirror(url)
	if err != nil {
		return nil, err
	}
	return m.Diff(from, to)
}

func (s *Source) mirror(url string) (*git.Mirror, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.followers[url]
	switch {
	case f == nil:
		return nil, fmt.Errorf("%s is not followed", git.Redacted(url))
	case f.refused != nil:
		return nil, f.refused
	}
	return f.mirror, nil
}

const (
	// sweepEvery and unused say when mirrors are removed that nobody follows
	// any more. One that is wanted again meanwhile needn't be fetched whole.
	sweepEvery = time.Hour
	unused     = 7 * 24 * time.Hour
)

// sweep removes old mirrors now and then.
func (s *Source) sweep() {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-ticker.C:
			if err := s.program.Sweep(s.inUse(), unused); err != nil {
				s.options.Logger.Warn("old mirrors can't be removed", "error", err)
			}
		}
	}
}

func (s *Source) inUse() []git.URL {
	s.mu.Lock()
	defer s.mu.Unlock()
	var urls []git.URL
	for _, of := range []map[string]*follower{s.followers, s.ending} {
		for f := range maps.Values(of) {
			urls = append(urls, f.url)
		}
	}
	return urls
}
