// Package sourcetest holds what every source must do, as a test to run against
// each of them. It is not for use outside tests.
package sourcetest

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
)

// Repository is one that the source under test can follow, and what can be
// done to it. It is empty at first, and its default branch is main.
type Repository interface {
	URL() string
	// Commit adds files to a branch, which it makes where it is new, and returns the commit.
	Commit(branch string, files map[string]string) string
	// Tag makes or moves a tag to the commit that was made last.
	Tag(name string)
	// Delete deletes a branch.
	Delete(branch string)
	// SetReachable says whether the repository can be fetched from.
	SetReachable(bool)
}

// Start makes a source and a repository that it can follow. Both end with the test.
type Start func(t *testing.T) (source.Source, Repository)

// Run runs the suite.
func Run(t *testing.T, start Start) {
	t.Helper()
	for name, test := range map[string]func(*fixture){
		"a new commit is delivered":             newCommit,
		"branch, tag and commit are followed":   kindsOfRef,
		"nothing new is not delivered":          nothingNew,
		"what is missing recovers":              missing,
		"an outage keeps the revision":          outage,
		"only the newest undelivered is kept":   newestOnly,
		"what is let go is silent":              letGo,
		"what is wanted again is told again":    wantedAgain,
		"fetched commits are read and compared": readAndCompare,
		"refresh knows the ways to write a URL": refreshByURL,
		"what isn't followed can be looked at":  lookOnce,
		"a revision goes by any of its names":   lookByName,
		"the past is told":                      tellPast,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := start(t)
			test(&fixture{T: t, source: s, repo: r})
		})
	}
}

// never is an interval after which nobody looks: what is found in time is found
// because it was asked for.
const never = 24 * time.Hour

// fixture is a test under way.
type fixture struct {
	*testing.T
	source source.Source
	repo   Repository
}

func (f *fixture) ref() source.Ref { return source.Ref{URL: f.repo.URL()} }

func (f *fixture) follow(refs ...source.Ref) {
	wanted := map[source.Ref]time.Duration{}
	for _, r := range refs {
		wanted[r] = never
	}
	f.source.Follow(wanted)
}

// deadline is how long anything may take on a slow and busy machine.
const deadline = time.Minute

// next waits for a head.
func (f *fixture) next() source.Head {
	f.Helper()
	select {
	case h := <-f.source.Heads():
		if h.Checked.IsZero() {
			f.Errorf("head of %v does not say when it was looked at", h.Ref)
		}
		return h
	case <-time.After(deadline):
		f.Fatal("no head was delivered")
		return source.Head{}
	}
}

// heads waits for a head of each ref.
func (f *fixture) heads(n int) map[source.Ref]source.Head {
	f.Helper()
	got := map[source.Ref]source.Head{}
	for range n {
		h := f.next()
		got[h.Ref] = h
	}
	return got
}

// expect waits for the head that has a commit and no error.
func (f *fixture) expect(commit string) source.Head {
	f.Helper()
	h := f.next()
	if h.Err != nil || h.Revision.Commit != commit {
		f.Fatalf("head: got %s, %v, want %s", h.Revision.Commit, h.Err, commit)
	}
	return h
}

func (f *fixture) refresh() {
	f.Helper()
	if n := f.source.Refresh(f.repo.URL()); n != 1 {
		f.Errorf("Refresh: %d repositories are followed, want 1", n)
	}
}

func newCommit(f *fixture) {
	first := f.repo.Commit("main", map[string]string{"x": "1"})
	f.follow(f.ref())
	h := f.expect(first)
	if h.Revision.URL != f.repo.URL() || h.Revision.Ref != "refs/heads/main" || h.Revision.Author == "" || h.Revision.Message == "" || h.Revision.Time.IsZero() {
		f.Errorf("revision lacks something: %+v", h.Revision)
	}
	second := f.repo.Commit("main", map[string]string{"x": "2"})
	f.refresh()
	f.expect(second)
}

func kindsOfRef(f *fixture) {
	first := f.repo.Commit("main", map[string]string{"x": "1"})
	f.repo.Tag("v1")
	second := f.repo.Commit("main", map[string]string{"x": "2"})
	third := f.repo.Commit("feature/a", map[string]string{"x": "3"})
	url := f.repo.URL()
	want := map[source.Ref]string{
		{URL: url}:                      "refs/heads/main " + second,
		{URL: url, Branch: "main"}:      "refs/heads/main " + second,
		{URL: url, Branch: "feature/a"}: "refs/heads/feature/a " + third,
		{URL: url, Tag: "v1"}:           "refs/tags/v1 " + first,
		{URL: url, Commit: first}:       " " + first,
	}
	f.follow(keys(want)...)
	got := map[source.Ref]string{}
	for ref, h := range f.heads(len(want)) {
		if h.Err != nil {
			f.Errorf("%v: %v", ref, h.Err)
		}
		got[ref] = h.Revision.Ref + " " + h.Revision.Commit
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("heads (-want +got):\n%s", diff)
	}
}

func keys[V any](m map[source.Ref]V) []source.Ref {
	var all []source.Ref
	for k := range maps.Keys(m) {
		all = append(all, k)
	}
	return all
}

func nothingNew(f *fixture) {
	id := f.repo.Commit("main", map[string]string{"x": "1"})
	f.follow(f.ref())
	f.expect(id)
	for range 3 {
		f.refresh()
		f.follow(f.ref())
	}
	id = f.repo.Commit("main", map[string]string{"x": "2"})
	f.refresh()
	f.expect(id) // and not the first one once more
}

func missing(f *fixture) {
	main := f.repo.Commit("main", map[string]string{"x": "1"})
	wrong := source.Ref{URL: f.repo.URL(), Branch: "later"}
	f.follow(f.ref(), wrong)
	got := f.heads(2)
	if h := got[wrong]; h.Err == nil || h.Revision.Commit != "" {
		f.Errorf("a branch that isn't there: got %+v, want an error", h)
	}
	if h := got[f.ref()]; h.Err != nil || h.Revision.Commit != main {
		f.Errorf("the branch beside it: got %+v", h)
	}
	id := f.repo.Commit("later", map[string]string{"x": "2"})
	f.refresh()
	f.expect(id)
	f.repo.Delete("later")
	f.refresh()
	if h := f.next(); h.Err == nil || h.Revision.Commit != id {
		f.Errorf("a branch that was deleted: got %+v, want an error and the revision that was", h)
	}
}

func outage(f *fixture) {
	id := f.repo.Commit("main", map[string]string{"x": "1"})
	f.follow(f.ref())
	f.expect(id)
	f.repo.SetReachable(false)
	f.refresh()
	if h := f.next(); h.Err == nil || h.Revision.Commit != id {
		f.Errorf("in an outage: got %+v, want an error and the revision that was", h)
	}
	if _, err := f.source.Tree(f.repo.URL(), id); err != nil {
		f.Errorf("in an outage, what was fetched can't be read: %v", err)
	}
	f.repo.SetReachable(true)
	f.refresh()
	f.expect(id)
}

// newestOnly has many revisions found while nobody takes a head.
func newestOnly(f *fixture) {
	id := f.repo.Commit("main", map[string]string{"x": "1"})
	f.follow(f.ref())
	f.expect(id)
	for range 5 {
		id = f.repo.Commit("main", map[string]string{"x": id})
		f.refresh()
	}
	for n := 1; ; n++ { // how many were found before the first was taken is a matter of time
		h := f.next()
		if h.Revision.Commit == id {
			return
		}
		if n == 5 {
			f.Fatalf("the newest commit was not among %d heads", n)
		}
	}
}

func letGo(f *fixture) {
	first := f.repo.Commit("main", map[string]string{"x": "1"})
	other := source.Ref{URL: f.repo.URL(), Branch: "other"}
	f.repo.Commit("other", map[string]string{"x": "1"})
	f.follow(f.ref(), other)
	f.heads(2)
	f.follow(other)
	f.repo.Commit("main", map[string]string{"x": "2"})
	id := f.repo.Commit("other", map[string]string{"x": "2"})
	f.refresh()
	if h := f.expect(id); h.Ref != other {
		f.Errorf("got a head of %v, which was let go", h.Ref)
	}
	f.follow()
	if n := f.source.Refresh(f.repo.URL()); n != 0 {
		f.Errorf("%d repositories are followed after all were let go", n)
	}
	if _, err := f.source.Tree(f.repo.URL(), first); err == nil {
		f.Error("a repository that was let go can be read")
	}
}

func wantedAgain(f *fixture) {
	id := f.repo.Commit("main", map[string]string{"x": "1"})
	for range 3 {
		f.follow(f.ref())
		f.expect(id)
		f.follow()
	}
	other := source.Ref{URL: f.repo.URL(), Branch: "main"}
	f.follow(other)
	f.expect(id)
	for range 3 { // also where the repository is followed meanwhile
		f.follow(f.ref(), other)
		if h := f.expect(id); h.Ref != f.ref() {
			f.Errorf("got a head of %v, which was told", h.Ref)
		}
		f.follow(other)
	}
}

func readAndCompare(f *fixture) {
	from := f.repo.Commit("main", map[string]string{"a/x": "1", "b/y": "2"})
	f.follow(f.ref())
	f.expect(from)
	to := f.repo.Commit("main", map[string]string{"a/x": "3"})
	f.refresh()
	f.expect(to)
	for commit, want := range map[string]string{from: "1", to: "3"} {
		files, err := f.source.Tree(f.repo.URL(), commit)
		if err != nil {
			f.Fatal(err)
		}
		if b, err := files.ReadFile("a/x"); err != nil || string(b) != want {
			f.Errorf("a/x: got %q, %v, want %q", b, err, want)
		}
	}
	changes, err := f.source.Diff(f.repo.URL(), from, to)
	want := []tree.Change{{Path: "a", Kind: tree.Modified}, {Path: "a/x", Kind: tree.Modified}}
	if diff := cmp.Diff(want, changes); err != nil || diff != "" {
		f.Errorf("changes: %v (-want +got):\n%s", err, diff)
	}
	unknown := "0123456789012345678901234567890123456789"
	if _, err := f.source.Tree(f.repo.URL(), unknown); err == nil {
		f.Error("a commit that was never there can be read")
	}
	if _, err := f.source.Diff(f.repo.URL(), unknown, to); err == nil {
		f.Error("a commit that was never there can be compared")
	}
	if _, err := f.source.Tree("https://git.example.com/other", to); err == nil {
		f.Error("a repository that isn't followed can be read")
	}
}

func refreshByURL(f *fixture) {
	id := f.repo.Commit("main", map[string]string{"x": "1"})
	f.follow(f.ref())
	f.expect(id)
	for url, want := range map[string]int{f.repo.URL(): 1, f.repo.URL() + "/": 1, f.repo.URL() + "-other": 0, "": 0, "not a url": 0} {
		if n := f.source.Refresh(url); n != want {
			f.Errorf("Refresh(%q): got %d, want %d", url, n, want)
		}
	}
}
