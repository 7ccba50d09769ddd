package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/status"
)

// What is pushed with force, or in place of all that was, is followed like any other commit.
func TestHistoryIsRewritten(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.serveHTTP()
	f.commit(map[string]string{
		"apps/one.yaml": f.app("one"), "one/a.yaml": configMap("a", "x", "1"),
		"apps/two.yaml": f.app("two"), "two/b.yaml": configMap("b", "x", "1"),
	})
	f.start()
	f.step("one declaration c1 by Ada Author: create ConfigMap/a = Succeeded", "two declaration c1 by Ada Author: create ConfigMap/b = Succeeded")
	f.commit(map[string]string{"one/a.yaml": configMap("a", "x", "2"), "one/more.yaml": configMap("more", "x", "1")})
	f.step("one commit c2 by Ada Author: create ConfigMap/more, update ConfigMap/a = Succeeded")

	f.repo.Reset(f.commits[0]) // back, and on in another direction
	f.commit(map[string]string{"one/a.yaml": configMap("a", "x", "3")})
	f.step("one commit c3 by Ada Author: prune ConfigMap/more, update ConfigMap/a = Succeeded")

	unrelated := f.repo.Orphan(map[string]string{
		"apps/one.yaml": f.app("one"), "one/a.yaml": configMap("a", "x", "4"),
		"apps/two.yaml": f.app("two"), "two/b.yaml": configMap("b", "x", "1"),
	})
	f.repo.Git("reflog", "expire", "--expire=now", "--all")
	f.repo.Git("gc", "--quiet", "--prune=now") // what was before is gone
	f.push(unrelated)
	f.step("one commit c4 by Ada Author: update ConfigMap/a = Succeeded")

	f.daemon.stop()
	if err := os.RemoveAll(filepath.Join(f.data, "git")); err != nil { // the mirror is a cache
		t.Fatal(err)
	}
	f.start()
	f.step()
}

// An App whose branch is deleted stays as it is and says so, and goes on when the branch comes again.
func TestBranchIsDeleted(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.commit(map[string]string{"apps/one.yaml": f.appFrom("one", "path: one, git: {branch: next}"), "one/a.yaml": configMap("a", "x", "1")})
	f.repo.Branch("next")
	f.start()
	f.step("one declaration c1 by Ada Author: create ConfigMap/a = Succeeded")
	f.commit(map[string]string{"one/a.yaml": configMap("a", "x", "2")})
	f.step("one commit c2 by Ada Author: update ConfigMap/a = Succeeded")

	before := f.says()
	f.repo.DeleteBranch("next")
	s := f.awaitStatus("one", "told of the missing branch", func(s status.App) bool { return s.Source.Error != "" })
	if !strings.Contains(s.Source.Error, "next") || !strings.Contains(s.Message, "next") || s.Revision != f.commits[1] {
		t.Errorf("the branch is gone, and the App is at %s and says %q (source: %q)", f.nameOf(s.Revision), s.Message, s.Source.Error)
	}
	f.untouched(before)

	f.repo.Git("update-ref", "refs/heads/next", f.commits[1])
	f.commit(map[string]string{"one/a.yaml": configMap("a", "x", "3")})
	f.step("one commit c3 by Ada Author: update ConfigMap/a = Succeeded")
}

// untouched checks that the cluster still is as Git said.
func (f *fleet) untouched(before declared) {
	f.t.Helper()
	if found := f.cluster.differs(f.t, before, f.namespace); len(found) > 0 {
		f.t.Fatalf("the cluster is not as it was:\n%s", strings.Join(found, "\n"))
	}
}

// While a repository is away, in whatever way, what it said last is held, hand edits are put right, and nothing is deleted. When it is back, what
// was committed meanwhile is delivered without anyone's doing.
func TestRepositoryIsAway(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	server := f.serveHTTP()
	f.commit(map[string]string{"apps/one.yaml": f.app("one"), "one/a.yaml": configMap("a", "x", "0")})
	f.start()
	f.step("one declaration c1 by Ada Author: create ConfigMap/a = Succeeded")
	present := func(next http.Handler) http.Handler { return next }
	for i, away := range []struct {
		how     string
		leave   func()
		back    func()
		message string
	}{
		{"the server fails", func() { server.Wrap(gittest.Answer(http.StatusServiceUnavailable)) }, func() { server.Wrap(present) }, "the server failed"},
		{"the repository is gone", func() { f.repo.Rename("elsewhere.git") }, func() { f.repo.Rename("repo.git") }, "no repository there"},
		{"it is redirected to nothing", func() { server.Wrap(gittest.RedirectTo("/repo.git", "/elsewhere.git")) }, func() { server.Wrap(present) }, "elsewhere.git"},
		{"it moved to another host", func() { server.Wrap(gittest.RedirectTo("", "http://127.0.0.1:1")) }, func() { server.Wrap(present) }, "moved"},
		{"it needs credentials", func() { server.Wrap(gittest.RequireBasic("ana", "secret")) }, func() { server.Wrap(present) }, "credentials"},
	} {
		t.Log(away.how)
		away.leave()
		f.daemon.hook(f.root)
		s := f.awaitStatus("one", "told of it", func(s status.App) bool { return s.Source.Error != "" })
		if !strings.Contains(s.Source.Error, away.message) {
			t.Errorf("%s, and the App says %q", away.how, s.Source.Error)
		}
		f.untouched(f.says())
		who := fmt.Sprintf("hand-%d", i) // one who does it again and again is left alone for a while
		f.tamperAndAwait(hand{who: who, app: "one", object: f.key("ConfigMap", "a"), patch: merge(`{"data":{"x":"tampered"}}`)})
		drift := fmt.Sprintf("one drift %s by %s: update ConfigMap/a = Succeeded", f.nameOf(f.repo.Head()), who)

		f.commits = append(f.commits, f.repo.Commit(map[string]string{"one/a.yaml": configMap("a", "x", away.how)}))
		away.back()
		f.step(drift, fmt.Sprintf("one commit %s by Ada Author: update ConfigMap/a = Succeeded", f.nameOf(f.repo.Head())))
	}
}

// A repository with a working copy, on this machine, is followed by its commits, not by what lies in the working copy.
func TestWorkingCopy(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.commit(map[string]string{"apps/one.yaml": f.app("one"), "one/a.yaml": configMap("a", "x", "1")})
	work := filepath.Join(t.TempDir(), "work")
	if out, err := exec.CommandContext(t.Context(), "git", "clone", "--quiet", f.repo.Dir, work).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f.root, f.repo.Dir = work, filepath.Join(work, ".git")
	if err := os.WriteFile(filepath.Join(work, "one", "draft.yaml"), []byte(configMap("draft", "x", "1")), 0o600); err != nil {
		t.Fatal(err)
	}
	f.start()
	f.step("one declaration c1 by Ada Author: create ConfigMap/a = Succeeded")
	f.commit(map[string]string{"one/a.yaml": configMap("a", "x", "2")})
	f.step("one commit c2 by Ada Author: update ConfigMap/a = Succeeded")
}
