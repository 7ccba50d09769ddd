package declare

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// of is an App of a Project, with a window of its own.
func of(project string, d Declaration) Declaration {
	d.App.Spec.Project = project
	d.App.Spec.Sync.Windows = []v1alpha1.Window{{Kind: v1alpha1.WindowAllow, Schedule: "own"}}
	return d
}

// shared is the Project ns/p with one window.
func shared(file, schedule string) Project {
	return Project{
		Project: v1alpha1.Project{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p"},
			Spec:       v1alpha1.ProjectSpec{Windows: []v1alpha1.Window{{Kind: v1alpha1.WindowDeny, Schedule: schedule}}},
		},
		Origin: object.Origin{File: file, Line: 7},
	}
}

func TestNextProjects(t *testing.T) {
	t.Parallel()
	a, b := of("ns/p", app("a", "a.yaml", "1")), app("b", "b.yaml", "1")
	changed := of("ns/p", app("a", "a.yaml", "2"))
	broken := Broken{ID: "ns/p", Project: true, Origin: object.Origin{File: "p.yaml", Line: 3}, Err: errors.New("is broken")}
	whole := Scan{Apps: []Declaration{a, b}, Projects: []Project{shared("p.yaml", "first")}}
	const missing = "there is no Project ns/p, which the App ns/a names in spec.project; declare it, or correct the name"
	for name, test := range map[string]struct {
		before []Scan
		scan   Scan
		want   string
	}{
		"merged":               {nil, whole, "ns/a=1 [first own]\nns/b=1\nsettled"},
		"changed":              {[]Scan{whole}, Scan{Apps: []Declaration{a, b}, Projects: []Project{shared("q.yaml", "second")}}, "ns/a=1 [second own]\nns/b=1\nsettled"},
		"unchanged":            {[]Scan{whole}, Scan{Unchanged: true}, "ns/a=1 [first own]\nns/b=1\nsettled"},
		"missing at the start": {nil, Scan{Apps: []Declaration{a, b}}, "ns/b=1\n! a.yaml:1: " + missing},
		"missing":              {[]Scan{whole}, Scan{Apps: []Declaration{changed, b}}, "ns/a=1 [first own] held: " + missing + "\nns/b=1\n! a.yaml:1: " + missing},
		"broken at the start":  {nil, Scan{Apps: []Declaration{a, b}, Broken: []Broken{broken}}, "ns/b=1\n! p.yaml:3: is broken"},
		"broken": {
			[]Scan{whole}, Scan{Apps: []Declaration{changed, b}, Broken: []Broken{broken}},
			"ns/a=1 [first own] held: its Project ns/p can't be used: p.yaml:3: is broken\nns/b=1\n! p.yaml:3: is broken",
		},
		"broken, then mended": {
			[]Scan{whole, {Apps: []Declaration{changed, b}, Broken: []Broken{broken}}}, Scan{Apps: []Declaration{changed, b}, Projects: []Project{shared("p.yaml", "third")}},
			"ns/a=2 [third own]\nns/b=1\nsettled",
		},
		"broken, and an App is gone":        {[]Scan{whole}, Scan{Apps: []Declaration{b}, Broken: []Broken{broken}}, "ns/b=1\n! p.yaml:3: is broken"},
		"broken in a file with an App gone": {[]Scan{{Apps: []Declaration{app("a", "p.yaml", "1"), b}}}, Scan{Apps: []Declaration{b}, Broken: []Broken{broken}}, "ns/b=1\n! p.yaml:3: is broken"},
		"a Project of that name is no App":  {nil, Scan{Apps: []Declaration{b}, Broken: []Broken{{ID: "ns/b", Project: true, Origin: broken.Origin, Err: broken.Err}}}, "ns/b=1\n! p.yaml:3: is broken"},
		"without a name":                    {[]Scan{whole}, Scan{Apps: []Declaration{b}, Broken: []Broken{{Project: true, Origin: broken.Origin, Err: broken.Err}}}, "ns/b=1\n! p.yaml:3: is broken"},
		"nobody's Project is broken":        {[]Scan{whole}, Scan{Apps: []Declaration{b}, Broken: []Broken{broken}}, "ns/b=1\n! p.yaml:3: is broken"},
		"the App leaves it":                 {[]Scan{whole}, Scan{Apps: []Declaration{app("a", "a.yaml", "3"), b}}, "ns/a=3\nns/b=1\nsettled"},
		"only a Project":                    {nil, Scan{Root: "root", Projects: whole.Projects}, ""},
		"only a Project, all of a sudden":   {[]Scan{{Apps: []Declaration{b}}}, Scan{Root: "root", Projects: whole.Projects}, "ns/b=1 held: the root root declares no App any more; declare it again, or run with --allow-empty-root to remove it\n! root: it declares no App any more, so the 1 that it declared are held; declare them again, or run with --allow-empty-root to remove them"},
		"two": {
			[]Scan{whole}, Scan{Apps: []Declaration{changed, b}, Projects: []Project{shared("p.yaml", "x"), shared("q.yaml", "y")}},
			"ns/a=1 [first own] held: its Project ns/p can't be used: it is declared at p.yaml:7 and at q.yaml:7, so neither counts; rename or remove one of them\nns/b=1\n" +
				"! q.yaml:7: the Project ns/p is declared at p.yaml:7 as well, so neither counts; rename or remove one of them",
		},
		"two, one of them broken": {
			[]Scan{whole}, Scan{Apps: []Declaration{changed, b}, Projects: []Project{shared("q.yaml", "y")}, Broken: []Broken{broken}},
			"ns/a=1 [first own] held: its Project ns/p can't be used: it is declared at q.yaml:7 and at p.yaml:3, so neither counts; rename or remove one of them\nns/b=1\n! p.yaml:3: is broken",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s State
			for _, scan := range test.before {
				s = Next(s, scan, Policy{})
			}
			if diff := cmp.Diff(test.want, told(Next(s, test.scan, Policy{}))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A commit that changes a Project's file alone changes its Apps.
func TestChangedProject(t *testing.T) {
	t.Parallel()
	ctx, store, s := context.Background(), treetest.NewStore(), NewScanner(root)
	member := head + "metadata: {name: a}\nspec: {project: p, source: {path: apps/a}}\n"
	before := store.Tree(map[string]string{"a.yaml": member, "p.yaml": project("p", "deny")})
	scan, err := s.All(ctx, before)
	if err != nil {
		t.Fatal(err)
	}
	state := Next(State{}, scan, Policy{})
	for _, step := range []struct {
		content string
		kind    v1alpha1.WindowKind
		held    bool
	}{
		{project("p", "allow"), v1alpha1.WindowAllow, false},
		{project("p", "open"), v1alpha1.WindowAllow, true},
		{"x: 1\n", v1alpha1.WindowAllow, true},
		{project("p", "deny"), v1alpha1.WindowDeny, false},
	} {
		after := store.Tree(map[string]string{"a.yaml": member, "p.yaml": step.content})
		changes, err := tree.Diff(before, after)
		if err != nil {
			t.Fatal(err)
		}
		if scan, err = s.Changed(ctx, after, changes); err != nil {
			t.Fatal(err)
		}
		state = Next(state, scan, Policy{})
		a := state.Apps["default/a"]
		if w := a.App.Spec.Sync.Windows; len(w) != 1 || w[0].Kind != step.kind || (a.Held != nil) != step.held {
			t.Errorf("%s: %v, held: %v", step.content, w, a.Held)
		}
		before = after
	}
}
