// Package router is the source that the daemon has when there are several kinds
// of them: what names a chart goes to the source of charts, all else to that of
// Git. It knows the two by their interfaces alone, and follows nothing itself.
package router

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
)

// Kind is a source of one kind.
type Kind interface {
	source.Source
	source.Looker
}

// Source routes between two sources. It implements source.Source, source.Looker
// and source.Past.
type Source struct {
	git, charts Kind
	past        source.Past
	outbox      *source.Outbox

	mu     sync.Mutex
	wanted map[source.Ref]time.Duration
}

// New routes to a source of Git, with what it can tell of the past, and to a
// source of charts, until ctx ends. The two end by themselves.
func New(ctx context.Context, git Kind, past source.Past, charts Kind) *Source {
	s := &Source{git: git, charts: charts, past: past, outbox: source.NewOutbox()}
	go s.outbox.Run(ctx.Done())
	for _, from := range []Kind{git, charts} {
		go s.hand(ctx, from.Heads())
	}
	return s
}

// hand passes heads on, but for those that were let go while they were under way.
func (s *Source) hand(ctx context.Context, from <-chan source.Head) {
	for {
		select {
		case <-ctx.Done():
			return
		case head := <-from:
			s.mu.Lock()
			if _, still := s.wanted[head.Ref]; still {
				s.outbox.Put(head)
			}
			s.mu.Unlock()
		}
	}
}

// packaged says whether a commit is the digest of a package.
func packaged(commit string) bool { return strings.HasPrefix(commit, "sha256:") }

// of is the source that a Ref belongs to.
func (s *Source) of(r source.Ref) Kind {
	if r.Chart != "" {
		return s.charts
	}
	return s.git
}

// Follow implements source.Source.
func (s *Source) Follow(wanted map[source.Ref]time.Duration) {
	git, charts := map[source.Ref]time.Duration{}, map[source.Ref]time.Duration{}
	for ref, every := range wanted {
		if ref.Chart != "" {
			charts[ref] = every
		} else {
			git[ref] = every
		}
	}
	s.mu.Lock()
	var gone []source.Ref
	for ref := range s.wanted {
		if _, still := wanted[ref]; !still {
			gone = append(gone, ref)
		}
	}
	s.wanted = wanted
	s.outbox.Forget(gone)
	s.mu.Unlock()
	s.git.Follow(git)
	s.charts.Follow(charts)
}

// Refresh implements source.Source.
func (s *Source) Refresh(url string) int { return s.git.Refresh(url) + s.charts.Refresh(url) }

// Heads implements source.Source.
func (s *Source) Heads() <-chan source.Head { return s.outbox.Heads() }

// Tree implements source.Source.
func (s *Source) Tree(url, commit string) (tree.Tree, error) {
	if packaged(commit) {
		return s.charts.Tree(url, commit)
	}
	return s.git.Tree(url, commit)
}

// Diff implements source.Source.
func (s *Source) Diff(url, from, to string) ([]tree.Change, error) {
	switch {
	case packaged(from) != packaged(to):
		return nil, fmt.Errorf("%s and %s can't be compared: one is a commit, and the other a chart's package", from, to)
	case packaged(to):
		return s.charts.Diff(url, from, to)
	}
	return s.git.Diff(url, from, to)
}

// Look implements source.Looker.
func (s *Source) Look(ctx context.Context, r source.Ref) (release.Revision, error) {
	return s.of(r).Look(ctx, r)
}

// ErrNoPast says that something was asked which only commits can tell.
var ErrNoPast = errors.New("a chart's package has no history: only commits tell how they came about")

func history(commits ...string) error {
	for _, c := range commits {
		if packaged(c) {
			return fmt.Errorf("%s: %w", c, ErrNoPast)
		}
	}
	return nil
}

// Contains implements source.Past.
func (s *Source) Contains(ctx context.Context, url, commit, ancestor string) (bool, error) {
	if err := history(commit, ancestor); err != nil {
		return false, err
	}
	return s.past.Contains(ctx, url, commit, ancestor)
}

// Base implements source.Past.
func (s *Source) Base(ctx context.Context, url, one, other string) (string, error) {
	if err := history(one, other); err != nil {
		return "", err
	}
	return s.past.Base(ctx, url, one, other)
}

// Log implements source.Past.
func (s *Source) Log(ctx context.Context, url string, span source.Span) ([]release.Revision, error) {
	if err := history(span.From, span.To); err != nil {
		return nil, err
	}
	return s.past.Log(ctx, url, span)
}

// Blame implements source.Past.
func (s *Source) Blame(ctx context.Context, url string, p source.Place) ([]source.Line, error) {
	if err := history(p.Commit); err != nil {
		return nil, err
	}
	return s.past.Blame(ctx, url, p)
}
