package v1alpha1

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// later is something that is declared for a time to come.
type later struct{ what, do string }

// notYet are the fields, values and kinds that Plumb will know. People who read
// of them should learn that they are not mistaken, only early.
var notYet = map[string]later{
	"spec.render.jsonnet": {"Jsonnet is not rendered yet", "commit its output"},
	"spec.render.cue":     {"CUE is not rendered yet", "commit its output"},
	"spec.source.helm":    {"there is no such field: a chart of a Helm repository is spec.source.chart", "write chart: {repository: https://…, name: …, version: …}"},
	"spec.source.oci":     {"there is no such field: a chart of a registry is spec.source.chart, and manifests from registries are not followed yet", "write chart: {repository: oci://…, name: …, version: …}"},
	"spec.target.cluster": {"other clusters are not supported yet", "leave it out: the target is the cluster of the daemon's kubeconfig"},
	"spec.verify":         {"verification is not supported yet", "leave it out"},
	"kind=AppSet":         {"AppSet is not supported yet", "declare each App"},
	"kind=Cluster":        {"Cluster is not supported yet", "remove it: the target is the cluster of the daemon's kubeconfig"},
	"kind=ImageUpdate":    {"ImageUpdate is not supported yet", "remove it"},
	"kind=Notifier":       {"Notifier is not supported yet", "remove it"},
	"kind=Policy":         {"Policy is not supported yet", "remove it"},
	"kind=Promotion":      {"Promotion is not supported yet", "remove it"},
	"kind=Rollout":        {"Rollout is not supported yet", "remove it"},
}

// notYetOfProjects are those of a Project.
var notYetOfProjects = map[string]later{
	"spec.sources": {"a Project doesn't bound what its Apps are delivered from yet", "leave it out"},
	"spec.targets": {"a Project doesn't bound where its Apps go yet", "leave it out"},
	"spec.kinds":   {"a Project doesn't bound what its Apps may hold yet", "leave it out"},
	"spec.roles":   {"roles are not supported yet", "leave it out"},
}

// unknown says what to tell of a field that there is not, beside those that
// there are.
func (s *sink) unknown(field string, known map[string]reflect.Type) (what, do string) {
	early, spec := notYet, reflect.TypeFor[AppSpec]()
	if s.kind == KindProject {
		early, spec = notYetOfProjects, reflect.TypeFor[ProjectSpec]()
	}
	if l, isLater := early[field]; isLater {
		return l.what, l.do
	}
	name := field[strings.LastIndexByte(field, '.')+1:]
	what = "there is no such field"
	if similar := closest(name, slices.Sorted(maps.Keys(known))); similar != "" {
		return what, "did you mean " + similar + "?"
	}
	if elsewhere := placesOf(name, spec); len(elsewhere) == 1 {
		return what, "did you mean " + elsewhere[0] + "?"
	}
	return what, fmt.Sprintf("remove it; there are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}

// placesOf finds the fields of a kind's spec that have a name, wherever they are.
func placesOf(name string, spec reflect.Type) []string {
	var found []string
	var look func(path string, t reflect.Type)
	look = func(path string, t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[AppSpec]().PkgPath() {
			return
		}
		for field, ft := range fieldTypes(t) {
			below := path + "." + field
			if field == name {
				found = append(found, below)
			}
			look(below, ft)
		}
	}
	look("spec", spec)
	return found
}

// closest is the name that a mistyped one was probably meant to be, or empty.
func closest(name string, names []string) string {
	best, least := "", max(min(len(name)/2, 2), len(name)/3)+1
	for _, candidate := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the letters to add, remove or change between two words
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
