package gitrepo_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/source/gitrepo"
)

const (
	never    = 24 * time.Hour
	deadline = time.Minute // for whatever should happen at once, on a slow machine
)

// looks collects what Looked is told.
type looks chan gitrepo.Look

func (l looks) next(t testing.TB) gitrepo.Look {
	t.Helper()
	select {
	case look := <-l:
		return look
	case <-time.After(deadline):
		t.Fatal("nobody looked")
		return gitrepo.Look{}
	}
}

func watched() (looks, gitrepo.Options) {
	l := make(looks, 1000)
	return l, gitrepo.Options{Looked: func(look gitrepo.Look) { l <- look }}
}

func next(t testing.TB, s *gitrepo.Source) source.Head {
	t.Helper()
	select {
	case h := <-s.Heads():
		return h
	case <-time.After(deadline):
		t.Fatal("no head was delivered")
		return source.Head{}
	}
}

func expect(t testing.TB, s *gitrepo.Source, commit string) {
	t.Helper()
	if h := next(t, s); h.Err != nil || h.Revision.Commit != commit {
		t.Fatalf("head: got %s, %v, want %s", h.Revision.Commit, h.Err, commit)
	}
}

func follow(s *gitrepo.Source, url string, every time.Duration) {
	s.Follow(map[source.Ref]time.Duration{{URL: url}: every})
}

// gate holds requests until it is opened, and tells of each.
type gate struct {
	arrived chan struct{}
	open    chan struct{}
}

func newGate() gate { return gate{make(chan struct{}, 1000), make(chan struct{})} }

func (g gate) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		g.arrived <- struct{}{}
		select {
		case <-g.open:
			next.ServeHTTP(w, req)
		case <-req.Context().Done():
		}
	})
}

// TestRefreshDuringFetch: however often it is asked for during a fetch, there is
// exactly one more.
func TestRefreshDuringFetch(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	first := repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	l, o := watched()
	s := newSource(t, o)
	follow(s, server.Repo(repo), never)
	expect(t, s, first)
	l.next(t)

	g := newGate()
	server.Wrap(g.wrap)
	s.Refresh(server.Repo(repo))
	<-g.arrived
	for range 10 {
		if n := s.Refresh(server.Repo(repo)); n != 1 {
			t.Errorf("Refresh: got %d, want 1", n)
		}
	}
	close(g.open)
	l.next(t)
	l.next(t)
	second := repo.Commit(map[string]string{"x": "2"})
	s.Refresh(server.Repo(repo))
	expect(t, s, second)
	if look := l.next(t); look.Changed != 1 || look.Outcome != "ok" {
		t.Errorf("the third look is %+v, so there were more than one for the ten", look)
	}
}

// TestPoll: without being asked, a change is found in the interval.
func TestPoll(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	server := repo.ServeHTTP()
	s := newSource(t, gitrepo.Options{})
	first := repo.Commit(map[string]string{"x": "1"})
	follow(s, server.Repo(repo), never)
	expect(t, s, first)
	second := repo.Commit(map[string]string{"x": "2"})
	follow(s, server.Repo(repo), 50*time.Millisecond) // a shorter interval counts at once
	expect(t, s, second)
}

// TestLocalChangesAreNoticed: every way in which a branch of a repository on this
// machine can change is seen without a look being asked for.
func TestLocalChangesAreNoticed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.com"}, args...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	commit := func() string {
		t.Helper()
		run("commit", "--quiet", "--allow-empty", "-m", "x")
		return run("rev-parse", "HEAD")
	}
	run("init", "--quiet", "--initial-branch=main")
	first := commit()
	s := newSource(t, gitrepo.Options{})
	follow(s, dir, never)
	expect(t, s, first)

	began := time.Now()
	expect(t, s, commit())
	t.Logf("a commit on this machine was noticed, with the commit itself, in %v", time.Since(began))
	run("pack-refs", "--all", "--prune")
	expect(t, s, commit())
	run("reset", "--quiet", "--hard", first)
	expect(t, s, first)
	run("switch", "--quiet", "--create", "deep/er/branch")
	id := commit()
	if h := next(t, s); h.Revision.Commit != id || h.Revision.Ref != "refs/heads/deep/er/branch" || h.Err != nil {
		t.Errorf("a commit on another branch: got %+v", h)
	}
	worktree := filepath.Join(t.TempDir(), "tree")
	run("worktree", "add", "--quiet", worktree, "main")
	s.Follow(map[source.Ref]time.Duration{{URL: worktree}: never})
	expect(t, s, first)
	dir = worktree
	expect(t, s, commit())
}

// TestLocalRepositoryMadeAnew: a repository that went away and came back is
// watched from then on.
func TestLocalRepositoryMadeAnew(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	url := repo.Dir
	s := newSource(t, gitrepo.Options{})
	expectAfter := func(files map[string]string) {
		t.Helper()
		id := repo.Commit(files)
		expect(t, s, id)
	}
	first := repo.Commit(map[string]string{"x": "1"})
	follow(s, url, never)
	expect(t, s, first)
	repo.Rename("away.git")
	s.Refresh(url)
	if h := next(t, s); !errors.Is(h.Err, git.ErrGone) {
		t.Errorf("got %v, want ErrGone", h.Err)
	}
	repo.Rename("repo.git")
	s.Refresh(url)
	expect(t, s, first)
	expectAfter(map[string]string{"x": "2"})
}

// TestNobodyTakesHeads: looking goes on, and the newest is there for who comes.
func TestNobodyTakesHeads(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	server := repo.ServeHTTP()
	l, o := watched()
	s := newSource(t, o)
	id := repo.Commit(map[string]string{"x": "1"})
	follow(s, server.Repo(repo), never)
	l.next(t)
	for i := range 5 {
		id = repo.Commit(map[string]string{"x": fmt.Sprint(i)})
		s.Refresh(server.Repo(repo))
		l.next(t)
	}
	expect(t, s, id)
	select {
	case h := <-s.Heads():
		t.Errorf("an old head was kept: %+v", h)
	default:
	}
}

// TestCloseDuringFetch: closing waits for nothing but the end of what is at work.
func TestCloseDuringFetch(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	g := newGate()
	server.Wrap(g.wrap)
	s := newSource(t, gitrepo.Options{})
	follow(s, server.Repo(repo), never)
	<-g.arrived
	s.Close()
	follow(s, server.Repo(repo), never) // is too late, and harmless
}

// TestLetGoAndWantedAgainDuringFetch: the new follower waits for the old one,
// whose mirror it takes over.
func TestLetGoAndWantedAgainDuringFetch(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	id := repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	g := newGate()
	server.Wrap(g.wrap)
	s := newSource(t, gitrepo.Options{})
	follow(s, server.Repo(repo), never)
	<-g.arrived
	for range 5 {
		s.Follow(nil)
		follow(s, server.Repo(repo), never)
	}
	close(g.open)
	expect(t, s, id)
}

func TestErrorsBecomeHeads(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	secret := "hunter2"
	url := repo.ServeHTTP().Repo(repo)
	tests := map[string]struct {
		url         string
		credentials func(git.URL) (git.Credentials, error)
		says        string
	}{
		"a URL that is refused":    {"ext::sh", nil, "not a repository URL"},
		"a password in the URL":    {"https://ada:" + secret + "@git.example.com/x", nil, "leave them out"},
		"no credentials to be had": {url, func(git.URL) (git.Credentials, error) { return git.Credentials{}, errors.New("file:3: is broken") }, "file:3: is broken"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSource(t, gitrepo.Options{Credentials: test.credentials})
			follow(s, test.url, never)
			h := next(t, s)
			if h.Err == nil || !strings.Contains(h.Err.Error(), test.says) || strings.Contains(h.Err.Error(), secret) {
				t.Errorf("got %v, want an error that says %q", h.Err, test.says)
			}
			if _, err := s.Tree(test.url, h.Revision.Commit); err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("Tree: %v", err)
			}
			if n := s.Refresh("https://git.example.com/other"); n != 0 {
				t.Errorf("Refresh: got %d, want 0", n)
			}
		})
	}
}

// TestDamageIsMendedAtOnce: who finds the mirror damaged need not wait for the
// next look.
func TestDamageIsMendedAtOnce(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	id := repo.Commit(map[string]string{"x": "1"})
	l, o := watched()
	o.Git.Data = t.TempDir()
	s := newSource(t, o)
	follow(s, repo.Dir, never)
	expect(t, s, id)
	l.next(t)
	files, err := s.Tree(repo.Dir, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(o.Git.Data, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, "/objects/") {
			err = os.Remove(path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := files.ReadFile("x"); err == nil {
		t.Fatal("what is gone was read")
	}
	l.next(t)
	if b, err := files.ReadFile("x"); err != nil || string(b) != "1" {
		t.Errorf("after the next look: got %q, %v", b, err)
	}
}

// TestTransfersAreBounded: many repositories at once don't start as many programs.
func TestTransfersAreBounded(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	var mu sync.Mutex
	now, most := 0, 0
	server.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			next.ServeHTTP(w, req)
			mu.Lock()
			now--
			mu.Unlock()
		})
	})
	s := newSource(t, gitrepo.Options{Git: git.Options{Transfers: 2}})
	wanted := map[source.Ref]time.Duration{}
	for i := range 20 {
		name := fmt.Sprintf("repo-%d.git", i)
		if err := os.Symlink(repo.Dir, filepath.Join(repo.Root, name)); err != nil {
			t.Fatal(err)
		}
		wanted[source.Ref{URL: server.URL + "/" + name}] = never
	}
	s.Follow(wanted)
	for range wanted {
		if h := next(t, s); h.Err != nil {
			t.Error(h.Err)
		}
	}
	if most > 2 {
		t.Errorf("%d transfers ran at one time, want 2", most)
	}
}

// BenchmarkRefreshToHead is the way from a webhook to the new revision.
func BenchmarkRefreshToHead(b *testing.B) {
	for name, serve := range map[string]func(*gittest.Repo) string{
		"http":  func(r *gittest.Repo) string { return r.ServeHTTP().Repo(r) },
		"local": func(r *gittest.Repo) string { return r.Dir },
	} {
		b.Run(name, func(b *testing.B) {
			repo := gittest.NewRepo(b)
			files := map[string]string{}
			for i := range 1000 {
				for _, f := range []string{"kustomization.yaml", "deployment.yaml", "service.yaml"} {
					files[fmt.Sprintf("apps/app-%d/%s", i, f)] = strings.Repeat(fmt.Sprint(i), 100)
				}
			}
			id := repo.Commit(files)
			s := newSource(b, gitrepo.Options{})
			url := serve(repo)
			follow(s, url, never)
			expect(b, s, id)
			b.ResetTimer()
			quickest := time.Hour
			for i := range b.N {
				b.StopTimer()
				before := id
				id = repo.Commit(map[string]string{"apps/app-7/service.yaml": fmt.Sprint(i)})
				b.StartTimer()
				began := time.Now()
				s.Refresh(url)
				expect(b, s, id)
				if _, err := s.Diff(url, before, id); err != nil {
					b.Fatal(err)
				}
				quickest = min(quickest, time.Since(began))
			}
			b.ReportMetric(float64(quickest.Microseconds())/1000, "ms/quickest")
		})
	}
}
