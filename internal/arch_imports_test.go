package internal_test

import (
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// An edge is one package's import of another of this module, outside tests.
type edge struct {
	from, to *pkg
	file     *file
	line     int
}

func (r *repository) edges() iter.Seq[edge] {
	byDir := map[string]*pkg{}
	for _, p := range r.packages {
		byDir[p.dir] = p
	}
	return func(yield func(edge) bool) {
		for _, p := range r.packages {
			for f := range p.code() {
				for _, i := range f.imports {
					to := byDir[strings.TrimPrefix(i.path, r.module+"/")]
					if to != nil && !p.nested && strings.HasPrefix(i.path, r.module+"/") && !yield(edge{p, to, f, i.line}) {
						return
					}
				}
			}
		}
	}
}

// place is where a folder stands: how high its layer is, and the noun that it belongs to (internal/render for internal/render/kustomize).
type place struct {
	height int
	layer  layer
	noun   string
}

func placeOf(dir string) (place, bool) {
	for height, l := range layers() {
		for _, noun := range l.folders {
			if below(dir, noun) {
				return place{height, l, noun}, true
			}
		}
	}
	return place{}, false
}

func checkLayers(r *repository, _ limits) (found []finding) {
	for _, p := range r.packages {
		if _, known := placeOf(p.dir); !known && p.dir != "internal" {
			found = append(found, find(p.dir, 0, "no layer is known for this folder: say which one, in layers() of internal/arch_test.go"))
		}
	}
	for e := range r.edges() {
		from, known := placeOf(e.from.dir)
		to, alsoKnown := placeOf(e.to.dir)
		if known && alsoKnown && to.height > from.height {
			found = append(found, find(e.file.path, e.line, "%s (%s) imports %s (%s), which is above it", e.from.dir, from.layer.name, e.to.dir, to.layer.name))
		}
	}
	return found
}

func checkSiblings(r *repository, _ limits) (found []finding) {
	for e := range r.edges() {
		from, known := placeOf(e.from.dir)
		to, alsoKnown := placeOf(e.to.dir)
		if !known || !alsoKnown || from.height != to.height {
			continue
		}
		switch {
		case from.noun != to.noun && !from.layer.mingle && !forTests(e.from.dir):
			found = append(found, find(e.file.path, e.line, "%s imports its sibling %s (both are %s)", e.from.dir, e.to.dir, from.layer.name))
		case from.noun == to.noun && e.from.dir != from.noun && e.to.dir != to.noun && !from.layer.mingle && !forTests(e.from.dir) && !forTests(e.to.dir):
			found = append(found, find(e.file.path, e.line, "%s imports its sibling %s (both are variants of %s)", e.from.dir, e.to.dir, from.noun))
		}
	}
	return found
}

// checkVariants covers packages for tests as well: only tests and other packages for tests import them.
func checkVariants(r *repository, _ limits) (found []finding) {
	for e := range r.edges() {
		from, known := placeOf(e.from.dir)
		to, alsoKnown := placeOf(e.to.dir)
		if !known || !alsoKnown || e.to.dir == to.noun || from.layer.name == "around" || forTests(e.from.dir) {
			continue
		}
		switch {
		case forTests(e.to.dir):
			found = append(found, find(e.file.path, e.line, "%s imports %s, which is there for tests", e.from.dir, e.to.dir))
		case from.layer.name != "commands" && e.from.dir != e.to.dir:
			found = append(found, find(e.file.path, e.line, "%s imports %s: a variant is plugged in by cmd and tests, others know %s", e.from.dir, e.to.dir, to.noun))
		}
	}
	return found
}

// checkTwoWay looks at folders with all that is below them, so that a cycle can't hide in a sub-folder, where the compiler doesn't mind it.
func checkTwoWay(r *repository, _ limits) (found []finding) {
	type pair struct{ from, to string }
	imports := map[pair]string{} // where one such import stands
	for e := range r.edges() {
		for from := e.from.dir; !below(e.to.dir, from); from = path.Dir(from) {
			for to := e.to.dir; !below(e.from.dir, to); to = path.Dir(to) {
				imports[pair{from, to}] = fmt.Sprintf("%s:%d", e.file.path, e.line)
			}
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(imports), func(a, b pair) int { return strings.Compare(a.from+" "+a.to, b.from+" "+b.to) }) {
		if back, ok := imports[pair{p.to, p.from}]; ok && p.from < p.to {
			found = append(found, find(p.from, 0, "it imports %s (%s), which imports it (%s)", p.to, imports[p], back))
		}
	}
	return found
}

func checkDepth(r *repository, _ limits) (found []finding) {
	for p := range r.product() {
		if strings.Count(p.dir, "/") > 2 {
			found = append(found, find(p.dir, 0, "it lies deeper than internal/NOUN/VARIANT"))
		}
	}
	return found
}

// checkAPI allows the standard library too, but for what reaches out: validation never does.
func checkAPI(r *repository, _ limits) (found []finding) {
	allowed := []string{"k8s.io/apimachinery", "sigs.k8s.io/yaml", "go.yaml.in/yaml"}
	for p := range r.product() {
		if !below(p.dir, "api") {
			continue
		}
		for f := range p.code() {
			for _, i := range f.imports {
				ours := slices.ContainsFunc(allowed, func(module string) bool { return below(i.path, module) })
				if !ours && !below(i.path, r.module+"/api") && (!standard(i.path) || reachesOut(i.path)) {
					found = append(found, find(f.path, i.line, "api imports %s; it may import apimachinery, YAML and the standard library without I/O", i.path))
				}
			}
		}
	}
	return found
}

func checkValues(r *repository, _ limits) (found []finding) {
	for p := range r.product() {
		if at, known := placeOf(p.dir); !known || at.layer.name != "values" || forTests(p.dir) {
			continue
		}
		for f := range p.code() {
			for _, i := range f.imports {
				if reachesOut(i.path) {
					found = append(found, find(f.path, i.line, "a value imports %s", i.path))
				}
			}
		}
	}
	return found
}

func standard(target string) bool {
	first, _, _ := strings.Cut(target, "/")
	return !strings.Contains(first, ".")
}

// reachesOut names the standard library's ways to the world outside the process, and to logs.
func reachesOut(target string) bool {
	return slices.Contains([]string{
		"os", "os/exec", "os/signal", "os/user", "io/ioutil", "net", "net/http", "net/rpc", "net/smtp", "database/sql", "plugin", "syscall", "log", "log/slog",
	}, target)
}

func checkReplace(r *repository, _ limits) (found []finding) {
	for _, replace := range r.goMod.Replace {
		found = append(found, find("go.mod", replace.Syntax.Start.Line, "the product's module replaces %s", replace.Old.Path))
	}
	return found
}
