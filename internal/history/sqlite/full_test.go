package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
)

// bulky is a release that takes some room.
func bulky(i int) release.Release {
	return release.Release{App: "a/one", Outcome: release.Failed, Seen: time.Unix(int64(i), 0), Reason: strings.Repeat("x", 8000)}
}

// saveUntilFull saves until there is no room, and returns what was saved.
func saveUntilFull(t *testing.T, s *Store) (saved int) {
	t.Helper()
	for i := range 10_000 {
		_, err := s.Save(t.Context(), bulky(i))
		if err == nil {
			continue
		}
		if !errors.Is(err, history.ErrFull) || !strings.Contains(err.Error(), s.path) {
			t.Fatalf("got %v; want ErrFull, naming %s", err, s.path)
		}
		return i
	}
	t.Fatal("it never got full")
	return 0
}

// wholeWith checks that the file is sound and holds n releases.
func wholeWith(t *testing.T, s *Store, n int) {
	t.Helper()
	if err := check(t.Context(), s.write); err != nil {
		t.Fatalf("the file is damaged: %v", err)
	}
	var got int
	if err := s.read.QueryRowContext(t.Context(), `SELECT count(*) FROM releases`).Scan(&got); err != nil || got != n {
		t.Fatalf("it holds %d releases, %v; want %d", got, err, n)
	}
}

func TestFullFile(t *testing.T) {
	t.Parallel()
	s, _, err := Open(t.Context(), Options{Path: t.TempDir() + "/history.db"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pages := func(n int) {
		t.Helper()
		if _, err := s.write.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	pages(100)
	n := saveUntilFull(t, s)
	wholeWith(t, s, n)

	pages(10_000)
	if _, err := s.Save(t.Context(), bulky(n)); err != nil {
		t.Fatalf("there is room again, and yet: %v", err)
	}
	wholeWith(t, s, n+1)
}
