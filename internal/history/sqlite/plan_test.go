package sqlite

import (
	"strings"
	"testing"

	"plumb.dev/plumb/internal/history"
)

// TestPagesReadLittle holds that a page never reads through what has many rows
// or long ones, and through the short rows of releases only where it says so.
// The benchmarks say what that is worth.
func TestPagesReadLittle(t *testing.T) {
	t.Parallel()
	s, _, err := Open(t.Context(), Options{Path: t.TempDir() + "/history.db"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, q := range crowdQueries() {
		statement, args, err := selectPage(q.query)
		if err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(steps(t, s, statement, args), "\n\t")
		for _, table := range []string{"bodies", "touched", "objects"} {
			if strings.Contains(plan, "SCAN "+table) {
				t.Errorf("%s: it reads all %s:\n\t%s", q.name, table, plan)
			}
		}
		if got := strings.Contains(plan, "SCAN releases"); got != walks(q.query) {
			t.Errorf("%s: it walks through releases: %v, want %v:\n\t%s", q.name, got, walks(q.query), plan)
		}
	}
}

// walks says whether the rows of releases are gone through, until the page is full.
func walks(q history.Query) bool {
	few := 0
	for _, asked := range []bool{q.Outcome != "", q.Trigger != "", q.Author != "", q.Intended, !q.Since.IsZero(), !q.Until.IsZero()} {
		if asked {
			few++
		}
	}
	byTime := !q.Since.IsZero() || !q.Until.IsZero()
	return q.App == "" && q.Commit == "" && q.Object == "" && q.Before == 0 && (few != 1 || byTime || q.Intended)
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
