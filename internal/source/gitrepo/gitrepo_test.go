package gitrepo_test

import (
	"net/http"
	"testing"

	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/source/gitrepo"
	"plumb.dev/plumb/internal/source/sourcetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("http", func(t *testing.T) {
		t.Parallel()
		sourcetest.Run(t, func(t *testing.T) (source.Source, sourcetest.Repository) {
			t.Helper()
			repo := gittest.NewRepo(t)
			server := repo.ServeHTTP()
			return newSource(t, gitrepo.Options{}), &served{repo: repo, server: server, url: server.Repo(repo)}
		})
	})
	t.Run("local", func(t *testing.T) {
		t.Parallel()
		sourcetest.Run(t, func(t *testing.T) (source.Source, sourcetest.Repository) {
			t.Helper()
			repo := gittest.NewRepo(t)
			return newSource(t, gitrepo.Options{}), &served{repo: repo, url: repo.Dir}
		})
	})
}

func newSource(t testing.TB, o gitrepo.Options) *gitrepo.Source {
	t.Helper()
	if o.Git.Data == "" {
		o.Git.Data = t.TempDir()
	}
	o.Git.AllowLocal = func(string) bool { return true }
	s, err := gitrepo.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// served is a repository behind a server, or a local one if there is none.
type served struct {
	repo   *gittest.Repo
	server *gittest.Server
	url    string
}

func (r *served) URL() string { return r.url }
func (r *served) Commit(branch string, files map[string]string) string {
	return r.repo.CommitTo(branch, files)
}
func (r *served) Tag(name string)      { r.repo.Tag(name) }
func (r *served) Delete(branch string) { r.repo.DeleteBranch(branch) }

func (r *served) SetReachable(yes bool) {
	switch {
	case r.server == nil && yes:
		r.repo.Rename("repo.git")
	case r.server == nil:
		r.repo.Rename("away.git")
	case yes:
		r.server.Wrap(func(next http.Handler) http.Handler { return next })
	default:
		r.server.Wrap(gittest.Answer(http.StatusServiceUnavailable))
	}
}
