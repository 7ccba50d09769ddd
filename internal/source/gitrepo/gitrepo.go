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
	"log/slog"
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

// Look is one look at a repository, for metrics. Its outcome is git.Outcome.
type Look = source.Look

// Source follows repositories. It implements source.Source, source.Looker and
// source.Past.
type Source struct {
	options   Options
	program   *git.Program
	followers *source.Followers[*repository]
	running   sync.WaitGroup // what tidies
	tidying   chan struct{}  // held by the one mirror that is tidied
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
	s := &Source{options: o, program: program, tidying: make(chan struct{}, 1)}
	s.followers = source.NewFollowers(ctx, o.Logger, s.open)
	s.running.Go(s.sweep)
	return s, nil
}

// Close ends the source and waits until nothing of it is at work.
func (s *Source) Close() {
	s.followers.Close()
	s.running.Wait()
}

// Follow implements source.Source.
func (s *Source) Follow(wanted map[source.Ref]time.Duration) { s.followers.Follow(wanted) }

// Heads implements source.Source. The channel is never closed.
func (s *Source) Heads() <-chan source.Head { return s.followers.Heads() }

// Refresh implements source.Source. The URL may be written in another way than
// it is followed under: git.SameRepository.
func (s *Source) Refresh(url string) int {
	u, err := git.ParseURL(url)
	if err != nil {
		return 0
	}
	return s.followers.Refresh(func(r *repository) bool { return r.refused == nil && git.SameRepository(r.url, u) })
}

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
	r, followed := s.followers.Repository(url)
	switch {
	case !followed:
		return nil, fmt.Errorf("%s is not followed", git.Redacted(url))
	case r.refused != nil:
		return nil, r.refused
	}
	return r.mirror, nil
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
		case <-s.followers.Ended():
			return
		case <-ticker.C:
			var inUse []git.URL
			for _, r := range s.followers.InUse() {
				inUse = append(inUse, r.url)
			}
			if err := s.program.Sweep(inUse, unused); err != nil {
				s.options.Logger.Warn("old mirrors can't be removed", "error", err)
			}
		}
	}
}
