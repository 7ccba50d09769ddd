package source_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// reads are the inputs of someone who reads one file.
func reads(t *testing.T, path string) tree.Inputs {
	t.Helper()
	r := tree.Record(treetest.New(map[string]string{path: "content"}))
	if _, err := r.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return r.Inputs()
}

func met(m source.Move) string {
	var words []string
	for who, met := range m.Followers {
		words = append(words, fmt.Sprint(who, " ", met))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

func TestFollows(t *testing.T) {
	t.Parallel()
	root, other := source.Ref{URL: "root", Branch: "main"}, source.Ref{URL: "other", Tag: "v1"}
	f := source.NewFollows(root, time.Minute)
	head := func(r source.Ref, commit string) source.Head {
		return source.Head{Ref: r, Revision: release.Revision{Commit: commit}}
	}
	wants := func(want map[source.Ref]time.Duration) {
		t.Helper()
		if diff := cmp.Diff(want, f.Wanted()); diff != "" {
			t.Errorf("wanted (-want +got)\n%s", diff)
		}
	}
	moves := func(h source.Head, changes []tree.Change, complete bool, before, want string) {
		t.Helper()
		m := f.Moved(h, changes, complete)
		if got := met(m); got != want || m.Before != before {
			t.Errorf("%s moved from %q and meets %q, want %q and %q", h.Ref.URL, m.Before, got, before, want)
		}
	}
	wants(map[source.Ref]time.Duration{root: time.Minute})
	moves(head(root, "1"), nil, false, "", "")
	moves(head(other, "1"), nil, false, "", "") // nobody wants it
	if h := f.Set("a", root, time.Hour); h.Revision.Commit != "1" {
		t.Errorf("a begins at %q", h.Revision.Commit)
	}
	f.Set("b", root, time.Second)
	if h := f.Set("c", other, time.Hour); h.Revision.Commit != "" {
		t.Errorf("c begins at %q, which was told when nobody wanted it", h.Revision.Commit)
	}
	wants(map[source.Ref]time.Duration{root: time.Second, other: time.Hour})
	f.Made("a", reads(t, "a.yaml"))
	f.Made("b", reads(t, "b.yaml"))
	f.Made("nobody", reads(t, "b.yaml"))
	if f.Inputs("a").Len() == 0 || f.Inputs("c").Len() != 0 || f.Inputs("nobody").Len() != 0 {
		t.Error("what they were made from is mixed up")
	}
	changed := []tree.Change{{Path: "b.yaml", Kind: tree.Modified}}
	moves(head(root, "2"), changed, true, "1", "a false, b true")
	moves(head(root, "3"), nil, false, "2", "a true, b true")
	f.Set("b", other, time.Minute) // and isn't made from anything there
	moves(head(root, "4"), changed, true, "3", "a false")
	moves(head(other, "9"), changed, true, "", "b false, c false")
	wants(map[source.Ref]time.Duration{root: time.Minute, other: time.Minute})
	f.Leave("b")
	f.Leave("c")
	f.Leave("nobody")
	wants(map[source.Ref]time.Duration{root: time.Minute})
	if h := f.Set("c", other, time.Hour); h.Revision.Commit != "" {
		t.Errorf("c begins at %q, of when it was followed before", h.Revision.Commit)
	}
	f.Leave("a")
	wants(map[source.Ref]time.Duration{root: time.Minute, other: time.Hour})
	if h := f.Set("a", root, time.Hour); h.Revision.Commit != "4" {
		t.Errorf("a begins at %q", h.Revision.Commit)
	}
}

// TestFollowsBeside: a Ref that someone reads beside its own is followed, and
// meets it by what was read there.
func TestFollowsBeside(t *testing.T) {
	t.Parallel()
	root, chart, values := source.Ref{URL: "root"}, source.Ref{URL: "https://charts", Chart: "web", Version: "1.x"}, source.Ref{URL: "values"}
	f := source.NewFollows(root, time.Minute)
	f.Set("a", root, time.Minute)
	heads := f.Beside("a", map[string]source.Ref{"@chart": chart, "@team": values}, time.Second)
	if len(heads) != 2 || heads["@chart"].Revision.Commit != "" {
		t.Errorf("got %v", heads)
	}
	if diff := cmp.Diff(map[source.Ref]time.Duration{root: time.Minute, chart: time.Second, values: time.Second}, f.Wanted()); diff != "" {
		t.Error(diff)
	}
	base := treetest.New(map[string]string{"a.yaml": ""}).Mount(map[string]tree.Tree{
		"@chart": treetest.New(map[string]string{"Chart.yaml": ""}), "@team": treetest.New(map[string]string{"prod.yaml": ""}),
	})
	r := tree.Record(base)
	for _, path := range []string{"a.yaml", "@chart/Chart.yaml", "@team/prod.yaml"} {
		if _, err := r.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	f.Made("a", r.Inputs())
	if f.Inputs("a").Hash() != r.Inputs().Hash() {
		t.Error("what it was made from isn't whole")
	}
	besides := func(ref source.Ref, commit, path string) string {
		m := f.Moved(source.Head{Ref: ref, Revision: release.Revision{Commit: commit}}, []tree.Change{{Path: path}}, true)
		var words []string
		for r := range m.Beside {
			words = append(words, fmt.Sprint(r.Who, " ", r.Mount, " ", r.Met))
		}
		return strings.Join(append(words, met(m)), ", ")
	}
	for _, c := range []struct {
		ref  source.Ref
		path string
		want string
	}{
		{root, "a.yaml", "a true"}, {root, "prod.yaml", "a false"}, {root, "@team/prod.yaml", "a false"},
		{values, "prod.yaml", "a @team true, "}, {values, "a.yaml", "a @team false, "}, {chart, "Chart.yaml", "a @chart true, "},
	} {
		if got := besides(c.ref, c.path, c.path); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.ref.URL, c.path, got, c.want)
		}
	}
	if heads := f.Beside("a", map[string]source.Ref{"@team": values}, time.Hour); heads["@team"].Revision.Commit != "a.yaml" || len(heads) != 1 {
		t.Errorf("got %v", heads)
	}
	if diff := cmp.Diff(map[source.Ref]time.Duration{root: time.Minute, values: time.Hour}, f.Wanted()); diff != "" {
		t.Error(diff)
	}
	if got := besides(values, "9", "prod.yaml"); got != "a @team true, " {
		t.Errorf("what it read is forgotten: %q", got)
	}
	f.Leave("a")
	if diff := cmp.Diff(map[source.Ref]time.Duration{root: time.Minute}, f.Wanted()); diff != "" {
		t.Error(diff)
	}
}
