package hostile_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/status"
)

// secretFile writes a file that only its owner can read.
func secretFile(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// served is a repository beside the root, with one ConfigMap in its folder app.
func served(t *testing.T, name string) *gittest.Repo {
	t.Helper()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"app/map.yaml": paint(name, "red")})
	return repo
}

// of is the source of an App in another repository, which is looked at often.
func of(url string, more ...string) string {
	return "source: {path: app, every: 1s, git: {url: \"" + url + "\"" + strings.Join(append([]string{""}, more...), ", ") + "}}"
}

// mended asks for a look at an App's repository, as who mended something does: by
// itself, the daemon looks ever more rarely at what fails.
func (s *stand) mended(t *testing.T, name string) {
	t.Helper()
	if _, err := s.Sync(t.Context(), s.id(name), "ana"); err != nil {
		t.Fatal(err)
	}
}

// TestRepositoryThatNeedsCredentials: without, with wrong ones, and with the
// right ones at last, which are written to the file while the daemon runs. An
// App that was delivered from the repository keeps what it has when it is closed.
func TestRepositoryThatNeedsCredentials(t *testing.T) {
	t.Parallel()
	closed, shut := served(t, "closed"), served(t, "shut")
	closedServer, shutServer := closed.ServeHTTP(), shut.ServeHTTP()
	closedServer.Wrap(gittest.RequireBasic("ada", "right"))
	credentials := secretFile(t, filepath.Join(t.TempDir(), "credentials.yaml"), "[]\n")
	s := newStand(t, how{args: []string{"--git-credentials", credentials}}, func(s *stand) map[string]string {
		return map[string]string{
			"apps/closed.yaml": s.declare("closed", of(closedServer.Repo(closed))),
			"apps/shut.yaml":   s.declare("shut", of(shutServer.Repo(shut))),
			"apps/good.yaml":   s.declare("good"), "good/map.yaml": paint("good", "red"),
		}
	})
	s.synced(t, "good", "")
	s.synced(t, "shut", "")
	_, uid := s.color("shut")

	d := s.complains(t, "closed", closedServer.Repo(closed)+": the repository needs credentials", "add an entry for it to the credentials file")
	if d.Sync != status.Unknown {
		t.Errorf("an App that was never read stands as %s", d.Sync)
	}
	entry := func(password string) string {
		return "- url: " + closedServer.URL + "\n  username: ada\n  password: " + password + "\n"
	}
	secretFile(t, credentials, entry("wrong"))
	s.mended(t, "closed")
	s.complains(t, "closed", "the credentials were not accepted", "check its entry in the credentials file")
	if err := os.Chmod(credentials, 0o644); err != nil {
		t.Fatal(err)
	}
	secretFile(t, credentials, entry("right"))
	s.mended(t, "closed")
	s.complains(t, "closed", credentials+" has mode 0644, so others can read or change it: chmod 600")
	if err := os.Chmod(credentials, 0o600); err != nil {
		t.Fatal(err)
	}
	s.mended(t, "closed")
	s.synced(t, "closed", "")
	s.painted(t, "closed", "red")

	shutServer.Wrap(gittest.RequireBasic("ada", "right"))
	shut.Commit(map[string]string{"app/map.yaml": paint("shut", "green")})
	s.complains(t, "shut", "the repository needs credentials")
	if color, now := s.color("shut"); color != "red" || now != uid {
		t.Errorf("the ConfigMap was touched: it is %q, uid %q, then %q", color, uid, now)
	}
	s.commit(map[string]string{"good/map.yaml": paint("good", "green")})
	s.painted(t, "good", "green")
	secretFile(t, credentials, entry("right")+strings.ReplaceAll(entry("right"), closedServer.URL, shutServer.URL))
	s.mended(t, "shut")
	s.painted(t, "shut", "green")
	s.synced(t, "shut", "")
}

// TestWrongHostKey: of a host that nobody vouched for, of one that shows
// another key than the known one, and of one that is known at last.
func TestWrongHostKey(t *testing.T) {
	t.Parallel()
	repo := served(t, "far")
	server := repo.ServeSSH()
	folder := t.TempDir()
	secretFile(t, filepath.Join(folder, "key"), string(server.ClientKey))
	known := secretFile(t, filepath.Join(folder, "known_hosts"), "")
	credentials := secretFile(t, filepath.Join(folder, "credentials.yaml"),
		"- url: ssh://git@"+server.Addr+"\n  privateKeyFile: key\n  knownHostsFile: known_hosts\n")
	s := newStand(t, how{args: []string{"--git-credentials", credentials}}, func(s *stand) map[string]string {
		return map[string]string{
			"apps/far.yaml":  s.declare("far", of(server.Repo(repo))),
			"apps/good.yaml": s.declare("good"), "good/map.yaml": paint("good", "red"),
		}
	})
	s.complains(t, "far", server.Repo(repo)+": the SSH host key is not known", "ssh-keyscan", "knownHostsFile")

	_, rest, _ := bytes.Cut(server.KnownHosts, []byte(" "))
	another := gittest.NewRepo(t).ServeSSH().KnownHosts
	_, wrong, _ := bytes.Cut(another, []byte(" "))
	host := strings.TrimSuffix(string(server.KnownHosts), string(rest))
	secretFile(t, known, host+string(wrong))
	s.mended(t, "far")
	s.complains(t, "far", server.Repo(repo)+": the SSH host key is not the one that is known", "someone is in between")
	s.synced(t, "good", "")

	secretFile(t, known, string(server.KnownHosts))
	s.mended(t, "far")
	s.synced(t, "far", "")
	s.painted(t, "far", "red")
}

// TestBranchThatDoesNotExist: the daemon waits for it to be pushed. One that is
// deleted leaves what was delivered from it in place.
func TestBranchThatDoesNotExist(t *testing.T) {
	t.Parallel()
	repo, empty := served(t, "late"), gittest.NewRepo(t)
	server, emptyServer := repo.ServeHTTP(), empty.ServeHTTP()
	s := newStand(t, how{}, func(s *stand) map[string]string {
		return map[string]string{
			"apps/late.yaml":  s.declare("late", of(server.Repo(repo), "branch: next")),
			"apps/good.yaml":  s.declare("good", of(server.Repo(repo))),
			"apps/empty.yaml": s.declare("empty", of(emptyServer.Repo(empty))),
		}
	})
	s.complains(t, "late", server.Repo(repo), `branch "next"`, "main")
	s.synced(t, "good", "") // which follows another branch of the same repository
	s.complains(t, "empty", emptyServer.Repo(empty)+": the repository is empty", "push a first commit")
	empty.Commit(map[string]string{"app/map.yaml": paint("first", "red")})
	s.synced(t, "empty", "")

	repo.CommitTo("next", map[string]string{"app/map.yaml": paint("early", "red")})
	s.synced(t, "late", "")
	_, uid := s.color("early")
	repo.DeleteBranch("next")
	s.complains(t, "late", `branch "next"`)
	if color, now := s.color("early"); color != "red" || now != uid {
		t.Errorf("the ConfigMap was touched: it is %q, uid %q, then %q", color, uid, now)
	}
	repo.CommitTo("next", map[string]string{"app/map.yaml": paint("early", "green")})
	s.painted(t, "early", "green")
	s.synced(t, "late", "")
}

// TestRootThatCantBeRead: the daemon starts, says why it does nothing, and
// begins as soon as it can.
func TestRootThatCantBeRead(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	server := repo.ServeHTTP()
	server.Wrap(gittest.Answer(http.StatusInternalServerError))
	s := newStand(t, how{root: server.Repo(repo)}, func(*stand) map[string]string { return map[string]string{"README.md": "not this one"} })
	s.troubled(t, server.Repo(repo), "the server failed", "it is tried again")
	ready := s.readiness(t)
	if ready.Ready {
		t.Errorf("it is ready: %+v", ready)
	}
	if got := s.says("get", "apps"); got.code != 0 || got.out != "" || !strings.Contains(got.err, "1 problem in the root") {
		t.Errorf("plumb get apps: %+v", got)
	}
	repo.Commit(map[string]string{"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("shop", "red")})
	server.Wrap(func(next http.Handler) http.Handler { return next })
	s.painted(t, "shop", "red")
	s.synced(t, "shop", "")
	s.untroubled(t)
	until(t, "the daemon to be ready", func() string {
		if ready := s.readiness(t); !ready.Ready {
			return "not yet"
		}
		return ""
	})
}
