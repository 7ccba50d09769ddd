package sqlite_test

import (
	"testing"
	"time"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/history/sqlite"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

// FuzzQuery asks for whatever people may write: what passes as a query is
// answered, and by releases that are what was asked for.
func FuzzQuery(f *testing.F) {
	s, _, err := sqlite.Open(f.Context(), sqlite.Options{Path: f.TempDir() + "/history.db"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	for i := range 60 {
		r := release.Release{
			App: "team/" + string(rune('a'+i%3)), Outcome: release.Outcomes()[i%4], Trigger: release.Triggers()[i%5], Seen: time.Unix(int64(i), 0),
			Revision: release.Revision{Commit: "abcdef0123456789"[i%7:] + "abcdef0", Author: []string{"Ana <ana@example.com>", "Åsa", ""}[i%3]},
			Changes:  []release.Change{{Object: object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: string(rune('a' + i%5))}}},
		}
		if _, err := s.Save(f.Context(), r); err != nil {
			f.Fatal(err)
		}
	}
	f.Add("team/a", "abcd", "ana", "Deployment/shop/a", "Failed", "drift", int64(0), int64(10), int64(30), true)
	f.Add("", "", "%", "deployment.apps/a", "", "", int64(3), int64(0), int64(0), false)
	f.Add("' OR 1", "\"", "Å", "a/b/c", "x", "y", int64(-1), int64(1<<62), int64(-1<<62), true)
	f.Fuzz(func(t *testing.T, app, commit, author, about, outcome, trigger string, before, since, until int64, intended bool) {
		q := history.Query{
			App: app, Commit: commit, Author: author, Object: about, Outcome: release.Outcome(outcome), Trigger: release.Trigger(trigger),
			Intended: intended, Before: before, Limit: history.MaxLimit,
		}
		if since != 0 {
			q.Since = time.Unix(since, 0)
		}
		if until != 0 {
			q.Until = time.Unix(until, 0)
		}
		page, err := s.List(t.Context(), q)
		if (err == nil) != (q.Validate() == nil) {
			t.Fatalf("%+v: the query is found to be %v, and ends with %v", q, q.Validate(), err)
		}
		for _, r := range page {
			switch {
			case app != "" && r.App != app, outcome != "" && string(r.Outcome) != outcome, trigger != "" && string(r.Trigger) != trigger,
				intended && r.Corrective(), before != 0 && r.ID >= before, since != 0 && r.Seen.Before(q.Since), until != 0 && !r.Seen.Before(q.Until):
				t.Errorf("%+v is answered with %+v", q, r)
			}
			if key, _ := object.ParseKey(about); about != "" && !key.Names(r.Changes[0].Object) {
				t.Errorf("%+v is answered with %+v", q, r)
			}
		}
	})
}
