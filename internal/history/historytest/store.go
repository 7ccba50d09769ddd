package historytest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

// Run tests a Store. open returns an empty one, which the suite closes.
func Run(t *testing.T, open func(t *testing.T) history.Store) {
	for name, test := range map[string]func(*testing.T, history.Store){
		"a release comes back whole":          wholeRelease,
		"a release is written again":          savedAgain,
		"an id stays with its App":            idOfAnotherApp,
		"what is not there":                   notThere,
		"newest first, page by page":          pages,
		"asked by app, commit and outcome":    filters,
		"asked by author":                     byAuthor,
		"asked by object":                     byObject,
		"asked by time":                       byTime,
		"asked by cause":                      byCause,
		"asked by all at once":                byAll,
		"asked as it was saved last":          askedAfterChange,
		"a query that can't be meant":         badQueries,
		"trimmed by age":                      trimAge,
		"trimmed by count":                    trimCount,
		"no bounds, nothing trimmed":          trimNothing,
		"a trimmed release can be saved":      trimmedAndSaved,
		"trimmed names are forgotten":         trimmedNames,
		"many at once get ids of their own":   concurrent,
		"a context that ended stops the work": endedContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t)
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			test(t, store)
		})
	}
}

// day is when the suite's releases happen.
var day = time.Date(2026, 11, 20, 12, 0, 0, 123456789, time.UTC)

// aRelease is a small one of an App, seen at a minute of the day.
func aRelease(app string, minute int, outcome release.Outcome) release.Release {
	return release.Release{
		App: app, Outcome: outcome, Trigger: release.TriggerCommit,
		Revision: release.Revision{Commit: fmt.Sprintf("%08x", minute)},
		Seen:     day.Add(time.Duration(minute) * time.Minute),
	}
}

// save saves a release and returns it with its ID.
func save(t *testing.T, s history.Store, r release.Release) release.Release {
	t.Helper()
	saved, err := s.Save(t.Context(), r)
	if err != nil {
		t.Fatalf("save: %v", err)
	}
	return saved
}

// list returns the IDs that a query selects.
func list(t *testing.T, s history.Store, q history.Query) []int64 {
	t.Helper()
	releases, err := s.List(t.Context(), q)
	if err != nil {
		t.Fatalf("list %+v: %v", q, err)
	}
	ids := make([]int64, len(releases))
	for i, r := range releases {
		ids[i] = r.ID
	}
	return ids
}

func wholeRelease(t *testing.T, s history.Store) {
	full := release.Release{
		App: "team-a/shop", Trigger: release.TriggerDrift, Actor: "kubectl-edit", Outcome: release.Failed, Reason: "it did <not> & could \"not\"",
		Revision: release.Revision{
			URL: "https://git.example.com/fleet.git", Ref: "refs/heads/main", Commit: "1d687d61fe5a1d687d61fe5a1d687d61fe5a1d68",
			Author: "Ana Björk <ana@example.com>", Message: "shop: two\n\nlines ✓", Time: day.Add(-time.Hour),
		},
		Changes: []release.Change{{
			Action: "update", Object: object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"},
			Origin: object.Origin{File: "apps/shop/web.yaml", Line: 3}, Reason: "spec.replicas was changed", Fields: []string{"spec.replicas"}, Error: "refused",
		}},
		Attempts: []release.Attempt{{Started: day, Ended: day.Add(time.Second), Error: "refused"}, {Started: day.Add(time.Minute)}},
		Seen:     day, Planned: day.Add(1), Applied: day.Add(2), Healthy: day.Add(3), Finished: day.Add(4),
	}
	saved := save(t, s, full)
	if saved.ID <= 0 {
		t.Fatalf("a new release got the id %d", saved.ID)
	}
	full.ID = saved.ID
	if diff := cmp.Diff(full, saved); diff != "" {
		t.Errorf("saving changed it (-given +saved):\n%s", diff)
	}
	got, err := s.Get(t.Context(), saved.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full, got); diff != "" {
		t.Errorf("it came back otherwise (-saved +got):\n%s", diff)
	}
}

func savedAgain(t *testing.T, s history.Store) {
	first := save(t, s, aRelease("a/one", 1, release.Running))
	save(t, s, aRelease("a/one", 2, release.Running))
	first.Outcome, first.Finished = release.Succeeded, day
	if again := save(t, s, first); again.ID != first.ID {
		t.Fatalf("release %d became %d", first.ID, again.ID)
	}
	if got := list(t, s, history.Query{Outcome: release.Succeeded}); !cmp.Equal(got, []int64{first.ID}) {
		t.Errorf("succeeded are %v", got)
	}
	if got := list(t, s, history.Query{App: "a/one"}); len(got) != 2 || got[1] != first.ID {
		t.Errorf("the App's are %v; want two, the first one last", got)
	}
}

func idOfAnotherApp(t *testing.T, s history.Store) {
	r := save(t, s, aRelease("a/one", 1, release.Running))
	stolen := r
	stolen.App = "b/two"
	if _, err := s.Save(t.Context(), stolen); err == nil {
		t.Error("a release was saved under the id of another App's")
	}
	if got, err := s.Get(t.Context(), r.ID); err != nil || got.App != "a/one" {
		t.Errorf("it is now %v, %v", got.App, err)
	}
}

func notThere(t *testing.T, s history.Store) {
	if _, err := s.Get(t.Context(), 7); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("get: %v; want ErrNotFound", err)
	}
	releases, err := s.List(t.Context(), history.Query{App: "no/such"})
	if err != nil || releases == nil || len(releases) != 0 {
		t.Errorf("list: %v, %v; want an empty list", releases, err)
	}
}

func pages(t *testing.T, s history.Store) {
	const total = history.DefaultLimit + 10
	for i := range total {
		save(t, s, aRelease("a/one", i, release.Succeeded))
	}
	first := list(t, s, history.Query{})
	if len(first) != history.DefaultLimit {
		t.Fatalf("a page holds %d; want %d", len(first), history.DefaultLimit)
	}
	second := list(t, s, history.Query{Before: first[len(first)-1], Limit: history.MaxLimit})
	all := append(first, second...)
	if len(all) != total {
		t.Fatalf("two pages hold %d; want %d", len(all), total)
	}
	for i := 1; i < len(all); i++ {
		if all[i] >= all[i-1] {
			t.Fatalf("not newest first: %v", all)
		}
	}
	if got := list(t, s, history.Query{Limit: 3}); !cmp.Equal(got, all[:3]) {
		t.Errorf("the newest three are %v; want %v", got, all[:3])
	}
}

func filters(t *testing.T, s history.Store) {
	give := func(app, commit string, o release.Outcome) int64 {
		r := aRelease(app, 0, o)
		r.Revision.Commit = commit
		return save(t, s, r).ID
	}
	one := give("a/one", "abcd1111", release.Succeeded)
	two := give("a/two", "abcd1111", release.Failed)
	three := give("a/one", "abcd2222", release.Failed)
	four := give("a/one", "ffff0000", release.Running)
	for _, test := range []struct {
		query history.Query
		want  []int64
	}{
		{history.Query{}, []int64{four, three, two, one}},
		{history.Query{App: "a/one"}, []int64{four, three, one}},
		{history.Query{App: "a/on"}, []int64{}},
		{history.Query{Commit: "abcd"}, []int64{three, two, one}},
		{history.Query{Commit: "ABCD1111"}, []int64{two, one}},
		{history.Query{Commit: "abcd3"}, []int64{}},
		{history.Query{Outcome: release.Failed}, []int64{three, two}},
		{history.Query{App: "a/one", Outcome: release.Failed}, []int64{three}},
		{history.Query{App: "a/one", Commit: "abcd", Outcome: release.Succeeded, Before: three}, []int64{one}},
		{history.Query{Commit: "abcd", Before: three, Limit: 1}, []int64{two}},
	} {
		if diff := cmp.Diff(test.want, list(t, s, test.query)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.query, diff)
		}
	}
}

func badQueries(t *testing.T, s history.Store) {
	for _, q := range []history.Query{
		{Commit: "abc"}, {Commit: "abcd11%"}, {Limit: -1}, {Limit: history.MaxLimit + 1}, {Before: -1}, {Object: "web"}, {Outcome: "Lost"},
		{Trigger: "luck"}, {Since: day, Until: day}, {Author: strings.Repeat("x", history.MaxText+1)}, {App: "a\x00b"}, {Since: time.Unix(1<<40, 0)},
	} {
		if _, err := s.List(t.Context(), q); err == nil {
			t.Errorf("%+v was answered", q)
		}
	}
}

func concurrent(t *testing.T, s history.Store) {
	const writers, each = 8, 20
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				r, err := s.Save(t.Context(), aRelease(fmt.Sprintf("a/%d", w), i, release.Running))
				if err != nil {
					t.Errorf("save: %v", err)
					return
				}
				r.Outcome = release.Succeeded
				if _, err := s.Save(t.Context(), r); err != nil {
					t.Errorf("save again: %v", err)
				}
				if _, err := s.List(t.Context(), history.Query{App: r.App}); err != nil {
					t.Errorf("list: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if got := list(t, s, history.Query{Outcome: release.Succeeded, Limit: history.MaxLimit}); len(got) != writers*each {
		t.Errorf("%d releases; want %d", len(got), writers*each)
	}
}
