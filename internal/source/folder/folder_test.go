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

// TestWithoutACheckout: where there is none, what lies beside the folder is found
// from the working directory, and nothing above that.
func TestWithoutACheckout(t *testing.T) {
	top := t.TempDir()
	for path, content := range map[string]string{"secret": "x", "work/base/a.yaml": "a: 1", "work/overlay/b.yaml": "b: 1"} {
		at := filepath.Join(top, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(top, "work"))
	files, below, err := folder.Beside("overlay")
	if err != nil || below != "overlay" {
		t.Fatal(below, err)
	}
	if b, err := files.ReadFile("base/a.yaml"); err != nil || string(b) != "a: 1" {
		t.Errorf("got %q, %v", b, err)
	}
	if _, err := files.ReadFile("../secret"); !errors.Is(err, tree.ErrOutside) {
		t.Error(err)
	}
	t.Chdir(filepath.Join(top, "work", "overlay"))
	if _, below, err := folder.Beside("."); err != nil || below != "." {
		t.Error(below, err)
	}
}
