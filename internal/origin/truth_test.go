package origin_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/origin"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
	"plumb.dev/plumb/internal/yamledit"
)

func renderers() render.Set { return render.Set{kustomize.Renderer{}, plain.Renderer{}} }

// folder is a folder of this repository as a tree.
func folder(t testing.TB, at string) tree.Tree {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(at, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(at, path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return treetest.New(files)
}

// archive is a txtar file as a tree.
func archive(t testing.TB, file string) tree.Tree {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	return treetest.New(files)
}

// TestOriginsAreTrue changes, for each field of each object, the value where it
// is said to come from, and looks whether that changes the field.
func TestOriginsAreTrue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files tree.Tree
		path  string
		known int // percent of the fields whose place is known
	}{
		"guestbook": {folder(t, "../../test/e2e/testdata/guestbook"), "", 100},
		"podinfo":   {folder(t, "../../test/e2e/testdata/podinfo"), "overlays/production", 90},
		"example":   {folder(t, "../../examples/fleet"), "web/production", 90},
		"features":  {archive(t, "../render/kustomize/testdata/build/features.txtar"), "app", 65},
		"overlay":   {archive(t, "../render/kustomize/testdata/build/overlay.txtar"), "overlays/production", 85},
		"chain":     {archive(t, "testdata/chain.txtar"), "prod", 85},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tryTruth(t, test.files, test.path, test.known)
		})
	}
}

func tryTruth(t *testing.T, files tree.Tree, path string, percent int) {
	t.Helper()
	result, err := renderers().Render(t.Context(), render.Work{Files: files, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	finder := origin.New(files, path, v1alpha1.Render{})
	fields, known := 0, 0
	for _, o := range result.Objects {
		for _, field := range leaves(o.Object, nil) {
			if isIdentity(field) || isKnownBy(field) {
				continue
			}
			fields++
			value, _, found := origin.Lookup(o.Object, field)
			if !found {
				t.Fatalf("%s: %s isn't there", o.Key(), field)
			}
			at, exact := finder.Of(o, field, value)
			if at.File == "" {
				t.Errorf("%s: %s: not even a file is known", o.Key(), field)
			}
			if !exact {
				t.Logf("%s: %s (%v) isn't known but for %s", o.Key(), field, value, at.Origin())
				continue
			}
			if known++; known%10 == 0 || len(result.Objects) < 5 { // a build takes its time
				tryPlace(t, files, path, probe{o, field, value, at})
			}
		}
	}
	t.Logf("of %d fields, %d have a place", fields, known)
	if known*100 < fields*percent {
		t.Errorf("of %d fields only %d have a place", fields, known)
	}
}

// isKnownBy says whether a field is what its element is known by.
func isKnownBy(field yamledit.Path) bool {
	n := len(field)
	return n > 1 && field[n-2].Match != nil && field[n-1].Key == "name"
}

type probe struct {
	object object.Object
	field  yamledit.Path
	value  any
	at     origin.Place
}

// tryPlace holds a place against what a render makes of another value there.
func tryPlace(t *testing.T, files tree.Tree, path string, p probe) {
	t.Helper()
	want, possible := another(p.value)
	if !possible {
		return
	}
	edit, err := p.at.Set(files, want)
	if err != nil {
		t.Logf("%s: %s at %s, %s: %v", p.object.Key(), p.field, p.at.Origin(), p.at.What, err)
		return
	}
	edited, err := files.With(map[string][]byte{edit.File: edit.Content})
	if err != nil {
		t.Fatal(err)
	}
	result, err := renderers().Render(t.Context(), render.Work{Files: edited, Path: path})
	if err != nil {
		t.Logf("%s: %s: can't be tried: %v", p.object.Key(), p.field, err)
		return
	}
	got, _, _ := origin.Lookup(again(result.Objects, p.object).Object, p.field)
	if !origin.Equal(got, want) {
		t.Errorf("%s: %s is said to come from %s, %s, but %v there yields %v", p.object.Key(), p.field, p.at.Origin(), p.at.What, want, got)
	}
	if edit.Line < p.at.Line || edit.Line > p.at.Last+1 {
		t.Errorf("%s: %s stands at %s, but line %d was edited", p.object.Key(), p.field, p.at.Origin(), edit.Line)
	}
}

// again is an object after another render: with the same name, or what was
// generated in its place.
func again(objects []object.Object, o object.Object) object.Object {
	for _, candidate := range objects {
		if candidate.Key() == o.Key() {
			return candidate
		}
	}
	for _, candidate := range objects {
		stem := o.GetName()[:max(strings.LastIndexByte(o.GetName(), '-'), 0)]
		if candidate.GetKind() == o.GetKind() && stem != "" && strings.HasPrefix(candidate.GetName(), stem+"-") {
			return candidate
		}
	}
	return o
}

// isIdentity says whether another value would make another object of it.
func isIdentity(field yamledit.Path) bool {
	return slices.Contains([]string{"apiVersion", "kind", "metadata.name", "metadata.namespace"}, field.String())
}

func another(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return v + "9", true
	case int64:
		return v + 1, true
	case bool:
		return !v, true
	}
	return nil, false
}

// leaves are the paths to all values that hold no others; elements that have
// names are told by them.
func leaves(v any, at yamledit.Path) []yamledit.Path {
	var paths []yamledit.Path
	switch v := v.(type) {
	case map[string]any:
		for k, below := range v {
			paths = append(paths, leaves(below, at.Then(yamledit.Step{Key: k}))...)
		}
	case []any:
		for i, below := range v {
			s := yamledit.Step{Key: strconv.Itoa(i)}
			if m, isMap := below.(map[string]any); isMap && m["name"] != nil {
				s = yamledit.Element("name", m["name"])
			}
			paths = append(paths, leaves(below, at.Then(s))...)
		}
	default:
		return []yamledit.Path{at}
	}
	slices.SortFunc(paths, func(a, b yamledit.Path) int { return strings.Compare(a.String(), b.String()) })
	return paths
}
