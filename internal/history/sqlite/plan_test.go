package sqlite

import (
	"strings"
	"testing"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
)

// TestPagesUseAnIndex holds that a page never reads through all releases,
// whatever it is asked by. The benchmarks say what that is worth.
func TestPagesUseAnIndex(t *testing.T) {
	t.Parallel()
	s, _, err := Open(t.Context(), Options{Path: t.TempDir() + "/history.db"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, q := range []history.Query{
		{App: "a/one"},
		{Commit: "abcd"},
		{Outcome: release.Failed},
		{App: "a/one", Before: 7},
		{App: "a/one", Commit: "abcd", Outcome: release.Failed},
		{Commit: "abcd", Outcome: release.Failed, Before: 7},
	} {
		statement, args := selectPage(q)
		for _, step := range steps(t, s, statement, args) {
			if strings.Contains(step, "SCAN releases") {
				t.Errorf("%+v reads all releases: %s", q, step)
			}
		}
	}
}

// steps is SQLite's plan for a statement.
func steps(t *testing.T, s *Store, statement string, args []any) (steps []string) {
	t.Helper()
	rows, err := s.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil || len(steps) == 0 {
		t.Fatal(steps, err)
	}
	return steps
}
