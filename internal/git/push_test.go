package git_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/gitobject"
	"plumb.dev/plumb/internal/tree"
)

// commit writes a commit with one file on top of another into the mirror.
func commit(t *testing.T, m *git.Mirror, parent, name, content string) string {
	t.Helper()
	c, err := m.Commit(parent)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := m.Lines(c.Tree)
	if err != nil {
		t.Fatal(err)
	}
	f := gitobject.FormatOf(parent)
	blob := gitobject.New(f, gitobject.KindBlob, []byte(content))
	folder, err := gitobject.EncodeFolder(append(lines, gitobject.Line{Mode: gitobject.ModeOf(tree.File), Name: name, ID: blob.ID}))
	if err != nil {
		t.Fatal(err)
	}
	top := gitobject.New(f, gitobject.KindTree, folder)
	ada := gitobject.Person{Name: "Ada", Email: "ada@example.com"}
	encoded, err := gitobject.Draft{Tree: top.ID, Parents: []string{parent}, Author: ada, Committer: ada, Time: time.Unix(1_800_000_000, 0), Message: name}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	object := gitobject.New(f, gitobject.KindCommit, encoded)
	if err := m.Write(t.Context(), f, []gitobject.Object{blob, top, object}); err != nil {
		t.Fatal(err)
	}
	return object.ID
}

// TestPush: a commit that was written here arrives, over every transport, in
// both object formats.
func TestPush(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*gittest.Repo) (string, git.Credentials){
		"http": func(r *gittest.Repo) (string, git.Credentials) {
			s := r.ServeHTTP()
			s.Wrap(gittest.RequireAccounts(map[string]gittest.Account{"ada": {Password: canary, MayPush: true}}))
			return s.Repo(r), git.Credentials{Username: "ada", Password: canary}
		},
		"https": func(r *gittest.Repo) (string, git.Credentials) {
			s := r.ServeHTTPS()
			s.Wrap(gittest.RequireBearer(canary))
			return s.Repo(r), git.Credentials{BearerToken: canary, CA: s.CA}
		},
		"ssh": func(r *gittest.Repo) (string, git.Credentials) {
			s := r.ServeSSH()
			s.MayPush = true
			return s.Repo(r), git.Credentials{PrivateKey: s.ClientKey, KnownHosts: s.KnownHosts}
		},
		"local": func(r *gittest.Repo) (string, git.Credentials) { return r.Dir, git.Credentials{} },
	}
	for name, serve := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := gittest.NewRepo(t)
			repo.AllowPush()
			base := repo.Commit(map[string]string{"x": "1"})
			url, creds := serve(repo)
			data := t.TempDir()
			m := newMirror(t, newProgramWith(t, git.Options{Data: data}), url)
			fetch(t, m, creds, main)
			id := commit(t, m, base, "y", "2\r\n")
			for _, branch := range []string{"main", "plumb/new"} {
				if _, err := m.Push(t.Context(), creds, id, branch); err != nil {
					t.Fatalf("%s: %v", branch, err)
				}
				if got := repo.Git("rev-parse", "refs/heads/"+branch); got != id {
					t.Errorf("%s is %s, want %s", branch, got, id)
				}
			}
			if got := repo.Git("cat-file", "blob", id+":y"); got != "2" { // trimmed
				t.Errorf("y is %q", got)
			}
			repo.Git("fsck", "--strict", "--no-dangling")
			if got := fetch(t, m, creds, main); got.Commit.ID != id {
				t.Errorf("after the push %s is fetched, want %s", got.Commit.ID, id)
			}
			checkNoSecrets(t, data)
		})
	}
}

// TestPushFailures: each thing that can be wrong with a push says what it is
// and what to do, and leaves the branch as it was.
func TestPushFailures(t *testing.T) {
	t.Parallel()
	ada := git.Credentials{Username: "ada", Password: canary}
	accounts := gittest.RequireAccounts(map[string]gittest.Account{"ada": {Password: canary}, "bob": {Password: "bobs-5ecr3t", MayPush: true}})
	bob := git.Credentials{Username: "bob", Password: "bobs-5ecr3t"}
	tests := map[string]struct {
		wrap   func(http.Handler) http.Handler
		hook   string
		creds  git.Credentials
		branch string
		want   error
		says   string
	}{
		"no credentials": {wrap: accounts, want: git.ErrNeedsCredentials, says: "writes: true"},
		"wrong password": {wrap: accounts, creds: git.Credentials{Username: "bob", Password: canary}, want: git.ErrWrongCredentials, says: "writes: true"},
		"read only":      {wrap: accounts, creds: ada, want: git.ErrReadOnly, says: "writes: true"},
		"a hook refuses": {
			wrap: accounts, creds: bob, hook: `printf 'GL-HOOK-ERR: main is \033[31mprotected\nask https://u:` + canary + `@h/x\n' >&2; exit 1`,
			want: git.ErrRejected, says: "GL-HOOK-ERR: main is protected; ask https://h/x",
		},
		"a silent hook":       {wrap: accounts, creds: bob, hook: "exit 1", want: git.ErrRejected, says: "pre-receive hook declined"},
		"a name in the way":   {wrap: accounts, creds: bob, branch: "main/sub", want: git.ErrRejected, says: "main/sub"},
		"a name that is none": {wrap: plainly, creds: bob, branch: "-x", want: git.ErrNoRef, says: "-x"},
		"no name":             {wrap: plainly, creds: bob, branch: "@", want: git.ErrNoRef, says: "@"},
		"away":                {wrap: gittest.Answer(http.StatusBadGateway), creds: bob, want: git.ErrServer, says: "it is tried again"},
		"elsewhere":           {wrap: gittest.RedirectTo("/", "http://127.0.0.1:1/"), creds: ada, want: git.ErrMoved, says: ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := gittest.NewRepo(t)
			repo.AllowPush()
			base := repo.Commit(map[string]string{"x": "1"})
			server := repo.ServeHTTP()
			data := t.TempDir()
			m := newMirror(t, newProgramWith(t, git.Options{Data: data}), server.Repo(repo))
			fetch(t, m, git.Credentials{}, main)
			id := commit(t, m, base, "y", "2")
			server.Wrap(test.wrap)
			if test.hook != "" {
				repo.Hook("pre-receive", test.hook)
			}
			branch := test.branch
			if branch == "" {
				branch = "main"
			}
			_, err := m.Push(t.Context(), test.creds, id, branch)
			checkFailure(t, err, test.want, server.Repo(repo), test.says)
			if got := repo.Head(); got != base {
				t.Errorf("the branch is %s, want %s", got, base)
			}
			checkNoSecrets(t, data)
		})
	}
}

func TestPushOverSSHReadOnly(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	base := repo.Commit(map[string]string{"x": "1"})
	s := repo.ServeSSH()
	creds := git.Credentials{PrivateKey: s.ClientKey, KnownHosts: s.KnownHosts}
	m := newMirror(t, newProgram(t), s.Repo(repo))
	fetch(t, m, creds, main)
	_, err := m.Push(t.Context(), creds, commit(t, m, base, "y", "2"), "main")
	checkFailure(t, err, git.ErrReadOnly, s.Repo(repo), "marked as read only")
}

// TestPushLosesTheRace: whenever someone else is first, he stays, and we are told.
func TestPushLosesTheRace(t *testing.T) {
	t.Parallel()
	for name, moment := range map[string]string{"before": gittest.BeforePush, "during": gittest.DuringPush} {
		for _, branch := range []string{"main", "new"} {
			t.Run(name+" "+branch, func(t *testing.T) {
				t.Parallel()
				repo := gittest.NewRepo(t)
				repo.AllowPush()
				base := repo.Commit(map[string]string{"x": "1"})
				server := repo.ServeHTTP()
				m := newMirror(t, newProgram(t), server.Repo(repo))
				fetch(t, m, git.Credentials{}, main)
				var theirs string
				server.Wrap(gittest.Race(moment, 1, func() { theirs = repo.CommitTo(branch, map[string]string{"x": "theirs"}) }))
				_, err := m.Push(t.Context(), git.Credentials{}, commit(t, m, base, "y", "2"), branch)
				checkFailure(t, err, git.ErrRaced, server.Repo(repo), "")
				if got := repo.Git("rev-parse", "refs/heads/"+branch); got != theirs {
					t.Errorf("the branch is %s, want %s", got, theirs)
				}
			})
		}
	}
}

// TestPushIsInterrupted: whatever moment it ends at, the repository is whole,
// and the next push works.
func TestPushIsInterrupted(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.AllowPush()
	base := repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	m := newMirror(t, newProgram(t), server.Repo(repo))
	fetch(t, m, git.Credentials{}, main)
	id := commit(t, m, base, "y", "2")
	for _, moment := range []string{gittest.BeforePush, gittest.DuringPush} {
		ctx, cancel := context.WithCancel(t.Context())
		server.Wrap(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if gittest.IsPush(req) && req.Method == moment {
					cancel()
					<-ctx.Done()
					return // it never arrives
				}
				next.ServeHTTP(w, req)
			})
		})
		if _, err := m.Push(ctx, git.Credentials{}, id, "main"); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", moment, err)
		}
		cancel()
	}
	server.Wrap(plainly)
	if _, err := m.Push(t.Context(), git.Credentials{}, id, "main"); err != nil || repo.Head() != id {
		t.Errorf("afterwards: %v, the branch is %s", err, repo.Head())
	}
	repo.Git("fsck", "--strict", "--no-dangling")
}

// TestPushTellsWhatTheServerSays: forges say there how to go on.
func TestPushTellsWhatTheServerSays(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.AllowPush()
	base := repo.Commit(map[string]string{"x": "1"})
	repo.Hook("post-receive", `printf '\n===\nOpen a pull request:\n  https://h/x/compare\n'`)
	m := newMirror(t, newProgram(t), repo.ServeHTTP().Repo(repo))
	fetch(t, m, git.Credentials{}, main)
	said, err := m.Push(t.Context(), git.Credentials{}, commit(t, m, base, "y", "2"), "new")
	if want := "Open a pull request:; https://h/x/compare"; err != nil || said != want {
		t.Errorf("got %q, %v, want %q", said, err, want)
	}
}

func TestPushIsNotForced(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.AllowPush()
	first := repo.Commit(map[string]string{"x": "1"})
	second := repo.Commit(map[string]string{"x": "2"})
	m := newMirror(t, newProgram(t), repo.ServeHTTP().Repo(repo))
	fetch(t, m, git.Credentials{}, main)
	for _, id := range []string{first, commit(t, m, first, "y", "2")} {
		if _, err := m.Push(t.Context(), git.Credentials{}, id, "main"); !errors.Is(err, git.ErrRaced) || repo.Head() != second {
			t.Errorf("got %v, the branch is %s", err, repo.Head())
		}
	}
	if _, err := m.Push(t.Context(), git.Credentials{}, strings.Repeat("ab", 20), "main"); err == nil {
		t.Error("a commit that isn't there was pushed")
	}
}
