package gitrepo

import (
	"context"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/source"
)

// repository is one that is followed. It implements source.Repository.
type repository struct {
	source  *Source
	text    string // the URL, as it is written
	url     git.URL
	refused error // why the URL can't be used
	mirror  *git.Mirror
	closed  chan struct{}
	watch   watch
	wanted  []git.Ref // at the last look
	fetched int       // looks that brought something, since the mirror was tidied
}

// open readies a repository to be followed.
func (s *Source) open(url string, ask func()) *repository {
	r := &repository{source: s, text: url, closed: make(chan struct{}), watch: watch{changed: ask}}
	if r.url, r.refused = git.ParseURL(url); r.refused == nil {
		r.mirror = s.program.Mirror(r.url)
		go r.mend(ask)
	}
	return r
}

// mend has the repository looked at when its mirror is damaged: to fetch mends it.
func (r *repository) mend(ask func()) {
	for {
		select {
		case <-r.closed:
			return
		case <-r.mirror.Broken():
			ask()
		}
	}
}

// String implements source.Repository.
func (r *repository) String() string { return git.Redacted(r.text) }

// Close implements source.Repository.
func (r *repository) Close() {
	close(r.closed)
	r.watch.close()
	if r.mirror != nil {
		r.mirror.Close()
	}
}

// Settled implements source.Repository: whatever is followed can move, or go.
func (r *repository) Settled(source.Head) bool { return false }

// Fetch implements source.Repository. Where the repository doesn't answer, the
// revisions are those known from an earlier time.
func (r *repository) Fetch(ctx context.Context, refs []source.Ref) source.Found {
	if r.url.Local() {
		r.watch.on(r.url.Path)
	}
	r.wanted = r.wanted[:0]
	for _, ref := range refs {
		r.wanted = append(r.wanted, gitRef(ref))
	}
	results, err := r.ask(ctx)
	found := source.Found{Heads: make(map[source.Ref]source.Head, len(refs)), Err: err, Outcome: git.Outcome(err)}
	for _, ref := range refs {
		found.Heads[ref] = r.head(results[gitRef(ref)], err)
	}
	return found
}

func (r *repository) ask(ctx context.Context) (map[git.Ref]git.Result, error) {
	if r.refused != nil {
		return nil, r.refused
	}
	credentials, err := r.source.options.Credentials(r.url)
	if err != nil {
		return r.mirror.Resolve(r.wanted), err
	}
	results, err := r.mirror.Fetch(ctx, credentials, r.wanted)
	if err != nil {
		return r.mirror.Resolve(r.wanted), err
	}
	return results, nil
}

func (r *repository) head(result git.Result, err error) source.Head {
	head := source.Head{Err: err}
	if err == nil {
		head.Err = result.Err
	}
	if c := result.Commit; c.ID != "" {
		head.Revision = revision(r.text, result.Name, c)
	}
	return head
}

func gitRef(r source.Ref) git.Ref { return git.Ref{Branch: r.Branch, Tag: r.Tag, Commit: r.Commit} }

// tidyAfter is how many looks that brought something may pass before the mirror
// is packed, if it needs it.
const tidyAfter = 50

// Looked implements source.Repository. It tidies the mirror when much was
// fetched; that goes on beside everything else, one mirror at a time.
func (r *repository) Looked(ctx context.Context, l source.Look) {
	r.source.options.Looked(l)
	if l.Changed > 0 {
		r.fetched++
	}
	if r.fetched < tidyAfter {
		return
	}
	select {
	case r.source.tidying <- struct{}{}:
	default:
		return // it is another's turn
	}
	r.fetched = 0
	refs := r.wanted
	r.wanted = nil // it is the other's now
	r.source.running.Go(func() {
		defer func() { <-r.source.tidying }()
		if err := r.mirror.Tidy(ctx, refs); err != nil && ctx.Err() == nil {
			r.source.options.Logger.Warn("mirror can't be tidied", "url", r.String(), "error", err)
		}
	})
}
