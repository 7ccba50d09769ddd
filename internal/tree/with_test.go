package tree_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

func TestWith(t *testing.T) {
	t.Parallel()
	before := treetest.New(map[string]string{
		"a.yaml": "a", "b/c/d.yaml": "d", "b/e.yaml": "e", "alone/x": "x", "link": treetest.LinkTo + "b/c", "run": treetest.Exec + "old",
	})
	after, err := before.With(map[string][]byte{
		"a.yaml": []byte("A"), "link/d.yaml": []byte("D"), "new/n/m": []byte("m"), "alone/x": nil, "run": []byte("new"),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, path := range []string{"a.yaml", "b/c/d.yaml", "link/d.yaml", "b/e.yaml", "new/n/m", "run", "alone/x", "alone"} {
		content, err := after.ReadFile(path)
		if errors.Is(err, tree.ErrNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got[path] = string(content)
	}
	want := map[string]string{"a.yaml": "A", "b/c/d.yaml": "D", "link/d.yaml": "D", "b/e.yaml": "e", "new/n/m": "m", "run": "new"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if real, err := after.Real("link/./d.yaml"); err != nil || real != "b/c/d.yaml" {
		t.Errorf("link/d.yaml is %s, %v", real, err)
	}
	if e, err := after.Stat("run"); err != nil || e.Mode != tree.Executable {
		t.Errorf("run is %+v, %v", e, err)
	}
	if content, err := before.ReadFile("a.yaml"); err != nil || string(content) != "a" {
		t.Errorf("the tree before holds %q now, %v", content, err)
	}
	again, err := before.With(map[string][]byte{
		"run": []byte("new"), "a.yaml": []byte("A"), "b/c/d.yaml": []byte("D"), "new/n/m": []byte("m"), "alone/x": nil,
	})
	if err != nil || again.Root() != after.Root() || after.Root() == before.Root() {
		t.Errorf("roots %s and %s, %v", again.Root(), after.Root(), err)
	}
}

func TestWithRefuses(t *testing.T) {
	t.Parallel()
	files := treetest.New(map[string]string{"a": "a", "b/c": "c", "out": treetest.LinkTo + "../x"})
	for path, want := range map[string]error{"b": tree.ErrFolder, "../x": tree.ErrOutside, "out/y": tree.ErrOutside, "a/b": tree.ErrNotFolder} {
		if _, err := files.With(map[string][]byte{path: []byte("x")}); !errors.Is(err, want) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}
