// Package incremental drives random repositories and random commits through
// all ways of keeping Apps rendered, a full render from nothing, the one that
// renders only what a commit touches, and the one that keeps what renders came
// to, and finds no difference.
package incremental

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/cache"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/tree"
)

// apps are folders that reach into each other in every way there is.
var apps = []string{"apps/plain", "apps/kust", "apps/linked", "apps/deep", "apps/late", "one.yaml"}

// outcome is what a render came to: its objects, or its error.
func outcome(t *testing.T, by render.Whole, files tree.Tree, app string) (string, render.Result) {
	t.Helper()
	result, err := by.Render(t.Context(), render.Work{Files: files, Path: app})
	if err != nil {
		return "error: " + err.Error(), result
	}
	var b strings.Builder
	for _, o := range result.Objects {
		fmt.Fprintln(&b, o.Key(), o.Digest(), o.Origin)
	}
	return b.String(), result
}

func renderers() render.Set { return render.Set{kustomize.Renderer{}, plain.Renderer{}} }

// keeping is a cache that stands before the renderers and is opened anew now
// and then, as by a restart.
type keeping struct {
	*cache.Cache
	options cache.Options
	spared  int
}

func newKeeping(t *testing.T) *keeping {
	k := &keeping{options: cache.Options{From: renderers(), Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}}
	k.Cache = cache.Open(k.options)
	return k
}

// check renders by way of the cache, which must come to the same.
func (k *keeping) check(t *testing.T, files tree.Tree, app, want string, inputs tree.Inputs) {
	t.Helper()
	got, result := outcome(t, k, files, app)
	if got != want || result.Inputs.Hash() != inputs.Hash() {
		t.Fatalf("%s comes to something else by way of the cache (spared: %t)\nhas  %s\nwant %s", app, result.Cached, got, want)
	}
	if result.Cached {
		k.spared++
	}
}

func TestIncrementalEqualsFull(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			drive(t, rand.New(rand.NewPCG(seed, 1)), 40)
		})
	}
}

// drive makes commits, and after each compares both ways for every App.
func drive(t *testing.T, random *rand.Rand, commits int) {
	repo := gittest.NewRepo(t)
	mirror := openMirror(t, repo.Dir)
	var index tree.Index
	kept := newKeeping(t)
	rendered := map[string]string{}
	skipped := 0
	for last, n := "", 0; n < commits; n++ {
		commit := step(repo, random, n)
		if _, err := mirror.Fetch(t.Context(), git.Credentials{}, []git.Ref{{Branch: "main"}}); err != nil {
			t.Fatal(err)
		}
		files, err := mirror.Tree(commit)
		if err != nil {
			t.Fatal(err)
		}
		affected := apps
		if last != "" {
			changes, err := mirror.Diff(last, commit)
			if err != nil {
				t.Fatal(err)
			}
			affected = index.Affected(changes)
		}
		if n%10 == 0 {
			kept.Cache = cache.Open(kept.options)
		}
		for _, app := range apps {
			full, result := outcome(t, renderers(), files, app)
			kept.check(t, files, app, full, result.Inputs)
			if slices.Contains(affected, app) {
				rendered[app] = full
				index.Set(app, result.Inputs)
				continue
			}
			skipped++
			if rendered[app] != full {
				t.Fatalf("commit %d: %s was taken to be untouched\nhas  %s\nwant %s\nwhat changed: %s", n, app, rendered[app], full,
					repo.Git("diff", "--stat", last, commit))
			}
			if before, _ := index.Inputs(app); !before.Valid(files) {
				t.Fatalf("commit %d: %s is untouched by the changes, and yet an input of it is not as it was", n, app)
			}
		}
		last = commit
	}
	if skipped == 0 || kept.spared < skipped/4 {
		t.Errorf("%d renders were skipped and %d spared by the cache: too few to have tested anything", skipped, kept.spared)
	}
}

func openMirror(t *testing.T, dir string) *git.Mirror {
	t.Helper()
	program, err := git.New(t.Context(), git.Options{Data: t.TempDir(), AllowLocal: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	url, err := git.ParseURL(dir)
	if err != nil {
		t.Fatal(err)
	}
	mirror := program.Mirror(url)
	t.Cleanup(mirror.Close)
	return mirror
}

// step makes one commit: a few random edits and, now and then, a history that
// has nothing to do with the one before.
func step(repo *gittest.Repo, random *rand.Rand, n int) string {
	if n == 0 {
		return repo.Commit(start)
	}
	files := map[string]string{}
	for range 1 + random.IntN(3) {
		name, content := edit(random, n)
		files[name] = content
	}
	switch random.IntN(12) {
	case 0:
		fresh := map[string]string{}
		for name, content := range start {
			fresh[name] = content
		}
		for name, content := range files {
			if fresh[name] = content; content == gittest.Remove {
				delete(fresh, name)
			}
		}
		return repo.Orphan(fresh)
	default:
		files["salt"] = fmt.Sprint(n) // so that there is always something to commit
		return repo.Commit(files)
	}
}

// start is a repository in which Apps reach outside their own folders: bases,
// components, links to files and folders, a base that isn't there yet.
var start = map[string]string{
	"apps/plain/a.yaml":             configMap("a", 0),
	"apps/plain/sub/b.yaml":         configMap("b", 0),
	"apps/kust/kustomization.yaml":  "resources: [../../base, c.yaml]\nconfigMapGenerator: [{name: gen, files: [../../shared/settings.txt]}]\n",
	"apps/kust/c.yaml":              configMap("c", 0),
	"base/kustomization.yaml":       "resources: [d.yaml]\ncomponents: [../component]\n",
	"base/d.yaml":                   configMap("d", 0),
	"component/kustomization.yaml":  "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [e.yaml]\n",
	"component/e.yaml":              configMap("e", 0),
	"shared/settings.txt":           "color=blue\n",
	"apps/linked":                   "-> ../linked",
	"linked/f.yaml":                 "-> ../shared/f.yaml",
	"shared/f.yaml":                 configMap("f", 0),
	"apps/deep/kustomization.yaml":  "resources: [../kust]\nnamePrefix: deep-\n",
	"apps/late/kustomization.yaml":  "resources: [../../absent, g.yaml]\n",
	"apps/late/g.yaml":              configMap("g", 0),
	"one.yaml":                      configMap("one", 0),
	"elsewhere/notes.md":            "nobody reads this",
	"elsewhere/kustomization.yaml":  "resources: []\n",
	"apps/other/not-an-app-of.yaml": configMap("h", 0),
}

func configMap(name string, n int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {n: \"%d\"}\n", name, n)
}

// edit is one random edit: a change, a removal, an addition, a change of what a
// path is (file, folder, link), a mistake, or something that touches nothing.
func edit(random *rand.Rand, n int) (name, content string) {
	edits := [][2]string{
		{"apps/plain/a.yaml", configMap("a", n)},
		{"apps/plain/sub/b.yaml", configMap("b", n)},
		{"apps/plain/sub", gittest.Remove},
		{fmt.Sprintf("apps/plain/new%d.yaml", random.IntN(3)), configMap(fmt.Sprint("new", n), n)},
		{fmt.Sprintf("apps/plain/new%d.yaml", random.IntN(3)), gittest.Remove},
		{"apps/plain/a.yaml", "broken: [yaml"},
		{"apps/plain/readme.md", fmt.Sprint(n)},
		{"apps/kust/c.yaml", configMap("c", n)},
		{"base/d.yaml", configMap("d", n)},
		{"base/kustomization.yaml", "resources: [d.yaml]\n"},
		{"base/kustomization.yaml", start["base/kustomization.yaml"]},
		{"base/kustomization.yml", "resources: []\n"},
		{"base/kustomization.yml", gittest.Remove},
		{"component/e.yaml", configMap("e", n)},
		{"component/e.yaml", gittest.Remove},
		{"shared/settings.txt", fmt.Sprintf("color=%d\n", n)},
		{"shared/f.yaml", configMap("f", n)},
		{"linked/f.yaml", "-> ../base/d.yaml"},
		{"linked/f.yaml", "-> ../shared/f.yaml"},
		{"linked/f.yaml", "-> ../../outside"},
		{"apps/linked", "-> ../base"},
		{"apps/linked", "-> ../linked"},
		{"apps/linked", "-> linked"},
		{"absent/kustomization.yaml", "resources: [i.yaml]\n"},
		{"absent/i.yaml", configMap("i", n)},
		{"absent", gittest.Remove},
		{"absent", configMap("absent", n)},
		{"apps/late/g.yaml", configMap("g", n)},
		{"one.yaml", configMap("one", n)},
		{"one.yaml", gittest.Remove},
		{"elsewhere/notes.md", fmt.Sprint(n)},
		{"elsewhere/more/notes.md", fmt.Sprint(n)},
		{"apps/other/x.yaml", configMap("x", n)},
	}
	e := edits[random.IntN(len(edits))]
	return e[0], e[1]
}
