package tree_test

import (
	"testing"

	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	files := treetest.New(map[string]string{"a/b/c": "1", "link": "-> a", "run": "#!", "lib": treetest.Submodule})
	for path, want := range map[string]tree.Mode{
		"": tree.Folder, "a": tree.Folder, "a/b/c": tree.File, "link": tree.Link, "run": tree.Executable, "lib": tree.Submodule,
	} {
		if e, found, err := files.Lookup(path); err != nil || !found || e.Mode != want || e.ID == "" {
			t.Errorf("%q: got %v, %t, %v", path, e, found, err)
		}
	}
	for _, path := range []string{"b", "a/c", "link/b", "run/x", "lib/x", "a/b/c/d", "../a", "a/../a"} {
		if e, found, err := files.Lookup(path); err != nil || found {
			t.Errorf("%q: got %v, %t, %v, want none", path, e, found, err)
		}
	}
	if _, _, err := files.Lookup("/a"); err == nil {
		t.Error("an absolute path was looked up")
	}
}
