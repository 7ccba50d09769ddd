package health

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/status"
)

// rule judges the objects of a kind by CEL expressions. They are compiled when
// the first object comes.
type rule struct {
	compiled func() (compiled, error)
	// habit lets those that no expression knows be judged as if there were no rule.
	habit bool
	// unknown is said of the others.
	unknown string
}

// compiled are the expressions of a rule; nil where there is none.
type compiled struct {
	asked   [4]cel.Program // as questions() has them
	message cel.Program
}

// question is an expression that is true or false, and what follows when it is true.
type question struct {
	field, text string
	health      status.Health
}

// questions are a rule's, in the order in which they decide.
func questions(r v1alpha1.HealthRule) [4]question {
	return [4]question{
		{"suspended", r.Suspended, status.Suspended}, {"degraded", r.Degraded, status.Degraded},
		{"progressing", r.Progressing, status.Progressing}, {"healthy", r.Healthy, status.Healthy},
	}
}

func newRule(of func() (language, error), r v1alpha1.HealthRule) *rule {
	return &rule{
		unknown:  "no expression of its rule is true, so it isn't known whether it works",
		compiled: lazily(func() (c compiled, err error) { return compile(of, r) }),
	}
}

func compile(of func() (language, error), r v1alpha1.HealthRule) (c compiled, err error) {
	l, err := of()
	if err != nil {
		return c, err
	}
	for i, q := range questions(r) {
		if q.text == "" {
			continue
		}
		if c.asked[i], err = l.compile(q.text, cel.BoolType); err != nil {
			return compiled{}, fmt.Errorf("%s: %w", q.field, err)
		}
	}
	if r.Message != "" {
		if c.message, err = l.compile(r.Message, cel.StringType); err != nil {
			return compiled{}, fmt.Errorf("message: %w", err)
		}
	}
	return c, nil
}

// judge says how an object is by the rule, or false where the rule leaves that open.
func (r *rule) judge(o *unstructured.Unstructured) (Verdict, bool) {
	c, err := r.compiled()
	if err != nil {
		return Verdict{status.HealthUnset, "its rule can't be used: " + err.Error()}, true
	}
	vars := map[string]any{"object": whole(o.Object)}
	for i, q := range questions(v1alpha1.HealthRule{}) {
		if q.health == status.Degraded && isStale(o) { // suspended or not, that stands in what is declared
			return Verdict{status.Progressing, staleText(o)}, true
		}
		holds, err := ask(c.asked[i], vars)
		switch {
		case err != nil:
			return Verdict{status.HealthUnset, fmt.Sprintf("its rule can't judge it: %s: %v", q.field, err)}, true
		case holds && (q.health == status.Healthy || q.health == status.Suspended):
			return Verdict{Health: q.health}, true
		case holds:
			return Verdict{q.health, cmp.Or(tell(c.message, vars), unworded(q.health))}, true
		}
	}
	if r.habit {
		return Verdict{}, false
	}
	return Verdict{status.HealthUnset, cmp.Or(tell(c.message, vars), r.unknown)}, true
}

// whole is an object with the fields that rules look into: where there is no
// spec, status, or map of labels or annotations, it has an empty one.
func whole(o map[string]any) map[string]any {
	o = with(o, "spec", "status")
	if metadata, ok := o["metadata"].(map[string]any); ok {
		if filled := with(metadata, "labels", "annotations"); len(filled) > len(metadata) {
			o = maps.Clone(o)
			o["metadata"] = filled
		}
	}
	return o
}

// with is m with empty maps for the names that it lacks; m isn't changed.
func with(m map[string]any, names ...string) map[string]any {
	cloned := false
	for _, name := range names {
		if m[name] != nil {
			continue
		}
		if !cloned {
			m, cloned = maps.Clone(m), true
		}
		m[name] = map[string]any{}
	}
	return m
}

// ask says whether an expression is true. One about what isn't there is false.
func ask(p cel.Program, vars map[string]any) (bool, error) {
	if p == nil {
		return false, nil
	}
	out, _, err := p.Eval(vars)
	switch {
	case err != nil && absent(err):
		return false, nil
	case err != nil && strings.Contains(err.Error(), "cost limit exceeded"):
		return false, fmt.Errorf("it takes more than %d steps with this object; make the expression simpler", mostCost)
	case err != nil:
		return false, err
	}
	holds, ok := out.Value().(bool)
	if !ok {
		return false, fmt.Errorf("it gives %s, not true or false", out.Type().TypeName())
	}
	return holds, nil
}

// tell is what an expression has to say, in one line; empty where it can't.
func tell(p cel.Program, vars map[string]any) string {
	if p == nil {
		return ""
	}
	out, _, err := p.Eval(vars)
	if err != nil {
		return ""
	}
	text, _ := out.Value().(string)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > mostMessage {
		cut := mostMessage
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return text
}

// unworded is what is said where a status gives no reason.
func unworded(h status.Health) string {
	if h == status.Degraded {
		return "does not work; its status doesn't say why"
	}
	return "isn't ready yet"
}

// isStale says whether a status tells of an older generation than is declared.
func isStale(o *unstructured.Unstructured) bool {
	seen, ok := observed(o)
	return ok && seen < o.GetGeneration()
}

func staleText(o *unstructured.Unstructured) string {
	seen, _ := observed(o)
	return fmt.Sprintf("its controller has seen generation %d, and not yet %d", seen, o.GetGeneration())
}

// observed is the generation that a status tells of. Some write it as a text.
func observed(o *unstructured.Unstructured) (int64, bool) {
	content, _ := o.Object["status"].(map[string]any)
	switch seen := content["observedGeneration"].(type) {
	case int64:
		return seen, true
	case string:
		var n int64
		_, err := fmt.Sscanf(seen, "%d", &n)
		return n, err == nil && fmt.Sprint(n) == seen
	default:
		return 0, false
	}
}

// mostRules bounds how many rules one App may have.
const mostRules = 100

// Check says what is wrong with an App's own rules.
func Check(rules []v1alpha1.HealthRule) (wrong []v1alpha1.FieldError) {
	if len(rules) == 0 {
		return nil
	}
	path := func(names ...string) []string { return append([]string{"spec", "health", "rules"}, names...) }
	l, err := newLanguage()
	if err != nil {
		return []v1alpha1.FieldError{{Path: path(), What: err.Error(), Do: "report it"}}
	}
	if len(rules) > mostRules {
		return []v1alpha1.FieldError{{Path: path(), What: fmt.Sprintf("has %d rules", len(rules)), Do: fmt.Sprintf("give at most %d", mostRules)}}
	}
	for i, r := range rules {
		at := fmt.Sprint(i)
		if ByPresence(schema.GroupKind{Group: r.Group, Kind: r.Kind}) {
			wrong = append(wrong, v1alpha1.FieldError{
				Path: path(at, "kind"), What: fmt.Sprintf("%q can't be judged by a rule: it is well once it is there, and its content isn't kept", r.Kind), Do: "leave the rule out",
			})
		}
		check := func(field, text string, want *cel.Type) {
			if text == "" {
				return
			}
			if _, err := l.compile(text, want); err != nil {
				wrong = append(wrong, v1alpha1.FieldError{Path: path(at, field), What: "is no CEL expression that can be used: " + err.Error(), Do: "correct it; docs/health.md tells how to write one"})
			}
		}
		for _, q := range questions(r) {
			check(q.field, q.text, cel.BoolType)
		}
		check("message", r.Message, cel.StringType)
	}
	return wrong
}
