package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
)

// chronicle is a repository's log and an App's releases.
type chronicle struct {
	span     source.Span
	authors  map[string][]string // of the commits since a commit
	releases []release.Release
	lost     error
}

func (c *chronicle) Log(_ context.Context, _ string, s source.Span) (list []release.Revision, _ error) {
	c.span = s
	authors, known := c.authors[s.From]
	if !known {
		return nil, errors.New("no such commit")
	}
	for _, a := range authors {
		list = append(list, release.Revision{Author: a})
	}
	return list, nil
}

func (c *chronicle) List(_ context.Context, q history.Query) ([]release.Release, error) {
	if q.App != "team/shop" || q.Outcome != release.Succeeded {
		return nil, fmt.Errorf("asked for %+v", q)
	}
	return c.releases, c.lost
}

func TestAuthors(t *testing.T) {
	t.Parallel()
	of := func(trigger release.Trigger, commit string) release.Release {
		return release.Release{Trigger: trigger, Revision: release.Revision{Commit: commit}}
	}
	authors := map[string][]string{"": {"eve", "bob", "ada"}, "live": {"bob"}, "deep": make([]string, mostCommits)}
	for _, tc := range []struct {
		name     string
		releases []release.Release
		lost     error
		want     string
	}{
		{"since what is live", []release.Release{of(release.TriggerDrift, "x"), of(release.TriggerCommit, "live"), of(release.TriggerCommit, "")}, nil, "known bob"},
		{"of all, while nothing is", nil, nil, "known eve bob ada"},
		{"of all, where what is live is of a history that is gone", []release.Release{of(release.TriggerManual, "gone")}, nil, "known eve bob ada"},
		{"too many", []release.Release{of(release.TriggerCommit, "deep")}, nil, "error: these changes are of too many commits"},
		{"not to be told", nil, errors.New("the disk is gone"), "error: who made these changes can't be told: the disk is gone"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := &chronicle{authors: authors, releases: tc.releases, lost: tc.lost}
			got, err := Authors(t.Context(), c, c, Made{App: "team/shop", URL: "url", Commit: "new", Known: []string{"known"}})
			text := strings.Join(got, " ")
			if err != nil {
				text = "error: " + err.Error()
			}
			if !strings.HasPrefix(text, tc.want) || err == nil && (text != tc.want || c.span.To != "new") {
				t.Errorf("they are %q, want %q", text, tc.want)
			}
		})
	}
	if got, err := Authors(t.Context(), nil, nil, Made{URL: "url", Known: []string{"known"}}); err != nil || len(got) != 1 {
		t.Errorf("without a log they are %v, %v", got, err)
	}
}

// A commit is asked for by what was read, not by the folders above it.
func TestAuthorsOfWhatWasRead(t *testing.T) {
	t.Parallel()
	inputs := tree.InputsOf(maps.All(map[string]tree.Input{
		"":                   {Mode: tree.Folder, Present: true},
		"web":                {Mode: tree.Folder, Present: true},
		"web/base":           {Mode: tree.Folder, Present: true, Listing: "x"},
		"web/base/file.yaml": {Mode: tree.File, Present: true, Content: "y"},
		"web/absent":         {},
	}))
	c := &chronicle{authors: map[string][]string{"": {"ada"}}}
	if _, err := Authors(t.Context(), c, c, Made{App: "team/shop", URL: "url", Commit: "new", From: inputs}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.span.Paths, " "); got != "web/absent web/base web/base/file.yaml" {
		t.Errorf("asked for %q", got)
	}
	top := tree.InputsOf(maps.All(map[string]tree.Input{"": {Mode: tree.Folder, Present: true, Listing: "x"}}))
	if _, err := Authors(t.Context(), c, c, Made{App: "team/shop", URL: "url", Commit: "new", From: top}); err != nil || c.span.Paths[0] != "." {
		t.Errorf("of the top: %q, %v", c.span.Paths, err)
	}
}
