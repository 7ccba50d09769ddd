package git_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
)

func TestPast(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	one := repo.Commit(map[string]string{"a/x": "1\n2\n3\n", "a/*": "star", "b": "1"})
	two := repo.Commit(map[string]string{"a/x": "1\n2 changed\r\n3\n"})
	three := repo.Commit(map[string]string{"b": "2"})
	other := repo.CommitTo("other", map[string]string{"b": "3"})
	repo.Branch("main")
	four := repo.Commit(map[string]string{"a/x": "0\n1\n2 changed\r\n3\n"})
	m := newMirror(t, newProgram(t), repo.ServeHTTP().Repo(repo))
	fetch(t, m, git.Credentials{}, main)
	fetch(t, m, git.Credentials{}, git.Ref{Branch: "other"})

	for _, test := range []struct {
		commit, ancestor string
		want             bool
	}{{four, one, true}, {four, four, true}, {one, four, false}, {other, three, true}, {other, four, false}} {
		if got, err := m.Contains(t.Context(), test.commit, test.ancestor); got != test.want || err != nil {
			t.Errorf("%s contains %s: got %t, %v", test.commit, test.ancestor, got, err)
		}
	}
	for _, test := range [][3]string{{four, other, three}, {other, four, three}, {one, four, one}, {four, four, four}} {
		if got, err := m.Base(t.Context(), test[0], test[1]); got != test[2] || err != nil {
			t.Errorf("the base of %s and %s is %s, %v; want %s", test[0], test[1], got, err, test[2])
		}
	}
	for _, test := range []struct {
		span git.Span
		want []string
	}{
		{git.Span{To: four, Limit: 10}, []string{four, three, two, one}},
		{git.Span{To: four, Limit: 2}, []string{four, three}},
		{git.Span{From: one, To: four, Limit: 10}, []string{four, three, two}},
		{git.Span{From: one, To: four, Paths: []string{"a"}, Limit: 10}, []string{four, two}},
		{git.Span{From: one, To: four, Paths: []string{"b"}, Limit: 10}, []string{three}},
		{git.Span{To: four, Paths: []string{"a/*"}, Limit: 10}, []string{one}},
		{git.Span{To: four, Paths: []string{":(top)b", "--all"}, Limit: 10}, nil},
		{git.Span{From: four, To: other, Limit: 10}, []string{other}},
	} {
		commits, err := m.Log(t.Context(), test.span)
		var got []string
		for _, c := range commits {
			got = append(got, c.ID)
		}
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v (-want +got):\n%s", test.span, err, diff)
		}
	}
	for _, test := range []struct {
		place git.Place
		want  string
	}{
		{git.Place{Commit: four, Path: "a/x", First: 2, Last: 3}, "2 " + one + ", 3 " + two},
		{git.Place{Commit: four, Path: "a/x"}, "1 " + four + ", 2 " + one + ", 3 " + two + ", 4 " + one},
		{git.Place{Commit: two, Path: "a/x", First: 2, Last: 2}, "2 " + two},
		{git.Place{Commit: four, Path: "a/*", First: 1}, "1 " + one},
	} {
		lines, err := m.Blame(t.Context(), test.place)
		var got []string
		for _, l := range lines {
			got = append(got, fmt.Sprintf("%d %s", l.Line, l.Commit.ID))
			if l.Commit.Author != "Ada Author <ada@example.com>" || l.Commit.Time.IsZero() {
				t.Errorf("line %d: got %+v", l.Line, l.Commit)
			}
		}
		if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" || err != nil {
			t.Errorf("%+v: %v (-want +got):\n%s", test.place, err, diff)
		}
	}
	if id, err := m.Expand(two[:9]); err != nil || id != two {
		t.Errorf("%s: got %s, %v", two[:9], id, err)
	}
}

func TestPastThatIsNot(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	id := repo.Commit(map[string]string{"x": "1\n"})
	m := newMirror(t, newProgram(t), repo.ServeHTTP().Repo(repo))
	fetch(t, m, git.Credentials{}, main)
	unknown := strings.Repeat("ab", 20)
	fails := map[string]func() error{
		"contains an unknown commit": func() error { _, err := m.Contains(t.Context(), id, unknown); return err },
		"an unknown commit contains": func() error { _, err := m.Contains(t.Context(), unknown, id); return err },
		"the log of an unknown":      func() error { _, err := m.Log(t.Context(), git.Span{To: unknown}); return err },
		"the log since an unknown":   func() error { _, err := m.Log(t.Context(), git.Span{From: unknown, To: id}); return err },
		"blame at an unknown commit": func() error { _, err := m.Blame(t.Context(), git.Place{Commit: unknown, Path: "x"}); return err },
		"blame of an unknown file":   func() error { _, err := m.Blame(t.Context(), git.Place{Commit: id, Path: "--help"}); return err },
		"blame of a line beyond": func() error {
			_, err := m.Blame(t.Context(), git.Place{Commit: id, Path: "x", First: 9, Last: 9})
			return err
		},
		"a start that is nobody's":    func() error { _, err := m.Expand("abababab"); return err },
		"a start that is too short":   func() error { _, err := m.Expand(id[:6]); return err },
		"a start that is a ref":       func() error { _, err := m.Expand("refs/plumb/heads/main"); return err },
		"a commit that is an option":  func() error { _, err := m.Contains(t.Context(), id, "--all"); return err },
		"the log of a range of sorts": func() error { _, err := m.Log(t.Context(), git.Span{To: id + "..."}); return err },
	}
	for name, do := range fails {
		t.Run(name, func(t *testing.T) {
			if err := do(); !errors.Is(err, git.ErrNoRef) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
		})
	}
}
