package git_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/gitobject"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

var main = git.Ref{Branch: "main"}

// newProgram is a program with a data folder of its own, that may read local
// repositories.
func newProgram(t testing.TB) *git.Program {
	t.Helper()
	return newProgramWith(t, git.Options{})
}

func newProgramWith(t testing.TB, o git.Options) *git.Program {
	t.Helper()
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	o.AllowLocal = func(string) bool { return true }
	p, err := git.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newMirror(t testing.TB, p *git.Program, url string) *git.Mirror {
	t.Helper()
	u, err := git.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	m := p.Mirror(u)
	t.Cleanup(m.Close)
	return m
}

// fetch fetches one ref and fails the test when that fails.
func fetch(t testing.TB, m *git.Mirror, c git.Credentials, ref git.Ref) git.Result {
	t.Helper()
	result := look(t, m, c, ref)
	if result.Err != nil {
		t.Fatalf("%v: %v", ref, result.Err)
	}
	return result
}

// look fetches one ref.
func look(t testing.TB, m *git.Mirror, c git.Credentials, ref git.Ref) git.Result {
	t.Helper()
	results, err := m.Fetch(t.Context(), c, []git.Ref{ref})
	if err != nil {
		t.Fatalf("fetch: %v", err)
	}
	return results[ref]
}

func TestFetchReadsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	id := repo.Commit(map[string]string{
		"README.md": "read me", "apps/web/app.yaml": "kind: App", "apps/web/base": "-> ../../base", "base/x": "y", "run.sh": "#!/bin/sh",
		"vendor/lib": treetest.Submodule,
	})
	for name, url := range map[string]string{"http": repo.ServeHTTP().Repo(repo), "path": repo.Dir, "file": "file://" + repo.Dir} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirror(t, newProgram(t), url)
			got := fetch(t, m, git.Credentials{}, git.Ref{})
			want := git.Result{Name: "refs/heads/main", Commit: gitobject.Commit{
				ID: id, Tree: got.Commit.Tree, Author: "Ada Author <ada@example.com>", Message: "Commit 1\n\nWith a body.",
				Time: time.Unix(1_700_000_001, 0).UTC(),
			}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			files, err := m.Tree(id)
			if err != nil {
				t.Fatal(err)
			}
			b, err := files.ReadFile("apps/web/base/x")
			if err != nil || string(b) != "y" {
				t.Errorf("a file behind a link: got %q, %v", b, err)
			}
			if _, err := files.ReadDir("vendor/lib"); !errors.Is(err, tree.ErrSubmodule) {
				t.Errorf("a submodule: got %v", err)
			}
			if e, err := files.Stat("run.sh"); err != nil || e.Mode != tree.Executable {
				t.Errorf("an executable: got %v, %v", e, err)
			}
		})
	}
}

// TestTreetestIsGit: the trees that other tests read are what git would make.
func TestTreetestIsGit(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a.b": "1", "a/b": "2", "a-b": "3", "link": "-> a/b", "run": "#!", "empty": ""}
	repo := gittest.NewRepo(t)
	repo.Commit(files)
	if got, want := treetest.New(files).Root(), repo.Git("rev-parse", "HEAD^{tree}"); got != want {
		t.Errorf("root: got %s, git has %s", got, want)
	}
}

func TestFetchRefs(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	first := repo.Commit(map[string]string{"x": "1"})
	repo.Tag("v1")
	second := repo.Commit(map[string]string{"x": "2"})
	repo.Branch("feature/a-b")
	third := repo.Commit(map[string]string{"x": "3"})
	m := newMirror(t, newProgram(t), repo.ServeHTTP().Repo(repo))
	want := map[git.Ref]string{
		{}:                      "refs/heads/main " + second,
		{Branch: "main"}:        "refs/heads/main " + second,
		{Branch: "feature/a-b"}: "refs/heads/feature/a-b " + third,
		{Tag: "v1"}:             "refs/tags/v1 " + first,
		{Commit: first}:         " " + first,
	}
	var refs []git.Ref
	for r := range want {
		refs = append(refs, r)
	}
	results, err := m.Fetch(t.Context(), git.Credentials{}, refs)
	if err != nil {
		t.Fatal(err)
	}
	got := map[git.Ref]string{}
	for ref, r := range results {
		if r.Err != nil {
			t.Errorf("%v: %v", ref, r.Err)
		}
		got[ref] = r.Name + " " + r.Commit.ID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refs (-want +got):\n%s", diff)
	}
}

func TestFetchFollowsWhatMoves(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	first := repo.Commit(map[string]string{"x": "1"})
	m := newMirror(t, newProgram(t), repo.ServeHTTP().Repo(repo))
	expect := func(what string, ref git.Ref, name, id string) {
		t.Helper()
		if got := fetch(t, m, git.Credentials{}, ref); got.Commit.ID != id || got.Name != name {
			t.Errorf("%s: got %s %s, want %s %s", what, got.Name, got.Commit.ID, name, id)
		}
	}
	expect("at first", git.Ref{}, "refs/heads/main", first)
	second := repo.Commit(map[string]string{"x": "2"})
	expect("a new commit", git.Ref{}, "refs/heads/main", second)
	repo.Reset(first)
	expect("a force push back", git.Ref{}, "refs/heads/main", first)
	orphan := repo.Orphan(map[string]string{"y": "1"})
	expect("a force push of another history", git.Ref{}, "refs/heads/main", orphan)
	changes, err := m.Diff(second, orphan)
	if err != nil || len(changes) != 2 {
		t.Errorf("the history from before can still be compared: got %v, %v", changes, err)
	}
	repo.Branch("trunk")
	trunk := repo.Commit(map[string]string{"y": "2"})
	repo.DefaultBranch("trunk")
	expect("another default branch", git.Ref{}, "refs/heads/trunk", trunk)
	repo.DeleteBranch("main")
	expect("the old default branch is deleted", git.Ref{}, "refs/heads/trunk", trunk)
	repo.Tag("v1")
	expect("a tag", git.Ref{Tag: "v1"}, "refs/tags/v1", trunk)
	moved := repo.Commit(map[string]string{"y": "3"})
	repo.Tag("v1")
	expect("a moved tag", git.Ref{Tag: "v1"}, "refs/tags/v1", moved)
	repo.DeleteBranch("trunk")
	repo.Git("update-ref", "refs/heads/trunk/one", moved)
	expect("a branch below the name of one that was", git.Ref{Branch: "trunk/one"}, "refs/heads/trunk/one", moved)
}

// TestFetchMissingRefs: what is missing says so, with what there is, and doesn't
// keep the others from being fetched; it recovers by itself.
func TestFetchMissingRefs(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	repo.Branch("develop")
	repo.Tag("v1.0")
	m := newMirror(t, newProgram(t), repo.ServeHTTP().Repo(repo))
	gone := strings.Repeat("ab", 20)
	says := map[git.Ref]string{
		{Branch: "mian"}:            `branch "mian"): push it, or name one that is there: it has main, develop`,
		{Branch: "main"}:            "",
		{Tag: "v1.1"}:               `tag "v1.1"): push it, or name one that is there: it has v1.0`,
		{Commit: gone}:              "commit " + gone,
		{Commit: "abc"}:             "not a full commit id",
		{Branch: "--upload-pack=x"}: "can't be the name",
		{Branch: "a:b"}:             "can't be the name",
		{Branch: "*"}:               "can't be the name",
		{Branch: "a", Tag: "b"}:     "give one",
	}
	var refs []git.Ref
	for r := range says {
		refs = append(refs, r)
	}
	for range 2 {
		results, err := m.Fetch(t.Context(), git.Credentials{}, refs)
		if err != nil {
			t.Fatal(err)
		}
		for ref, want := range says {
			switch err := results[ref].Err; {
			case want == "" && err != nil:
				t.Errorf("%v: %v", ref, err)
			case want != "" && (!errors.Is(err, git.ErrNoRef) || !strings.Contains(err.Error(), want)):
				t.Errorf("%v: error %v is not ErrNoRef, or does not say %q", ref, err, want)
			}
		}
	}
	repo.Branch("mian")
	fetch(t, m, git.Credentials{}, git.Ref{Branch: "mian"})
	id := repo.Head()
	repo.DeleteBranch("mian")
	got := look(t, m, git.Credentials{}, git.Ref{Branch: "mian"})
	if !errors.Is(got.Err, git.ErrNoRef) || got.Commit.ID != id {
		t.Errorf("a deleted branch: got %v at %s, want ErrNoRef and what was last there", got.Err, got.Commit.ID)
	}
	fetch(t, m, git.Credentials{}, main)
}

func TestFetchEmptyRepository(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	m := newMirror(t, newProgram(t), repo.ServeHTTP().Repo(repo))
	for range 2 {
		for _, ref := range []git.Ref{{}, main} {
			if got := look(t, m, git.Credentials{}, ref); !errors.Is(got.Err, git.ErrEmpty) {
				t.Errorf("%v: got %v, want ErrEmpty", ref, got.Err)
			}
		}
	}
	repo.Branch("other")
	repo.Commit(map[string]string{"x": "1"})
	if got := look(t, m, git.Credentials{}, git.Ref{}); !errors.Is(got.Err, git.ErrNoRef) || !strings.Contains(got.Err.Error(), `name a branch: it has other`) {
		t.Errorf("no default branch: got %v", got.Err)
	}
	repo.Branch("main")
	repo.Commit(map[string]string{"x": "1"})
	fetch(t, m, git.Credentials{}, git.Ref{})
}

// TestFetchCommitByBranches: a server that serves no commit by its id
// is asked for all branches and tags instead.
func TestFetchCommitByBranches(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	first := repo.Commit(map[string]string{"x": "1"})
	repo.Commit(map[string]string{"x": "2"})
	repo.Git("config", "protocol.version", "0")
	server := repo.ServeHTTP()
	server.Wrap(withoutProtocol)
	m := newMirror(t, newProgram(t), server.Repo(repo))
	if got := fetch(t, m, git.Credentials{}, git.Ref{Commit: first}); got.Commit.ID != first {
		t.Errorf("got %s, want %s", got.Commit.ID, first)
	}
	gone := git.Ref{Commit: strings.Repeat("ab", 20)}
	if got := look(t, m, git.Credentials{}, gone); !errors.Is(got.Err, git.ErrNoRef) {
		t.Errorf("got %v, want ErrNoRef", got.Err)
	}
}

// TestFetchCost: what a look at a repository asks of its server. Where there are
// few branches, a new commit comes with two requests.
func TestFetchCost(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	m := newMirror(t, newProgram(t), server.Repo(repo))
	fetch(t, m, git.Credentials{}, git.Ref{})
	requests := func() int {
		before := len(server.Seen())
		fetch(t, m, git.Credentials{}, git.Ref{})
		return len(server.Seen()) - before
	}
	if n := requests(); n != 1 {
		t.Errorf("a look that finds nothing new takes %d requests, want 1", n)
	}
	repo.Commit(map[string]string{"x": "2"})
	if n := requests(); n != 2 {
		t.Errorf("a new commit takes %d requests, want 2", n)
	}
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, "create refs/pull/%d/head %s\n", i, repo.Head())
	}
	repo.UpdateRefs(many.String())
	if err := m.Tidy(t.Context(), nil); err != nil { // after which it is seen how many there are
		t.Fatal(err)
	}
	requests()
	repo.Commit(map[string]string{"x": "3"})
	if n := requests(); n != 3 {
		t.Errorf("a new commit where there are many refs takes %d requests, want 3", n)
	}
}

func TestFetchSHA256Repository(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	dir := t.TempDir()
	repo.Git("init", "--quiet", "--bare", "--object-format=sha256", "--initial-branch=main", dir)
	repo.Dir = dir
	id := repo.Commit(map[string]string{"x": "1"})
	m := newMirror(t, newProgram(t), dir)
	if got := fetch(t, m, git.Credentials{}, git.Ref{}); got.Commit.ID != id || len(id) != 64 {
		t.Errorf("got %s, want %s", got.Commit.ID, id)
	}
	files, err := m.Tree(id)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := files.ReadFile("x"); err != nil || string(b) != "1" {
		t.Errorf("got %q, %v", b, err)
	}
}

// TestDiffIsGits: a comparison says what git's own does.
func TestDiffIsGits(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	from := repo.Commit(map[string]string{"a/b/c": "1", "a/b/d": "2", "a.b": "3", "f": "4", "l": "-> f", "r": "#!", "m": treetest.Submodule, "same/x": "1"})
	to := repo.Commit(map[string]string{
		"a/b": gittest.Remove, "a/e/f": "1", "a.b": "-> f", "f": gittest.Remove, "f/x": "4", "l": "-> r", "r": "x", "m": treetest.Submodule + "2", "n": "1",
	})
	m := newMirror(t, newProgram(t), repo.Dir)
	fetch(t, m, git.Credentials{}, main)
	changes, err := m.Diff(from, to)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range changes {
		got[c.Path] += string("MAD"[c.Kind])
	}
	want := map[string]string{}
	fields := strings.Split(repo.Git("diff-tree", "-r", "-t", "-z", "--no-renames", "--name-status", from, to), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		status := strings.TrimSpace(fields[i])
		if status == "T" { // what became another kind of thing counts as removed and added
			status = "DA"
		}
		want[fields[i+1]] = sorted(want[fields[i+1]] + status)
	}
	for path := range got {
		got[path] = sorted(got[path])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-git +ours):\n%s", diff)
	}
}

func sorted(s string) string {
	if s == "AD" {
		return "DA"
	}
	return s
}

// TestResolveFromEarlierRun: what an earlier run fetched is known without the server.
func TestResolveFromEarlierRun(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	id := repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	data := t.TempDir()
	m := newMirror(t, newProgramWith(t, git.Options{Data: data}), server.Repo(repo))
	if got := m.Resolve([]git.Ref{main}); len(got) != 0 {
		t.Errorf("before the first fetch: got %v", got)
	}
	fetch(t, m, git.Credentials{}, main)
	m.Close()
	server.Close()
	m = newMirror(t, newProgramWith(t, git.Options{Data: data}), server.Repo(repo))
	if got := m.Resolve([]git.Ref{main})[main]; got.Commit.ID != id || got.Err != nil {
		t.Errorf("got %v, want %s", got, id)
	}
	if _, err := m.Fetch(t.Context(), git.Credentials{}, []git.Ref{main}); !errors.Is(err, git.ErrUnreachable) {
		t.Errorf("fetch: got %v, want ErrUnreachable", err)
	}
}

func TestTreeOfUnknownCommit(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	m := newMirror(t, newProgram(t), repo.Dir)
	unknown := strings.Repeat("ab", 20)
	for range 2 { // before and after the first fetch
		for _, id := range []string{unknown, "", "main", "--help", "a\nb"} {
			if _, err := m.Tree(id); !errors.Is(err, git.ErrNoRef) {
				t.Errorf("Tree(%q): got %v, want ErrNoRef", id, err)
			}
		}
		fetch(t, m, git.Credentials{}, main)
	}
	select {
	case <-m.Broken():
		t.Error("a commit that nobody has is no damage")
	default:
	}
}

func TestFetchCancelled(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	server := repo.ServeHTTP()
	asked := make(chan struct{}, 1)
	server.Wrap(signalThen(asked, gittest.Stall))
	m := newMirror(t, newProgram(t), server.Repo(repo))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := m.Fetch(ctx, git.Credentials{}, []git.Ref{main}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	server.Wrap(plainly)
	fetch(t, m, git.Credentials{}, main)
}

func TestHundredThousandFiles(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes a large repository")
	}
	repo := gittest.NewRepo(t)
	files := map[string]string{}
	for i := range 100_000 {
		files[path(i)] = "content"
	}
	from := repo.Commit(files)
	change := map[string]string{}
	for i := range 10_000 {
		change[path(i*10)] = "changed"
	}
	to := repo.Commit(change)
	m := newMirror(t, newProgram(t), repo.Dir)
	fetch(t, m, git.Credentials{}, main)
	began := time.Now()
	changes, err := m.Diff(from, to)
	t.Logf("10,000 of 100,000 files compared in %v", time.Since(began))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, c := range changes {
		got[c.Path] = true
	}
	maps.DeleteFunc(got, func(path string, _ bool) bool { return change[path] == "" })
	if len(got) != len(change) {
		t.Errorf("%d of the changed files are named, want %d", len(got), len(change))
	}
}
