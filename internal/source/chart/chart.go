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

// Look is one look at a repository, for metrics. Its outcome is registry.Outcome.
type Look = source.Look

// Source follows charts. It implements source.Source and source.Looker.
type Source struct {
	options   Options
	registry  *registry.Registry
	followers *source.Followers[*repository]

	mu     sync.Mutex
	looked map[string]*registry.Repository // those that were looked at, and aren't followed
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
	s := &Source{options: o, registry: packages, looked: map[string]*registry.Repository{}}
	s.followers = source.NewFollowers(ctx, o.Logger, s.open)
	return s, nil
}

// Close ends the source and waits until nothing of it is at work.
func (s *Source) Close() {
	s.followers.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, charts := range s.looked {
		charts.Close()
	}
}

// Follow implements source.Source.
func (s *Source) Follow(wanted map[source.Ref]time.Duration) { s.followers.Follow(wanted) }

// Heads implements source.Source. The channel is never closed.
func (s *Source) Heads() <-chan source.Head { return s.followers.Heads() }

// Refresh implements source.Source. The URL may be written in another way than
// it is followed under: registry.SameRepository.
func (s *Source) Refresh(url string) int {
	u, err := registry.ParseURL(url)
	if err != nil {
		return 0
	}
	return s.followers.Refresh(func(r *repository) bool { return r.refused == nil && registry.SameRepository(r.url, u) })
}

// Tree implements source.Source: a commit is the digest of a package. One that
// isn't kept any more is fetched again, and can be read then.
func (s *Source) Tree(url, commit string) (tree.Tree, error) {
	r, followed := s.followers.Repository(url)
	if !followed {
		return s.lookedAt(url, commit)
	}
	if r.refused != nil {
		return tree.Tree{}, r.refused
	}
	files, err := r.charts.Tree(commit)
	if registry.Absent(err) {
		r.ask()
	}
	return files, err
}

// lookedAt is Tree for what isn't followed.
func (s *Source) lookedAt(url, commit string) (tree.Tree, error) {
	s.mu.Lock()
	charts := s.looked[url]
	s.mu.Unlock()
	if charts == nil {
		return tree.Tree{}, fmt.Errorf("%s is not followed", url)
	}
	return charts.Tree(commit)
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

// repository is the one of a URL: the one that is followed, or one of its own.
func (s *Source) repository(url string, u registry.URL) *registry.Repository {
	if r, followed := s.followers.Repository(url); followed {
		return r.charts
	}
	s.mu.Lock()
	defer s.mu.Unlock()
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
