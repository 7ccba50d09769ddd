package commit_test

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
)

// hidden are the forms that the canary may show up in.
func hidden() []string {
	return []string{canary, base64.StdEncoding.EncodeToString([]byte("writer:" + canary))}
}

// TestWhoMayNotPush: an error says what, where and what to do, and holds nothing
// secret; the branch stays as it was.
func TestWhoMayNotPush(t *testing.T) {
	t.Parallel()
	none := func(git.URL) (git.Credentials, error) { return git.Credentials{}, nil }
	wrong := func(git.URL) (git.Credentials, error) {
		return git.Credentials{Username: "reader", Password: canary}, nil
	}
	broken := errors.New("the credentials file is broken")
	tests := map[string]struct {
		write func(git.URL) (git.Credentials, error)
		want  error
		says  string
	}{
		"no credentials":           {none, git.ErrNeedsCredentials, "credentials file"},
		"wrong credentials":        {wrong, git.ErrWrongCredentials, "credentials file"},
		"who may only read":        {reader, git.ErrReadOnly, "Permission to push denied to reader."},
		"no credentials to be had": {func(git.URL) (git.Credentials, error) { return git.Credentials{}, broken }, broken, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, commit.Options{Write: test.write})
			head := f.repo.Commit(map[string]string{"x": "1"})
			_, err := f.commit(commit.Request{Branch: "main", Edit: files(map[string]commit.File{"x": put("2")})})
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || f.repo.Head() != head {
				t.Errorf("got %v", err)
			}
			f.checkHidden(err)
		})
	}
}

// TestWhatTheServerRefuses: a protected branch is told of in the server's words.
func TestWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	head := f.repo.Commit(map[string]string{"x": "1"})
	f.repo.Hook("pre-receive", `while read old new ref; do
	if [ $ref = refs/heads/main ]; then
		printf 'GH006: Protected branch update failed for %s.\nChanges must be made through a \033[31mpull request.\n' $ref >&2
		echo 'see https://writer:`+canary+`@h/x' >&2
		exit 1
	fi
done`)
	edit := files(map[string]commit.File{"x": put("2")})
	_, err := f.commit(commit.Request{Branch: "main", Edit: edit})
	if !errors.Is(err, git.ErrRejected) || f.repo.Head() != head {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{f.url, "GH006: Protected branch update failed for refs/heads/main.; Changes must be made through a pull request.", "push to another branch"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not say %q: %v", part, err)
		}
	}
	if strings.ContainsAny(err.Error(), "\x1b\n") {
		t.Errorf("error holds control characters: %q", err)
	}
	f.checkHidden(err)
	if done, err := f.commit(commit.Request{Branch: "plumb/x", From: &git.Ref{Branch: "main"}, Edit: edit}); err != nil || f.repo.Git("rev-parse", "refs/heads/plumb/x") != done.Commit {
		t.Errorf("the other branch: got %+v, %v", done, err)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	f.repo.Commit(map[string]string{"x": "1"})
	edit := files(map[string]commit.File{"x": put("2")})
	gone := atomic.Bool{}
	f.server.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if gone.Load() || gittest.IsPush(req) {
				gone.Store(true)
				http.Error(w, "down", http.StatusServiceUnavailable)
				return
			}
			accounts(next).ServeHTTP(w, req)
		})
	})
	_, err := f.commit(commit.Request{Branch: "main", Edit: edit})
	if !errors.Is(err, git.ErrServer) || !strings.Contains(err.Error(), "isn't known") {
		t.Errorf("away during the push: got %v", err)
	}
	f.server.Close()
	if _, err = f.commit(commit.Request{Branch: "main", Edit: edit}); !errors.Is(err, git.ErrUnreachable) {
		t.Errorf("away: got %v", err)
	}
	f.checkHidden(err)
}

// checkHidden: neither the error nor any file that is left holds a secret.
func (f *fixture) checkHidden(err error) {
	f.Helper()
	for _, secret := range append(hidden(), "readers-5ecr3t") {
		if err != nil && strings.Contains(err.Error(), secret) {
			f.Errorf("error holds a secret: %v", err)
		}
		walked := filepath.WalkDir(f.data, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if strings.Contains(string(b), secret) {
				f.Errorf("%s holds a secret", path)
			}
			return err
		})
		if walked != nil {
			f.Error(walked)
		}
	}
}

// TestSecretsStayOutOfSight: during a push no command line of this machine has
// the password, and who isn't the server doesn't get it.
func TestSecretsStayOutOfSight(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{Signer: sshKey(t, "ed25519")})
	f.repo.Commit(map[string]string{"x": "1"})
	looked := 0
	look := gittest.Race(gittest.DuringPush, 1, func() { looked += f.lookAtProcesses() })
	f.server.Wrap(func(next http.Handler) http.Handler { return look(accounts(next)) })
	edit := files(map[string]commit.File{"x": put("2")})
	if _, err := f.commit(commit.Request{Branch: "main", Edit: edit}); err != nil {
		t.Fatal(err)
	}
	if looked == 0 {
		t.Skip("processes can't be seen here")
	}
	f.checkHidden(nil)

	var told atomic.Int64
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "" {
			told.Add(1)
		}
	}))
	defer stranger.Close()
	f.server.Wrap(func(next http.Handler) http.Handler {
		redirect := gittest.RedirectTo("/", stranger.URL+"/")(next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if gittest.IsPush(req) {
				redirect.ServeHTTP(w, req)
				return
			}
			accounts(next).ServeHTTP(w, req)
		})
	})
	_, err := f.commit(commit.Request{Branch: "main", Edit: files(map[string]commit.File{"x": put("3")})})
	if !errors.Is(err, git.ErrMoved) || told.Load() != 0 {
		t.Errorf("a push that is sent elsewhere: got %v; %d requests there had credentials", err, told.Load())
	}
	f.checkHidden(err)
}

// lookAtProcesses counts the command lines that could be read.
func (f *fixture) lookAtProcesses() int {
	f.Helper()
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	n := 0
	for _, file := range lines {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		n++
		for _, secret := range append(hidden(), "PRIVATE KEY") {
			if strings.Contains(string(b), secret) {
				f.Errorf("a command line holds a secret: %q", b)
			}
		}
	}
	return n
}
