package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/event"
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
	if err := s.Put(t.Context(), history.DeskPause, "all", []byte("as it was")); err != nil {
		t.Fatal(err)
	}
	n := saveUntilFull(t, s)
	wholeWith(t, s, n)
	long := strings.Repeat("x", 100_000)
	_, adding := s.AddEvents(t.Context(), []event.Event{{Message: "short"}, {Message: long}})
	for doing, err := range map[string]error{"add events": adding, "put": s.Put(t.Context(), history.DeskPause, "all", []byte(long))} {
		if !errors.Is(err, history.ErrFull) {
			t.Errorf("%s: got %v; want ErrFull", doing, err)
		}
	}
	if kept, err := s.Kept(t.Context(), history.DeskPause); err != nil || string(kept["all"]) != "as it was" {
		t.Errorf("the desk holds %.20q, %v", kept["all"], err)
	}
	if events, err := s.ListEvents(t.Context(), event.Query{}); err != nil || len(events) != 0 {
		t.Errorf("half of the events were written: %d, %v", len(events), err)
	}

	pages(10_000)
	if err := s.Put(t.Context(), history.DeskPause, "all", []byte(long)); err != nil {
		t.Errorf("put, with room: %v", err)
	}
	if _, err := s.Save(t.Context(), bulky(n)); err != nil {
		t.Fatalf("there is room again, and yet: %v", err)
	}
	wholeWith(t, s, n+1)
}

// Only what people said waits for the disk; what is written after it doesn't.
func TestPutLeavesOthersQuick(t *testing.T) {
	t.Parallel()
	s, _, err := Open(t.Context(), Options{Path: t.TempDir() + "/history.db"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	level := func() (synchronous int) {
		t.Helper()
		if err := s.write.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous); err != nil {
			t.Fatal(err)
		}
		return synchronous
	}
	const normal, whole = 1, 2
	err = s.lastingly(t.Context(), func(c *sql.Conn) error {
		var during int
		if err := c.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&during); err != nil || during != whole {
			t.Errorf("while it is written, synchronous is %d, %v; want %d", during, err, whole)
		}
		return history.ErrFull
	})
	if !errors.Is(err, history.ErrFull) || level() != normal {
		t.Errorf("it ends with %v and leaves synchronous as %d; want %d", err, level(), normal)
	}
	if err := s.Put(t.Context(), history.DeskPause, "all", nil); err != nil || level() != normal {
		t.Errorf("a put ends with %v and leaves synchronous as %d; want %d", err, level(), normal)
	}
}
