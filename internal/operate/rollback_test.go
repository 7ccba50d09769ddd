package operate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/operate"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/source/gitrepo"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/tree"
)

// ground is a repository behind a server, the Apps made from it, and their history.
type ground struct {
	*testing.T
	repo     *gittest.Repo
	server   *gittest.Server
	source   *gitrepo.Source
	ref      source.Ref
	apps     map[string]string // paths, by App
	releases []release.Release
	operator *operate.Operator
	fresh    bool // the engine has just begun, and has rendered nothing yet
}

// mayPush lets in who reads, and who reads and pushes.
func mayPush(next http.Handler) http.Handler {
	return gittest.RequireAccounts(map[string]gittest.Account{"reader": {Password: "r-5ecr3t"}, "writer": {Password: "w-5ecr3t", MayPush: true}})(next)
}

func newGround(t *testing.T, apps map[string]string) *ground {
	t.Helper()
	g := &ground{T: t, repo: gittest.NewRepo(t), apps: apps}
	g.repo.AllowPush()
	g.server = g.repo.ServeHTTP()
	g.server.Wrap(mayPush)
	reads := func(git.URL) (git.Credentials, error) {
		return git.Credentials{Username: "reader", Password: "r-5ecr3t"}, nil
	}
	var err error
	if g.source, err = gitrepo.New(t.Context(), gitrepo.Options{Git: git.Options{Data: t.TempDir()}, Credentials: reads}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.source.Close)
	writer, err := commit.New(commit.Options{
		Mirror: g.source.Mirror, Read: reads,
		Write: func(git.URL) (git.Credentials, error) {
			return git.Credentials{Username: "writer", Password: "w-5ecr3t"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	g.ref = source.Ref{URL: g.server.Repo(g.repo), Branch: "main"}
	g.operator = &operate.Operator{
		Fleet: g, Source: g.source, Looker: g.source, Past: g.source, Renderer: render.Set{kustomize.Renderer{}, plain.Renderer{}},
		History: &kept{ground: g}, Commit: writer,
	}
	return g
}

// follow begins to follow what is there.
func (g *ground) follow() {
	g.Helper()
	g.source.Follow(map[source.Ref]time.Duration{g.ref: 24 * time.Hour})
	select {
	case h := <-g.source.Heads():
		if h.Err != nil {
			g.Fatal(h.Err)
		}
	case <-time.After(time.Minute):
		g.Fatal("no head came")
	}
}

// push commits, and has a release of each App come of it.
func (g *ground) push(outcome release.Outcome, files map[string]string) string {
	g.Helper()
	id := g.repo.Commit(files)
	for _, app := range sortedNames(g.apps) {
		g.releases = append(g.releases, release.Release{
			ID: int64(len(g.releases) + 1), App: app, Outcome: outcome, Trigger: release.TriggerCommit, Revision: release.Revision{URL: g.ref.URL, Commit: id},
		})
	}
	return id
}

func sortedNames(m map[string]string) []string {
	var names []string
	for _, name := range []string{"t/api", "t/web"} {
		if _, ok := m[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

// Known implements operate.Fleet.
func (g *ground) Known(ctx context.Context, id string) (pipeline.Known, error) {
	path, ok := g.apps[id]
	if !ok {
		return pipeline.Known{}, status.Refuse(status.NotThere, "no App %s", id)
	}
	namespace, name, _ := strings.Cut(id, "/")
	app := v1alpha1.App{}
	app.Namespace, app.Name, app.Spec.Source.Path = namespace, name, path
	k := pipeline.Known{App: app, Ref: g.ref}
	if m, err := g.source.Mirror(g.ref.URL); err == nil && !g.fresh {
		head := m.Resolve([]git.Ref{{Branch: "main"}})[git.Ref{Branch: "main"}].Commit
		k.Inputs, _ = pipeline.Inputs(ctx, g.operator.Renderer, app, tree.New(m, head.Tree))
	}
	return k, nil
}

// AllKnown implements operate.Fleet.
func (g *ground) AllKnown(ctx context.Context) ([]pipeline.Known, error) {
	var all []pipeline.Known
	for _, id := range sortedNames(g.apps) {
		k, err := g.Known(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// Claims implements operate.Fleet.
func (g *ground) Claims(context.Context, object.Key) ([]operate.Claim, error) { return nil, nil }

// kept is the ground's history.
type kept struct {
	history.Store
	ground *ground
}

func (k *kept) Get(_ context.Context, id int64) (release.Release, error) {
	for _, r := range k.ground.releases {
		if r.ID == id {
			return r, nil
		}
	}
	return release.Release{}, history.ErrNotFound
}

func (k *kept) List(_ context.Context, q history.Query) ([]release.Release, error) {
	var all []release.Release
	for i := len(k.ground.releases) - 1; i >= 0; i-- {
		if r := k.ground.releases[i]; r.App == q.App && (!q.Intended || !r.Corrective()) {
			all = append(all, r)
		}
	}
	return all, nil
}

func (g *ground) rollback(r operate.Rollback) status.RolledBack {
	g.Helper()
	if r.App == "" {
		r.App = "t/web"
	}
	done, err := g.operator.Rollback(g.Context(), r)
	if err != nil {
		g.Fatal(err)
	}
	return done
}

// refused is the reason why a rollback is refused.
func (g *ground) refused(r operate.Rollback, kind status.RefusalKind) string {
	g.Helper()
	if r.App == "" {
		r.App = "t/web"
	}
	head := g.repo.Head()
	done, err := g.operator.Rollback(g.Context(), r)
	var refusal *status.Refusal
	if !errors.As(err, &refusal) || refusal.Kind != kind || g.repo.Head() != head {
		g.Fatalf("got %+v, %v, want a refusal of kind %d", done, err, kind)
	}
	return err.Error()
}

// same says whether a path is the same in two commits.
func (g *ground) same(path, a, b string) bool {
	return g.repo.Git("diff", "--name-status", a, b, "--", path) == ""
}

func deployment(name, image string) string {
	return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\nspec:\n  template:\n    spec:\n      containers:\n      - name: c\n        image: %s\n", name, image)
}

// TestRollback: bases, files that came and files that went become what they
// were; what isn't the App's stays.
func TestRollback(t *testing.T) {
	t.Parallel()
	g := newGround(t, map[string]string{"t/web": "web"})
	kustomization := "resources: [../base, a.yaml]\n"
	first := g.push(release.Succeeded, map[string]string{
		"web/kustomization.yaml": kustomization, "web/a.yaml": deployment("a", "a:1"), "base/kustomization.yaml": "resources: [b.yaml]\n",
		"base/b.yaml": deployment("b", "b:1"), "other/x": "1",
	})
	second := g.push(release.Succeeded, map[string]string{"base/b.yaml": deployment("b", "b:2"), "other/x": "2"})
	third := g.push(release.Failed, map[string]string{
		"web/a.yaml": gittest.Remove, "web/c.yaml": deployment("c", "c:9"), "web/kustomization.yaml": "resources: [../base, c.yaml]\n", "other/x": "3",
	})
	g.repo.Commit(map[string]string{"other/x": "4"})
	g.follow()

	would := g.rollback(operate.Rollback{To: 1, DryRun: true})
	done := g.rollback(operate.Rollback{To: 1, By: "ada", Why: "it\nburns"})
	if done.Commit != g.repo.Head() || done.Branch != "main" || done.Release != 1 || done.To != first {
		t.Errorf("got %+v", done)
	}
	want := status.RolledBack{
		App: "t/web", Release: 1, To: first, Branch: "main",
		Files: []string{"base/b.yaml", "web/a.yaml", "web/c.yaml", "web/kustomization.yaml"},
		Skipped: []status.Skipped{
			{Commit: third, Author: "Ada Author <ada@example.com>", Subject: "Commit 3", Images: []string{"c:9"}},
			{Commit: second, Author: "Ada Author <ada@example.com>", Subject: "Commit 2", Images: []string{"b:2"}},
		},
	}
	if diff := cmp.Diff(want, would); diff != "" {
		t.Errorf("what would be done (-want +got):\n%s", diff)
	}
	want.Commit = done.Commit
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("what was done (-want +got):\n%s", diff)
	}
	if !g.same("web", first, "main") || !g.same("base", first, "main") || g.repo.Git("show", "main:other/x") != "4" {
		t.Errorf("the branch has %s", g.repo.Git("diff", first, "main"))
	}
	message := `Roll back t/web to release 1

What t/web is made from becomes what it was at ` + first + ` again.
Why: it burns
Asked for by: ada

Skipped are the changes to these files by:
- ` + third[:12] + ` Ada Author <ada@example.com>: Commit 3
  image c:9
- ` + second[:12] + ` Ada Author <ada@example.com>: Commit 2
  image b:2

Files:
- base/b.yaml
- web/a.yaml
- web/c.yaml
- web/kustomization.yaml`
	if diff := cmp.Diff(message, g.repo.Git("log", "-1", "--format=%B", "main")); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if again := g.rollback(operate.Rollback{To: 1}); again.Commit != "" || again.Branch != "main" || len(again.Files) != 0 || g.repo.Head() != done.Commit {
		t.Errorf("once more: got %+v", again)
	}
}

// TestRollbackOfAFolder: a plain folder is what is in it, so what came goes and
// what went comes back, modes and all.
func TestRollbackOfAFolder(t *testing.T) {
	t.Parallel()
	g := newGround(t, map[string]string{"t/web": "web"})
	first := g.push(release.Succeeded, map[string]string{"web/a.yaml": deployment("a", "a:1"), "web/sub/b.yaml": deployment("b", "b:1"), "web/link.yaml": "-> ../lib/l.yaml", "lib/l.yaml": deployment("l", "l:1")})
	g.push(release.Failed, map[string]string{
		"web/sub": gittest.Remove, "web/new/c.yaml": deployment("c", "c:1"), "web/link.yaml": deployment("l", "l:2"), "lib/m.yaml": "1", "lib/l.yaml": deployment("l", "l:3"),
	})
	g.follow()
	done := g.rollback(operate.Rollback{})
	if want := []string{"lib/l.yaml", "web/link.yaml", "web/new/c.yaml", "web/sub/b.yaml"}; !cmp.Equal(done.Files, want) || done.Release != 1 {
		t.Errorf("got %+v, want %v", done, want)
	}
	if !g.same("web", first, "main") || !g.same("lib/l.yaml", first, "main") || g.same("lib/m.yaml", first, "main") {
		t.Errorf("the branch has %s", g.repo.Git("diff", "--name-status", first, "main"))
	}
}

// TestRollbackOfWhatCannotBeRendered: the newest commit is broken beyond reading,
// which is when people need it most.
func TestRollbackOfWhatCannotBeRendered(t *testing.T) {
	t.Parallel()
	g := newGround(t, map[string]string{"t/web": "web"})
	first := g.push(release.Succeeded, map[string]string{"web/kustomization.yaml": "resources: [a.yaml]\n", "web/a.yaml": deployment("a", "a:1")})
	g.push(release.Failed, map[string]string{"web/kustomization.yaml": "resources: [nowhere.yaml]\n", "web/a.yaml": "{"})
	g.follow()
	g.rollback(operate.Rollback{})
	if !g.same("web", first, "main") {
		t.Errorf("the branch has %s", g.repo.Git("diff", first, "main"))
	}
}

// TestRollbackWouldTouchOthers: who shares a base is named, and rolled back only
// if that is asked for. What only came since, and others use, stays.
func TestRollbackWouldTouchOthers(t *testing.T) {
	t.Parallel()
	g := newGround(t, map[string]string{"t/web": "web", "t/api": "api"})
	first := g.push(release.Succeeded, map[string]string{
		"web/kustomization.yaml": "resources: [../base]\n", "api/kustomization.yaml": "resources: [../base]\n",
		"base/kustomization.yaml": "resources: [b.yaml]\n", "base/b.yaml": deployment("b", "b:1"),
	})
	g.push(release.Failed, map[string]string{"base/b.yaml": deployment("b", "b:2")})
	g.follow()
	g.fresh = true
	g.refused(operate.Rollback{To: 2}, status.Moved)
	g.fresh = false
	reason := g.refused(operate.Rollback{To: 2}, status.Moved)
	for _, part := range []string{"t/web shares files with t/api", "base/b.yaml", "`--with-others` (withOthers) goes on all the same"} {
		if !strings.Contains(reason, part) {
			t.Errorf("the refusal doesn't say %q: %s", part, reason)
		}
	}
	done := g.rollback(operate.Rollback{To: 2, WithOthers: true, Why: "all of it"})
	if !cmp.Equal(done.Others, []string{"t/api"}) || !g.same("base", first, "main") || !strings.Contains(g.repo.Git("log", "-1", "--format=%B", "main"), "Other Apps that are made from these files: t/api") {
		t.Errorf("got %+v", done)
	}
}

func TestRollbackLeavesWhatOthersUseByNow(t *testing.T) {
	t.Parallel()
	g := newGround(t, map[string]string{"t/web": "web", "t/api": "api"})
	first := g.push(release.Succeeded, map[string]string{
		"web/kustomization.yaml": "resources: [a.yaml]\n", "web/a.yaml": deployment("a", "a:1"), "api/kustomization.yaml": "resources: []\n",
	})
	g.push(release.Failed, map[string]string{
		"web/kustomization.yaml": "resources: [../both, ../mine]\n", "api/kustomization.yaml": "resources: [../both]\n",
		"both/kustomization.yaml": "resources: [b.yaml]\n", "both/b.yaml": deployment("b", "b:1"),
		"mine/kustomization.yaml": "resources: [m.yaml]\n", "mine/m.yaml": deployment("m", "m:1"),
	})
	g.follow()
	done := g.rollback(operate.Rollback{})
	if want := []string{"mine/kustomization.yaml", "mine/m.yaml", "web/kustomization.yaml"}; !cmp.Equal(done.Files, want) || !g.same("web", first, "main") {
		t.Errorf("got %v, want %v", done.Files, want)
	}
	if g.repo.Git("show", "main:both/b.yaml") == "" || len(done.Others) != 0 {
		t.Error("what another App uses went")
	}
}

// TestRollbackToABranch makes it a pull request's.
func TestRollbackToABranch(t *testing.T) {
	t.Parallel()
	g := newGround(t, map[string]string{"t/web": "web"})
	first := g.push(release.Succeeded, map[string]string{"web/a.yaml": deployment("a", "a:1")})
	head := g.push(release.Failed, map[string]string{"web/a.yaml": deployment("a", "a:2")})
	g.follow()
	done := g.rollback(operate.Rollback{Branch: "undo/web"})
	if done.Branch != "undo/web" || g.repo.Git("rev-parse", "undo/web") != done.Commit || g.repo.Git("rev-parse", "undo/web^") != head || !g.same("web", first, "undo/web") || g.repo.Head() != head {
		t.Errorf("got %+v", done)
	}
}

// TestRollbackLosesRaces: what others push meanwhile is kept, or told of as skipped.
func TestRollbackLosesRaces(t *testing.T) {
	t.Parallel()
	g := newGround(t, map[string]string{"t/web": "web"})
	first := g.push(release.Succeeded, map[string]string{"web/a.yaml": deployment("a", "a:1"), "other/x": "0"})
	g.push(release.Failed, map[string]string{"web/a.yaml": deployment("a", "a:2")})
	g.follow()
	n, theirs := 0, ""
	race := gittest.Race(gittest.DuringPush, 3, func() {
		n++
		theirs = g.repo.Commit(map[string]string{"other/x": fmt.Sprint(n), "web/a.yaml": deployment("a", fmt.Sprintf("a:their%d", n))})
	})
	g.server.Wrap(func(next http.Handler) http.Handler { return race(mayPush(next)) })
	done := g.rollback(operate.Rollback{})
	if !g.same("web", first, "main") || g.repo.Git("show", "main:other/x") != "3" || len(done.Skipped) != 4 || done.Skipped[0].Commit != theirs {
		t.Errorf("got %+v", done)
	}
}

// TestRollbackOfAFailure: on its own it goes back to the newest success, and
// leaves alone what someone changed after the failure.
func TestRollbackOfAFailure(t *testing.T) {
	t.Parallel()
	g := newGround(t, map[string]string{"t/web": "web"})
	g.push(release.Succeeded, map[string]string{"web/a.yaml": deployment("a", "a:1")})
	second := g.push(release.Succeeded, map[string]string{"web/a.yaml": deployment("a", "a:2")})
	g.push(release.Failed, map[string]string{"web/a.yaml": deployment("a", "a:3")})
	failed := g.releases[2]
	g.repo.Commit(map[string]string{"other/x": "1"})
	g.follow()
	done := g.rollback(operate.Rollback{Failed: &failed, By: "plumb", Why: "release 3 failed"})
	if done.Release != 2 || !g.same("web", second, "main") {
		t.Errorf("got %+v", done)
	}
	g.repo.Commit(map[string]string{"web/a.yaml": deployment("a", "a:mended")})
	if reason := g.refused(operate.Rollback{Failed: &failed}, status.Moved); !strings.Contains(reason, "was changed by commit") {
		t.Errorf("got %s", reason)
	}
}

func TestRollbackIsRefused(t *testing.T) {
	t.Parallel()
	g := newGround(t, map[string]string{"t/web": "web", "t/api": "api"})
	g.push(release.Succeeded, map[string]string{"web/a.yaml": deployment("a", "a:1"), "api/a.yaml": deployment("b", "b:1")})
	elsewhere, gone, removal, broken := release.Release{ID: 11, App: "t/web"}, release.Release{ID: 12, App: "t/web"}, release.Release{ID: 13, App: "t/web"}, release.Release{ID: 14, App: "t/web"}
	elsewhere.Revision = release.Revision{URL: "https://git.example.com/old", Commit: strings.Repeat("ab", 20)}
	gone.Revision = release.Revision{URL: g.ref.URL, Commit: strings.Repeat("ab", 20)}
	removal.Trigger = release.TriggerRemoval
	g.repo.Commit(map[string]string{"web/a.yaml": "kind: ["})
	broken.Revision = release.Revision{URL: g.ref.URL, Commit: g.repo.Head()}
	g.releases = append(g.releases, elsewhere, gone, removal, broken)
	g.follow()
	for name, test := range map[string]struct {
		ask  operate.Rollback
		kind status.RefusalKind
		says string
	}{
		"no such App":             {operate.Rollback{App: "t/none"}, status.NotThere, "t/none"},
		"no such release":         {operate.Rollback{To: 99}, status.NotThere, "no release 99"},
		"another App's release":   {operate.Rollback{To: 1}, status.NotThere, "no release 1"},
		"no other success":        {operate.Rollback{App: "t/api"}, status.NotThere, "no successful release"},
		"from another repository": {operate.Rollback{To: 11}, status.Invalid, "https://git.example.com/old"},
		"a commit that is gone":   {operate.Rollback{To: 12}, status.Moved, "is gone"},
		"a removal":               {operate.Rollback{To: 13}, status.Invalid, "removal"},
		"what can't be rendered":  {operate.Rollback{To: 14}, status.Moved, "can't be rendered"},
		"what follows no branch":  {operate.Rollback{App: "t/web", To: 2}, status.Invalid, "--branch"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.says == "--branch" {
				was := g.ref
				g.ref = source.Ref{URL: was.URL, Tag: "v1"}
				defer func() { g.ref = was }()
			}
			if reason := g.refused(test.ask, test.kind); !strings.Contains(reason, test.says) {
				t.Errorf("got %q, want it to say %q", reason, test.says)
			}
		})
	}
}

// TestRollbackThatGitRefuses: the server's word comes through, with no secret in it.
func TestRollbackThatGitRefuses(t *testing.T) {
	t.Parallel()
	g := newGround(t, map[string]string{"t/web": "web"})
	g.push(release.Succeeded, map[string]string{"web/a.yaml": deployment("a", "a:1")})
	head := g.push(release.Failed, map[string]string{"web/a.yaml": deployment("a", "a:2")})
	g.follow()
	g.repo.Hook("pre-receive", `echo "main is protected, writer:w-5ecr3t" >&2; exit 1`)
	_, err := g.operator.Rollback(t.Context(), operate.Rollback{App: "t/web"})
	if !errors.Is(err, git.ErrRejected) || !strings.Contains(err.Error(), "main is protected") || strings.Contains(err.Error(), "5ecr3t") || g.repo.Head() != head {
		t.Errorf("got %v", err)
	}
}
