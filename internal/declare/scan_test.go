package declare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

const head = "apiVersion: plumb.dev/v1alpha1\nkind: App\n"

func declaration(name string) string {
	return head + "metadata: {name: " + name + "}\nspec: {source: {path: apps/" + name + "}}\n"
}

// project is a Project with one window of a kind.
func project(name, kind string) string {
	return "apiVersion: plumb.dev/v1alpha1\nkind: Project\nmetadata: {name: " + name + "}\nspec:\n  windows: [{kind: " + kind + ", schedule: 0 0 * * *, duration: 1h}]\n"
}

var root = Root{Ref: source.Ref{URL: "https://git.example.com/fleet.git", Branch: "main"}}

// found lines of a scan: what is declared, and what can't be used.
func lines(s Scan) []string {
	var out []string
	for _, d := range s.Apps {
		out = append(out, fmt.Sprintf("%s: %s", d.Origin, d.App.ID()))
	}
	for _, p := range s.Projects {
		out = append(out, fmt.Sprintf("%s: Project %s with %d windows", p.Origin, p.Project.ID(), len(p.Project.Spec.Windows)))
	}
	for _, b := range s.Broken {
		out = append(out, fmt.Sprintf("%s: %q: %v", b.Origin, b.ID, b.Err))
	}
	return out
}

func TestScan(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		path  string
		want  []string
	}{
		"none":          {map[string]string{"README.md": declaration("a")}, "", nil},
		"anywhere":      {map[string]string{"a.yaml": declaration("a"), "x/y/b.yml": declaration("b"), ".hidden/c.json": `{"apiVersion": "plumb.dev/v1alpha1", "kind": "App", "metadata": {"name": "c"}, "spec": {}}`}, "", []string{".hidden/c.json:1: default/c", "a.yaml:1: default/a", "x/y/b.yml:1: default/b"}},
		"below a path":  {map[string]string{"a.yaml": declaration("a"), "x/y/b.yml": declaration("b"), "xy/c.yml": declaration("c")}, "./x/", []string{"x/y/b.yml:1: default/b"}},
		"no such path":  {map[string]string{"a.yaml": declaration("a")}, "x", []string{`x: "": the folder that declares Apps is missing: x: not in the repository; add it, or correct the root's path`}},
		"several":       {map[string]string{"a.yaml": "# all\n" + declaration("a") + "---\n" + declaration("b") + "---\nkind: List\nitems:\n- {apiVersion: plumb.dev/v1alpha1, kind: App, metadata: {name: c}, spec: {}}\n"}, "", []string{"a.yaml:2: default/a", "a.yaml:7: default/b", "a.yaml:14: default/c"}},
		"among others":  {map[string]string{"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {annotations: {plumb.dev/prune: never}}\n---\n" + declaration("a") + "---\nreplicas: 1\n---\n- plumb.dev/x\n"}, "", []string{"a.yaml:5: default/a"}},
		"not of ours":   {map[string]string{"a.yaml": "{{ not: yaml }}", "b.yaml": "annotations: {plumb.dev/prune: never\n", "c.yaml": "apiVersion: xplumb.dev/v1\n"}, "", nil},
		"links":         {map[string]string{"a.yaml": declaration("a"), "b.yaml": "-> a.yaml", "c": "-> .", "d.yaml": "-> ../../x"}, "", []string{"a.yaml:1: default/a"}},
		"submodule":     {map[string]string{"a.yaml": declaration("a"), "b": treetest.Submodule}, "", []string{"a.yaml:1: default/a"}},
		"a large file":  {map[string]string{"a.yaml": declaration("a"), "b.yaml": declaration("b") + strings.Repeat("#", tree.DefaultFileBytes)}, "", []string{"a.yaml:1: default/a"}},
		"LFS":           {map[string]string{"a.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n# plumb.dev/v1alpha1\n"}, "", nil},
		"not YAML":      {map[string]string{"a.yaml": declaration("a") + "---\n" + head + "metadata: [\n"}, "", []string{"a.yaml:1: default/a", `a.yaml:8: "": is not valid YAML: did not find expected node content; correct it there or just above`}},
		"not UTF-8":     {map[string]string{"a.yaml": declaration("\xff")}, "", []string{`a.yaml: "": is not UTF-8 text; save it as UTF-8, or keep it out of the folder`}},
		"a template":    {map[string]string{"a.yaml": head + "metadata: {name: {{ .Values.name }}}\n"}, "", []string{`a.yaml:3: "": is not valid YAML: a key must be text, not a mapping or list; it looks like a template: if it belongs to a Helm chart, name the chart's folder in spec.source.path; else keep templates out of the folder`}},
		"unknown field": {map[string]string{"a.yaml": head + "metadata:\n  name: a\n  namespace: b\nspec:\n  source:\n    pth: x\n  sink: 1\n"}, "", []string{"a.yaml:8: \"b/a\": spec.source.pth: there is no such field; did you mean path?\nline 9: spec.sink: there is no such field; did you mean sync?"}},
		"no name":       {map[string]string{"a.yaml": head + "spec: {}\n"}, "", []string{`a.yaml:1: "": metadata.name: is missing; give the App a name`}},
		"other kind":    {map[string]string{"a.yaml": "apiVersion: plumb.dev/v1alpha1\nkind: Policy\nmetadata: {name: a}\n"}, "", []string{`a.yaml:2: "default/a": kind: Policy is not supported yet; remove it`}},
		"a Project":     {map[string]string{"a.yaml": declaration("a") + "---\n" + project("p", "allow")}, "", []string{"a.yaml:1: default/a", "a.yaml:6: Project default/p with 1 windows"}},
		"a bad Project": {map[string]string{"a.yaml": declaration("a"), "p.yaml": project("p", "open")}, "", []string{"a.yaml:1: default/a", `p.yaml:5: "default/p": spec.windows[0].kind: "open" is none of its values; use allow or deny`}},
		"other version": {map[string]string{"a.yaml": "apiVersion: plumb.dev/v9\nkind: App\nmetadata: {name: a}\n"}, "", []string{`a.yaml:1: "default/a": apiVersion: there is no plumb.dev/v9; use plumb.dev/v1alpha1`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scan, err := NewScanner(Root{Ref: root.Ref, Path: test.path}).All(context.Background(), treetest.New(test.files))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, lines(scan)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	for git, want := range map[string]v1alpha1.Git{
		"":                                  {URL: root.Ref.URL, Branch: "main"},
		"git: {}":                           {URL: root.Ref.URL, Branch: "main"},
		"git: {branch: next}":               {URL: root.Ref.URL, Branch: "next"},
		"git: {tag: v1}":                    {URL: root.Ref.URL, Tag: "v1"},
		"git: {url: 'https://example.com'}": {URL: "https://example.com"},
		"git: {url: 'https://example.com', branch: x}": {URL: "https://example.com", Branch: "x"},
	} {
		scan, err := NewScanner(root).All(context.Background(), treetest.New(map[string]string{"a.yaml": head + "metadata: {name: a}\nspec: {source: {" + git + "}}\n"}))
		if err != nil || len(scan.Apps) != 1 {
			t.Fatal(git, err, scan.Broken)
		}
		if diff := cmp.Diff(want, *scan.Apps[0].App.Spec.Source.Git); diff != "" {
			t.Errorf("%s (-want +got)\n%s", git, diff)
		}
		if scan.Apps[0].App.Spec.Target.Namespace != "default" {
			t.Error("defaults are missing")
		}
	}
}

// The way by changes finds what reading everything finds, whatever changes.
func TestChangedIsAll(t *testing.T) {
	t.Parallel()
	contents := []string{
		"x: 1\n", declaration("a"), declaration("b"), declaration("a") + "---\n" + declaration("c"), head + "metadata: [\n", head + "metadata: {name: d}\n", "-> ../a.yaml", "-> b",
		project("p", "deny"), project("p", "allow") + "---\n" + declaration("b"), project("q", "open"),
	}
	names := []string{"a.yaml", "b/a.yaml", "b", "b/c.json", "apps/a.yaml", "apps/b/c.yml", "apps", "apps/x.txt", "c/apps/d.yaml", "linked"}
	for _, path := range []string{"", "apps", "apps/b", "linked"} {
		for seed := range uint64(30) {
			r := rand.New(rand.NewPCG(seed, 1))
			store := treetest.NewStore()
			files := map[string]string{"other.yaml": "x"}
			before := store.Tree(files)
			s := NewScanner(Root{Ref: root.Ref, Path: path})
			if _, err := s.All(context.Background(), before); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				for range 1 + r.IntN(3) {
					name := names[r.IntN(len(names))]
					delete(files, name)
					if r.IntN(4) > 0 {
						files[name] = contents[r.IntN(len(contents))]
					}
				}
				after := store.Tree(withoutClashes(files))
				compareScans(t, s, before, after)
				before = after
			}
		}
	}
}

// withoutClashes leaves out files that are folders as well.
func withoutClashes(files map[string]string) map[string]string {
	clean := maps.Clone(files)
	for name := range files {
		for other := range files {
			if strings.HasPrefix(other, name+"/") {
				delete(clean, name)
			}
		}
	}
	return clean
}

func compareScans(t *testing.T, s *Scanner, before, after tree.Tree) {
	t.Helper()
	changes, err := tree.Diff(before, after)
	if err != nil {
		t.Fatal(err)
	}
	last := lines(s.last)
	got, err := s.Changed(context.Background(), after, changes)
	if err != nil {
		t.Fatal(err)
	}
	want, err := NewScanner(s.root).All(context.Background(), after)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
		t.Fatalf("%v (-all +changed)\n%s", changes, diff)
	}
	if got.Unchanged && !slices.Equal(last, lines(got)) {
		t.Fatal("says that nothing changed")
	}
}

// What a commit costs is what it touches.
func TestChangedReadsOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	store := treetest.NewStore()
	files := map[string]string{}
	for i := range 500 {
		files[fmt.Sprintf("apps/%d/x.yaml", i)] = "x: 1\n"
		files[fmt.Sprintf("apps/%d/a.yaml", i)] = declaration(fmt.Sprintf("a%d", i))
	}
	before := store.Tree(files)
	s := NewScanner(root)
	if _, err := s.All(context.Background(), before); err != nil {
		t.Fatal(err)
	}
	files["apps/7/a.yaml"] = declaration("seven")
	after := store.Tree(files)
	changes, err := tree.Diff(before, after)
	if err != nil {
		t.Fatal(err)
	}
	reads := store.Reads()
	scan, err := s.Changed(context.Background(), after, changes)
	if err != nil || scan.Unchanged || len(scan.Apps) != 500 {
		t.Fatal(err, scan.Unchanged, len(scan.Apps))
	}
	if n := store.Reads() - reads; n > 20 {
		t.Errorf("read %d objects", n)
	}
	if scan, err = s.Changed(context.Background(), after, []tree.Change{{Path: "apps/8/x.yaml"}, {Path: "apps/9/x.txt"}}); err != nil || !scan.Unchanged || len(scan.Apps) != 500 {
		t.Error(err, scan.Unchanged, len(scan.Apps))
	}
}

// After a scan that failed, nothing is taken for known that isn't.
func TestFailedScan(t *testing.T) {
	t.Parallel()
	store := treetest.NewStore()
	first := store.Tree(map[string]string{"a.yaml": declaration("a"), "b.yaml": declaration("b")})
	s := NewScanner(root)
	if _, err := s.All(context.Background(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Changed(context.Background(), tree.New(store, "gone"), []tree.Change{{Path: "a.yaml"}}); err == nil {
		t.Fatal("a tree that can't be read is no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.All(ctx, first); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	last := store.Tree(map[string]string{"a.yaml": "x: 1\n", "b.yaml": declaration("b")})
	scan, err := s.Changed(context.Background(), last, nil) // the changes since the failed scan
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b.yaml:1: default/b"}, lines(scan)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// One broken declaration among good ones, from the files to the state.
func TestBrokenAmongGoodOnes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store, s := treetest.NewStore(), NewScanner(root)
	before := store.Tree(map[string]string{"a.yaml": declaration("a"), "b.yaml": declaration("b")})
	scan, err := s.All(ctx, before)
	if err != nil {
		t.Fatal(err)
	}
	state := Next(State{}, scan, Policy{})
	after := store.Tree(map[string]string{"a.yaml": declaration("a") + "  every: 5\n", "b.yaml": declaration("b"), "c.yaml": declaration("c")})
	changes, err := tree.Diff(before, after)
	if err != nil {
		t.Fatal(err)
	}
	if scan, err = s.Changed(ctx, after, changes); err != nil {
		t.Fatal(err)
	}
	want := "default/a=apps/a held: it is not declared any more, but what can't be used may declare it: a.yaml:5: is not valid YAML: did not find expected key; correct it there or just above\n" +
		"default/b=apps/b\ndefault/c=apps/c\n! a.yaml:5: is not valid YAML: did not find expected key; correct it there or just above"
	if diff := cmp.Diff(want, told(Next(state, scan, Policy{}))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A rule for health that can't be used is told with the place of the expression,
// and the App is held to what it was declared as before.
func TestARuleThatIsNoCELIsTold(t *testing.T) {
	t.Parallel()
	store, s := treetest.NewStore(), NewScanner(root)
	good := head + "metadata: {name: a}\nspec:\n  source: {path: apps/a}\n  health:\n    rules:\n    - kind: Gear\n      group: example.com\n      degraded: object.status.phase == 'Broken'\n      healthy: object.status.phase == 'Fine'\n"
	scan, err := s.All(t.Context(), store.Tree(map[string]string{"a.yaml": good}))
	if err != nil {
		t.Fatal(err)
	}
	state := Next(State{}, scan, Policy{})
	if got := told(state); !strings.HasPrefix(got, "default/a=apps/a\n") {
		t.Fatalf("of a sound rule it says %s", got)
	}
	if scan, err = s.All(t.Context(), store.Tree(map[string]string{"a.yaml": strings.Replace(good, "== 'Fine'", "= 'Fine'", 1)})); err != nil {
		t.Fatal(err)
	}
	const problem = "a.yaml:11: spec.health.rules[0].healthy: is no CEL expression that can be used: Syntax error: token recognition error at: '= ' (column 21); correct it; docs/health.md tells how to write one"
	if got, want := told(Next(state, scan, Policy{})), "default/a=apps/a held: "; !strings.HasPrefix(got, want) || !strings.Contains(got, problem) {
		t.Errorf("it says\n%s\nwant %s… and\n%s", got, want, problem)
	}
}

func BenchmarkAll(b *testing.B) {
	files := map[string]string{}
	for i := range 20_000 {
		files[fmt.Sprintf("apps/%d/%d.yaml", i%1000, i)] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	}
	for i := range 1000 {
		files[fmt.Sprintf("declared/%d.yaml", i)] = declaration(fmt.Sprintf("a%d", i))
	}
	t := treetest.New(files)
	for b.Loop() {
		if _, err := NewScanner(root).All(context.Background(), t); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{declaration("a"), head + "metadata: [", declaration("a") + "---\n" + declaration("b"), project("p", "deny"), "kind: List\nitems: [" + `{"apiVersion": "plumb.dev/v1alpha1", "kind": "App"}` + "]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found := parse(root.Ref, "f.yaml", data)
		for _, d := range found.apps {
			if errs := v1alpha1.Validate(d.App); len(errs) > 0 || d.App.Spec.Source.Git == nil || d.Origin.Line == 0 {
				t.Fatalf("%q: %v", data, errs)
			}
		}
		for _, p := range found.projects {
			if errs := v1alpha1.ValidateProject(p.Project); len(errs) > 0 || p.Origin.Line == 0 {
				t.Fatalf("%q: %v", data, errs)
			}
		}
		for _, b := range found.broken {
			if b.Err == nil || b.Err.Error() == "" || b.Origin.File != "f.yaml" {
				t.Fatalf("%q: %#v", data, b)
			}
		}
	})
}
