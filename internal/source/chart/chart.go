// Package chart follows Helm charts in chart repositories and OCI registries:
// it is the source whose revisions are packages, named by their digest.
//
// Each repository URL has one follower, however many charts and Apps there are
// of it, and of a chart repository the index is asked for once for all. A
// follower looks when it is time and when it is asked to; a version or digest
// that can't become another is left alone once it is here. How to speak to a
// repository is the business of package registry.
package chart

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
)

// Options say how charts are followed. Only Registry.Data is required.
type Options struct {
	// Registry says how packages are fetched, and where they are kept.
	Registry registry.Options
	// Credentials are what opens a repository; nil, and an answer without any,
	// mean that it is open to all. It is asked at every look.
	Credentials func(registry.URL) (registry.Credentials, error)
	// Logger is told when a repository can't be followed, and when it can again.
	Logger *slog.Logger
	// Looked is told of every look at a repository. It must not block.
	Looked func(Look)
}

// Look is one look at a repository, for metrics.
type Look struct {
	URL  string
	Took time.Duration
	// Outcome is a word, ok or what went wrong: registry.Outcome.
	Outcome string
	// Changed is how many of the refs have a new revision.
	Changed int
}

// Source follows charts. It implements source.Source and source.Looker.
type Source struct {
	options  Options
	registry *registry.Registry
	outbox   *source.Outbox
	seed     maphash.Seed  // of what spreads looks over time
	ended    chan struct{} // closed when the source has ended
	running  sync.WaitGroup

	mu        sync.Mutex
	followers map[string]*follower            // by URL, as it is written
	looked    map[string]*registry.Repository // those that were looked at, and aren't followed
}

// New makes a source that follows nothing yet. It ends with ctx; Close waits for that.
func New(ctx context.Context, o Options) (*Source, error) {
	packages, err := registry.New(o.Registry)
	if err != nil {
		return nil, err
	}
	if o.Credentials == nil {
		o.Credentials = func(registry.URL) (registry.Credentials, error) { return registry.Credentials{}, nil }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Looked == nil {
		o.Looked = func(Look) {}
	}
	s := &Source{
		options: o, registry: packages, outbox: source.NewOutbox(), seed: maphash.MakeSeed(), ended: make(chan struct{}),
		followers: map[string]*follower{}, looked: map[string]*registry.Repository{},
	}
	context.AfterFunc(ctx, s.end)
	s.running.Go(func() { s.outbox.Run(s.ended) })
	return s, nil
}

// Close ends the source and waits until nothing of it is at work.
func (s *Source) Close() {
	s.end()
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, repository := range s.looked {
		repository.Close()
	}
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

// start makes a follower. It is called with mu held.
func (s *Source) start(url string) *follower {
	ctx, end := context.WithCancel(context.Background()) // it is for Close, and for Follow, to end
	f := newFollower(s, url, end)
	s.followers[url] = f
	s.running.Go(func() {
		defer end()
		f.run(ctx)
	})
	return f
}

// Refresh implements source.Source. The URL may be written in another way than
// it is followed under: registry.SameRepository.
func (s *Source) Refresh(url string) int {
	u, err := registry.ParseURL(url)
	if err != nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, f := range s.followers {
		if f.refused == nil && registry.SameRepository(f.url, u) {
			f.refresh()
			n++
		}
	}
	return n
}

// Heads implements source.Source. The channel is never closed.
func (s *Source) Heads() <-chan source.Head { return s.outbox.Heads() }

// Tree implements source.Source: a commit is the digest of a package. One that
// isn't kept any more is fetched again, and can be read then.
func (s *Source) Tree(url, commit string) (tree.Tree, error) {
	s.mu.Lock()
	f, repository := s.followers[url], s.looked[url]
	s.mu.Unlock()
	switch {
	case f != nil && f.refused != nil:
		return tree.Tree{}, f.refused
	case f != nil:
		repository = f.repository
	case repository == nil:
		return tree.Tree{}, fmt.Errorf("%s is not followed", url)
	}
	files, err := repository.Tree(commit)
	if registry.Absent(err) && f != nil {
		f.refresh()
	}
	return files, err
}

// Diff implements source.Source.
func (s *Source) Diff(url, from, to string) ([]tree.Change, error) {
	before, err := s.Tree(url, from)
	if err != nil {
		return nil, err
	}
	after, err := s.Tree(url, to)
	if err != nil {
		return nil, err
	}
	return tree.Diff(before, after)
}

// Look implements source.Looker. The repository need not be followed.
func (s *Source) Look(ctx context.Context, r source.Ref) (release.Revision, error) {
	u, err := registry.ParseURL(r.URL)
	if err != nil {
		return release.Revision{}, err
	}
	credentials, err := s.options.Credentials(u)
	if err != nil {
		return release.Revision{}, err
	}
	w := want(r)
	results, err := s.repository(r.URL, u).Fetch(ctx, credentials, []registry.Want{w})
	if err == nil {
		err = results[w].Err
	}
	if errors.Is(err, registry.ErrNoVersion) || errors.Is(err, registry.ErrGone) {
		err = noRef{err}
	}
	if err != nil {
		return release.Revision{}, err
	}
	return revision(r.URL, results[w].Package), nil
}

// noRef is an error of package registry that others know by source.ErrNoRef.
type noRef struct{ error }

func (e noRef) Unwrap() error { return e.error }

func (e noRef) Is(target error) bool { return target == source.ErrNoRef }

// repository is the one of a URL: that of its follower, or one of its own.
func (s *Source) repository(url string, u registry.URL) *registry.Repository {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.followers[url]; f != nil {
		return f.repository
	}
	if s.looked[url] == nil {
		s.looked[url] = s.registry.Repository(u)
	}
	return s.looked[url]
}

func want(r source.Ref) registry.Want {
	return registry.Want{Chart: r.Chart, Version: r.Version, Digest: r.Commit, Verify: r.Verify}
}

func revision(url string, p registry.Package) release.Revision {
	name := p.Chart + " " + p.Version
	return release.Revision{URL: url, Ref: name, Commit: p.Digest, Message: name, Time: p.Created}
}
