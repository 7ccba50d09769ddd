package sourcetest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/source"
)

// lookOnce has a branch that nobody follows be looked at, and stay unfollowed.
func lookOnce(f *fixture) {
	looker, ok := f.source.(source.Looker)
	if !ok {
		f.Skip("it only follows")
	}
	first := f.repo.Commit("main", map[string]string{"x": "1"})
	f.follow(f.ref())
	f.expect(first)
	side := f.repo.Commit("side/one", map[string]string{"x": "2"})
	ref := source.Ref{URL: f.repo.URL(), Branch: "side/one"}
	r, err := looker.Look(f.Context(), ref)
	if err != nil || r.Commit != side || r.URL != f.repo.URL() || r.Ref != "refs/heads/side/one" || r.Author == "" || r.Time.IsZero() {
		f.Errorf("got %+v, %v", r, err)
	}
	files, err := f.source.Tree(f.repo.URL(), side)
	if err != nil {
		f.Fatal(err)
	}
	if b, err := files.ReadFile("x"); err != nil || string(b) != "2" {
		f.Errorf("x: got %q, %v", b, err)
	}
	f.repo.SetReachable(false)
	if _, err := looker.Look(f.Context(), ref); err == nil || errors.Is(err, source.ErrNoRef) {
		f.Errorf("in an outage: got %v", err)
	}
	f.repo.SetReachable(true)
	f.repo.Commit("side/one", map[string]string{"x": "3"})
	second := f.repo.Commit("main", map[string]string{"x": "4"})
	f.refresh()
	for h := f.next(); h.Revision.Commit != second; h = f.next() { // one that watches may have noticed the outage, and its end
		if h.Ref != f.ref() || h.Revision.Commit != first {
			f.Errorf("head: got %s of %v, %v", h.Revision.Commit, h.Ref, h.Err)
		}
	}
	if _, err := looker.Look(f.Context(), source.Ref{URL: "https://git.example.com/other", Branch: "main"}); err == nil {
		f.Error("a repository that isn't followed can be looked at")
	}
}

func lookByName(f *fixture) {
	looker, ok := f.source.(source.Looker)
	if !ok {
		f.Skip("it only follows")
	}
	first := f.repo.Commit("main", map[string]string{"x": "1"})
	f.repo.Tag("v1")
	second := f.repo.Commit("main", map[string]string{"x": "2"})
	side := f.repo.Commit("feature", map[string]string{"x": "3"})
	f.follow(f.ref())
	f.expect(second)
	for name, want := range map[string]string{
		"": second, "main": second, "feature": side, "v1": first, first: first, side: side, second[:8]: second, first[:12]: first,
	} {
		if r, err := source.Named(f.Context(), looker, f.repo.URL(), name); err != nil || r.Commit != want {
			f.Errorf("%q: got %s, %v, want %s", name, r.Commit, err, want)
		}
	}
	for _, name := range []string{"nowhere", "abcdef012", "HEAD^", "main~1", "--all", strings.Repeat("ab", 20)} {
		if r, err := source.Named(f.Context(), looker, f.repo.URL(), name); !errors.Is(err, source.ErrNoRef) {
			f.Errorf("%q: got %v, %v, want ErrNoRef", name, r, err)
		}
	}
}

func tellPast(f *fixture) {
	past, ok := f.source.(source.Past)
	if !ok {
		f.Skip("it has no past")
	}
	first := f.repo.Commit("main", map[string]string{"x": "1\n2\n", "y": "1"})
	f.repo.Commit("main", map[string]string{"y": "2"})
	third := f.repo.Commit("main", map[string]string{"x": "1\n3\n"})
	f.follow(f.ref())
	f.expect(third)
	url := f.repo.URL()
	if yes, err := past.Contains(f.Context(), url, third, first); err != nil || !yes {
		f.Errorf("the newest contains the first: got %t, %v", yes, err)
	}
	if yes, err := past.Contains(f.Context(), url, first, third); err != nil || yes {
		f.Errorf("the first contains the newest: got %t, %v", yes, err)
	}
	log, err := past.Log(f.Context(), url, source.Span{From: first, To: third, Paths: []string{"x"}, Limit: 5})
	if err != nil || len(log) != 1 || log[0].Commit != third || log[0].URL != url || log[0].Author == "" || log[0].Message == "" {
		f.Errorf("log: got %+v, %v", log, err)
	}
	lines, err := past.Blame(f.Context(), url, source.Place{Commit: third, Path: "x"})
	var got []string
	for _, l := range lines {
		got = append(got, fmt.Sprintf("%d %s", l.Number, l.Revision.Commit))
	}
	if diff := cmp.Diff([]string{"1 " + first, "2 " + third}, got); diff != "" || err != nil {
		f.Errorf("blame: %v (-want +got):\n%s", err, diff)
	}
}
