package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const page = "# Page\n" +
	"```console\n$ not of the tour\n```\n" +
	"## A tour\nIntro.\n" +
	"### Look\nOne\ntwo.\n\n```console\n$ plumb get apps\nA  B\n$ plumb history web\n```\n" +
	"### Change\n```console\n$ git commit\n$ plumb get apps\nold\n$ git revert\n$ plumb historyx\n$ plumb tree web\n```\nAfter.\n" +
	"## Other\n### Not of the tour\n"

func readPage(t *testing.T, text string) *manual {
	t.Helper()
	m, err := readManual("README.md", text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReadManual(t *testing.T) {
	m := readPage(t, page)
	var got []string
	for _, s := range m.steps {
		got = append(got, "# "+s.title)
		for _, p := range s.parts {
			switch {
			case p.command != nil:
				got = append(got, p.command.text+" -> "+strings.Join(p.command.want, "|"))
			case p.prose != "":
				got = append(got, strings.ReplaceAll(p.prose, "\n", "|"))
			}
		}
	}
	want := []string{
		"# Look", "One|two.", "plumb get apps -> A  B", "plumb history web -> ",
		"# Change", "git commit -> ", "plumb get apps -> old", "git revert -> ", "plumb historyx -> ", "plumb tree web -> ", "After.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestToDo(t *testing.T) {
	m := readPage(t, page)
	if got := m.steps[0].toDo(); len(got) != 0 {
		t.Errorf("a step that only looks has %q to do", got)
	}
	want := []string{"git commit", "plumb get apps", "git revert", "plumb historyx"}
	if diff := cmp.Diff(want, m.steps[1].toDo()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestManualThatCannotBeUsed(t *testing.T) {
	for name, text := range map[string]string{
		"no tour":           "# Page\n",
		"no steps":          "## A tour\n",
		"no heading":        "## A tour\n```console\n$ x\n```\n",
		"no prompt":         "## A tour\n### Step\n```console\nx\n```\n",
		"prose before":      "## A tour\n### Step\ntext\n```console\nx\n```\n",
		"a block goes on":   "## A tour\n### Step\n```console\n$ x\n",
		"a title by itself": "### Step\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := readManual("README.md", text); err == nil || !strings.Contains(err.Error(), "README.md") {
				t.Errorf("error %v, want one that names the page", err)
			}
		})
	}
}

func TestWithOutput(t *testing.T) {
	m := readPage(t, "# P\n## A tour\n### S\n```console\n$ a\nold\nlines\n$ b\n$ c\nsame\n```\nend\n")
	if _, err := m.with(nil, map[int][]string{5: {"x"}}); err == nil {
		t.Error("no error for commands that were not run")
	}
	got, err := m.with(map[int]string{8: "b b"}, map[int][]string{5: {"new"}, 8: nil, 9: {"same", "more"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "# P\n## A tour\n### S\n```console\n$ a\nnew\n$ b b\n$ c\nsame\nmore\n```\nend\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAlike(t *testing.T) {
	for _, test := range []struct {
		name, a, b string
		want       bool
	}{
		{"the same", "a b", "a b", true},
		{"another word", "a b", "a c", false},
		{"ages and the width of their column", "ID  AGE  APP\n3   2s   web", "ID  AGE   APP\n3   1m3s  web", true},
		{"a number that is no age", "3 Pods", "4 Pods", false},
		{"commits", "at f7a1e1ed", "at 00c0ffee", true},
		{"whole commits", "at 27c99565d516a009d3089e8e8f5136fad84b82a6", "at b0a1405a982ac3d54e3577da253612464fa8e1fe", true},
		{"plans", "plan 0123456789ab waits", "plan ba9876543210 waits", true},
		{"times of git", "Date:   Sat Nov 21 03:49:23 2026 +0000", "Date:   Mon Mar 1 13:09:23 2027 +0100", true},
		{"times of day", "until 2026-11-21 13:00 UTC", "until 2026-11-22 03:59 UTC", true},
		{"a commit where there was none", "at f7a1e1ed", "at -", false},
		{"times", "2026-11-21T00:16:55Z (5s ago)", "2027-01-02T10:16:55Z (1d ago)", true},
		{"durations", "after 529ms", "after 1.712s", true},
		{"addresses", "https://127.0.0.1:27512", "https://127.0.0.1:1", true},
		{"another outcome", "+1 ~1 -1  Succeeded", "+1 ~1 -1  Running", false},
		{"spaces at the end", "a\n\n", "a", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := alike(strings.Split(test.a, "\n"), strings.Split(test.b, "\n")); got != test.want {
				t.Errorf("alike: %t, want %t\n%s\n%s", got, test.want, test.a, test.b)
			}
		})
	}
}
