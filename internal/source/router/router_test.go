package router_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/registry"
	"plumb.dev/plumb/internal/registry/registrytest"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/source/chart"
	"plumb.dev/plumb/internal/source/gitrepo"
	"plumb.dev/plumb/internal/source/router"
	"plumb.dev/plumb/internal/source/sourcetest"
)

// routed is a router before real sources.
func routed(t *testing.T) *router.Source {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	t.Cleanup(end)
	repositories, err := gitrepo.New(ctx, gitrepo.Options{Git: git.Options{Data: t.TempDir(), AllowLocal: func(string) bool { return true }}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repositories.Close)
	charts, err := chart.New(ctx, chart.Options{Registry: registry.Options{Data: t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(charts.Close)
	return router.New(ctx, repositories, repositories, charts)
}

// served is a repository that is behind a router.
type served struct {
	repo *gittest.Repo
	url  string
}

func (r served) URL() string { return r.url }
func (r served) Commit(branch string, files map[string]string) string {
	return r.repo.CommitTo(branch, files)
}
func (r served) Tag(name string)      { r.repo.Tag(name) }
func (r served) Delete(branch string) { r.repo.DeleteBranch(branch) }
func (r served) SetReachable(yes bool) {
	if yes {
		r.repo.Rename("repo.git")
	} else {
		r.repo.Rename("away.git")
	}
}

// TestConformance: what goes for a source of Git goes for one behind a router.
func TestConformance(t *testing.T) {
	t.Parallel()
	sourcetest.Run(t, func(t *testing.T) (source.Source, sourcetest.Repository) {
		t.Helper()
		repo := gittest.NewRepo(t)
		return routed(t), served{repo, repo.Dir}
	})
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	s := routed(t)
	repo, charts := gittest.NewRepo(t), registrytest.NewCharts(t)
	commit := repo.Commit(map[string]string{"x": "of a commit"})
	digest := charts.Push(t, "shop", "1.0.0", map[string]string{"x": "of a package"})
	ofGit, ofChart := source.Ref{URL: repo.Dir}, source.Ref{URL: charts.URL, Chart: "shop"}
	s.Follow(map[source.Ref]time.Duration{ofGit: time.Hour, ofChart: time.Hour})
	for range 2 {
		select {
		case h := <-s.Heads():
			want := map[source.Ref]string{ofGit: commit, ofChart: digest}[h.Ref]
			if h.Err != nil || h.Revision.Commit != want {
				t.Errorf("got %+v, want %s", h, want)
			}
		case <-time.After(time.Minute):
			t.Fatal("no head was delivered")
		}
	}
	for _, at := range []struct{ url, commit, content string }{{repo.Dir, commit, "of a commit"}, {charts.URL, digest, "of a package"}} {
		files, err := s.Tree(at.url, at.commit)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := files.ReadFile("x"); err != nil || string(b) != at.content {
			t.Errorf("%q, %v", b, err)
		}
		if changes, err := s.Diff(at.url, at.commit, at.commit); err != nil || len(changes) > 0 {
			t.Errorf("%v, %v", changes, err)
		}
	}
	if _, err := s.Diff(repo.Dir, commit, digest); err == nil {
		t.Error("a commit and a package were compared")
	}
	for _, url := range []string{repo.Dir, charts.URL} {
		if n := s.Refresh(url); n != 1 {
			t.Errorf("Refresh(%s): %d", url, n)
		}
	}
	if r, err := s.Look(t.Context(), ofChart); err != nil || r.Commit != digest {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := s.Look(t.Context(), ofGit); err != nil || r.Commit != commit {
		t.Errorf("%+v, %v", r, err)
	}
	var errs []error
	_, err := s.Contains(t.Context(), charts.URL, digest, digest)
	errs = append(errs, err)
	_, err = s.Base(t.Context(), charts.URL, digest, digest)
	errs = append(errs, err)
	_, err = s.Log(t.Context(), charts.URL, source.Span{To: digest})
	errs = append(errs, err)
	_, err = s.Blame(t.Context(), charts.URL, source.Place{Commit: digest, Path: "x"})
	for _, err := range append(errs, err) {
		if !errors.Is(err, router.ErrNoPast) {
			t.Errorf("got %v, want ErrNoPast", err)
		}
	}
}
