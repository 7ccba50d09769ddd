package schema

import (
	"encoding/base64"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
)

// ruled is a schema as its rules need it.
type ruled struct {
	rules  []rule
	kind   string // what the schema calls its type
	format string
	fields map[string]*ruled // of an object
	each   *ruled            // the elements of a list, or the values of a map
}

// reading makes a schema's rules.
type reading struct {
	dialect dialect
	rules   int // that were made
}

// read reads what is at a place of a schema and below.
func (r *reading) read(open map[string]any) *ruled {
	n := &ruled{}
	n.kind, _ = open["type"].(string)
	n.format, _ = open["format"].(string)
	declared, _ := open["x-kubernetes-validations"].([]any)
	for _, one := range declared {
		m, _ := one.(map[string]any)
		if r.rules >= mostRules {
			break
		}
		if made, err := r.dialect.compile(m); err == nil { // others aren't known to hold, nor to be broken
			n.rules = append(n.rules, made)
			r.rules++
		}
	}
	properties, _ := open["properties"].(map[string]any)
	for name, one := range properties {
		if below, is := one.(map[string]any); is {
			if n.fields == nil {
				n.fields = map[string]*ruled{}
			}
			n.fields[name] = r.read(below)
		}
	}
	for _, word := range []string{"items", "additionalProperties"} {
		if below, is := open[word].(map[string]any); is {
			n.each = r.read(below)
		}
	}
	return n
}

// hasRules says whether there is a rule anywhere in a schema.
func hasRules(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if _, has := v["x-kubernetes-validations"]; has {
			return true
		}
		for _, below := range v {
			if hasRules(below) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasRules)
	}
	return false
}

// trial is one object that is held to the rules of its kind.
type trial struct {
	left     uint64 // of what it may cost
	problems []Problem
}

// value holds a value to the rules for it and for what is in it. It returns the
// value as the rules for what it is in see it: with texts that stand for times and
// bytes as those, and fields by the names that rules can write.
func (t *trial) value(n *ruled, v any, steps []string) any {
	switch x := v.(type) {
	case nil:
		return nil
	case map[string]any:
		v = t.object(n, x, steps)
	case []any:
		if n.each == nil {
			break
		}
		list := make([]any, len(x))
		for i := range x {
			list[i] = t.value(n.each, x[i], append(slices.Clip(steps), strconv.Itoa(i)))
		}
		v = list
	default:
		v = n.typed(v)
	}
	for _, r := range n.rules {
		t.try(r, v, steps)
	}
	return v
}

func (t *trial) object(n *ruled, x map[string]any, steps []string) map[string]any {
	made := maps.Clone(x)
	for _, name := range slices.Sorted(maps.Keys(made)) {
		below := n.fields[name]
		if below == nil {
			below = n.each
		}
		if below == nil {
			continue
		}
		made[name] = t.value(below, made[name], append(slices.Clip(steps), name))
		if n.fields[name] != nil {
			made[escaped(name)] = made[name]
		}
	}
	return made
}

// try evaluates a rule. Where that fails, the server would refuse the object, but
// there it knows more: nothing is told.
func (t *trial) try(r rule, self any, steps []string) {
	if t.left == 0 {
		return
	}
	out, details, err := r.program.Eval(map[string]any{"self": self, "oldSelf": types.OptionalNone})
	if details != nil {
		if cost := details.ActualCost(); cost != nil {
			t.left -= min(t.left, *cost)
		}
	}
	if err == nil && out == types.False {
		t.problems = append(t.problems, Problem{Steps: append(slices.Clip(steps), r.below...), Message: r.message})
	}
}

// typed is a value of the type that its schema says.
func (n *ruled) typed(v any) any {
	switch x := v.(type) {
	case int64:
		if n.kind == "number" {
			return float64(x)
		}
	case float64:
		if n.kind != "number" && x == math.Trunc(x) {
			return int64(x)
		}
	case string:
		if made, is := n.parsed(x); is {
			return made
		}
	}
	return v
}

// parsed is what a text stands for by its format, if that is more than a text.
func (n *ruled) parsed(text string) (made any, is bool) {
	var err error
	switch n.format {
	case "date-time":
		made, err = time.Parse(time.RFC3339, text)
	case "date":
		made, err = time.Parse(time.DateOnly, text)
	case "duration":
		made, err = time.ParseDuration(text)
	case "byte":
		made, err = base64.StdEncoding.DecodeString(text)
	default:
		return nil, false
	}
	return made, err == nil
}

// keywords are names that a rule can't write as they are.
var keywords = []string{
	"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
	"namespace", "return", "var", "void", "while",
}

var marks = strings.NewReplacer("__", "__underscores__", ".", "__dot__", "-", "__dash__", "/", "__slash__")

// escaped is a field's name as rules write it.
func escaped(name string) string {
	if slices.Contains(keywords, name) {
		return "__" + name + "__"
	}
	return marks.Replace(name)
}
