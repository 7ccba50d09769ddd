package commit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/gitobject"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// canary is a secret that must be seen by the server alone.
const canary = "canary-5ecr3t"

// fixture is a repository behind a server, and a writer that may push to it.
type fixture struct {
	*testing.T
	repo   *gittest.Repo
	server *gittest.Server
	url    string
	data   string
	mirror *git.Mirror
	writer *commit.Writer
}

func accounts(next http.Handler) http.Handler {
	return gittest.RequireAccounts(map[string]gittest.Account{
		"reader": {Password: "readers-5ecr3t"}, "writer": {Password: canary, MayPush: true},
	})(next)
}

func reader(git.URL) (git.Credentials, error) {
	return git.Credentials{Username: "reader", Password: "readers-5ecr3t"}, nil
}

func writer(git.URL) (git.Credentials, error) {
	return git.Credentials{Username: "writer", Password: canary}, nil
}

func start(t *testing.T, o commit.Options) *fixture {
	t.Helper()
	f := &fixture{T: t, repo: gittest.NewRepo(t), data: t.TempDir()}
	f.repo.AllowPush()
	f.server = f.repo.ServeHTTP()
	f.server.Wrap(accounts)
	f.url = f.server.Repo(f.repo)
	program, err := git.New(t.Context(), git.Options{Data: f.data})
	if err != nil {
		t.Fatal(err)
	}
	u, err := git.ParseURL(f.url)
	if err != nil {
		t.Fatal(err)
	}
	f.mirror = program.Mirror(u)
	t.Cleanup(f.mirror.Close)
	o.Mirror = func(string) (*git.Mirror, error) { return f.mirror, nil }
	if o.Read == nil {
		o.Read = reader
	}
	if o.Write == nil {
		o.Write = writer
	}
	if o.Author.Name == "" {
		o.Author = gitobject.Person{Name: "Plumb", Email: "plumb@example.com"}
	}
	if f.writer, err = commit.New(o); err != nil {
		t.Fatal(err)
	}
	return f
}

// files is an editor that goes by nothing.
func files(files map[string]commit.File) commit.Editor {
	return func(context.Context, commit.Tip) (commit.Edit, error) {
		return commit.Edit{Files: files, Message: "Change files\n\nBecause."}, nil
	}
}

func put(content string) commit.File { return commit.Put([]byte(content)) }

// count is an editor that adds one to the number in a file: done twice on one
// commit, or on an old one, it shows.
func count(calls *int) commit.Editor {
	return func(_ context.Context, tip commit.Tip) (commit.Edit, error) {
		*calls++
		b, err := tip.Tree.ReadFile("count")
		if err != nil {
			return commit.Edit{}, err
		}
		return commit.Edit{Files: map[string]commit.File{"count": put(string(b) + "+1")}, Message: "Count"}, nil
	}
}

func (f *fixture) commit(r commit.Request) (commit.Done, error) {
	f.Helper()
	r.URL = f.url
	return f.writer.Commit(f.Context(), r)
}

// show is a file as it is in a branch, byte by byte.
func (f *fixture) show(rev, path string) string {
	f.Helper()
	id := f.repo.Git("rev-parse", rev)
	c, err := f.mirror.Commit(id)
	if err != nil {
		f.Fatal(err)
	}
	b, err := tree.New(f.mirror, c.Tree).ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return string(b)
}

// TestOnlyWhatIsMeantChanges: modes, line ends and bytes of everything else stay,
// and git finds nothing wrong.
func TestOnlyWhatIsMeantChanges(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	base := f.repo.Commit(map[string]string{
		"crlf.yaml": "a: 1\r\nb: 2\r\n", "bin": "\x00\xff\x00", "run.sh": "#!/bin/sh\n", "link": "-> crlf.yaml", "lib": treetest.Submodule,
		"a/b/c.yaml": "deep: 1\n", "a/b/d.yaml": "d", "a.b": "1", "gone/x": "1", "gone/y": "2", "k": "1",
	})
	done, err := f.commit(commit.Request{Branch: "main", Edit: files(map[string]commit.File{
		"crlf.yaml": put("a: 1\r\nb: 3\r\n"), "bin": put("\xff\x00\xfe"), "run.sh": put("#!/bin/sh\nexit 1\n"), "a/b/c.yaml": put("deep: 2\n"),
		"gone/x": commit.Remove(), "gone/y": commit.Remove(), "new/e/f": put("new"), "k": put("1"), "never/was": commit.Remove(),
	})})
	if err != nil {
		t.Fatal(err)
	}
	if done.Commit != f.repo.Head() || done.Parent != base || done.Branch != "main" || done.Tries != 1 {
		t.Errorf("done: got %+v, the branch is %s", done, f.repo.Head())
	}
	want := []string{"M\ta/b/c.yaml", "M\tbin", "M\tcrlf.yaml", "D\tgone/x", "D\tgone/y", "A\tnew/e/f", "M\trun.sh"}
	if diff := cmp.Diff(want, strings.Split(f.repo.Git("diff-tree", "-r", "--name-status", base, done.Commit), "\n")); diff != "" {
		t.Errorf("what differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a/b/c.yaml", "bin", "crlf.yaml", "gone/x", "gone/y", "new/e/f", "run.sh"}, done.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for path, want := range map[string]string{"crlf.yaml": "a: 1\r\nb: 3\r\n", "bin": "\xff\x00\xfe", "link": "a: 1\r\nb: 3\r\n", "run.sh": "#!/bin/sh\nexit 1\n"} {
		if got := f.show("main", path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]string{"run.sh": "100755", "crlf.yaml": "100644", "link": "120000", "lib": "160000", "new/e/f": "100644"} {
		if got := f.repo.Git("ls-tree", "main", path); !strings.HasPrefix(got, want) {
			t.Errorf("mode of %s: got %s, want %s", path, got, want)
		}
	}
	f.repo.Git("fsck", "--strict", "--no-dangling")
	if got := f.repo.Git("log", "-1", "--format=%an <%ae>|%cn <%ce>|%B", "main"); got != "Plumb <plumb@example.com>|Plumb <plumb@example.com>|Change files\n\nBecause." {
		t.Errorf("commit: got %q", got)
	}
}

// TestALargeFile goes over HTTP as well, in one piece.
func TestALargeFile(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	f.repo.Commit(map[string]string{"x": "1"})
	large := make([]byte, 6<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(large) // which nothing compresses
	if _, err := f.commit(commit.Request{Edit: files(map[string]commit.File{"large": commit.Put(large)})}); err != nil {
		t.Fatal(err)
	}
	if got := f.show("main", "large"); got != string(large) {
		t.Errorf("%d bytes came back", len(got))
	}
}

// FuzzPath: a path that is taken for good leads nowhere but into the repository.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"a/b", "../a", ".git/x", "a/.GIT . /x", "git~1", "a//b", "a/\x00"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		e := commit.Edit{Files: map[string]commit.File{path: commit.Remove()}, Message: "x"}
		if e.Check() != nil {
			return
		}
		if !filepath.IsLocal(path) || filepath.Clean(path) != path || strings.ContainsAny(path, "\x00\n\\") || slices.Contains(strings.Split(strings.ToLower(path), "/"), ".git") {
			t.Errorf("%q was taken", path)
		}
	})
}

// TestOldModesStay: what an old Git wrote isn't tidied up along with a change.
func TestOldModesStay(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	base := f.repo.Commit(map[string]string{"old": "1", "other": "1"})
	blob := f.repo.Git("rev-parse", base+":old")
	var raw []byte
	for _, name := range []string{"old", "other"} {
		raw = append(raw, "100664 "+name+"\x00"...)
		for i := 0; i < len(blob); i += 2 {
			var b byte
			_, _ = fmt.Sscanf(blob[i:i+2], "%02x", &b)
			raw = append(raw, b)
		}
	}
	top := f.repo.Store("tree", raw)
	id := f.repo.Git("-c", "user.name=A", "-c", "user.email=a@x", "commit-tree", "-p", base, "-m", "old modes", top)
	f.repo.Reset(id)
	if _, err := f.commit(commit.Request{Edit: files(map[string]commit.File{"old": put("2")})}); err != nil {
		t.Fatal(err)
	}
	now, err := f.mirror.Commit(f.repo.Head())
	if err != nil {
		t.Fatal(err)
	}
	lines, err := f.mirror.Lines(now.Tree)
	if err != nil || len(lines) != 2 || lines[0].Mode != "100664" || lines[1].Mode != "100664" {
		t.Errorf("got %v, %v", lines, err)
	}
}

// TestRestore: what another commit had comes back with its mode, links and large
// files included, also where a folder took its place, or it a folder's.
func TestRestore(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	then := f.repo.Commit(map[string]string{"run": "#!", "link": "-> run", "file": "1", "folder/x": "1", "stays": "1"})
	f.repo.Commit(map[string]string{"run": "no more", "link": "a file", "file": gittest.Remove, "folder": gittest.Remove})
	now := f.repo.Commit(map[string]string{"file/x": "2", "folder": "2"})
	restore := func(_ context.Context, tip commit.Tip) (commit.Edit, error) {
		c, err := f.mirror.Tree(then)
		if err != nil {
			return commit.Edit{}, err
		}
		edit := commit.Edit{Message: "Restore", Files: map[string]commit.File{"file/x": commit.Remove()}}
		top, err := c.ReadDir("")
		for _, e := range top {
			if e.Mode != tree.Folder {
				edit.Files[e.Name] = commit.Restore(e)
			}
		}
		x, err2 := c.Stat("folder/x")
		edit.Files["folder/x"] = commit.Restore(x)
		if e, err := tip.Tree.Stat("folder"); err == nil && e.Mode == tree.File {
			edit.Files["folder"] = commit.Remove()
		}
		return edit, errors.Join(err, err2)
	}
	done, err := f.commit(commit.Request{Branch: "main", Edit: restore})
	if err != nil || done.Parent != now {
		t.Fatalf("got %+v, %v", done, err)
	}
	if got := f.repo.Git("diff", "--name-status", then, done.Commit); got != "" {
		t.Errorf("it differs from what was: %s", got)
	}
	if _, err := f.commit(commit.Request{Branch: "main", Edit: restore}); !errors.Is(err, commit.ErrNothing) || f.repo.Head() != done.Commit {
		t.Errorf("once more: got %v", err)
	}
}

func TestBranches(t *testing.T) {
	t.Parallel()
	edit := files(map[string]commit.File{"x": put("changed")})
	t.Run("the default branch", func(t *testing.T) {
		t.Parallel()
		f := start(t, commit.Options{})
		f.repo.Commit(map[string]string{"x": "1"})
		if done, err := f.commit(commit.Request{Edit: edit}); err != nil || done.Branch != "main" || f.repo.Head() != done.Commit {
			t.Errorf("got %+v, %v", done, err)
		}
	})
	t.Run("a new one", func(t *testing.T) {
		t.Parallel()
		f := start(t, commit.Options{})
		old := f.repo.Commit(map[string]string{"x": "1"})
		head := f.repo.Commit(map[string]string{"x": "2"})
		for branch, from := range map[string]git.Ref{"of-main": {Branch: "main"}, "of-default": {}, "of/commit": {Commit: old}} {
			done, err := f.commit(commit.Request{Branch: branch, From: &from, Edit: edit})
			want := head
			if from.Commit != "" {
				want = old
			}
			if err != nil || done.Parent != want || done.Branch != branch || f.repo.Git("rev-parse", "refs/heads/"+branch) != done.Commit {
				t.Errorf("%s: got %+v, %v", branch, done, err)
			}
		}
		if f.repo.Head() != head {
			t.Error("main moved")
		}
	})
	t.Run("one that diverged", func(t *testing.T) {
		t.Parallel()
		f := start(t, commit.Options{})
		f.repo.Commit(map[string]string{"x": "1"})
		theirs := f.repo.CommitTo("fix", map[string]string{"theirs": "1"})
		f.repo.Branch("main")
		main := f.repo.Commit(map[string]string{"x": "2"})
		done, err := f.commit(commit.Request{Branch: "fix", From: &git.Ref{Branch: "main"}, Edit: edit})
		if err != nil || done.Parent != theirs || f.show("fix", "theirs") != "1" || f.show("fix", "x") != "changed" || f.repo.Head() != main {
			t.Errorf("got %+v, %v", done, err)
		}
	})
	t.Run("one that was forced elsewhere", func(t *testing.T) {
		t.Parallel()
		f := start(t, commit.Options{})
		f.repo.Commit(map[string]string{"x": "1"})
		if _, err := f.commit(commit.Request{Branch: "main", Edit: edit}); err != nil {
			t.Fatal(err)
		}
		other := f.repo.Orphan(map[string]string{"x": "elsewhere"})
		if done, err := f.commit(commit.Request{Branch: "main", Edit: edit}); err != nil || done.Parent != other {
			t.Errorf("got %+v, %v", done, err)
		}
	})
	t.Run("one that isn't there", func(t *testing.T) {
		t.Parallel()
		f := start(t, commit.Options{})
		f.repo.Commit(map[string]string{"x": "1"})
		_, err := f.commit(commit.Request{Branch: "mian", Edit: edit})
		if !errors.Is(err, git.ErrNoRef) || !strings.Contains(err.Error(), "it has main") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an empty repository", func(t *testing.T) {
		t.Parallel()
		f := start(t, commit.Options{})
		if _, err := f.commit(commit.Request{Branch: "main", Edit: edit}); !errors.Is(err, git.ErrEmpty) {
			t.Errorf("got %v", err)
		}
	})
}

// TestPreview tells the same as the commit that follows, and changes nothing.
func TestPreview(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	head := f.repo.Commit(map[string]string{"x": "1", "y": "1"})
	r := commit.Request{URL: f.url, Edit: files(map[string]commit.File{"x": put("2"), "y": put("1"), "z": put("3")})}
	would, err := f.writer.Preview(t.Context(), r)
	if err != nil || f.repo.Head() != head || would.Commit != "" {
		t.Fatalf("got %+v, %v, the branch is %s", would, err, f.repo.Head())
	}
	done, err := f.commit(r)
	done.Commit, done.Tries = "", 0
	if diff := cmp.Diff(would, done); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestNothingToCommit(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	head := f.repo.Commit(map[string]string{"x": "1", "a/y": "2"})
	for name, edit := range map[string]map[string]commit.File{
		"no files": nil, "the same": {"x": put("1"), "a/y": put("2")}, "what isn't there goes": {"z": commit.Remove(), "b/c/d": commit.Remove(), "a/z": commit.Remove()},
	} {
		done, err := f.commit(commit.Request{Edit: files(edit)})
		if !errors.Is(err, commit.ErrNothing) || f.repo.Head() != head || done.Branch != "main" || done.Parent != head || done.Commit != "" {
			t.Errorf("%s: got %+v, %v", name, done, err)
		}
	}
}

// TestRefusedEdits: what could lead anywhere but to a file of the repository is
// never written.
func TestRefusedEdits(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	head := f.repo.Commit(map[string]string{"x": "1", "a/y": "2", "link": "-> a", "lib": treetest.Submodule})
	many := map[string]commit.File{}
	for i := range commit.MaxFiles + 1 {
		many[fmt.Sprint(i)] = put("1")
	}
	one := func(path string) map[string]commit.File { return map[string]commit.File{path: put("1")} }
	tests := map[string]struct {
		files map[string]commit.File
		says  string
	}{
		"up and out": {one("../x"), "step of dots"}, "up inside": {one("a/../x"), "step of dots"}, "here": {one("./x"), "step of dots"},
		"absolute": {one("/x"), "slash"}, "two slashes": {one("a//x"), "slash"}, "a folder's name": {one("a/"), "slash"}, "nothing": {one(""), "empty"},
		".git": {one(".git/config"), "Git's own"}, "deep .git": {one("a/.git/hooks/x"), "Git's own"}, ".GIT": {one(".GIT"), "Git's own"},
		"git~1": {one("GIT~1/config"), "Git's own"}, ".git with dots": {one("a/.git. ./config"), "Git's own"}, "a stream": {one(".git::$INDEX_ALLOCATION/x"), "Git's own"},
		"letters unseen": {one(".g\u200cit/config"), "Git's own"}, "submodules": {one(".gitmodules"), "submodules"},
		"a line end": {one("a\nb"), "control"}, "NUL": {one("a\x00"), "control"}, "a backslash": {one(`a\b`), "backslash"}, "bytes": {one("\xff"), "UTF-8"},
		"long":           {one(strings.Repeat("x", 5000)), "too long"},
		"through a link": {one("link/y"), "link is in the way"}, "through a submodule": {one("lib/y"), "lib is in the way"}, "through a file": {one("x/y"), "x is in the way"},
		"over a link": {one("link"), "link is in the way"}, "over a submodule": {one("lib"), "lib is in the way"}, "over a folder": {one("a"), "a is in the way"},
		"remove a submodule": {map[string]commit.File{"lib": commit.Remove()}, "lib is in the way"}, "remove a folder": {map[string]commit.File{"a": commit.Remove()}, "a is in the way"},
		"two in one place": {map[string]commit.File{"n": put("1"), "n/x": put("1")}, "n is in the way"},
		"a submodule back": {map[string]commit.File{"n": commit.Restore(tree.Entry{Mode: tree.Submodule, ID: head})}, "neither a file nor a link"},
		"too many":         {many, "5001 files"}, "too much": {map[string]commit.File{"n": commit.Put(make([]byte, commit.MaxBytes+1))}, "bytes in all"},
		"everything goes": {map[string]commit.File{"x": commit.Remove(), "a/y": commit.Remove(), "link": commit.Remove(), "lib": commit.Remove()}, "in the way"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := f.commit(commit.Request{Branch: "main", Edit: files(test.files)})
			if !errors.Is(err, commit.ErrRefused) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want an error that says %q", err, test.says)
			}
		})
	}
	for _, message := range []string{"", " \n", strings.Repeat("x", commit.MaxMessage+1)} {
		edit := func(context.Context, commit.Tip) (commit.Edit, error) {
			return commit.Edit{Files: one("n"), Message: message}, nil
		}
		if _, err := f.commit(commit.Request{Branch: "main", Edit: edit}); !errors.Is(err, commit.ErrRefused) {
			t.Errorf("a message of %d bytes: %v", len(message), err)
		}
	}
	for branch, want := range map[string]error{"refs/heads/x": commit.ErrRefused, "-x": git.ErrNoRef, "a..b": git.ErrNoRef, "a b": git.ErrNoRef} {
		if _, err := f.commit(commit.Request{Branch: branch, From: &git.Ref{}, Edit: files(one("n"))}); !errors.Is(err, want) {
			t.Errorf("branch %q: got %v", branch, err)
		}
	}
	failed := errors.New("the edit failed")
	_, err := f.commit(commit.Request{Branch: "main", Edit: func(context.Context, commit.Tip) (commit.Edit, error) { return commit.Edit{}, failed }})
	if !errors.Is(err, failed) || f.repo.Head() != head {
		t.Errorf("an edit that fails: got %v", err)
	}
}

// TestManyAtOnce: those of one process don't lose races to each other.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Options{})
	f.repo.Commit(map[string]string{"count": "0"})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			var calls int
			if done, err := f.commit(commit.Request{Branch: "main", Edit: count(&calls)}); err != nil || done.Tries != 1 {
				t.Errorf("got %+v, %v", done, err)
			}
		})
	}
	all.Wait()
	if got, want := f.show("main", "count"), "0"+strings.Repeat("+1", 8); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	mirror := func(string) (*git.Mirror, error) { return nil, errors.New("no mirror") }
	for name, o := range map[string]commit.Options{
		"no mirrors": {}, "a bad author": {Mirror: mirror, Author: gitobject.Person{Name: "A\nb", Email: "x"}}, "no key": {Mirror: mirror, Signer: commit.KeyFile("/nonexistent")},
	} {
		if _, err := commit.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
