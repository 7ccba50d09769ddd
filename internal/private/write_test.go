package private_test

import (
	"os"
	"path/filepath"
	"testing"

	"plumb.dev/plumb/internal/private"
)

// TestWrite: what was written can be read again, by its owner alone, whatever
// was there before, and nothing else is left.
func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := private.Write(path, []byte(secret)); err != nil {
		t.Fatal(err)
	}
	content, err := private.Read(path)
	if err != nil || string(content) != secret {
		t.Errorf("%q, %v", content, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := private.Write(filepath.Join(dir, "none", "key"), nil); err == nil {
		t.Error("the folder isn't there")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Error(entries, err)
	}
}
