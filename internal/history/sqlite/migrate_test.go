package sqlite

import (
	"database/sql"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
)

// oldFile is a history as Plumb wrote it before releases could be asked by
// author, object and trigger. The last release is as short as they were.
func oldFile(t *testing.T, releases []release.Release) (path string) {
	t.Helper()
	path = t.TempDir() + "/history.db"
	db, err := connect(path, 1, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps, err := migrator(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := steps.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for i, r := range releases {
		body, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		insertOld(t, db, r, i+1, string(body))
	}
	insertOld(t, db, release.Release{App: "team/short"}, len(releases)+1, `{"app":"team/short","revision":{"commit":""}}`)
	return path
}

func insertOld(t *testing.T, db *sql.DB, r release.Release, nth int, body string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), `INSERT INTO releases (app, nth, commit_hash, outcome, seen, body) VALUES (?, ?, ?, ?, ?, ?)`,
		r.App, nth, r.Revision.Commit, r.Outcome, r.Seen.UnixNano(), body)
	if err != nil {
		t.Fatal(err)
	}
}

func TestOldReleasesAreFoundByAll(t *testing.T) {
	t.Parallel()
	var old []release.Release
	for i := range 40 {
		r := crowdRelease(i)
		r.Changes[0].Object.Name = "web'\"" // in JSON it is written otherwise
		r.Changes = append(r.Changes, r.Changes[1])
		old = append(old, r)
	}
	s, opened, err := Open(t.Context(), Options{Path: oldFile(t, old)})
	if err != nil || opened.SetAside != "" {
		t.Fatal(opened, err)
	}
	defer s.Close()
	for i, r := range old {
		got, err := s.Get(t.Context(), int64(i+1))
		if r.ID = int64(i + 1); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("(-written +read)\n%s", diff)
		}
	}
	for _, test := range []struct {
		query history.Query
		want  []int64
	}{
		{history.Query{Author: "AUTHOR-3@"}, []int64{4}},
		{history.Query{Trigger: release.TriggerDrift}, []int64{40, 20}},
		{history.Query{Object: "deployment.apps/app-3/web-1"}, []int64{4}},
		{history.Query{Object: "Deployment/app-3/web'\""}, []int64{4}},
		{history.Query{App: "team/short"}, []int64{41}},
		{history.Query{Intended: true, Outcome: release.Failed}, []int64{8}},
	} {
		page, err := s.List(t.Context(), test.query)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, r := range page {
			got = append(got, r.ID)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", test.query, diff)
		}
	}
	r := old[3]
	r.ID = 4
	if _, err := s.Save(t.Context(), r); err != nil {
		t.Errorf("an old release can't be saved again: %v", err)
	}
}
