package tree_test

import (
	"errors"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// TestMount: what lies in another tree is read under its name, and no way leads
// from one tree into the other.
func TestMount(t *testing.T) {
	t.Parallel()
	chart := treetest.New(map[string]string{
		"Chart.yaml": "chart", "templates/a.yaml": "a", "in": "-> templates/a.yaml", "up": "-> ../secret", "at": "-> @other/x",
	})
	base := treetest.New(map[string]string{"secret": "of the base", "app/x": "x", "way": "-> @chart/Chart.yaml"})
	files := base.Mount(map[string]tree.Tree{"@chart": chart}).Mount(map[string]tree.Tree{"@other": treetest.New(map[string]string{"x": "other"})})
	for path, want := range map[string]string{
		"app/x": "x", "@chart/Chart.yaml": "chart", "./@chart/templates/a.yaml": "a", "@chart/in": "a", "@other/x": "other", "@chart/templates/../Chart.yaml": "chart",
	} {
		if b, err := files.ReadFile(path); err != nil || string(b) != want {
			t.Errorf("%s: got %q, %v", path, b, err)
		}
	}
	for path, want := range map[string]error{
		"@chart/../secret": tree.ErrOutside, "@chart/up": tree.ErrOutside, "@chart/at": tree.ErrNotFound, "way": tree.ErrNotFound,
		"@gone/x": tree.ErrNotFound, "@chart/none": tree.ErrNotFound, "app/../@chart/Chart.yaml": tree.ErrNotFound,
	} {
		if b, err := files.ReadFile(path); !errors.Is(err, want) {
			t.Errorf("%s: got %q, %v", path, b, err)
		}
	}
	if e, err := files.Stat("@chart"); err != nil || e.Mode != tree.Folder || e.Name != "@chart" {
		t.Errorf("got %+v, %v", e, err)
	}
	if _, err := files.ReadFile("@chart/none"); !strings.Contains(err.Error(), "@chart: none") {
		t.Error(err)
	}
	if e, err := files.ReadDir("@chart/templates"); err != nil || len(e) != 1 || e[0].Name != "a.yaml" {
		t.Errorf("got %+v, %v", e, err)
	}
	if e, found, err := files.Lookup("@chart/in"); err != nil || !found || e.Mode != tree.Link {
		t.Errorf("got %+v, %v, %v", e, found, err)
	}
	if _, err := files.With(map[string][]byte{"@chart/Chart.yaml": nil}); !errors.Is(err, tree.ErrOutside) {
		t.Error(err)
	}
	if edited, err := files.With(map[string][]byte{"app/x": []byte("y")}); err != nil {
		t.Error(err)
	} else if b, err := edited.ReadFile("@chart/Chart.yaml"); err != nil || string(b) != "chart" {
		t.Errorf("got %q, %v", b, err)
	}
}

// TestInputsOfMounts: what was read of each tree is told apart, and hangs on
// that tree alone.
func TestInputsOfMounts(t *testing.T) {
	t.Parallel()
	chart := treetest.New(map[string]string{"Chart.yaml": "chart", "templates/a.yaml": "a"})
	base := treetest.New(map[string]string{"app/x": "x"})
	files := base.Mount(map[string]tree.Tree{"@chart": chart})
	r := tree.Record(files)
	for _, path := range []string{"app/x", "@chart/Chart.yaml", "@chart/values.yaml", "@need/Chart.yaml"} {
		_, _ = r.ReadFile(path)
	}
	if _, err := r.ReadDir("@chart"); err != nil {
		t.Fatal(err)
	}
	in := r.Inputs()
	own, others := in.Split("@chart")
	alone := tree.Record(chart)
	_, _ = alone.ReadFile("Chart.yaml")
	_, _ = alone.ReadFile("values.yaml")
	_, _ = alone.ReadDir("")
	if others["@chart"].Hash() != alone.Inputs().Hash() {
		t.Error("the chart's inputs are others than if it was read alone")
	}
	if !own.Touched([]tree.Change{{Path: "app/x"}}) || own.Touched([]tree.Change{{Path: "Chart.yaml"}}) || !own.Touched([]tree.Change{{Path: "@need", Kind: tree.Added}}) {
		t.Error("the base's inputs are mixed up")
	}
	other := treetest.New(map[string]string{"Chart.yaml": "chart", "values.yaml": ""})
	for name, c := range map[string]struct {
		files tree.Tree
		valid bool
	}{
		"the same":            {files, true},
		"the same, made anew": {treetest.New(map[string]string{"app/x": "x", "more": ""}).Mount(map[string]tree.Tree{"@chart": chart}), true},
		"another base":        {treetest.New(map[string]string{"app/x": "y"}).Mount(map[string]tree.Tree{"@chart": chart}), false},
		"another chart":       {base.Mount(map[string]tree.Tree{"@chart": other}), false},
		"no chart":            {base, false},
		"what was missing":    {files.Mount(map[string]tree.Tree{"@need": other}), false},
	} {
		if got := in.Valid(c.files); got != c.valid {
			t.Errorf("%s: got %t", name, got)
		}
	}
}
