package schema

import (
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
)

// The bounds of rules. The API server has the same for what they cost; it holds
// the CRD to more, which isn't applied to it here.
const (
	mostRuleText = 16 << 10 // code points of one
	mostDepth    = 100      // of its brackets
	mostRules    = 5_000    // of one kind
	ruleCost     = 1_000_000
	objectCost   = 10_000_000 // of all rules for one object
)

// rule is one of x-kubernetes-validations.
type rule struct {
	program cel.Program
	below   []string // the field that it is about, below the one where it stands
	message string
}

// dialect is what rules are written in: CEL with what it brings along. The
// functions that Kubernetes adds of its own aren't there.
type dialect struct{ alone, changing *cel.Env }

func newDialect() (d dialect, err error) {
	d.alone, err = cel.NewEnv(
		cel.Variable("self", cel.DynType),
		cel.OptionalTypes(), cel.DefaultUTCTimeZone(true), cel.CrossTypeNumericComparisons(true), cel.EnableIdentifierEscapeSyntax(),
		cel.ParserExpressionSizeLimit(mostRuleText), cel.ParserRecursionLimit(mostDepth),
		ext.Strings(), ext.Lists(), ext.Sets(), ext.TwoVarComprehensions(), ext.Network(),
	)
	if err == nil {
		d.changing, err = d.alone.Extend(cel.Variable("oldSelf", cel.DynType))
	}
	if err != nil {
		return d, fmt.Errorf("set CEL up: %w", err)
	}
	return d, nil
}

// compile makes one rule. It fails for one that compares an object with what it
// was before, and for one that uses what isn't there.
func (d dialect) compile(declared map[string]any) (rule, error) {
	text, _ := declared["rule"].(string)
	env := d.alone
	if declared["optionalOldSelf"] == true {
		env = d.changing
	}
	ast, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return rule{}, err
	}
	program, err := env.Program(ast, cel.CostTracking(prices{}), cel.CostLimit(ruleCost))
	if err != nil {
		return rule{}, err
	}
	r := rule{program: program, message: "has to satisfy the rule " + strings.TrimSpace(text)}
	if message, _ := declared["message"].(string); message != "" {
		r.message = message
	}
	if at, _ := declared["fieldPath"].(string); at != "" {
		r.below = fields(at)
	}
	return r, nil
}

// step is one name of a path such as .spec.names['first'].
var step = regexp.MustCompile(`\.([A-Za-z_][A-Za-z0-9_]*)|\['([^']*)'\]`)

// fields are the names of a path.
func fields(at string) (names []string) {
	for _, found := range step.FindAllStringSubmatch(at, -1) {
		names = append(names, found[1]+found[2])
	}
	return names
}

// prices are what calls cost that look at whole values: CEL's own prices don't
// know the sizes of what has no declared type.
type prices struct{}

// CallCost implements interpreter.ActualCostEstimator.
func (prices) CallCost(function, _ string, args []ref.Val, _ ref.Val) *uint64 {
	switch function {
	case operators.Equals, operators.NotEquals, operators.In:
	default:
		return nil
	}
	price := uint64(1)
	for _, arg := range args {
		price += sizeOf(arg, ruleCost)
	}
	return &price
}

// sizeOf is how much there is to compare in a value, as far as it matters.
func sizeOf(v ref.Val, most uint64) uint64 {
	n := uint64(1)
	if text, is := v.(types.String); is {
		return n + uint64(len(text))/10
	}
	values, is := v.(traits.Iterable)
	if !is {
		return n
	}
	byKey, _ := v.(traits.Mapper)
	for it := values.Iterator(); it.HasNext() == types.True && n < most; {
		next := it.Next()
		n += sizeOf(next, most-n)
		if byKey != nil && n < most {
			n += sizeOf(byKey.Get(next), most-n)
		}
	}
	return n
}
