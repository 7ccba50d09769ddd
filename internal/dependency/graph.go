// Package dependency keeps which Apps depend on which others (dependsOn). It is
// pure: whether an App is ready isn't its business, nor that there is an App at all.
//
// Asking about one App costs what that App names, whatever the others do.
package dependency

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Graph is who depends on whom. The zero value is empty. It is used by one at a
// time.
type Graph struct {
	on map[string][]string
	by map[string]map[string]struct{}
}

// Set makes an App depend on just these others.
func (g *Graph) Set(app string, on []string) {
	if g.on == nil {
		g.on, g.by = map[string][]string{}, map[string]map[string]struct{}{}
	}
	for _, other := range g.on[app] {
		delete(g.by[other], app)
		if len(g.by[other]) == 0 {
			delete(g.by, other)
		}
	}
	delete(g.on, app)
	if len(on) > 0 {
		g.on[app] = slices.Clone(on)
	}
	for _, other := range on {
		if g.by[other] == nil {
			g.by[other] = map[string]struct{}{}
		}
		g.by[other][app] = struct{}{}
	}
}

// Dependents lists the Apps that depend on one, sorted.
func (g *Graph) Dependents(app string) []string { return slices.Sorted(maps.Keys(g.by[app])) }

// Waiting lists the Apps that one depends on and that aren't ready.
func (g *Graph) Waiting(app string, ready func(string) bool) []string {
	var waiting []string
	for _, other := range g.on[app] {
		if !ready(other) {
			waiting = append(waiting, other)
		}
	}
	return waiting
}

// Message says what an App waits for, and whether in vain.
func (g *Graph) Message(app string, waiting []string, declared func(string) bool) string {
	for _, other := range waiting {
		if !declared(other) {
			return fmt.Sprintf("waits for %s, which is not declared; correct dependsOn, or declare it", other)
		}
		if circle := g.circle(app, other, []string{app}); circle != nil {
			return "dependsOn goes in a circle: " + strings.Join(circle, " → ") + "; break it in one place"
		}
	}
	return "waits for " + strings.Join(waiting, ", ") + " to be in line and healthy"
}

// circle follows the dependencies from one App to another that it comes from.
// An App is passed once, so that a tangle costs no more than its Apps.
func (g *Graph) circle(to, from string, path []string) []string {
	passed := map[string]bool{}
	var follow func(at string, path []string) []string
	follow = func(at string, path []string) []string {
		path = append(path, at)
		if at == to {
			return path
		}
		if passed[at] {
			return nil
		}
		passed[at] = true
		for _, next := range g.on[at] {
			if found := follow(next, path); found != nil {
				return found
			}
		}
		return nil
	}
	return follow(from, path)
}
