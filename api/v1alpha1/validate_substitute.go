package v1alpha1

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
)

// variable is a name that ${NAME} may have.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func validateSubstitute(s *sink, sub Substitute) {
	const field = "spec.render.substitute"
	for _, name := range slices.Sorted(maps.Keys(sub.Values)) {
		if !variable.MatchString(name) {
			s.add(field+".values", fmt.Sprintf("%q is not a name that ${…} can have", name), "use letters, digits and _, beginning with a letter")
		}
	}
	for i, from := range sub.From {
		at := fmt.Sprintf("%s.from[%d]", field, i)
		validateGiven(s, at, from)
		if from.Key != "" {
			s.add(at+".key", "is given, but each key is a value here", "leave it out")
		}
		if from.At != "" {
			s.add(at+".at", "is given, but each key is a value here", "leave it out")
		}
	}
}

// validateGiven holds what names values in the target to what they can be.
func validateGiven(s *sink, field string, g Given) {
	if g.Kind != "ConfigMap" && g.Kind != "Secret" {
		s.add(field+".kind", fmt.Sprintf("%q holds no values", g.Kind), "use ConfigMap or Secret")
	}
	if g.Name == "" || len(validation.IsDNS1123Subdomain(g.Name)) > 0 {
		s.add(field+".name", fmt.Sprintf("%q is not the name of one", g.Name), "give the name alone; it is looked up in spec.target.namespace")
	}
}
