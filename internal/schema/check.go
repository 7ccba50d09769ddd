package schema

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Problem is what is wrong with one field.
type Problem struct {
	// Steps lead to the field: names, and numbers of list elements.
	Steps   []string
	Message string
}

// Path is the field for people.
func (p Problem) Path() string {
	var b strings.Builder
	for _, step := range p.Steps {
		if _, err := strconv.Atoi(step); err == nil {
			b.WriteString("[" + step + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(step)
	}
	return b.String()
}

// Pointer is the field as a JSON pointer.
func (p Problem) Pointer() string {
	var b strings.Builder
	for _, step := range p.Steps {
		b.WriteString("/" + strings.ReplaceAll(strings.ReplaceAll(step, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// mostProblems bounds how many are told of one object.
const mostProblems = 20

// Check holds an object to the schema of its kind, and says whether there is
// one. Messages tell no values of Secrets.
func (s *Set) Check(o *unstructured.Unstructured) (problems []Problem, known bool, err error) {
	gvk := o.GroupVersionKind()
	compiled, err := s.of(gvk)
	if compiled == nil || err != nil {
		return nil, false, err
	}
	whole := filled(s.openOf(gvk), withoutNulls(o.Object))
	content, err := plain(whole)
	if err != nil {
		return nil, true, err
	}
	err = compiled.Validate(content)
	var wrong *jsonschema.ValidationError
	switch {
	case err == nil:
		problems, err = s.try(gvk, whole) // as the server does, only of what fits
	case errors.As(err, &wrong):
		problems, err = gather(wrong, gvk.Kind == "Secret" && gvk.Group == "", nil), nil
	}
	return told(problems), true, err
}

// try holds an object to the rules of its kind.
func (s *Set) try(gvk schema.GroupVersionKind, o any) ([]Problem, error) {
	rules, err := s.rulesOf(gvk)
	if rules == nil || err != nil {
		return nil, err
	}
	t := &trial{left: objectCost}
	t.value(rules, o, nil)
	return t.problems, nil
}

// told are problems in their order, each once.
func told(problems []Problem) []Problem {
	slices.SortFunc(problems, func(a, b Problem) int { return strings.Compare(a.Path()+a.Message, b.Path()+b.Message) })
	problems = slices.CompactFunc(problems, func(a, b Problem) bool { return a.Path() == b.Path() && a.Message == b.Message })
	return problems[:min(len(problems), mostProblems)]
}

// gather takes the causes that say something by themselves.
func gather(e *jsonschema.ValidationError, secret bool, found []Problem) []Problem {
	if len(e.Causes) > 0 {
		switch e.ErrorKind.(type) {
		case *kind.OneOf, *kind.AnyOf:
			return append(found, Problem{Steps: e.InstanceLocation, Message: alternatives(e, secret)})
		}
		for _, cause := range e.Causes {
			found = gather(cause, secret, found)
		}
		return found
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			found = append(found, Problem{Steps: append(slices.Clone(e.InstanceLocation), name), Message: "there is no such field"})
		}
	case *kind.Required:
		for _, name := range k.Missing {
			found = append(found, Problem{Steps: append(slices.Clone(e.InstanceLocation), name), Message: "is missing"})
		}
	default:
		found = append(found, Problem{Steps: e.InstanceLocation, Message: text(e, secret)})
	}
	return found
}

// alternatives says what would do, where several things would.
func alternatives(e *jsonschema.ValidationError, secret bool) string {
	var words []string
	for _, cause := range e.Causes {
		if t, is := cause.ErrorKind.(*kind.Type); is && len(cause.InstanceLocation) == len(e.InstanceLocation) {
			words = append(words, strings.Join(t.Want, " or "))
		}
	}
	if len(words) == len(e.Causes) && len(words) > 0 {
		return "has to be a " + strings.Join(words, " or a ")
	}
	return text(e, secret)
}

// text is what is wrong, in a few words.
func text(e *jsonschema.ValidationError, secret bool) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return fmt.Sprintf("is of type %s and has to be of type %s", k.Got, strings.Join(k.Want, " or "))
	case *kind.Enum:
		var words []string
		for _, w := range k.Want {
			words = append(words, fmt.Sprint(w))
		}
		return "has to be one of " + strings.Join(words, ", ")
	case *kind.Pattern:
		return "doesn't match the pattern " + k.Want
	case *kind.OneOf:
		if len(k.Subschemas) == 0 {
			return "has none of the forms that its schema names"
		}
		return "has to have just one of the forms that its schema names, and has several"
	case *kind.Not:
		return "is what its schema rules out"
	}
	if secret {
		return "is not what the schema allows"
	}
	return e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
}

// withoutNulls is a value without fields that are null, as the server takes it.
func withoutNulls(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, value := range x {
			if value != nil {
				out[name] = withoutNulls(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = withoutNulls(x[i])
		}
		return out
	}
	return v
}
