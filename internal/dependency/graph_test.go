package dependency

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestGraph(t *testing.T) {
	t.Parallel()
	var g Graph
	g.Set("none", nil)
	g.Set("web", []string{"db", "cache"})
	g.Set("worker", []string{"db"})
	if got := fmt.Sprint(g.Dependents("db"), g.Dependents("cache"), g.Dependents("web")); got != "[web worker] [web] []" {
		t.Errorf("the dependents are %s", got)
	}
	ready := func(apps ...string) func(string) bool {
		return func(app string) bool { return slices.Contains(apps, app) }
	}
	if got := fmt.Sprint(g.Waiting("web", ready()), g.Waiting("web", ready("db")), g.Waiting("web", ready("db", "cache")), g.Waiting("none", ready())); got != "[db cache] [cache] [] []" {
		t.Errorf("they wait for %s", got)
	}
	g.Set("web", []string{"cache"})
	g.Set("worker", nil)
	if got := fmt.Sprint(g.Dependents("db"), g.Dependents("cache")); got != "[] [web]" {
		t.Errorf("the dependents are now %s", got)
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, graph, want string }{
		{"another", "a:b", "waits for b to be in line and healthy"},
		{"two others", "a:b,c", "waits for b, c to be in line and healthy"},
		{"one that isn't declared", "a:b,gone", "waits for gone, which is not declared; correct dependsOn, or declare it"},
		{"itself", "a:a", "dependsOn goes in a circle: a → a; break it in one place"},
		{"one that waits for it", "a:b b:c c:a", "dependsOn goes in a circle: a → b → c → a; break it in one place"},
		{"one by a detour", "a:b b:d,c c:a", "dependsOn goes in a circle: a → b → c → a; break it in one place"},
		{"a circle of others", "a:b b:c c:b", "waits for b to be in line and healthy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var g Graph
			for _, one := range strings.Fields(tc.graph) {
				app, on, _ := strings.Cut(one, ":")
				g.Set(app, strings.Split(on, ","))
			}
			waiting := g.Waiting("a", func(string) bool { return false })
			if got := g.Message("a", waiting, func(app string) bool { return app != "gone" }); got != tc.want {
				t.Errorf("it says %q, want %q", got, tc.want)
			}
		})
	}
}

// A tangle has more ways through it than anyone can follow.
func TestATangleIsFollowedOnce(t *testing.T) {
	t.Parallel()
	var g Graph
	const layers, wide = 60, 5
	for layer := range layers {
		for i := range wide {
			var on []string
			for j := range wide {
				on = append(on, fmt.Sprint(layer+1, "-", j))
			}
			g.Set(fmt.Sprint(layer, "-", i), on)
		}
	}
	waiting := g.Waiting("0-0", func(string) bool { return false })
	if got := g.Message("0-0", waiting, func(string) bool { return true }); !strings.HasPrefix(got, "waits for 1-0, 1-1") {
		t.Errorf("it says %q", got)
	}
}
