// Package rendertest is what every way of rendering has to hold to, as a test
// that each variant runs on samples of its own.
package rendertest

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// Sample is a repository and what is rendered of it.
type Sample struct {
	// Files are as treetest takes them.
	Files  map[string]string
	Path   string
	Params v1alpha1.Render
}

// Run holds a renderer to the rules. Each sample must render to at least one
// object, and one of them must be found without being named.
func Run(t *testing.T, r render.Renderer, samples map[string]Sample) {
	t.Helper()
	if len(samples) == 0 {
		t.Fatal("no samples")
	}
	for name, s := range samples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := conformance{renderer: r, sample: s}
			t.Run("yields the same again", c.same)
			t.Run("is safe for concurrent use", c.concurrent)
			t.Run("tells where objects come from", c.origins)
			t.Run("leaves what it read as it was", c.leavesBytes)
			t.Run("reads nothing unrecorded", c.recordsReads)
			t.Run("stops when told to", c.stops)
			t.Run("tells a broken store from a broken file", c.brokenStore)
		})
	}
	t.Run("wants a folder that is there", func(t *testing.T) {
		t.Parallel()
		if _, err := r.Wants(treetest.New(map[string]string{"a": ""}), "absent"); !errors.Is(err, tree.ErrNotFound) {
			t.Errorf("an absent path gives the error %v", err)
		}
	})
}

type conformance struct {
	renderer render.Renderer
	sample   Sample
}

// outcome is a render, in a form that can be compared.
type outcome struct {
	Objects []string
	Err     string
}

func (c conformance) render(files tree.Tree) (render.Result, outcome) {
	result, err := render.Set{c.renderer}.Render(context.Background(), render.Work{Files: files, Path: c.sample.Path, Params: c.sample.Params})
	var o outcome
	for _, object := range result.Objects {
		o.Objects = append(o.Objects, object.Key().ID()+" "+object.Origin.String()+" "+object.Digest())
	}
	if err != nil {
		o.Err = err.Error()
	}
	return result, o
}

// rendered is what the sample yields.
func (c conformance) rendered(t *testing.T) (tree.Tree, render.Result, outcome) {
	t.Helper()
	files := treetest.New(c.sample.Files)
	result, o := c.render(files)
	if o.Err != "" || len(o.Objects) == 0 {
		t.Fatalf("%d objects and the error %q", len(o.Objects), o.Err)
	}
	return files, result, o
}

func (c conformance) same(t *testing.T) {
	files, result, want := c.rendered(t)
	for range 3 {
		again, got := c.render(files)
		if diff := cmp.Diff(want, got); diff != "" || again.Inputs.Hash() != result.Inputs.Hash() || again.Renderer != c.renderer.Name() {
			t.Fatalf("by %s (-first +again)\n%s", again.Renderer, diff)
		}
	}
}

func (c conformance) concurrent(t *testing.T) {
	files, _, want := c.rendered(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, got := c.render(files); !cmp.Equal(want, got) {
				t.Errorf("(-alone +together)\n%s", cmp.Diff(want, got))
			}
		})
	}
	wg.Wait()
}

func (c conformance) origins(t *testing.T) {
	files, result, _ := c.rendered(t)
	for _, o := range result.Objects {
		content, err := files.ReadFile(o.Origin.File)
		if err != nil {
			t.Errorf("%s: the origin %q is not in the tree: %v", o.Key(), o.Origin, err)
			continue
		}
		if lines := strings.Count(string(content), "\n") + 1; o.Origin.Line > lines {
			t.Errorf("%s: the origin %s is behind the file's %d lines", o.Key(), o.Origin, lines)
		}
	}
}

func (c conformance) leavesBytes(t *testing.T) {
	files, result, _ := c.rendered(t)
	for _, o := range result.Objects {
		o.SetLabels(map[string]string{"changed": "by the test"})
	}
	for name, want := range c.sample.Files {
		if strings.HasPrefix(want, treetest.LinkTo) {
			continue
		}
		if got, err := files.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s was changed, or can't be read any more: %v", name, err)
		}
	}
}

// recordsReads changes the repository in every way next to what was rendered.
// Where the inputs say that they are not met, the outcome has to be the same.
func (c conformance) recordsReads(t *testing.T) {
	files, result, want := c.rendered(t)
	missed := 0
	for what, changed := range c.changes() {
		after := treetest.New(changed)
		changes, err := tree.Diff(files, after)
		if err != nil {
			t.Fatal(err)
		}
		_, got := c.render(after)
		same := cmp.Equal(want, got)
		if !same && (!result.Inputs.Touched(changes) || result.Inputs.Valid(after)) {
			t.Errorf("%s: the inputs are not met, but the outcome differs (-before +after)\n%s", what, cmp.Diff(want, got))
		}
		if same {
			missed++
		}
	}
	if missed == len(c.changes()) {
		t.Error("no change has any effect: the sample is too simple")
	}
}

// changes are repositories that differ from the sample in one file each: one
// that is changed, removed or replaced, or one more.
func (c conformance) changes() map[string]map[string]string {
	changed := map[string]map[string]string{}
	folders := map[string]bool{".": true}
	with := func(what, name, content string) {
		files := maps.Clone(c.sample.Files)
		files[name] = content
		changed[what+" "+name] = files
	}
	for name, content := range c.sample.Files {
		with("garble", name, content+"\n]")
		with("empty", name, "")
		with("link", name, treetest.LinkTo+"nowhere")
		files := maps.Clone(c.sample.Files)
		delete(files, name)
		changed["remove "+name] = files
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	for dir := range folders {
		for _, name := range append(render.KustomizationFiles(), render.ChartFile, "new.yaml", "new.txt", "values.yaml", "new/new.json", ".hidden.yaml") {
			if at := path.Join(dir, name); c.sample.Files[at] == "" {
				with("add", at, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: added}\n")
			}
		}
	}
	return changed
}

func (c conformance) stops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	result, err := render.Set{c.renderer}.Render(ctx, render.Work{Files: treetest.New(c.sample.Files), Path: c.sample.Path, Params: c.sample.Params})
	if !errors.Is(err, render.ErrRead) || !errors.Is(err, context.Canceled) || result.Objects != nil {
		t.Errorf("got %d objects and the error %v", len(result.Objects), err)
	}
}

// failing is a store in which one object can't be read.
type failing struct {
	tree.Store
	bad string
}

var errStore = errors.New("the disk is on fire")

func (f failing) Blob(id string, limit int64) ([]byte, error) {
	if id == f.bad {
		return nil, errStore
	}
	return f.Store.Blob(id, limit)
}

func (c conformance) brokenStore(t *testing.T) {
	_, result, want := c.rendered(t)
	store := treetest.NewStore()
	root := store.Tree(c.sample.Files).Root()
	tried := 0
	for _, in := range result.Inputs.All() {
		if in.Content == "" {
			continue
		}
		tried++
		_, err := render.Set{c.renderer}.Render(context.Background(), render.Work{Files: tree.New(failing{store, in.Content}, root), Path: c.sample.Path, Params: c.sample.Params})
		if !errors.Is(err, render.ErrRead) || !errors.Is(err, errStore) {
			t.Errorf("got the error %v", err)
		}
	}
	if _, got := c.render(tree.New(store, root)); tried == 0 || !cmp.Equal(want, got) {
		t.Errorf("tried %d files; then (-before +after)\n%s", tried, cmp.Diff(want, got))
	}
}

// Keys are those of objects, for comparing.
func Keys(objects []object.Object) []string {
	keys := make([]string, 0, len(objects))
	for _, o := range objects {
		keys = append(keys, o.Key().String())
	}
	return slices.Clip(keys)
}
