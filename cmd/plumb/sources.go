package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/credentials"
	"plumb.dev/plumb/internal/daemon"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/source/chart"
	"plumb.dev/plumb/internal/source/gitrepo"
	"plumb.dev/plumb/internal/source/router"
	"plumb.dev/plumb/internal/tree"
)

// sources are all that Apps come from: repositories, and charts.
type sources struct {
	*router.Source
	git    *gitrepo.Source
	charts *chart.Source
}

// Close ends what is under way.
func (s *sources) Close() {
	s.git.Close()
	s.charts.Close()
}

// openSource follows repositories and charts. A local repository is read only if
// it is the root, or if local ones are allowed.
func openSource(ctx context.Context, o cli.RunOptions, root source.Ref, metrics *daemon.Metrics, log *slog.Logger) (*sources, error) {
	var opens func(git.URL) (git.Credentials, error)
	var opensCharts func(registry.URL) (registry.Credentials, error)
	if o.GitCredentials != "" {
		file, err := credentials.Load(o.GitCredentials)
		if err != nil {
			return nil, err
		}
		opens, opensCharts = file.For, file.ForCharts
	}
	repositories, err := gitrepo.New(ctx, gitrepo.Options{
		Git: git.Options{
			Data:       filepath.Join(o.Data, "git"),
			AllowLocal: func(path string) bool { return o.AllowLocal || path == root.URL },
		},
		Credentials: opens,
		Logger:      log,
		Looked:      func(l gitrepo.Look) { metrics.Fetched(l.Took, l.Outcome) },
	})
	if err != nil {
		return nil, err
	}
	charts, err := chart.New(ctx, chart.Options{
		Registry:    registry.Options{Data: filepath.Join(o.Data, "charts")},
		Credentials: opensCharts,
		Logger:      log,
		Looked:      func(l chart.Look) { metrics.Fetched(l.Took, l.Outcome) },
	})
	if err != nil {
		repositories.Close()
		return nil, err
	}
	return &sources{Source: router.New(ctx, repositories, repositories, charts), git: repositories, charts: charts}, nil
}

// once fetches what a command without a daemon needs from elsewhere: it opens
// the sources when the first thing is needed, in a folder that is gone after.
type once struct {
	options cli.RunOptions

	mu    sync.Mutex
	dir   string
	from  *sources
	end   func()
	heads heads
}

// open opens the sources.
func (o *once) open(ctx context.Context) error {
	if o.from != nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "plumb-")
	if err != nil {
		return err
	}
	o.dir, o.options.Data = dir, dir
	ctx, o.end = context.WithCancel(context.WithoutCancel(ctx))
	o.from, err = openSource(ctx, o.options, source.Ref{}, daemon.NewMetrics(), slog.New(slog.DiscardHandler))
	if err == nil {
		o.heads = newHeads(o.from)
	}
	return err
}

// Look implements source.Looker, of repositories that nobody follows too.
func (o *once) Look(ctx context.Context, ref source.Ref) (release.Revision, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.open(ctx); err != nil {
		return release.Revision{}, err
	}
	if ref.Chart != "" {
		return o.from.Look(ctx, ref)
	}
	return o.heads.of(ctx, ref)
}

// Tree implements pipeline.Opener.
func (o *once) Tree(url, commit string) (tree.Tree, error) { return o.from.Tree(url, commit) }

// Close removes what was fetched.
func (o *once) Close() error {
	if o.end != nil {
		o.end()
	}
	if o.from != nil {
		o.from.Close()
	}
	if o.dir == "" {
		return nil
	}
	return os.RemoveAll(o.dir)
}

// newHeads are those of sources that follow nothing yet.
func newHeads(from source.Source) heads {
	return heads{sources: from, wanted: map[source.Ref]time.Duration{}, known: map[source.Ref]release.Revision{}}
}
