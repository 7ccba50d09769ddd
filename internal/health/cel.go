package health

import (
	"cmp"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The bounds of an expression. Its cost is counted, not its time, so that the
// same object is judged in the same way on a busy machine.
const (
	mostText    = 4 << 10 // code points
	mostNodes   = 2_000   // after its macros are expanded
	mostDepth   = 50
	mostCost    = 100_000 // about one for each step, and for ten letters that are compared
	mostMessage = 1_000   // letters of a message that are kept
)

// language is what an expression can use: CEL with its macros and optional
// fields, and the function condition.
type language struct{ env *cel.Env }

// newLanguage costs a third of a megabyte and no more than a look at an object.
func newLanguage() (language, error) {
	f := newFinder()
	env, err := cel.NewEnv(
		cel.Variable("object", cel.MapType(cel.StringType, cel.DynType)),
		cel.OptionalTypes(),
		cel.Function("condition",
			cel.MemberOverload("condition_of", []*cel.Type{cel.DynType, cel.StringType}, conditionType(), cel.BinaryBinding(f.of)),
			cel.MemberOverload("condition_of_generation", []*cel.Type{cel.DynType, cel.StringType, cel.DynType}, conditionType(), cel.FunctionBinding(f.ofGeneration)),
		),
		cel.ParserExpressionSizeLimit(mostText), cel.ParserRecursionLimit(mostDepth), cel.ExpressionNodeLimit(mostNodes),
	)
	if err != nil {
		return language{}, fmt.Errorf("set CEL up: %w", err)
	}
	return language{env}, nil
}

func conditionType() *cel.Type { return cel.MapType(cel.StringType, cel.StringType) }

// compile reads an expression for a value of a type.
func (l language) compile(text string, want *cel.Type) (cel.Program, error) {
	ast, issues := l.env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, fmt.Errorf("%s", firstIssue(issues))
	}
	if got := ast.OutputType(); !got.IsExactType(want) && !got.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("it gives %s, not %s", nameOf(got), nameOf(want))
	}
	return l.env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostTracking(prices{}), cel.CostLimit(mostCost))
}

// firstIssue is the first thing wrong with an expression, in one line.
func firstIssue(issues *cel.Issues) string {
	first := issues.Errors()[0]
	text, _, _ := strings.Cut(first.Message, "\n")
	return fmt.Sprintf("%s (column %d)", text, first.Location.Column()+1)
}

func nameOf(t *cel.Type) string {
	switch {
	case t.IsExactType(cel.BoolType):
		return "true or false"
	case t.IsExactType(cel.StringType):
		return "a text"
	default:
		return t.String()
	}
}

// prices says what a call costs, by what it has to look at. CEL's own prices
// don't know the sizes of what has no declared type, which is all of an object.
type prices struct{}

// CallCost implements cost.ActualCostEstimator.
func (prices) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	price := 1 + lettersOf(result)/10
	for _, arg := range args {
		switch {
		case function == "condition":
			price += len(conditionsOf(contentOf(arg)))
		case function == operators.Equals, function == operators.NotEquals, function == operators.In:
			price += sizeOf(arg, mostCost)
		default:
			price += lettersOf(arg) / 10
		}
	}
	total := uint64(price)
	return &total
}

func lettersOf(v ref.Val) int {
	switch v := v.(type) {
	case types.String:
		return len(v)
	case types.Bytes:
		return len(v)
	default:
		return 0
	}
}

// sizeOf is how much there is to compare in a value; it stops to count where
// that is too much.
func sizeOf(v ref.Val, most int) int {
	n := 1 + lettersOf(v)/10
	iterable, ok := v.(traits.Iterable)
	if !ok {
		return n
	}
	mapper, _ := v.(traits.Mapper)
	for it := iterable.Iterator(); it.HasNext() == types.True && n < most; {
		next := it.Next()
		n += sizeOf(next, most-n)
		if mapper != nil {
			n += sizeOf(mapper.Get(next), most-n)
		}
	}
	return n
}

// finder is the function condition.
type finder struct{ none ref.Val } // what is found where there is none

func newFinder() finder {
	return finder{types.NewStringStringMap(types.DefaultTypeAdapter, map[string]string{"status": "", "reason": "", "message": ""})}
}

// of is x.condition(TYPE): the condition of a type in x.status.conditions or else
// x.conditions. What isn't there has empty texts.
func (f finder) of(x, kind ref.Val) ref.Val {
	content := contentOf(x)
	found := find(conditionsOf(content), kind)
	if found == nil {
		return f.none
	}
	generation, _, _ := unstructured.NestedInt64(content, "metadata", "generation")
	return told(found, generation)
}

// ofGeneration is x.condition(TYPE, GENERATION), where x doesn't know it.
func (f finder) ofGeneration(args ...ref.Val) ref.Val {
	found := find(conditionsOf(contentOf(args[0])), args[1])
	if found == nil {
		return f.none
	}
	generation, _ := args[2].Value().(int64)
	return told(found, generation)
}

// contentOf is the map behind a value, or nil.
func contentOf(x ref.Val) map[string]any {
	content, _ := x.Value().(map[string]any)
	return content
}

func conditionsOf(content map[string]any) []any {
	if status, ok := content["status"].(map[string]any); ok {
		content = status
	}
	list, _ := content["conditions"].([]any)
	return list
}

// find finds the condition of a type, or nil.
func find(list []any, kind ref.Val) map[string]any {
	name, _ := kind.Value().(string)
	for _, one := range list {
		if c, _ := one.(map[string]any); c["type"] == name {
			return c
		}
	}
	return nil
}

// told is what a condition tells of a generation. One of an older generation
// tells nothing; one without a message has its reason for it.
func told(c map[string]any, generation int64) ref.Val {
	text := func(field string) string { s, _ := c[field].(string); return s }
	status, reason, message := text("status"), text("reason"), text("message")
	if seen, ok := c["observedGeneration"].(int64); ok && seen < generation {
		status, reason, message = "Unknown", "Stale", fmt.Sprintf("%s is known of generation %d, not yet of %d", text("type"), seen, generation)
	}
	return types.NewStringStringMap(types.DefaultTypeAdapter, map[string]string{"status": status, "reason": reason, "message": cmp.Or(message, reason)})
}

// absent says whether an expression found no value because what it looks at
// isn't there: to it that is false, so that no rule has to ask for each field.
func absent(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "no such key") || strings.HasPrefix(text, "index out of bounds")
}

// lazily is a value that is made at its first use.
func lazily[T any](f func() (T, error)) func() (T, error) { return sync.OnceValues(f) }
