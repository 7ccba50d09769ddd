package tree_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	before := map[string]string{
		"a/b/c": "1", "a/b/d": "2", "a/x": "3", "a.b": "between a and a/ in git's order", "file": "4", "run": "#!", "link": "-> a",
		"module": treetest.Submodule,
	}
	tests := map[string]struct {
		change map[string]string
		want   string
	}{
		"nothing":               {nil, ""},
		"a file changes":        {map[string]string{"a/b/c": "x"}, "M a, M a/b, M a/b/c, "},
		"a file comes and goes": {map[string]string{"a/b/c": "", "a/b/new": "1"}, "M a, M a/b, D a/b/c, A a/b/new, "},
		"a folder comes":        {map[string]string{"n/e/w": "1"}, "A n, A n/e, A n/e/w, "},
		"a folder goes":         {map[string]string{"a/b/c": "", "a/b/d": ""}, "M a, D a/b, D a/b/c, D a/b/d, "},
		"a file to a folder":    {map[string]string{"file": "", "file/x": "1"}, "D file, A file, A file/x, "},
		"a folder to a link":    {map[string]string{"a/b/c": "", "a/b/d": "", "a/b": "-> x"}, "M a, D a/b, A a/b, D a/b/c, D a/b/d, "},
		"a mode":                {map[string]string{"run": "4"}, "M run, "},
		"a link moves":          {map[string]string{"link": "-> b"}, "M link, "},
		"a submodule moves":     {map[string]string{"module": treetest.Submodule + "2"}, "M module, "},
		"beside a folder":       {map[string]string{"a.b": "", "a-b": "1"}, "A a-b, D a.b, "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := treetest.NewStore()
			changes, err := tree.Diff(store.Tree(before), store.Tree(changed(before, test.change)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, written(changes)); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func written(changes []tree.Change) string {
	s := ""
	for _, c := range changes {
		s += fmt.Sprintf("%c %s, ", "MAD"[c.Kind], c.Path)
	}
	return s
}

// TestDiffReadsWhatDiffers: the cost of a comparison is that of the change.
func TestDiffReadsWhatDiffers(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("apps/app-%d/deep/file", i)] = "x"
	}
	store := treetest.NewStore()
	from := store.Tree(files)
	now := maps.Clone(files)
	now["apps/app-7/deep/file"] = "y"
	to := store.Tree(now)
	before := store.Reads()
	if _, err := tree.Diff(from, to); err != nil {
		t.Fatal(err)
	}
	if got, want := store.Reads()-before, 8; got != want { // four folders on each side
		t.Errorf("%d objects were read, want %d", got, want)
	}
}

// TestDiffIsBounded: a small repository can stand for endless paths.
func TestDiffIsBounded(t *testing.T) {
	t.Parallel()
	bomb := bombStore{
		"deep": {{Name: "x", Mode: tree.Folder, ID: "deep"}},
	}
	for i := range 2000 {
		bomb["wide"] = append(bomb["wide"], tree.Entry{Name: fmt.Sprintf("f%04d", i), ID: "x"})
	}
	bomb["wide"] = append(bomb["wide"], tree.Entry{Name: "x", Mode: tree.Folder, ID: "wide"})
	_, err := tree.Diff(tree.New(bomb, ""), tree.New(bomb, "deep"))
	checkError(t, err, tree.ErrTooLarge, "deep")
	_, err = tree.Diff(tree.New(bomb, ""), tree.New(bomb, "wide"))
	checkError(t, err, tree.ErrTooLarge, "bytes of paths")
}

// bombStore has folders that hold themselves.
type bombStore map[string][]tree.Entry

func (s bombStore) Folder(id string) ([]tree.Entry, error) { return s[id], nil }

func (bombStore) Blob(string, int64) ([]byte, error) { return nil, nil }
