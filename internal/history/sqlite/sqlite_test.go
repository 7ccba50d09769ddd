package sqlite_test

import (
	"testing"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/history/historytest"
	"plumb.dev/plumb/internal/history/sqlite"
)

// open opens a history in a folder of the test's own.
func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, opened, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if opened.SetAside != "" {
		t.Fatalf("a sound file was set aside: %+v", opened)
	}
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	historytest.Run(t, func(t *testing.T) history.Store { return open(t, t.TempDir()+"/history.db") })
}

// opened opens a history that ends with the test.
func opened(t *testing.T) *sqlite.Store {
	t.Helper()
	s := open(t, t.TempDir()+"/history.db")
	t.Cleanup(func() { s.Close() })
	return s
}

func TestMemory(t *testing.T) {
	t.Parallel()
	historytest.RunMemory(t, func(t *testing.T) historytest.Memory { return opened(t) })
}

func TestEvents(t *testing.T) {
	t.Parallel()
	historytest.RunEvents(t, func(t *testing.T) history.Events { return opened(t) })
}

func TestDesk(t *testing.T) {
	t.Parallel()
	historytest.RunDesk(t, func(t *testing.T) history.Desk { return opened(t) })
}
