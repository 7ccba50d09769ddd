package sqlite

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFullDisk fills a real file system, where this is allowed to make one.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("can't mount a small file system here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	s, _, err := Open(t.Context(), Options{Path: filepath.Join(dir, "history.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 500<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	n := saveUntilFull(t, s)
	wholeWith(t, s, n)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(t.Context(), bulky(n)); err != nil {
		t.Fatalf("there is room again, and yet: %v", err)
	}
	wholeWith(t, s, n+1)
}
