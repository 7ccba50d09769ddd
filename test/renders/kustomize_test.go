package renders

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/tree/treetest"
)

// TestKustomize renders the folder c of each case both ways.
func TestKustomize(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/kustomize/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			readScene(t, file).kustomized(t, "c")
		})
	}
}

// TestRealKustomizations renders every kustomization that people published and
// that is kept here, and those of the examples.
func TestRealKustomizations(t *testing.T) {
	t.Parallel()
	found := 0
	for _, top := range []string{"../e2e/testdata", "../../examples"} {
		s := scene{files: map[string]string{}}
		var folders []string
		err := filepath.WalkDir(top, func(at string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			content, err := os.ReadFile(at)
			below, _ := filepath.Rel(top, at)
			s.files[filepath.ToSlash(below)] = string(content)
			if e.Name() == "kustomization.yaml" && !strings.Contains(string(content), "kind: Component") {
				folders = append(folders, path.Dir(filepath.ToSlash(below)))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range folders {
			found++
			t.Run(path.Join(path.Base(top), folder), func(t *testing.T) {
				t.Parallel()
				s.kustomized(t, folder)
			})
		}
	}
	const atLeast = 7
	if found < atLeast {
		t.Errorf("only %d were found", found)
	}
}

// kustomized compares what a folder of the case comes to.
func (s scene) kustomized(t *testing.T, folder string) {
	t.Helper()
	printed, err := output(t, s.onDisk(t), program(t, "kustomize"), "build", folder)
	if err != nil {
		t.Fatal(err)
	}
	result, err := rendered(t, render.Work{Files: treetest.New(s.files), Path: folder}, kustomize.Renderer{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, objects(t, printed), result.Objects, s.differs)
}
