package cache_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/cache"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// counting counts the renders that were done.
type counting struct {
	render.Set
	renders int
}

func (c *counting) Render(ctx context.Context, w render.Work) (render.Result, error) {
	c.renders++
	return c.Set.Render(ctx, w)
}

// stand is a cache on a folder, with what it told and a clock.
type stand struct {
	*cache.Cache
	from    *counting
	dir     string
	log     strings.Builder
	now     time.Time
	options cache.Options
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{
		from: &counting{Set: render.Set{kustomize.Renderer{}, plain.Renderer{}}}, dir: filepath.Join(t.TempDir(), "renders"),
		now: time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC),
	}
	s.options = cache.Options{
		From: s.from, Dir: s.dir, Version: "v1", Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		Now: func() time.Time { s.now = s.now.Add(time.Second); return s.now },
	}
	s.reopen()
	return s
}

// reopen is what a restart does.
func (s *stand) reopen() { s.Cache = cache.Open(s.options) }

// rendered renders and says whether that was spared, and what came of it.
func (s *stand) rendered(t *testing.T, files tree.Tree, at string, params v1alpha1.Render) (spared bool, outcome string) {
	t.Helper()
	before := s.from.renders
	result, err := s.Render(t.Context(), render.Work{Files: files, Path: at, Params: params})
	if spared = s.from.renders == before; spared != result.Cached {
		t.Errorf("it was spared: %t, and says %t", spared, result.Cached)
	}
	return spared, describe(result, err)
}

func describe(r render.Result, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	lines := []string{r.Renderer, r.Inputs.Hash()}
	for _, o := range r.Objects {
		lines = append(lines, fmt.Sprintf("%s %s %s %#v", o.Key().ID(), o.Origin, o.Digest(), o.Object))
	}
	return strings.Join(lines, "\n")
}

func (s *stand) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, filepath.Join(s.dir, e.Name()))
	}
	return names
}

func configMap(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {x: %s}\n", name, value)
}

var repository = map[string]string{
	"web/kustomization.yaml": "resources: [../base]\nnamePrefix: web-\n",
	"base/kustomization.yml": "resources: [a.yaml]\n",
	"base/a.yaml":            configMap("a", "one"),
	"plain/b.yaml":           configMap("b", "one"),
	"plain/odd.yaml": "apiVersion: example.com/v1\nkind: Odd\nmetadata: {name: odd}\nspec: {whole: 3, big: 9223372036854775807, beyond: 18446744073709551615, " +
		"part: 1.5, tiny: 1e-9, yes: true, none: null, empty: {}, list: [], text: \"Grüße\\u2028\\0\", nested: [[1], {a: [2.5]}]}\n",
	"other/notes.md": "nothing\n",
}

// with is the repository after a commit.
func with(changes map[string]string) map[string]string {
	files := maps.Clone(repository)
	maps.Copy(files, changes)
	return files
}

// What was rendered is not rendered again, and what comes is the same to the
// last detail, whatever way the tree got there.
func TestSparesWhatReadsTheSame(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"web", "plain", "plain/odd.yaml"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			one, two := treetest.New(repository), treetest.New(with(map[string]string{
				"base/a.yaml": configMap("a", "two"), "plain/b.yaml": configMap("b", "two"), "plain/odd.yaml": configMap("odd", "two"),
			}))
			elsewhere := treetest.New(with(map[string]string{"other/notes.md": "more\n"}))
			_, first := s.rendered(t, one, at, v1alpha1.Render{})
			_, second := s.rendered(t, two, at, v1alpha1.Render{})
			if first == second {
				t.Fatal("the commits don't differ")
			}
			for _, step := range []struct {
				what  string
				files tree.Tree
				want  string
			}{{"the first again", one, first}, {"back to the second", two, second}, {"and back", one, first}, {"another commit elsewhere", elsewhere, first}} {
				if spared, got := s.rendered(t, step.files, at, v1alpha1.Render{}); !spared || got != step.want {
					t.Errorf("%s: spared %t\n%s", step.what, spared, cmp.Diff(step.want, got))
				}
				s.reopen()
			}
		})
	}
}

func TestRendersWhatMayDiffer(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *stand, files map[string]string, at *string, p *v1alpha1.Render){
		"a file that was read": func(_ *stand, files map[string]string, _ *string, _ *v1alpha1.Render) {
			files["base/a.yaml"] += "# more\n"
		},
		"a folder on the way that is a link now": func(_ *stand, files map[string]string, _ *string, _ *v1alpha1.Render) {
			files["moved/kustomization.yml"], files["moved/a.yaml"], files["base"] = files["base/kustomization.yml"], files["base/a.yaml"], "-> moved"
			delete(files, "base/kustomization.yml")
			delete(files, "base/a.yaml")
		},
		"the place": func(_ *stand, _ map[string]string, at *string, _ *v1alpha1.Render) { *at = "base" },
		"the parameters": func(_ *stand, _ map[string]string, _ *string, p *v1alpha1.Render) {
			p.Kustomize = &v1alpha1.Kustomize{}
		},
		"the program": func(s *stand, _ map[string]string, _ *string, _ *v1alpha1.Render) {
			s.options.Version = "v2"
			s.reopen()
		},
		"the folder of the cache is gone": func(s *stand, _ map[string]string, _ *string, _ *v1alpha1.Render) { _ = os.RemoveAll(s.dir) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			files, at, params := maps.Clone(repository), "web", v1alpha1.Render{}
			s.rendered(t, treetest.New(repository), at, params)
			change(s, files, &at, &params)
			want := describe(s.from.Set.Render(t.Context(), render.Work{Files: treetest.New(files), Path: at, Params: params}))
			for _, spared := range []bool{false, true} {
				if was, got := s.rendered(t, treetest.New(files), at, params); was != spared || got != want {
					t.Errorf("spared %t, want %t\n%s", was, spared, cmp.Diff(want, got))
				}
			}
			if s.log.Len() > 0 {
				t.Error(s.log.String())
			}
		})
	}
}

// What is wrong is found out anew, and what is secret is written nowhere.
func TestKeepsNoFailuresAndNoSecrets(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"a broken file":         "broken: [yaml",
		"a Secret":              "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: canary}\n",
		"a marked object":       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s, annotations: {plumb.dev/sensitive: /data/x}}\ndata: {x: canary}\n",
		"a URL with a password": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {x: \"postgres://app:canary@db/app\"}\n",
		"an empty Secret":       "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
		"one among others":      configMap("b", "one") + "---\napiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret, metadata: {name: s}}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			files := treetest.New(map[string]string{"app/a.yaml": content})
			for range 2 {
				if spared, _ := s.rendered(t, files, "app", v1alpha1.Render{}); spared {
					t.Error("it was kept")
				}
			}
			if left := s.files(t); len(left) > 0 {
				t.Errorf("files were written: %q", left)
			}
		})
	}
}

// Whatever happens to a file, the render is done and the file made anew.
func TestDamageIsAMiss(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, content []byte, path string){
		"cut off": func(t *testing.T, content []byte, path string) { put(t, path, content[:len(content)-1]) },
		"empty":   func(t *testing.T, _ []byte, path string) { put(t, path, nil) },
		"longer":  func(t *testing.T, content []byte, path string) { put(t, path, append(content, 0)) },
		"one bit": func(t *testing.T, content []byte, path string) { content[len(content)/2] ^= 4; put(t, path, content) },
		"the head": func(t *testing.T, content []byte, path string) {
			content[len("plumb render 1\n")+33] ^= 4
			put(t, path, content)
		},
		"a newer form": func(t *testing.T, content []byte, path string) {
			content[len("plumb render ")]++
			put(t, path, content)
		},
		"a link": func(t *testing.T, content []byte, path string) {
			put(t, path+".away", content)
			if err := errors.Join(os.Remove(path), os.Symlink(path+".away", path)); err != nil {
				t.Fatal(err)
			}
		},
		"gone": func(t *testing.T, _ []byte, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			_, want := s.rendered(t, treetest.New(repository), "web", v1alpha1.Render{})
			path := s.files(t)[0]
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damage(t, content, path)
			for _, spared := range []bool{false, true} {
				if was, got := s.rendered(t, treetest.New(repository), "web", v1alpha1.Render{}); was != spared || got != want {
					t.Errorf("spared %t, want %t: %s", was, spared, got)
				}
			}
			if s.log.Len() > 0 {
				t.Error(s.log.String())
			}
		})
	}
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The bounds hold, across restarts as well, and what was used last stays.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.options.MaxCount = 3
	s.reopen()
	files := map[string]string{}
	for i := range 5 {
		files[fmt.Sprintf("app%d/a.yaml", i)] = configMap("a", fmt.Sprint(i))
	}
	all := treetest.New(files)
	spared := func(apps ...int) (was []int) {
		for _, i := range apps {
			if yes, _ := s.rendered(t, all, fmt.Sprint("app", i), v1alpha1.Render{}); yes {
				was = append(was, i)
			}
			if left := s.files(t); s.options.MaxCount > 0 && len(left) > s.options.MaxCount {
				t.Errorf("there are %d files", len(left))
			}
		}
		return was
	}
	spared(0, 1, 2) // all of them are new
	if got := spared(0, 3, 0, 2, 3); !slices.Equal(got, []int{0, 0, 2, 3}) {
		t.Errorf("%v were spared; 1 was used longest ago", got)
	}
	s.reopen()
	if got := spared(4, 2, 3, 0); !slices.Equal(got, []int{2, 3}) {
		t.Errorf("%v were spared after a restart; 0 was used longest ago", got)
	}
	s.options.MaxCount = 1
	s.reopen()
	if left := s.files(t); len(left) != 1 {
		t.Errorf("there are %d files under a smaller bound", len(left))
	}
	s.options.MaxCount, s.options.MaxBytes = 0, 8*600
	s.reopen()
	spared(0, 1, 2, 3, 4)
	if size := s.size(t); size > 8*600 || size < 4*300 {
		t.Errorf("%d bytes are kept", size)
	}
}

func (s *stand) size(t *testing.T) (sum int64) {
	t.Helper()
	for _, path := range s.files(t) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

// One place has few results, so that a busy App doesn't push out the others.
func TestFewOfOnePlace(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for i := range 9 {
		s.rendered(t, treetest.New(with(map[string]string{"plain/b.yaml": configMap("b", fmt.Sprint(i))})), "plain", v1alpha1.Render{})
	}
	if left := s.files(t); len(left) != 4 {
		t.Errorf("%d are kept", len(left))
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.rendered(t, treetest.New(repository), "web", v1alpha1.Render{})
	for path, want := range map[string]os.FileMode{s.dir: 0o700, s.files(t)[0]: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	foreign, left := filepath.Join(s.dir, "notes.txt"), filepath.Join(s.dir, ".new-123")
	put(t, foreign, []byte("mine"))
	put(t, left, []byte("half"))
	s.reopen()
	if _, err := os.Stat(foreign); err != nil {
		t.Error("a file that isn't the cache's was taken away")
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what was left half written is still there")
	}
}

// A folder that takes nothing costs one line in the log.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	put(t, s.dir, []byte("a file where the folder would be"))
	s.reopen()
	_, want := s.rendered(t, treetest.New(repository), "web", v1alpha1.Render{})
	for range 3 {
		if spared, got := s.rendered(t, treetest.New(repository), "web", v1alpha1.Render{}); spared || got != want {
			t.Errorf("spared %t: %s", spared, got)
		}
	}
	if n := strings.Count(s.log.String(), "\n"); n != 1 || !strings.Contains(s.log.String(), "renders can't be kept") {
		t.Errorf("%d lines: %s", n, s.log.String())
	}
	if err := os.Remove(s.dir); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{false, true} {
		if spared, _ := s.rendered(t, treetest.New(repository), "web", v1alpha1.Render{}); spared != want {
			t.Errorf("with room again, spared %t, want %t", spared, want)
		}
	}
}

// Users get objects of their own.
func TestNothingIsShared(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	files := treetest.New(repository)
	_, want := s.rendered(t, files, "web", v1alpha1.Render{})
	result, err := s.Render(t.Context(), render.Work{Files: files, Path: "web"})
	if err != nil {
		t.Fatal(err)
	}
	result.Objects[0].SetName("changed")
	if _, got := s.rendered(t, files, "web", v1alpha1.Render{}); got != want {
		t.Error(cmp.Diff(want, got))
	}
}

func BenchmarkRender(b *testing.B) {
	files := map[string]string{"web/kustomization.yaml": "resources: [../base]\nnamePrefix: web-\n", "base/kustomization.yaml": "resources: [a.yaml]\n"}
	for i := range 5 {
		files["base/a.yaml"] += "---\n" + configMap(fmt.Sprint("a", i), strings.Repeat("text ", 60))
	}
	set := render.Set{kustomize.Renderer{}, plain.Renderer{}}
	for name, r := range map[string]render.Whole{
		"rendered": set, "kept": cache.Open(cache.Options{From: set, Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)}),
	} {
		b.Run(name, func(b *testing.B) {
			all := treetest.New(files)
			for b.Loop() {
				if _, err := r.Render(b.Context(), render.Work{Files: all, Path: "web"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
