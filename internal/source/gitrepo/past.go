package gitrepo

import (
	"context"
	"errors"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/gitobject"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
)

// Mirror is the mirror of a followed repository, for those who write to it. It
// may be closed at any time, when it isn't followed any more.
func (s *Source) Mirror(url string) (*git.Mirror, error) { return s.mirror(url) }

// Look implements source.Looker.
func (s *Source) Look(ctx context.Context, r source.Ref) (release.Revision, error) {
	m, err := s.mirror(r.URL)
	if err != nil {
		return release.Revision{}, err
	}
	if r.Commit != "" {
		if id, err := m.Expand(r.Commit); err == nil { // a commit that is here needn't be fetched
			c, err := m.Commit(id)
			return revision(r.URL, "", c), err
		} else if !gitobject.IsID(r.Commit) {
			return release.Revision{}, noRef{err}
		}
	}
	u, err := git.ParseURL(r.URL)
	if err != nil {
		return release.Revision{}, err
	}
	credentials, err := s.options.Credentials(u)
	if err != nil {
		return release.Revision{}, err
	}
	ref := gitRef(r)
	results, err := m.Fetch(ctx, credentials, []git.Ref{ref})
	if err == nil {
		err = results[ref].Err
	}
	if errors.Is(err, git.ErrNoRef) || errors.Is(err, git.ErrEmpty) {
		err = noRef{err}
	}
	if err != nil {
		return release.Revision{}, err
	}
	return revision(r.URL, results[ref].Name, results[ref].Commit), nil
}

// noRef is an error of package git that others know by source.ErrNoRef.
type noRef struct{ error }

func (e noRef) Unwrap() error { return e.error }

func (e noRef) Is(target error) bool { return target == source.ErrNoRef }

func revision(url, ref string, c gitobject.Commit) release.Revision {
	return release.Revision{URL: url, Ref: ref, Commit: c.ID, Author: c.Author, Message: c.Message, Time: c.Time}
}

// Contains implements source.Past.
func (s *Source) Contains(ctx context.Context, url, commit, ancestor string) (bool, error) {
	m, err := s.mirror(url)
	if err != nil {
		return false, err
	}
	return m.Contains(ctx, commit, ancestor)
}

// Base implements source.Past.
func (s *Source) Base(ctx context.Context, url, one, other string) (string, error) {
	m, err := s.mirror(url)
	if err != nil {
		return "", err
	}
	return m.Base(ctx, one, other)
}

// Log implements source.Past.
func (s *Source) Log(ctx context.Context, url string, span source.Span) ([]release.Revision, error) {
	m, err := s.mirror(url)
	if err != nil {
		return nil, err
	}
	commits, err := m.Log(ctx, git.Span(span))
	revisions := make([]release.Revision, 0, len(commits))
	for _, c := range commits {
		revisions = append(revisions, revision(url, "", c))
	}
	return revisions, err
}

// Blame implements source.Past.
func (s *Source) Blame(ctx context.Context, url string, p source.Place) ([]source.Line, error) {
	m, err := s.mirror(url)
	if err != nil {
		return nil, err
	}
	blamed, err := m.Blame(ctx, git.Place(p))
	lines := make([]source.Line, 0, len(blamed))
	for _, b := range blamed {
		lines = append(lines, source.Line{Number: b.Line, Revision: revision(url, "", b.Commit)})
	}
	return lines, err
}
