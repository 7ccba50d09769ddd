package declare

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
)

// app is a sound declaration. Its path tells one version from another.
func app(name, file, path string) Declaration {
	return Declaration{
		App: v1alpha1.App{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"},
			Spec:       v1alpha1.AppSpec{Source: v1alpha1.Source{Path: path}},
		},
		Origin: object.Origin{File: file, Line: 1},
	}
}

func bad(id, file string) Broken {
	return Broken{ID: id, Origin: object.Origin{File: file, Line: 3}, Err: errors.New("is broken")}
}

// told is a state in short: "ns/a=1" or "ns/a=1 held: why", then the problems.
func told(s State) string {
	var lines []string
	for _, id := range slices.Sorted(maps.Keys(s.Apps)) {
		d := s.Apps[id]
		line := id + "=" + d.App.Spec.Source.Path
		if windows := d.App.Spec.Sync.Windows; len(windows) > 0 {
			var of []string
			for _, w := range windows {
				of = append(of, w.Schedule)
			}
			line += fmt.Sprint(" ", of)
		}
		if d.Held != nil {
			line += " held: " + d.Held.Error()
		}
		lines = append(lines, line)
	}
	for _, p := range s.Problems {
		lines = append(lines, "! "+p.Where+": "+p.Message)
	}
	if s.Settled {
		lines = append(lines, "settled")
	}
	return strings.Join(lines, "\n")
}

func TestNext(t *testing.T) {
	t.Parallel()
	a1, a2, b1, elsewhere := app("a", "a.yaml", "1"), app("a", "a.yaml", "2"), app("b", "b.yaml", "1"), app("a", "z.yaml", "3")
	for name, test := range map[string]struct {
		before []Scan
		scan   Scan
		policy Policy
		want   string
	}{
		"first":                {nil, Scan{Apps: []Declaration{a1, b1}}, Policy{}, "ns/a=1\nns/b=1\nsettled"},
		"changed":              {[]Scan{{Apps: []Declaration{a1, b1}}}, Scan{Apps: []Declaration{a2, b1}}, Policy{}, "ns/a=2\nns/b=1\nsettled"},
		"moved":                {[]Scan{{Apps: []Declaration{a1, b1}}}, Scan{Apps: []Declaration{elsewhere, b1}}, Policy{}, "ns/a=3\nns/b=1\nsettled"},
		"removed":              {[]Scan{{Apps: []Declaration{a1, b1}}}, Scan{Apps: []Declaration{b1}}, Policy{}, "ns/b=1\nsettled"},
		"unchanged":            {[]Scan{{Apps: []Declaration{a1}}}, Scan{Unchanged: true}, Policy{}, "ns/a=1\nsettled"},
		"empty from the start": {nil, Scan{Root: "root"}, Policy{}, ""},
		"empty, and may be":    {nil, Scan{Root: "root"}, Policy{AllowEmpty: true}, "settled"},
		"empty all of a sudden": {
			[]Scan{{Apps: []Declaration{a1}}}, Scan{Root: "root"}, Policy{},
			"ns/a=1 held: the root root declares no App any more; declare it again, or run with --allow-empty-root to remove it\n" +
				"! root: it declares no App any more, so the 1 that it declared are held; declare them again, or run with --allow-empty-root to remove them",
		},
		"empty, once more": {
			[]Scan{{Apps: []Declaration{a1}}, {Root: "root"}}, Scan{Root: "root"}, Policy{},
			"ns/a=1 held: the root root declares no App any more; declare it again, or run with --allow-empty-root to remove it\n" +
				"! root: it declares no App any more, so the 1 that it declared are held; declare them again, or run with --allow-empty-root to remove them",
		},
		"empty, and back":                {[]Scan{{Apps: []Declaration{a1, b1}}, {}}, Scan{Apps: []Declaration{a2}}, Policy{}, "ns/a=2\nsettled"},
		"empty as allowed":               {[]Scan{{Apps: []Declaration{a1}}}, Scan{}, Policy{AllowEmpty: true}, "settled"},
		"broken from the start":          {nil, Scan{Apps: []Declaration{b1}, Broken: []Broken{bad("ns/a", "a.yaml")}}, Policy{}, "ns/b=1\n! a.yaml:3: is broken"},
		"broken among good ones":         {[]Scan{{Apps: []Declaration{a1, b1}}}, Scan{Apps: []Declaration{b1}, Broken: []Broken{bad("ns/a", "a.yaml")}}, Policy{}, "ns/a=1 held: a.yaml:3: is broken\nns/b=1\n! a.yaml:3: is broken"},
		"broken, the last":               {[]Scan{{Apps: []Declaration{a1}}}, Scan{Broken: []Broken{bad("ns/a", "a.yaml")}}, Policy{}, "ns/a=1 held: a.yaml:3: is broken\n! a.yaml:3: is broken"},
		"broken, and another is removed": {[]Scan{{Apps: []Declaration{a1, b1}}}, Scan{Broken: []Broken{bad("ns/a", "a.yaml")}}, Policy{}, "ns/a=1 held: a.yaml:3: is broken\n! a.yaml:3: is broken"},
		"broken, then mended":            {[]Scan{{Apps: []Declaration{a1}}, {Broken: []Broken{bad("ns/a", "a.yaml")}}}, Scan{Apps: []Declaration{a2}}, Policy{}, "ns/a=2\nsettled"},
		"broken, then removed":           {[]Scan{{Apps: []Declaration{a1, b1}}, {Apps: []Declaration{b1}, Broken: []Broken{bad("ns/a", "a.yaml")}}}, Scan{Apps: []Declaration{b1}}, Policy{}, "ns/b=1\nsettled"},
		"its name is broken": {
			[]Scan{{Apps: []Declaration{a1, b1}}}, Scan{Apps: []Declaration{b1}, Broken: []Broken{bad("ns/A", "a.yaml")}}, Policy{},
			"ns/a=1 held: it is not declared any more, but what can't be used may declare it: a.yaml:3: is broken\nns/b=1\n! a.yaml:3: is broken",
		},
		"gone, and who knows what is broken": {
			[]Scan{{Apps: []Declaration{a1, b1}}}, Scan{Apps: []Declaration{b1}, Broken: []Broken{bad("", "new.yaml")}}, Policy{},
			"ns/a=1 held: it is not declared any more, but what can't be used may declare it: new.yaml:3: is broken\nns/b=1\n! new.yaml:3: is broken",
		},
		"gone, and another is broken": {[]Scan{{Apps: []Declaration{a1, b1}}}, Scan{Apps: []Declaration{b1}, Broken: []Broken{bad("ns/c", "c.yaml")}}, Policy{}, "ns/b=1\n! c.yaml:3: is broken"},
		"two from the start": {
			nil, Scan{Apps: []Declaration{a1, elsewhere, b1}}, Policy{},
			"ns/b=1\n! a.yaml:1: the App ns/a is declared at z.yaml:1 as well, so neither counts; rename or remove one of them\n" +
				"! z.yaml:1: the App ns/a is declared at a.yaml:1 as well, so neither counts; rename or remove one of them",
		},
		"two all of a sudden": {
			[]Scan{{Apps: []Declaration{a1}}}, Scan{Apps: []Declaration{a2, elsewhere}}, Policy{},
			"ns/a=1 held: it is declared at a.yaml:1 and at z.yaml:1, so neither counts; rename or remove one of them\n" +
				"! a.yaml:1: the App ns/a is declared at z.yaml:1 as well, so neither counts; rename or remove one of them\n" +
				"! z.yaml:1: the App ns/a is declared at a.yaml:1 as well, so neither counts; rename or remove one of them",
		},
		"two, one of them broken": {
			[]Scan{{Apps: []Declaration{a1}}}, Scan{Apps: []Declaration{elsewhere}, Broken: []Broken{bad("ns/a", "a.yaml")}}, Policy{},
			"ns/a=1 held: it is declared at z.yaml:1 and at a.yaml:3, so neither counts; rename or remove one of them\n" +
				"! a.yaml:3: is broken\n! z.yaml:1: the App ns/a is declared at a.yaml:3 as well, so neither counts; rename or remove one of them",
		},
		"two, then one": {[]Scan{{Apps: []Declaration{a1}}, {Apps: []Declaration{a2, elsewhere}}}, Scan{Apps: []Declaration{elsewhere}}, Policy{}, "ns/a=3\nsettled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s State
			for _, scan := range test.before {
				s = Next(s, scan, test.policy)
			}
			before := told(s)
			got := Next(s, test.scan, test.policy)
			if diff := cmp.Diff(test.want, told(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(before, told(s)); diff != "" {
				t.Errorf("the state before was changed (-want +got)\n%s", diff)
			}
		})
	}
}

func TestNextTellsNoMoreThanPeopleRead(t *testing.T) {
	t.Parallel()
	var scan Scan
	for range 1000 {
		scan.Broken = append(scan.Broken, bad("", "f"+strings.Repeat("x", len(scan.Broken))))
	}
	s := Next(State{}, scan, Policy{})
	if len(s.Problems) != maxProblems+1 || s.Problems[maxProblems].Message != "there are 800 more problems" {
		t.Errorf("got %d problems, the last: %v", len(s.Problems), s.Problems[len(s.Problems)-1])
	}
}
