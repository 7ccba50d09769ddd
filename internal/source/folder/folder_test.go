package folder_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"plumb.dev/plumb/internal/source/folder"
	"plumb.dev/plumb/internal/tree"
)

func write(t *testing.T, top string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		full := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheCheckoutAroundAFolderIsTheTree(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	write(t, top, map[string]string{".git/HEAD": "x", "base/a.yaml": "a", "apps/one/b.yaml": "b"})
	files, below, err := folder.Open(filepath.Join(top, "apps/one"))
	if err != nil {
		t.Fatal(err)
	}
	if below != "apps/one" {
		t.Errorf("the folder is at %q", below)
	}
	if got, err := files.ReadFile("apps/one/../../base/a.yaml"); err != nil || string(got) != "a" {
		t.Errorf("a base beside the folder is %q, %v", got, err)
	}
	if _, err := files.ReadFile(".git/HEAD"); !errors.Is(err, tree.ErrNotFound) {
		t.Errorf("what is in .git can be read: %v", err)
	}
}

func TestNothingOutsideCanBeRead(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	write(t, outside, map[string]string{"secret": "hunter2"})
	top := t.TempDir()
	write(t, top, map[string]string{"a.yaml": "a"})
	for link, to := range map[string]string{"absolute": filepath.Join(outside, "secret"), "up": "../../../../etc/passwd", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	files, _, err := folder.Open(top)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"absolute", "up", "loop", "../x", "/etc/passwd"} {
		if content, err := files.ReadFile(name); err == nil {
			t.Errorf("%s can be read: %q", name, content)
		}
	}
}
