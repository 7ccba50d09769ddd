package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/history/sqlite"
	"plumb.dev/plumb/internal/release"
)

// fill saves n releases of a few Apps, with a body of some size.
func fill(t testing.TB, s *sqlite.Store, n int) {
	t.Helper()
	for i := range n {
		r := release.Release{
			App: "team/" + string(rune('a'+i%20)), Outcome: release.Succeeded, Seen: time.Unix(int64(i), 0),
			Revision: release.Revision{Commit: strings.Repeat("0123456789abcdef", 3)[i%8:][:40]}, Reason: strings.Repeat("why ", 100),
		}
		if _, err := s.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFileIsPrivate(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/history.db"
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	defer s.Close()
	fill(t, s, 1)
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 3 {
		t.Fatalf("files %v, %v; want the database, its log and its index", files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v, %v; want 0600", f, info.Mode().Perm(), err)
		}
	}
}

func TestReopenedFileHoldsAll(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/with space, 100% & ?/history.db"
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	fill(t, s, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	if releases, err := s.List(t.Context(), history.Query{}); err != nil || len(releases) != 3 {
		t.Errorf("%d releases, %v; want 3", len(releases), err)
	}
}

// IDs grow across a restart, though nothing was left that had the last ones.
func TestIDsGrowAcrossRestarts(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/history.db"
	var last int64
	for range 3 {
		s := open(t, path)
		added, err := s.AddEvents(t.Context(), []event.Event{{Message: "one"}, {Message: "two"}})
		if err != nil {
			t.Fatal(err)
		}
		if added[0].ID <= last {
			t.Errorf("after the event %d comes %d", last, added[0].ID)
		}
		last = added[1].ID
		if err := s.Put(t.Context(), history.DeskPause, "all", fmt.Append(nil, last)); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		sqlExec(t, path, `DELETE FROM events`)
	}
	s := open(t, path)
	defer s.Close()
	if kept, err := s.Kept(t.Context(), history.DeskPause); err != nil || string(kept["all"]) != fmt.Sprint(last) {
		t.Errorf("the desk holds %q, %v; want %d", kept, err, last)
	}
}

func TestDamagedFileIsSetAside(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(content []byte) []byte{
		"not a database":     func([]byte) []byte { return bytes.Repeat([]byte("what is this? "), 1000) },
		"cut off":            func(c []byte) []byte { return c[:len(c)/2] },
		"pages of nonsense":  func(c []byte) []byte { return overwrite(c, 8*4096, 16*4096) },
		"header of nonsense": func(c []byte) []byte { return overwrite(c, 0, 100) },
		"tables of nonsense": func(c []byte) []byte { return overwrite(c, 100, 4096) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir() + "/history.db"
			s := open(t, path)
			fill(t, s, 200)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			harmed := harm(bytes.Clone(content))
			if err := os.WriteFile(path, harmed, 0o600); err != nil {
				t.Fatal(err)
			}
			now := func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }
			s, opened, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if want := path + ".damaged-20261120T120000.000Z"; opened.SetAside != want || opened.Damage == nil {
				t.Fatalf("opened %+v; want it set aside as %s, and why", opened, want)
			}
			if kept, err := os.ReadFile(opened.SetAside); err != nil || !bytes.Equal(kept, harmed) {
				t.Errorf("what was set aside is not what was there (%v)", err)
			}
			fill(t, s, 1)
		})
	}
}

// overwrite fills a part of content with nonsense.
func overwrite(content []byte, from, to int) []byte {
	for i := from; i < to; i++ {
		content[i] = byte(i*7 + 3)
	}
	return content
}

func TestFileOfNewerPlumbIsRefused(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/history.db"
	s := open(t, path)
	fill(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	sqlExec(t, path, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	_, opened, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err == nil || !strings.Contains(err.Error(), "newer Plumb") {
		t.Errorf("got %v; want it refused", err)
	}
	if opened.SetAside != "" {
		t.Errorf("a sound file was set aside as %s", opened.SetAside)
	}
}

func TestOpenSaysWhere(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/missing/history.db"
	if _, _, err := sqlite.Open(t.Context(), sqlite.Options{Path: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v; want an error that names %s", err, path)
	}
}

// sqlExec changes the file behind the store's back.
func sqlExec(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}
