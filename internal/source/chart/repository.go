package chart

import (
	"context"
	"errors"

	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/source"
)

// repository is one that is followed. It implements source.Repository.
type repository struct {
	source  *Source
	text    string // the URL, as it is written
	url     registry.URL
	refused error                // why the URL can't be used
	charts  *registry.Repository // nil if it can't
	ask     func()
}

// open readies a repository to be followed.
func (s *Source) open(url string, ask func()) *repository {
	r := &repository{source: s, text: url, ask: ask}
	if r.url, r.refused = registry.ParseURL(url); r.refused == nil {
		r.charts = s.registry.Repository(r.url)
	}
	return r
}

// String implements source.Repository. A URL that was refused may hold anything.
func (r *repository) String() string {
	if r.refused != nil {
		return "a URL that is refused"
	}
	return r.text
}

// Close implements source.Repository.
func (r *repository) Close() {
	if r.charts != nil {
		r.charts.Close()
	}
}

// Settled implements source.Repository.
func (r *repository) Settled(h source.Head) bool {
	return h.Ref.Commit != "" || registry.Exact(h.Ref.Version)
}

// Looked implements source.Repository.
func (r *repository) Looked(_ context.Context, l source.Look) { r.source.options.Looked(l) }

// Fetch implements source.Repository. What a look doesn't bring is what it was
// when it was fetched last, though that was before a restart.
func (r *repository) Fetch(ctx context.Context, refs []source.Ref) source.Found {
	results, err := r.fetch(ctx, refs)
	found := source.Found{Heads: make(map[source.Ref]source.Head, len(refs)), Err: err, Outcome: registry.Outcome(worst(results, err))}
	if err == nil {
		found.Err = outage(results)
	}
	for _, ref := range refs {
		found.Heads[ref] = r.head(want(ref), results[want(ref)], found.Err)
	}
	return found
}

func (r *repository) fetch(ctx context.Context, refs []source.Ref) (map[registry.Want]registry.Result, error) {
	if r.refused != nil {
		return nil, r.refused
	}
	credentials, err := r.source.options.Credentials(r.url)
	if err != nil {
		return nil, err
	}
	wants := make([]registry.Want, len(refs))
	for i, ref := range refs {
		wants[i] = want(ref)
	}
	return r.charts.Fetch(ctx, credentials, wants)
}

func (r *repository) head(w registry.Want, result registry.Result, err error) source.Head {
	if result.Err != nil {
		err = result.Err
	}
	if err == nil {
		return source.Head{Revision: revision(r.text, result.Package)}
	}
	head := source.Head{Err: err}
	if r.charts != nil {
		if p, ok := r.charts.Known(w); ok {
			head.Revision = revision(r.text, p)
		}
	}
	return head
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
